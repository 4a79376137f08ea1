"""Whether forge/manifest.yml is one that Forge would take; part of ``make check``.

Atlassian's linter judges its shape. What that misses is judged here: an event that does not exist
is taken by it and never sent, and a token without its scope is taken and never handed over. What is
asked for is compared with the calls that are made, so that no scope is missing and none too many.
"""

from __future__ import annotations

import ast
import gzip
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from app import forge_folder, forge_manifest

ROOT = Path(__file__).resolve().parents[2]
LINTER = ROOT / ".ci" / "npm" / "forge-lint.mjs"
LINTED_BY = ROOT / ".ci" / "npm" / "node_modules" / "@forge" / "manifest"
JIRA = ROOT / "app" / "jira"
MISSING = "no linter for Forge: install it by `sh .ci/pages`, which needs npm or fetches it"

PATH = re.compile(r"/rest/[a-z0-9/{}]+", re.ASCII)

APP_ID = "ari:cloud:ecosystem::app/406d303d-0393-4ec4-ad7c-1435be94583a"
BASE_URL = "https://assistant.example.com"
RENDERED = {
    "manifest.yml": forge_manifest.judged(APP_ID, BASE_URL),
    "manifest.yml with regions": forge_manifest.judged(
        APP_ID, f"{BASE_URL}/chat", ["EU=https://eu.example.com", "US=https://us.example.com/chat"]
    ),
    "manifest.yml over Connect": forge_manifest.judged(
        APP_ID, BASE_URL, connect_key="jira-chatkit"
    ),
}

# developer.atlassian.com/platform/forge/events-reference/: jira, life-cycle
EVENTS = {
    "avi:jira:commented:issue", "avi:jira:deleted:comment", "avi:jira:mentioned:comment",
    "avi:jira:created:issue", "avi:jira:updated:issue", "avi:jira:deleted:issue",
    "avi:jira:assigned:issue", "avi:jira:viewed:issue", "avi:jira:mentioned:issue",
}  # fmt: skip
LIFECYCLE = {f"avi:forge:{what}:app" for what in ("installed", "upgraded", "uninstalled")}
EVENTS_NEED = "read:jira-work"
TOKENS = {"appSystemToken": "read:app-system-token", "appUserToken": "read:app-user-token"}
# What Connect calls by its own tokens need where such installs are carried over.
CONNECT = {"read:connect-jira", "write:connect-jira"}

ISSUES, WRITE, PEOPLE = "read:jira-work", "write:jira-work", "read:jira-user"
REQUESTS = "read:servicedesk-request"
SCOPES: dict[str, set[str]] = {
    "/rest/api/3/comment/list": {ISSUES},
    "/rest/api/3/comment/{}/properties/{}": {ISSUES},
    "/rest/api/3/issue/{}": {ISSUES},
    "/rest/api/3/issue/{}/comment": {ISSUES, WRITE},
    "/rest/api/3/myself": {PEOPLE},
    "/rest/api/3/mypermissions": {ISSUES},
    "/rest/api/3/permissions/check": set(),
    "/rest/api/3/project/search": {ISSUES},
    "/rest/api/3/project/{}": {ISSUES},
    "/rest/api/3/search/jql": {ISSUES},
    "/rest/api/3/user": {PEOPLE},
    "/rest/api/3/user/bulk": {PEOPLE},
    "/rest/api/3/user/permission/search": {PEOPLE},
    "/rest/servicedeskapi/organization/{}/user": {
        "read:organization.user:jira-service-management",
        "read:user:jira",
    },
    "/rest/servicedeskapi/request/{}/approval": {REQUESTS},
    "/rest/servicedeskapi/request/{}/participant": {REQUESTS},
}
"""By path: what Atlassian's own description of its interface asks of OAuth callers."""


def missing() -> str | None:
    """What would be lacking here and how to install it, or None."""
    return None if LINTED_BY.is_dir() and _node() else MISSING


Linted = tuple[list[str], dict[str, Any]]
"""What Atlassian's linter says of a folder's manifest, and the manifest as it was read."""


def linted(folders: Sequence[Path]) -> list[Linted]:
    """Each folder's, in order; most of the time goes by before the first."""
    command = [_node() or "node", str(LINTER), *map(str, folders)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [(found["problems"], found["manifest"]) for found in json.loads(done.stdout)]


def problems(manifest: Mapping[str, Any], calls: set[str]) -> Iterator[str]:
    """A line for each fault that the linter does not find; ``calls`` are paths of Jira's."""
    modules = manifest.get("modules", {})
    scopes = list(manifest.get("permissions", {}).get("scopes", ()))
    yield from _events(modules.get("trigger", ()))
    yield from _endpoints(modules)
    yield from _remotes(manifest)
    wanted = _wanted(modules, calls)
    if "connectModules" in manifest:
        wanted |= CONNECT
    for scope in sorted(wanted - set(scopes)):
        yield f"permissions.scopes lacks {scope}"
    for scope in sorted(set(scopes) - wanted):
        yield f"permissions.scopes holds {scope}, which nothing needs"
    for scope in sorted({scope for scope in scopes if scopes.count(scope) > 1}):
        yield f"permissions.scopes holds {scope} twice"
    for path in sorted(calls - SCOPES.keys()):
        yield f"app/jira calls {path}: its scopes are not known here"
    if "connectModules" in manifest and len(manifest["connectModules"]["jira:lifecycle"]) != 1:
        yield "connectModules takes exactly one jira:lifecycle"


def calls_of(folder: Path = JIRA) -> set[str]:
    """The paths of Jira's that the code names, with ``{}`` where a value goes."""
    trees = (ast.parse(path.read_text(encoding="utf-8")) for path in sorted(folder.rglob("*.py")))
    texts = {text for tree in trees for text in _texts(tree)}
    return {text for text in texts if PATH.fullmatch(text)}


def _texts(node: ast.AST) -> Iterator[str]:
    """Each text of the code, whole: what an f-string is made of is none by itself."""
    if isinstance(node, ast.JoinedStr):
        yield "".join(
            str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values
        )
    elif isinstance(node, ast.Constant):
        yield str(node.value)
    else:
        for child in ast.iter_child_nodes(node):
            yield from _texts(child)


def _events(triggers: list[dict[str, Any]]) -> Iterator[str]:
    asked = [event for trigger in triggers for event in trigger.get("events", ())]
    for event in sorted(set(asked)):
        if event not in EVENTS | LIFECYCLE:
            yield f"{event} is no event of Forge's"
        if asked.count(event) > 1:
            yield f"{event} is asked for twice"
    for event in sorted(LIFECYCLE - set(asked)):
        yield f"{event} is not asked for"
    for trigger in triggers:
        products = EVENTS.intersection(trigger.get("events", ()))
        if products and trigger.get("filter", {}).get("ignoreSelf") is not True:
            yield f"trigger {trigger.get('key')} does not ignore what the app does itself"


def _endpoints(modules: Mapping[str, Any]) -> Iterator[str]:
    """Who is called without anybody looking needs a path, and has no user."""
    endpoints = {one.get("key"): one for one in modules.get("endpoint", ())}
    pages = ("jira:issuePanel", "jira:adminPage")
    looked_at = {one.get("resolver", {}).get("endpoint") for kind in pages for one in modules[kind]}
    kinds = ("trigger", "scheduledTrigger", "preUninstall")
    called = {one.get("endpoint") for kind in kinds for one in modules.get(kind, ())}
    for key in sorted(looked_at | called, key=str):
        endpoint = endpoints.get(key)
        if endpoint is None:
            yield f"there is no endpoint {key}"
        elif not _has(endpoint, "appSystemToken"):
            yield f"endpoint {key} brings no token of the app's"
        elif key in looked_at and not _has(endpoint, "appUserToken"):
            yield f"endpoint {key} brings no token of who looks"
        elif key in called and (not endpoint.get("route") or _has(endpoint, "appUserToken")):
            yield f"endpoint {key} is called by Forge: it needs a route.path and has no user"


def _remotes(manifest: Mapping[str, Any]) -> Iterator[str]:
    """The pages may call each remote, and nothing that is not ours."""
    fetch = manifest.get("permissions", {}).get("external", {}).get("fetch", {})
    named = {entry.get("remote") for entry in fetch.get("client") or ()}
    for remote in manifest.get("remotes", ()):
        if remote["key"] not in named:
            yield f"pages may not call remote {remote['key']}: permissions.external.fetch.client"


def _wanted(modules: Mapping[str, Any], calls: set[str]) -> set[str]:
    wanted = set().union(*(SCOPES.get(path, set()) for path in calls))
    for endpoint in modules.get("endpoint", ()):
        wanted |= {scope for token, scope in TOKENS.items() if _has(endpoint, token)}
    if any(EVENTS.intersection(one.get("events", ())) for one in modules.get("trigger", ())):
        wanted.add(EVENTS_NEED)
    return wanted


def _has(endpoint: Mapping[str, Any], token: str) -> bool:
    return endpoint.get("auth", {}).get(token, {}).get("enabled") is True


def _node() -> str | None:
    """Node.js, the machine's or the one that `.ci/pages` got."""
    beside = str(Path(sys.executable).parent)
    return shutil.which("node", path=beside) or shutil.which("node")


def main() -> int:
    found = []
    with tempfile.TemporaryDirectory() as parent:
        folders = [Path(parent) / name for name in RENDERED]
        for folder, app in zip(folders, RENDERED.values(), strict=True):
            forge_folder.write(app, folder)
        for name, (said, manifest) in zip(RENDERED, linted(folders), strict=True):
            found += [f"{name}: {line}" for line in (*said, *problems(manifest, calls_of()))]
    for line in found:
        sys.stderr.write(f"{line}\n")
    for bundle in sorted((ROOT / forge_folder.BUNDLES).iterdir()):
        content = bundle.read_bytes()
        zipped = len(gzip.compress(content, mtime=0))
        sys.stdout.write(f"{bundle.name}: {len(content):,} bytes, {zipped:,} compressed\n")
    if not found:
        sys.stdout.write(f"{', '.join(RENDERED)}: in order\n")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
