"""The switches of the simulated Jira: what its answers and its webhooks suffer."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from app.sandbox.jira.faults import Fault
from app.sandbox.jira.mishaps import Mishap
from app.sandbox.jira.pages.shell import Refusal, Shell, Visit
from app.sandbox.mischief import Mischief
from app.sandbox.switches import Chosen, Group, NotOffered, Option, Switch, Switchboard

if TYPE_CHECKING:
    from app.sandbox.jira.site import JiraSite

EVERYWHERE = ("*", "/rest/**")
COMMENTING = ("POST", "/rest/**/comment")
PER_ISSUE = "jira-per-issue-on-write"
REASONS = (
    ("jira-quota-global-based", "quota of all sites"),
    ("jira-quota-tenant-based", "quota of this site"),
    ("jira-burst-based", "burst"),
    (PER_ISSUE, "writes on one issue"),
)
SECONDS = tuple((str(number), f"{number} s") for number in (2, 5, 15))
WAIT = Option("seconds", "By", SECONDS)


class FaultPages:
    """The page of the switches, and what it sends."""

    def __init__(self, site: JiraSite, shell: Shell) -> None:
        self._site = site
        self._shell = shell

    def show(self, visit: Visit) -> Response:
        return self._shell.page(visit, "faults.html", board=self._site.switches)

    def turn(self, visit: Visit) -> Response:
        try:
            self._site.switches.obey(visit.form)
        except NotOffered as error:
            raise Refusal(400, "Nothing was switched", str(error)) from error
        return visit.to(visit.back)


def switchboard(site: JiraSite) -> Switchboard:
    faults, mishaps = site.faults, site.webhooks.mishaps
    return Switchboard(
        Group(
            "answers",
            "Answers to the app",
            "request",
            _answers(site),
            partial(_told_answers, site),
            faults.remove,
            faults.clear,
        ),
        Group(
            "webhooks",
            "Webhooks to the app",
            "webhook",
            _webhooks(site),
            partial(_told_webhooks, site),
            mishaps.remove,
            mishaps.clear,
        ),
    )


def _answers(site: JiraSite) -> tuple[Switch, ...]:
    def fail(*where: str, kind: Any, **details: Any) -> None:
        site.faults.add(where[0], where[1], kind, **details)

    def slow(chosen: Chosen, times: int | None) -> None:
        fail(*EVERYWHERE, kind="slow", times=times, seconds=float(chosen["seconds"]))

    def limited(chosen: Chosen, times: int | None) -> None:
        reason, wait = chosen["reason"], int(chosen["seconds"])
        where = COMMENTING if reason == PER_ISSUE else EVERYWHERE
        fail(*where, kind="status", times=times, status=429, retry_after=wait, reason=reason)

    return (
        Switch("slow", "Slow", "Every answer takes its time.", slow, (WAIT,)),
        Switch(
            "down",
            "Down",
            "Every request is answered with 503.",
            lambda _, times: fail(*EVERYWHERE, kind="status", times=times, status=503),
        ),
        Switch(
            "limited",
            "Rate limit",
            "429 with Retry-After and RateLimit-Reason, as on the real site.",
            limited,
            (Option("reason", "Reason", REASONS), Option("seconds", "Retry after", SECONDS)),
        ),
        Switch(
            "unanswered",
            "Answer lost after the commit",
            "A comment is written, but the connection breaks before the app hears of it.",
            lambda _, times: fail(*COMMENTING, kind="reset_after_commit", times=times),
        ),
    )


def _webhooks(site: JiraSite) -> tuple[Switch, ...]:
    mishaps = site.webhooks.mishaps
    return (
        Switch(
            "late",
            "Late",
            "Webhooks are kept back for a while.",
            lambda chosen, times: mishaps.add("late", times, seconds=float(chosen["seconds"])),
            (WAIT,),
        ),
        Switch(
            "doubled",
            "Doubled",
            "Each is delivered twice at once, with the same identifier.",
            lambda _, times: mishaps.add("doubled", times),
        ),
        Switch(
            "dropped",
            "Lost",
            "They never arrive. The app has to find out by itself.",
            lambda _, times: mishaps.add("dropped", times),
        ),
    )


def _told_answers(site: JiraSite) -> Sequence[tuple[Mischief, str]]:
    return [(fault, _answer_told(fault)) for fault in site.faults.waiting]


def _answer_told(fault: Fault) -> str:
    what = {
        "status": f"Jira answers {fault.status}",
        "slow": f"Jira answers {fault.seconds:g} s late",
        "hang": f"Jira keeps silent for {fault.seconds:g} s",
        "reset": "Jira drops the connection",
        "reset_after_commit": "Jira writes the comment, but its answer is lost",
    }[fault.kind]
    return f"{what} ({dict(REASONS).get(fault.reason, fault.reason)})" if fault.reason else what


def _told_webhooks(site: JiraSite) -> Sequence[tuple[Mischief, str]]:
    return [(mishap, _webhook_told(mishap)) for mishap in site.webhooks.mishaps.waiting]


def _webhook_told(mishap: Mishap) -> str:
    if mishap.kind == "late":
        return f"Webhooks are {mishap.seconds:g} s late"
    return "Webhooks come twice" if mishap.kind == "doubled" else "Webhooks are lost"
