"""What one turn brings to the assistant, and what it takes away."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from agents import TResponseInputItem

from app.assistant.models import ModelAccess
from app.assistant.workflow import WorkflowDefinition
from app.firewall import IssueFacts


@dataclass(frozen=True)
class Usage:
    """Model tokens. ``estimated`` where the model was stopped or cut before it reported any."""

    input_tokens: int = 0
    output_tokens: int = 0
    estimated: bool = False


@dataclass
class TurnContext:
    """One attempt of one turn, for one call of ``AssistantServer.respond``.

    Attributes:
        thread_id: the thread that is read: where the question stands.
        reply_item_id: what every event of the answer calls it.
        read_through: sort key of the newest item to read; None reads all.
        hint: what the team asks for beside the workflow's instructions; None or empty for nothing.
        notes: whether it may read what stands in Jira as an internal note.
        left_out: ids of items that the model is not given.
        beside: of a turn for the team alone, what was said in public: roles and texts, in order.
        given: what the model will be given, once `AssistantServer.weigh` has read it.
        usage: set once ``respond`` has ended, however it ended.
        truncated: the answer stops at the workflow's ``max_output_tokens``.
        cancelled: somebody called `cancel`; ``respond`` then ends without an item that is done.
    """

    tenant_id: str
    thread_id: str
    turn_id: str
    reply_item_id: str
    audience: Literal["public", "internal"]
    workflow: WorkflowDefinition
    access: ModelAccess
    issue: IssueFacts | None = None
    read_through: str | None = None
    hint: str | None = None
    notes: bool = False
    left_out: frozenset[str] = frozenset()
    beside: tuple[tuple[str, str], ...] = ()
    given: list[TResponseInputItem] | None = field(default=None, init=False)
    usage: Usage = field(default=Usage(), init=False)
    truncated: bool = field(default=False, init=False)
    cancelled: bool = field(default=False, init=False)
    _stop: Callable[[], None] | None = field(default=None, init=False, repr=False)

    def cancel(self) -> None:
        """Stop the model at once, also before its first word. From the turn's own event loop."""
        self.cancelled = True
        if self._stop is not None:
            self._stop()

    def stops_by(self, stop: Callable[[], None]) -> None:
        """Name what `cancel` is to call from now on."""
        self._stop = stop
