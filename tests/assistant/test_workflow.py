"""A workflow's definition: read strictly, and refused with advice."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from app.assistant.workflow import WorkflowDefinition, default_workflow, parse_workflow
from app.errors import Invalid

definitions = st.builds(
    WorkflowDefinition,
    instructions=st.text(min_size=1, max_size=50).filter(str.strip),
    model=st.none() | st.from_regex(r"[!-~]{1,20}", fullmatch=True),
    max_output_tokens=st.integers(16, 16_000),
    temperature=st.none() | st.floats(0, 2),
    greeting=st.text(max_size=50),
)


@given(definitions)
def test_a_definition_survives_being_stored_as_json(definition: WorkflowDefinition) -> None:
    assert parse_workflow(definition.model_dump_json()) == definition
    assert parse_workflow(definition.model_dump(mode="json")) == definition


@given(st.binary(max_size=40) | st.text(max_size=40))
def test_whatever_else_is_sent_is_refused_as_invalid(junk: str | bytes) -> None:
    with pytest.raises(Invalid):
        parse_workflow(junk)


def test_the_first_version_is_whole_and_cannot_be_changed() -> None:
    first = default_workflow()
    assert parse_workflow(first.model_dump(mode="json")) == first
    assert (first.model, first.temperature, first.max_output_tokens) == (None, None, 1500)
    with pytest.raises(ValidationError):
        first.model = "another"  # type: ignore[misc]  # that it is frozen is what is tested


@pytest.mark.parametrize(
    ("field", "value", "advice"),
    [
        ("instructions", " \n ", "write a text of 1 to 32,000 characters"),
        ("instructions", "x" * 32_001, "write a text of 1 to 32,000 characters"),
        ("model", "", "name a model"),
        ("max_output_tokens", 15, "a whole number from 16 to 16,000"),
        ("max_output_tokens", 16_001, "a whole number from 16 to 16,000"),
        ("max_output_tokens", "many-canary", "a whole number from 16 to 16,000"),
        ("temperature", 2.5, "a number from 0 to 2"),
        ("greeting", "canary" * 1000, "up to 1,000 characters"),
        ("model", "two words", "without spaces"),
        ("tools", ["canary"], "only these fields are known"),
    ],
)
def test_a_bad_field_is_named_with_what_to_write_there(field: str, value: Any, advice: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse_workflow({"instructions": "Go.", field: value})
    assert advice in str(refused.value)
    named = field if field in WorkflowDefinition.model_fields else "definition"
    assert advice in refused.value.fields[named]
    assert "canary" not in f"{refused.value}{refused.value.fields}"


def test_what_is_missing_is_named() -> None:
    with pytest.raises(Invalid, match="instructions: write a text"):
        parse_workflow("{}")
