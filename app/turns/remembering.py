"""What this process read of an issue a moment ago, so that Jira is not asked for it again.

It is kept by public thread, for ``FRESH_FOR`` at most, and holds only as long as nothing that is
not about comments was told: a webhook of the issue itself forgets it, participants and reporter
included. News is consumed under the thread's lease, by any process; so it is forgotten, too,
where the lease's fence shows that another worker had the thread meanwhile.

What others may do on the issue may thus be ten minutes old when a comment of theirs is judged.
Confidentiality and posting do not rest on it: a comment is told apart by what Jira says of it
now, and the last look reads the issue anew. Where an answer was made from a summary or
description that is another one by then, it is made anew.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from app.firewall import IssueFacts, issue_facts
from app.jira.adf import body_to_markdown
from app.jira.types import Issue
from app.store.threads import Lease
from app.turns.answering import Standing

FRESH_FOR = timedelta(minutes=10)
SECONDS = timedelta(seconds=30)
"""How old the facts of an answer may be that no last look follows: a draft's."""
KEPT = 1_000
LONGEST = 65_536  # characters of an issue's words; a longer one is read each time
MOST_STANDINGS = 200


class Standings:
    """What people are to one issue, each for ``FRESH_FOR`` after Jira was asked."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[datetime, Standing]] = OrderedDict()

    def of(self, account_id: str, now: datetime) -> Standing | None:
        asked_at, standing = self._kept.get(account_id, (None, None))
        return standing if asked_at is not None and _is_fresh(asked_at, now, FRESH_FOR) else None

    def keep(self, account_id: str, standing: Standing, now: datetime) -> None:
        self._kept[account_id] = (now, standing)
        self._kept.move_to_end(account_id)
        if len(self._kept) > MOST_STANDINGS:
            self._kept.popitem(last=False)


@dataclass(frozen=True)
class Remembered:
    """One issue, as it was read.

    Attributes:
        issue: without its description and other fields.
        words: JSON of its summary and description, as Jira gave them.
        read_at: by our clock.
        read_under: the fence of the lease under which it was read.
        quiet: instants. If Jira's ``updated`` of the issue is one of them, its newest comment is
            one that the thread knows, where every later comment raises ``updated``.
    """

    issue: Issue
    words: str
    read_at: datetime
    read_under: int
    standings: Standings
    quiet: frozenset[datetime] = frozenset()

    @property
    def facts(self) -> IssueFacts:
        """What a model may be told of it."""
        fields = {**json.loads(self.words), "status": {"name": self.issue.status_name}}
        return issue_facts(fields, markdown=body_to_markdown)


@dataclass
class _Entry:
    fence: int  # of the lease that was last seen to work on the thread
    remembered: Remembered | None = None
    given: str | None = None  # words, to the answer under way under that lease, from memory


@dataclass
class Memory:
    """See the module. One a process."""

    _entries: OrderedDict[tuple[str, str], _Entry] = field(default_factory=OrderedDict)
    _raising: OrderedDict[str, bool] = field(default_factory=OrderedDict)

    def follow(self, lease: Lease) -> None:
        """Somebody works under the lease now: what another worker may have outdated is dropped."""
        key = (lease.tenant_id, lease.thread_id)
        entry = self._entries.pop(key, None)
        if entry is None or lease.fence - entry.fence not in {0, 1}:
            entry = _Entry(lease.fence)
        elif entry.fence != lease.fence:
            entry.fence, entry.given = lease.fence, None
        self._entries[key] = entry
        if len(self._entries) > KEPT:
            self._entries.popitem(last=False)

    def recall(
        self, lease: Lease, now: datetime, lifetime: timedelta = FRESH_FOR
    ) -> Remembered | None:
        """What is remembered, if it holds under this lease and is not older than that."""
        entry = self._of(lease)
        found = entry.remembered if entry else None
        return found if found is not None and _is_fresh(found.read_at, now, lifetime) else None

    def forget(self, lease: Lease) -> None:
        """Something befell the issue: it is to be read anew before anything is said of it."""
        if (entry := self._of(lease)) is not None:
            entry.remembered = None

    def give(self, lease: Lease, remembered: Remembered) -> IssueFacts:
        """The facts, for an answer; where they are older than the lease, ``differs`` has them."""
        if (entry := self._of(lease)) is not None:
            entry.given = remembered.words if remembered.read_under != lease.fence else None
        return remembered.facts

    def differs(self, lease: Lease, read: Remembered) -> bool:
        """Whether an answer under way was made from words of the issue that are other ones now."""
        entry = self._of(lease)
        given = entry.given if entry else None
        return given is not None and given != read.words

    def keep(self, lease: Lease, read: Remembered) -> None:
        """Remember what was read, once it is filed."""
        if (entry := self._of(lease)) is not None:
            entry.remembered = read if len(read.words) <= LONGEST else None

    def take_in(self, lease: Lease, issue: Issue, now: datetime) -> Remembered:
        """What was just read, with the standings that still hold; not remembered before ``keep``.

        Who reports it, or which project it is in, may have changed without a word.
        """
        entry = self._of(lease)
        before = entry.remembered if entry else None
        same = before is not None and _whose(before.issue) == _whose(issue)
        return Remembered(
            issue=issue.model_copy(update={"description": None, "fields": {}}),
            words=_words(issue.fields),
            read_at=now,
            read_under=lease.fence,
            standings=before.standings if before is not None and same else Standings(),
            quiet=before.quiet if before is not None else frozenset(),
        )

    def note_newest(self, tenant_id: str, updated: datetime, written: datetime) -> None:
        """An issue's ``updated`` and its newest comment's ``created``, as they were read together.

        That a comment sets the one to the other is Jira's habit, and documented nowhere: it is
        believed of a site where it was seen, and until it is seen not to be so.
        """
        if written >= updated:
            self._raising[tenant_id] = written == updated
            self._raising.move_to_end(tenant_id)
            if len(self._raising) > KEPT:
                self._raising.popitem(last=False)

    def comments_raise_updated(self, tenant_id: str) -> bool:
        """Whether the tenant's Jira was seen to note a comment's time on its issue."""
        return self._raising.get(tenant_id, False)

    def _of(self, lease: Lease) -> _Entry | None:
        entry = self._entries.get((lease.tenant_id, lease.thread_id))
        return entry if entry is not None and entry.fence == lease.fence else None


def quieted(remembered: Remembered, *instants: datetime | None) -> Remembered:
    """The same, where of these instants alone it is known that no later comment was written."""
    return replace(remembered, quiet=frozenset(at for at in instants if at is not None))


def _words(fields: Mapping[str, object]) -> str:
    told = {name: fields.get(name) for name in ("summary", "description")}
    return json.dumps(told, sort_keys=True, separators=(",", ":"))


def _whose(issue: Issue) -> tuple[str, bool | None, str | None]:
    reporter = issue.reporter.account_id if issue.reporter else None
    return issue.project_id, issue.service_project, reporter


def _is_fresh(since: datetime, now: datetime, lifetime: timedelta) -> bool:
    return since <= now < since + lifetime
