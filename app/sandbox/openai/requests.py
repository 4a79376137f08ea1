"""What was asked, taken apart: ``POST /v1/responses`` as its reference describes the body."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

MIN_OUTPUT_TOKENS = 16


class BadBody(Exception):
    """The body breaks the reference. ``param`` names the field, ``code`` is OpenAI's."""

    def __init__(self, message: str, param: str | None, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.code = code


@dataclass(frozen=True)
class ResponseRequest:
    """One request that was let in.

    Attributes:
        key: the API key that came with it.
        body: the whole parsed body.
        instructions: empty where there are none.
        messages: (role, text) in order; the parts of one message are joined by a line break.
    """

    key: str
    body: dict[str, Any]
    instructions: str
    messages: tuple[tuple[str, str], ...]

    @property
    def model(self) -> str:
        return str(self.body["model"])

    @property
    def stream(self) -> bool:
        return bool(self.body.get("stream"))

    @property
    def max_output_tokens(self) -> int | None:
        value = self.body.get("max_output_tokens")
        return value if isinstance(value, int) else None

    @property
    def last_user_text(self) -> str:
        return next((text for role, text in reversed(self.messages) if role == "user"), "")

    @property
    def text(self) -> str:
        """Everything the model was given, in one string: for asking what it was not given."""
        return "\n".join([self.instructions, *(text for _, text in self.messages)])


def parse(key: str, body: object) -> ResponseRequest:
    """Read a body.

    Raises:
        BadBody: a field is missing or of the wrong kind.
    """
    if not isinstance(body, dict):
        raise BadBody("We could not parse the JSON body of your request.", None)
    if not isinstance(body.get("model"), str):
        raise BadBody("Missing required parameter: 'model'.", "model", "missing_required_parameter")
    limit = body.get("max_output_tokens")
    if limit is not None and (not isinstance(limit, int) or limit < MIN_OUTPUT_TOKENS):
        raise BadBody(
            f"Invalid 'max_output_tokens': expected a value >= {MIN_OUTPUT_TOKENS}.",
            "max_output_tokens",
            "integer_below_min_value",
        )
    return ResponseRequest(
        key=key,
        body=body,
        instructions=str(body.get("instructions") or ""),
        messages=_messages(body.get("input")),
    )


def _messages(given: object) -> tuple[tuple[str, str], ...]:
    if isinstance(given, str):
        return (("user", given),)
    if not isinstance(given, list):
        raise BadBody("Invalid type for 'input'.", "input", "invalid_type")
    messages = []
    for number, item in enumerate(given):
        if not isinstance(item, dict):
            raise BadBody(f"Invalid type for 'input[{number}]'.", "input", "invalid_type")
        if item.get("type", "message") == "message":
            messages.append((str(item.get("role")), _text(item.get("content"), number)))
    return tuple(messages)


def _text(content: object, number: int) -> str:
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "\n".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    raise BadBody(f"Invalid type for 'input[{number}].content'.", "input", "invalid_type")
