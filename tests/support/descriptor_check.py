"""Whether atlassian-connect.json is a descriptor that Jira would take; part of ``make check``.

The published schema is of 2019: two opt-ins that came later are checked here by hand. What the
app asks for is compared with what it is known to need, so that a scope or an event cannot be
added without somebody noticing.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jsonschema import Draft4Validator

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = ROOT / "tests" / "data" / "connect-descriptor.schema.json"
DESCRIPTOR = ROOT / "atlassian-connect.json"
BASE_URL = "https://assistant.example.com"

# READ: issues, comments, permissions. WRITE: one comment a turn. Nothing else is needed.
SCOPES = {"READ", "WRITE"}
# developer.atlassian.com/cloud/jira/platform/modules/webhook
KNOWN_EVENTS = {
    *(f"comment_{what}" for what in ("created", "updated", "deleted")),
    *(f"jira:issue_{what}" for what in ("created", "updated", "deleted")),
    *(f"worklog_{what}" for what in ("created", "updated", "deleted")),
    *(f"attachment_{what}" for what in ("created", "deleted")),
    *(f"issuelink_{what}" for what in ("created", "deleted")),
    *(f"project_{what}" for what in ("created", "updated", "deleted")),
    *(f"user_{what}" for what in ("created", "updated", "deleted")),
    *(f"issue_property_{what}" for what in ("set", "deleted")),
    *(f"jira:version_{what}" for what in ("created", "updated", "deleted", "released", "moved")),
}
# RS256 lifecycle calls, tokens that cannot pass for frames, account ids without names.
MIGRATIONS = {"signed-install", "context-qsh", "gdpr"}
NEWER_THAN_THE_SCHEMA = {"signed-install", "context-qsh"}


def problems(descriptor: dict[str, Any]) -> Iterator[str]:
    """A line for each fault of a rendered descriptor; none is a descriptor in order."""
    migrations = descriptor.get("apiMigrations", {})
    lasting = {key: on for key, on in migrations.items() if key not in NEWER_THAN_THE_SCHEMA}
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    for error in Draft4Validator(schema).iter_errors({**descriptor, "apiMigrations": lasting}):
        yield f"{error.json_path}: {error.message}"

    for name in sorted(MIGRATIONS):
        if migrations.get(name) is not True:
            yield f"apiMigrations.{name} is not true"
    scopes = descriptor.get("scopes", [])
    if set(scopes) != SCOPES or len(scopes) != len(SCOPES):
        yield f"scopes are {scopes}, needed are {sorted(SCOPES)}"
    if descriptor.get("authentication") != {"type": "jwt"}:
        yield "authentication.type is not jwt"
    if not str(descriptor.get("baseUrl", "")).startswith("https://"):
        yield "baseUrl is not the base URL"
    for name in ("installed", "uninstalled", "enabled", "disabled"):
        if not str(descriptor.get("lifecycle", {}).get(name, "")).startswith("/"):
            yield f"lifecycle.{name} is missing"
    yield from _webhook_problems(descriptor.get("modules", {}).get("webhooks", []))


def _webhook_problems(webhooks: list[dict[str, Any]]) -> Iterator[str]:
    events = [webhook.get("event") for webhook in webhooks]
    for event in sorted({str(event) for event in events}):
        if event not in KNOWN_EVENTS:
            yield f"{event} is no event of Jira's"
        if events.count(event) > 1:
            yield f"{event} is asked for twice"
    for webhook in webhooks:
        if webhook.get("excludeBody"):
            yield f"{webhook.get('event')} comes without the body that intake reads"


def rendered(source: str, base_url: str = BASE_URL) -> dict[str, Any]:
    """The descriptor with its one hole filled."""
    text = source.replace("{{ base_url }}", base_url)
    if "{{" in text:
        raise ValueError("a hole other than {{ base_url }} is left in the descriptor")
    descriptor: dict[str, Any] = json.loads(text)
    return descriptor


def main() -> int:
    found = list(problems(rendered(DESCRIPTOR.read_text(encoding="utf-8"))))
    for line in found:
        sys.stderr.write(f"{DESCRIPTOR.name}: {line}\n")
    if not found:
        sys.stdout.write(f"{DESCRIPTOR.name}: in order\n")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
