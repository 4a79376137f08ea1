"""What became of it all: counted at Jira, at the model, and on what the watchers were told."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from sqlmodel import Session, col, select

from app.store.tables import Event, Turn
from tests.chaos.people import CANARY, Asked, Watcher
from tests.support.world import World

MARK = re.compile(r"Q\d+x\d+x\d+")
PROPERTY = "jira-chatkit"


@dataclass
class Verdict:
    """Counts. What may only be nought stands in :data:`NOUGHTS`.

    Attributes:
        failed: turns that ended as failed, for all to see; a person can run them again.
        lost: questions that no reply covers, and no failed turn.
        doubled: replies and brought messages beyond the first of their kind.
        gaps: watchers who were not told an event, or told it twice, or another than the log holds.
        leaked: where an internal note's words were found that it must not reach.
        missing: the questions that no reply covers, by issue and mark.
    """

    kills: int = 0
    cuts: int = 0
    questions: int = 0
    replies: int = 0
    brought: int = 0
    watchers: int = 0
    events: int = 0
    failed: int = 0
    lost: int = 0
    doubled: int = 0
    gaps: int = 0
    leaked: int = 0
    missing: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        return not any(getattr(self, name) for name in NOUGHTS)

    def __str__(self) -> str:
        counts = {name: count for name, count in vars(self).items() if name != "missing"}
        told = [f"{name} {count}" for name, count in counts.items()]
        return "  ".join([*told, *(f"missing: {one}" for one in self.missing)])


NOUGHTS = ("lost", "doubled", "gaps", "leaked")


def uncovered(here: World, asked: Iterable[Asked]) -> list[Asked]:
    """Questions that no reply in Jira covers."""
    covered = {mark for key in {one.key for one in asked} for mark in _covered(here, key)}
    return [one for one in asked if one.mark not in covered]


def judge(here: World, asked: Sequence[Asked], watchers: Sequence[Watcher]) -> Verdict:
    """Count everything; the app has come to rest."""
    verdict = Verdict(questions=len(asked), watchers=len(watchers))
    keys = {one.key for one in asked} | {watcher.key for watcher in watchers}
    for key in sorted(keys):
        covered = _covered(here, key)
        verdict.doubled += sum(times - 1 for times in covered.values())
        ours = [mark for mark, _ in _ours(here, key)]
        for role, by in (("assistant", "turn_id"), ("user", "item_id")):
            marks = Counter(str(mark[by]) for mark in ours if mark["role"] == role)
            verdict.doubled += sum(times - 1 for times in marks.values())
            if role == "assistant":
                verdict.replies += len(marks)
            else:
                verdict.brought += len(marks)
    verdict.failed = here.read(_failed)
    verdict.missing = [f"{one.key} {one.mark}" for one in uncovered(here, asked)]
    verdict.lost = max(0, len(verdict.missing) - verdict.failed)
    verdict.lost += sum(one.by_panel for one in asked) - verdict.brought
    for watcher in watchers:
        told = watcher.source.events
        verdict.cuts += watcher.cuts
        verdict.events += len(told)
        verdict.gaps += not _is_whole(here, watcher)
        verdict.leaked += sum(CANARY in one.data for one in told)
    verdict.leaked += sum(CANARY in str(request.body) for request in here.openai.requests)
    return verdict


def _covered(here: World, key: str) -> Counter[str]:
    """How often each question's mark stands in a reply."""
    said = [text for mark, text in _ours(here, key) if mark["role"] == "assistant"]
    return Counter(mark for text in said for mark in set(MARK.findall(text)))


def _ours(here: World, key: str) -> list[tuple[dict[str, object], str]]:
    """Our comments on an issue: their marks, and their words."""
    account = here.jira.app_account.account_id
    return [
        (mark, comment.text)
        for comment in here.jira.comments(key)
        if comment.author.account_id == account
        and isinstance(mark := comment.properties.get(PROPERTY), dict)
    ]


def _failed(db: Session) -> int:
    return len(db.exec(select(Turn.id).where(Turn.state == "failed")).all())


def _is_whole(here: World, watcher: Watcher) -> bool:
    """Whether it was told what the log holds behind its first event, in order, once."""
    told = watcher.source.events
    if not told or told[0].type != "stream.resync":
        return False
    first = watcher.source.numbers()[0]
    log = here.read(_log, watcher.thread_id, first)
    return [(int(one.id.partition("-")[2]), one.type) for one in told[1:]] == log


def _log(db: Session, thread_id: str, behind: int) -> list[tuple[int, str]]:
    rows = db.exec(
        select(Event.n, Event.type)
        .where(Event.thread_id == thread_id, Event.n > behind)
        .order_by(col(Event.n))
    )
    return [(n, kind) for n, kind in rows]
