"""The agent of one turn: the tenant's workflow, run by the tenant's own client."""

from __future__ import annotations

import hashlib

from agents import (
    Agent,
    ModelSettings,
    OpenAIResponsesModel,
    RunConfig,
    Runner,
    RunResultStreaming,
    TResponseInputItem,
)
from openai import AsyncOpenAI

from app.assistant.context import TurnContext
from app.assistant.conversation import instructions

MAX_TURNS = 2
"""Of the SDK: calls of the model in one run. Without tools one is all there is."""


def start(
    client: AsyncOpenAI, context: TurnContext, given: list[TResponseInputItem]
) -> RunResultStreaming:
    """Begin a run. Nothing is traced, nothing is stored at OpenAI, no default key is used."""
    workflow = context.workflow
    agent = Agent[TurnContext](
        name="assistant",
        instructions=instructions(context),
        model=OpenAIResponsesModel(workflow.model or context.access.model, client),
        model_settings=ModelSettings(
            max_tokens=workflow.max_output_tokens,
            temperature=workflow.temperature,
            store=False,
            extra_args={
                "prompt_cache_key": _hashed("cache", context),
                "safety_identifier": _hashed("safety", context),
            },
        ),
    )
    return Runner.run_streamed(
        agent,
        given,
        context=context,
        max_turns=MAX_TURNS,
        run_config=RunConfig(tracing_disabled=True),
    )


def _hashed(purpose: str, context: TurnContext) -> str:
    """The thread, as something that tells OpenAI two of them apart and nothing else."""
    named = f"{purpose}\0{context.tenant_id}\0{context.thread_id}"
    return hashlib.sha256(named.encode()).hexdigest()
