"""Bodies and queries, judged before anything is done with them.

A frozen pydantic model says what is taken; whatever does not fit is told by the name of its
field, in words of our own. Nothing that was sent is repeated.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError
from starlette.requests import Request

from app.errors import BadRequest, Invalid
from app.i18n import Text, listed, t
from app.web.responses import read_body

MAX_TEXT = 32_000
"""Characters of one message."""
MAX_REMARK = 2_000
"""Characters of what a person adds to a decision."""
UNPRINTABLE = "\0"
"""JSON can spell it; PostgreSQL cannot keep it."""

OURS = "ours"
"""The type of an error whose text we wrote ourselves, and which may be told."""

B = TypeVar("B", bound="Body")


class Body(BaseModel):
    """Base of whatever is sent to us; what it does not name is ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class NoBody(Body):
    """A call that needs none."""


def ours(text: Text) -> PydanticCustomError:
    """For a validator to raise: ``text`` goes on after the field's name."""
    return PydanticCustomError(OURS, "{text}", {"text": text})


def _worded(text: str) -> str:
    if not text.strip():
        raise ours(t("must hold something beyond white space"))
    return text.replace(UNPRINTABLE, "\ufffd")


def _kept(text: str) -> str:
    return text.replace(UNPRINTABLE, "\ufffd").strip()


def _named(text: str) -> str:
    if not text.isprintable():
        raise ours(t("must hold printable characters alone"))
    return text


Words = Annotated[
    str, StringConstraints(min_length=1, max_length=MAX_TEXT), AfterValidator(_worded)
]
"""What a person wrote: not empty, at most ``MAX_TEXT`` characters."""

Remark = Annotated[str, StringConstraints(max_length=MAX_REMARK), AfterValidator(_kept)]
"""What a person adds to a decision; may be empty."""

ClientId = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(_named)]
"""What a client calls a message, so that sending it again does not double it."""

_WHOLE_NUMBER = t("must be a whole number")
_TRUE_OR_FALSE = t("must be true or false")
_TEXTS: dict[str, Callable[[Mapping[str, Any]], Text]] = {
    "missing": lambda _: t("is missing"),
    "string_type": lambda _: t("must be text"),
    "string_too_short": lambda _: t("must not be empty"),
    "string_too_long": lambda told: t("must be at most {most} characters", most=told["max_length"]),
    "literal_error": lambda told: t("must be {expected}", expected=_either(told["expected"])),
    "int_type": lambda _: _WHOLE_NUMBER,
    "int_parsing": lambda _: _WHOLE_NUMBER,
    "int_from_float": lambda _: _WHOLE_NUMBER,
    "bool_type": lambda _: _TRUE_OR_FALSE,
    "bool_parsing": lambda _: _TRUE_OR_FALSE,
    "greater_than": lambda told: t("must be more than {bound}", bound=told["gt"]),
    "greater_than_equal": lambda told: t("must be at least {bound}", bound=told["ge"]),
    "less_than_equal": lambda told: t("must be at most {bound}", bound=told["le"]),
}
"""By pydantic's type of an error; what it tells is ours, never what was sent."""


async def read_json(request: Request, model: type[B]) -> B:
    """The request's body as ``model``. No body at all lacks each of its fields.

    Raises:
        BodyTooLarge: see :func:`app.web.responses.read_body`.
        BadRequest: it is no JSON.
        Invalid: it is another thing than ``model`` takes; ``fields`` says where.
    """
    return _judged(await read_body(request) or b"{}", model)


async def read_nothing(request: Request) -> None:
    """The body of a call that needs none; whatever stands there is let be, within the limit."""
    await read_body(request)


def read_query(request: Request, model: type[B]) -> B:
    """The request's query as ``model``. Raises ``Invalid`` as :func:`read_json` does."""
    try:
        return model.model_validate(dict(request.query_params))
    except ValidationError as error:
        raise _refusal(error) from None


def _judged(raw: bytes, model: type[B]) -> B:
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        raise _refusal(error) from None


def _refusal(error: ValidationError) -> BadRequest | Invalid:
    found = error.errors(include_input=False, include_url=False)
    if any(each["type"] == "json_invalid" for each in found):
        return BadRequest(t("The body cannot be read: it has to be JSON in UTF-8."))
    # Deeper places may be named by whoever sent them; the field is named by us.
    fields = {str(each["loc"][0]): _text(each) for each in reversed(found) if each["loc"]}
    if not fields:
        return Invalid(t("The body has to be a JSON object."))
    named = listed(t("{field} {wrong}", field=name, wrong=fields[name]) for name in sorted(fields))
    return Invalid(t("This cannot be taken: {fields}.", fields=named), fields)


def _text(error: ErrorDetails) -> Text:
    kind, told = error["type"], error.get("ctx", {})
    if kind == OURS:
        text: Text = told["text"]
        return text
    return _TEXTS[kind](told) if kind in _TEXTS else t("cannot be taken")


def _either(expected: str) -> str:
    """Of pydantic's ``'a', 'b' or 'c'``."""
    *first, last = re.findall(r"'[^']*'", expected)
    return t("{values} or {last}", values=", ".join(first), last=last) if first else last
