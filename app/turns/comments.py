"""What becomes of a comment that was looked at: an item, a question, a takeover, or nothing.

Looked at twice, it is the same as once. What a turn has read is covered, whenever the news of
it comes; what was hidden keeps its place, so that nothing is asked twice.
"""

from __future__ import annotations

import re
from dataclasses import replace as altered

from app.store import threads, turns
from app.store.ids import new_id
from app.store.statements import sort_key
from app.store.tables import Item, Outgoing, Turn
from app.turns import drafts, items, outgoing
from app.turns.acting import interruptible
from app.turns.answering import Message, Standing, judge, takes_over
from app.turns.desk import Desk
from app.turns.draft_state import draft_of
from app.turns.sightings import Sighting

HEADER = re.compile(r"\A\*\*[^\n]*:\*\*(?:\n\n|\Z)")
"""The line of ours above a person's words that we brought: the writer's name."""


def file_sighting(desk: Desk, sighting: Sighting) -> None:
    """File one comment as it is now."""
    item = threads.item_by_comment(desk.db, desk.thread.id, sighting.comment_id)
    if sighting.standing == "ourselves" or sighting.author_id == desk.app_account:
        _file_own(desk, sighting, item)
    elif sighting.audience != "public":
        if item is not None:
            _take_away(desk, sighting, item)
    elif item is not None:
        _file_known(desk, sighting, item)
    else:
        _file_new(desk, sighting)


def ask_or_keep(desk: Desk, message: Message, item: Item, *, covered: bool = False) -> None:
    """Store a new item; it asks if the rules say so, and nothing has answered it already."""
    threads.add_item(desk.db, item)
    if not covered:
        _judge(desk, message, item)
    desk.tell("thread.item.done", item)


def replace(desk: Desk, item: Item, text: str) -> None:
    """Other words in an item's place."""
    if item.text == text:
        return
    if items.is_read_now(desk.db, item):
        desk.note_changed()
    items.rewrite(desk.db, item, text, desk.now)


def _judge(desk: Desk, message: Message, item: Item) -> None:
    verdict = judge(message, desk.policy, app_account=desk.app_account, now=desk.now)
    item.asks = verdict != "ignore"
    item.as_draft = verdict == "draft"
    if item.asks:
        desk.note_asked()


def _message(sighting: Sighting) -> Message:
    return Message(sighting.text, sighting.standing, sighting.created, sighting.mentions)


# --- what people wrote ------------------------------------------------------------------------


def _file_new(desk: Desk, sighting: Sighting) -> None:
    message = _message(sighting)
    item = _item_of(desk, sighting)
    item.history = sighting.history
    ask_or_keep(desk, message, item, covered=sighting.history)
    if not sighting.history and takes_over(message, desk.policy):
        desk.take_over(sighting.created)


def _file_known(desk: Desk, sighting: Sighting, item: Item) -> None:
    if item.state == threads.HIDDEN:
        _show_again(desk, sighting, item)
        return
    edited = item.text != sighting.text
    replace(desk, item, sighting.text)
    message = _message(sighting)
    if item.history and sighting.news:
        # The thread's first fill was faster than the news of this comment.
        item.history = False
        if takes_over(message, desk.policy):
            desk.take_over(sighting.created)
        elif not turns.has_read(desk.db, item.thread_id, item.sort_key):
            _judge(desk, message, item)
    elif edited and item.asks and _is_open(desk, item):
        verdict = judge(message, desk.policy, app_account=desk.app_account, now=desk.now)
        if verdict == "ignore":
            item.asks, item.answered_by = False, None


def _is_open(desk: Desk, item: Item) -> bool:
    """Whether an answer to it can still be taken back."""
    if item.answered_by is None:
        return True
    turn = turns.by_id(desk.db, item.tenant_id, item.answered_by)
    return turn is not None and turn.finished_at is None and interruptible(turn)


def _show_again(desk: Desk, sighting: Sighting, item: Item) -> None:
    item.state, item.text, item.updated_at = "done", sighting.text, desk.now
    desk.tell("thread.item.done", item)
    if item.asks and item.answered_by is None:
        desk.note_asked()


def _take_away(desk: Desk, sighting: Sighting, item: Item) -> None:
    """Deleted, or not public any more."""
    if item.state == threads.HIDDEN:
        return
    if items.is_read_now(desk.db, item):
        desk.note_changed()
    drafts.withdraw_unasked(desk.db, item, desk.now)
    if sighting.audience == "gone":
        items.take_out(desk.db, item, desk.now)
    else:
        items.hide(desk.db, item, desk.now)


def _item_of(desk: Desk, sighting: Sighting) -> Item:
    ours = sighting.standing == "ourselves" and sighting.mark.get("role") != "user"
    return Item(
        id=new_id("item"),
        tenant_id=desk.thread.tenant_id,
        thread_id=desk.thread.id,
        sort_key=place_of(sighting),
        kind="assistant_message" if ours else "user_message",
        role="assistant" if ours else role_of(sighting.standing),
        author_id=sighting.author_id,
        comment_id=sighting.comment_id,
        text=sighting.text,
        created_at=sighting.created,
        updated_at=desk.now,
    )


def place_of(sighting: Sighting) -> str:
    """The comment's place among the public ones, by its ``sort_key``."""
    tie = int(sighting.comment_id) if sighting.comment_id.isdigit() else 0
    return sort_key(sighting.created, tie)


def role_of(standing: Standing) -> str:
    """What an item calls its writer."""
    return {"customer": "customer", "agent": "agent", "app": "app"}.get(standing, "person")


# --- our own ----------------------------------------------------------------------------------


def _file_own(desk: Desk, sighting: Sighting, item: Item | None) -> None:
    """Our own comment: it belongs to its turn or its writer, and is never a question by itself.

    A message that was brought as a note stays on the public thread, where its writer put it.
    """
    sighting = _without_header(sighting)
    if sighting.audience == "gone" and item is None:
        _file_gone(desk, sighting)
    elif item is not None and sighting.audience != "public":
        if sighting.audience == "gone" or not outgoing.is_note(desk.db, item):
            _take_away(desk, sighting, item)
    elif item is not None and item.state == threads.HIDDEN:
        _show_again(desk, sighting, item)
    elif item is not None and sighting.edited_by_person:
        replace(desk, item, sighting.text)
    elif item is None:
        _file_own_new(desk, sighting)


def _without_header(sighting: Sighting) -> Sighting:
    if sighting.mark.get("role") != "user":
        return sighting
    return altered(sighting, text=HEADER.sub("", sighting.text))


def _file_own_new(desk: Desk, sighting: Sighting) -> None:
    turn = turns.by_id(desk.db, desk.thread.tenant_id, str(sighting.mark.get("turn_id", "")))
    brought = _brought(desk, sighting)
    if brought is not None:
        outgoing.note_told(desk.db, brought, sighting.comment_id, desk.now)
    elif turn is not None and turn.finished_at is None and sighting.mark.get("role") != "user":
        _note_posted(desk, sighting, turn)
    elif sighting.audience == "public":
        threads.add_item(desk.db, made := _item_of(desk, sighting))
        desk.tell("thread.item.done", made)


def _brought(desk: Desk, sighting: Sighting) -> Outgoing | None:
    """What we are bringing that the comment is, or was, by its mark."""
    tenant_id, mark = desk.thread.tenant_id, sighting.mark
    if mark.get("role") == "user":
        row = outgoing.by_item(desk.db, tenant_id, str(mark.get("item_id", "")))
    else:
        row = outgoing.by_turn(desk.db, desk.thread.id, str(mark.get("turn_id", "")))
    if row is None or row.thread_id != desk.thread.id or row.role != mark.get("role"):
        return None
    return row if row.comment_id in {None, sighting.comment_id} else None


def _note_posted(desk: Desk, sighting: Sighting, turn: Turn) -> None:
    """Jira has the turn's comment, or had it: it is not posted again."""
    if turn.state != "posting" or not turn.posts or turn.comment_id is not None:
        return
    if not turns.posted_as(desk.db, desk.thread.id, sighting.comment_id):
        turn.comment_id = sighting.comment_id


def _file_gone(desk: Desk, sighting: Sighting) -> None:
    """Deleted: a note of ours on the internal thread, or what was tried last and never heard of."""
    db, comment_id = desk.db, sighting.comment_id
    internal = threads.of_issue(db, desk.thread.tenant_id, desk.issue.issue_id, "internal")
    note = threads.item_by_comment(db, internal.id, comment_id) if internal else None
    if note is not None and (draft_of(note) or {}).get("as") != "public":
        items.take_out(db, note, desk.now)
    if turns.posted_as(db, desk.thread.id, comment_id):
        return
    asked = [
        (one.tried_at, one)
        for one in (turns.live(db, desk.thread.id), outgoing.tried(db, desk.thread.id))
        if one is not None and one.tried_at is not None and one.tried_at <= sighting.created
    ]
    last = max(asked, key=lambda tried: tried[0])[1] if asked else None
    if isinstance(last, Outgoing):
        outgoing.note_told(db, last, comment_id, desk.now)
    elif last is not None:
        _note_posted(desk, sighting, last)
