"""ChatKit's events of a run, made into those of one item: ours."""

from __future__ import annotations

from datetime import datetime

from chatkit.types import (
    AssistantMessageContent,
    AssistantMessageContentPartAdded,
    AssistantMessageContentPartAnnotationAdded,
    AssistantMessageContentPartDone,
    AssistantMessageContentPartTextDelta,
    AssistantMessageItem,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemUpdatedEvent,
    ThreadStreamEvent,
)

_OF_A_PART = (
    AssistantMessageContentPartAdded,
    AssistantMessageContentPartAnnotationAdded,
    AssistantMessageContentPartDone,
    AssistantMessageContentPartTextDelta,
)


class Reply:
    """The answer as it grows.

    ChatKit reuses OpenAI's message ids, and a response may hold several messages. Here all of
    them are parts of one item with our id, which is done once and last: when the run has ended
    well, so that an answer which fails at its end was never called finished.
    """

    def __init__(self, item_id: str, thread_id: str, created_at: datetime) -> None:
        self._item = AssistantMessageItem(
            id=item_id, thread_id=thread_id, created_at=created_at, content=[]
        )
        self._first_part: dict[str, int] = {}  # OpenAI's message id → its first part in ours

    @property
    def text(self) -> str:
        return "".join(part.text for part in self._item.content)

    def take(self, event: ThreadStreamEvent) -> ThreadStreamEvent | None:
        """The event as it goes on, or None where it tells nothing of the answer."""
        match event:
            case ThreadItemAddedEvent(item=AssistantMessageItem() as message):
                return self._begin(message.id)
            case ThreadItemUpdatedEvent(item_id=message_id) if message_id in self._first_part:
                return self._grow(event)
            case ThreadItemDoneEvent(item=AssistantMessageItem() as message):
                self._item.content[self._first_part[message.id] :] = message.content
        return None

    def done(self) -> ThreadItemDoneEvent:
        return ThreadItemDoneEvent(item=self._item.model_copy(deep=True))

    def _begin(self, message_id: str) -> ThreadStreamEvent | None:
        another = bool(self._first_part)
        self._first_part[message_id] = len(self._item.content)
        if another:
            return None
        return ThreadItemAddedEvent(item=self._item.model_copy(deep=True))

    def _grow(self, event: ThreadItemUpdatedEvent) -> ThreadStreamEvent | None:
        if not isinstance(event.update, _OF_A_PART):
            return None
        index = self._first_part[event.item_id] + event.update.content_index
        update = event.update.model_copy(update={"content_index": index})
        content = self._item.content
        while len(content) <= index:
            content.append(AssistantMessageContent(text=""))
        match update:
            case AssistantMessageContentPartTextDelta():
                content[index].text += update.delta
            case AssistantMessageContentPartAdded() | AssistantMessageContentPartDone():
                content[index] = update.content.model_copy()
        return ThreadItemUpdatedEvent(item_id=self._item.id, update=update)
