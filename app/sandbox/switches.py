"""Switches for what goes wrong, as people use them on the pages of either simulated system."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from app.sandbox.mischief import Mischief

TIMES = (
    ("1", "the next one"),
    ("3", "the next 3"),
    ("10", "the next 10"),
    ("always", "until switched off"),
)
Chosen = Mapping[str, str]


class NotOffered(ValueError):
    """A form asks for what no switch offers. The text is for the person."""


@dataclass(frozen=True)
class Option:
    """Something to choose with a switch: pairs of a form's value and what a person reads."""

    name: str
    label: str
    choices: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Switch:
    """``turn_on`` is given what was chosen of ``options``, and how often; None is until off."""

    name: str
    title: str
    text: str
    turn_on: Callable[[Chosen, int | None], None]
    options: tuple[Option, ...] = ()


@dataclass(frozen=True)
class Active:
    """One that is on: ``id`` switches it off again."""

    id: str
    title: str
    left: str


@dataclass(frozen=True)
class Group:
    """Switches of one kind, and the faults that they steer.

    Attributes:
        waiting: what is on; ``told`` says what one of them does.
        remove: switches one off by its number.
    """

    name: str
    title: str
    unit: str
    switches: tuple[Switch, ...]
    waiting: Callable[[], Sequence[tuple[Mischief, str]]]
    remove: Callable[[int], None]
    clear: Callable[[], None]


class Switchboard:
    """All switches of one system."""

    def __init__(self, *groups: Group) -> None:
        self.groups = groups
        self.times = TIMES

    @property
    def active(self) -> list[Active]:
        return [
            Active(f"{group.name}-{fault.number}", title, _left(fault, group.unit))
            for group in self.groups
            for fault, title in group.waiting()
        ]

    def obey(self, form: Mapping[str, str]) -> None:
        """Do what a form says: ``on`` names a switch, ``off`` one that is on, or ``all``.

        Raises:
            NotOffered: it says something else.
        """
        if form.get("off") == "all":
            for group in self.groups:
                group.clear()
        elif "off" in form:
            self._off(form["off"])
        else:
            self._on(form)

    def _off(self, active: str) -> None:
        name, _, number = active.rpartition("-")
        group = next((one for one in self.groups if one.name == name), None)
        if group is None or not number.isdecimal():
            raise NotOffered("There is no such switch.")
        group.remove(int(number))

    def _on(self, form: Mapping[str, str]) -> None:
        switches = chain.from_iterable(group.switches for group in self.groups)
        switch = next((one for one in switches if one.name == form.get("on")), None)
        if switch is None:
            raise NotOffered("There is no such switch.")
        chosen = {one.name: _chosen(form, one.name, one.choices) for one in switch.options}
        times = _chosen(form, "times", TIMES)
        switch.turn_on(chosen, None if times == "always" else int(times))


def _chosen(form: Mapping[str, str], name: str, choices: tuple[tuple[str, str], ...]) -> str:
    value = form.get(name, "")
    if value not in dict(choices):
        raise NotOffered(f"Choose one of the offered values for “{name}”.")
    return value


def _left(fault: Mischief, unit: str) -> str:
    if fault.times is None:
        return "until switched off"
    return f"for one more {unit}" if fault.times == 1 else f"for {fault.times} more {unit}s"
