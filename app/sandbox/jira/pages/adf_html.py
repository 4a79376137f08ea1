"""Documents as HTML. What is not known is shown by its children; every text is escaped."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from markupsafe import Markup, escape

Node = dict[str, Any]
LINKED = frozenset({"http", "https", "mailto"})
PANEL_LOOKS = frozenset({"info", "note", "success", "warning", "error"})
STATUS_LOOKS = {
    "blue": "indeterminate",
    "green": "done",
    "purple": "discovery",
    "red": "danger",
    "yellow": "warning",
}

_WRAPS = {
    "paragraph": Markup("<p>{}</p>"),
    "bulletList": Markup("<ul>{}</ul>"),
    "listItem": Markup("<li>{}</li>"),
    "taskList": Markup('<ul class="adf-tasks">{}</ul>'),
    "blockquote": Markup("<blockquote>{}</blockquote>"),
    "codeBlock": Markup('<pre tabindex="0"><code>{}</code></pre>'),
    "table": Markup('<div class="adf-table"><table><tbody>{}</tbody></table></div>'),
    "tableRow": Markup("<tr>{}</tr>"),
    "tableHeader": Markup("<th>{}</th>"),
    "tableCell": Markup("<td>{}</td>"),
}
_MARKS = {
    "strong": Markup("<strong>{}</strong>"),
    "em": Markup("<em>{}</em>"),
    "code": Markup("<code>{}</code>"),
    "strike": Markup("<s>{}</s>"),
    "underline": Markup("<u>{}</u>"),
}
_LINK = Markup('<a href="{}" rel="noopener noreferrer nofollow">{}</a>')


def render(node: Node) -> Markup:
    kind = str(node.get("type"))
    if kind in _SPECIAL:
        return _SPECIAL[kind](node, node.get("attrs") or {})
    return _WRAPS.get(kind, Markup("{}")).format(_children(node))


def _children(node: Node) -> Markup:
    return Markup("").join(render(child) for child in node.get("content") or [])


def _text(node: Node, _attrs: Node) -> Markup:
    shown = escape(str(node.get("text", "")))
    for mark in node.get("marks") or []:
        kind, attrs = mark.get("type"), mark.get("attrs") or {}
        if kind == "link":
            shown = _link(str(attrs.get("href", "")), shown)
        elif kind == "subsup":
            tag = Markup("<sub>{}</sub>") if attrs.get("type") == "sub" else Markup("<sup>{}</sup>")
            shown = tag.format(shown)
        elif kind in _MARKS:
            shown = _MARKS[kind].format(shown)
    return shown


def _link(href: str, shown: Markup) -> Markup:
    return _LINK.format(href, shown) if urlsplit(href).scheme in LINKED else shown


def _heading(node: Node, attrs: Node) -> Markup:
    """Two levels down: the page's own headings come first."""
    level = min(int(attrs.get("level", 3)) + 2, 6)
    return Markup("<h{0}>{1}</h{0}>").format(level, _children(node))


def _ordered_list(node: Node, attrs: Node) -> Markup:
    return Markup('<ol start="{}">{}</ol>').format(int(attrs.get("order", 1)), _children(node))


def _card(_node: Node, attrs: Node) -> Markup:
    url = str(attrs.get("url", ""))
    return _link(url, escape(url))


def _mention(_node: Node, attrs: Node) -> Markup:
    return Markup('<span class="adf-mention">{}</span>').format(attrs.get("text", "@…"))


def _emoji(_node: Node, attrs: Node) -> Markup:
    return escape(attrs.get("text") or attrs.get("shortName") or "")


def _status(_node: Node, attrs: Node) -> Markup:
    look = STATUS_LOOKS.get(str(attrs.get("color")), "neutral")
    shown = Markup('<span class="lozenge lozenge-{}">{}</span>')
    return shown.format(look, attrs.get("text", ""))


def _panel(node: Node, attrs: Node) -> Markup:
    kind = str(attrs.get("panelType"))
    look = kind if kind in PANEL_LOOKS else "info"
    shown = Markup('<div class="adf-panel adf-panel-{}">{}</div>')
    return shown.format(look, _children(node))


def _task(node: Node, attrs: Node) -> Markup:
    done = attrs.get("state") == "DONE"
    shown = Markup('<li class="adf-task"><label><input type="checkbox" disabled{}> {}</label></li>')
    return shown.format(Markup(" checked") if done else "", _children(node))


def _date(_node: Node, attrs: Node) -> Markup:
    moment = datetime.fromtimestamp(int(attrs.get("timestamp", 0)) / 1000, UTC)
    return Markup("<time>{}</time>").format(f"{moment:%d %b %Y}")


def _expand(node: Node, attrs: Node) -> Markup:
    title = attrs.get("title") or "Details"
    shown = Markup("<details><summary>{}</summary>{}</details>")
    return shown.format(title, _children(node))


_SPECIAL: dict[str, Callable[[Node, Node], Markup]] = {
    "text": _text,
    "hardBreak": lambda _node, _attrs: Markup("<br>"),
    "rule": lambda _node, _attrs: Markup("<hr>"),
    "heading": _heading,
    "orderedList": _ordered_list,
    "inlineCard": _card,
    "blockCard": _card,
    "mention": _mention,
    "emoji": _emoji,
    "status": _status,
    "panel": _panel,
    "taskItem": _task,
    "date": _date,
    "expand": _expand,
    "nestedExpand": _expand,
}
