"""Put one question to a model: one turn, whatever goes wrong kept as the reason of an unscorable answer."""

from __future__ import annotations

from typing import NamedTuple

from inspect_ai.model import GenerateConfig, ModelOutput, get_model
from inspect_ai.solver import Generate, Solver, TaskState, solver
from inspect_ai.util import LimitExceededError

from teachwhy.errors import InputError
from teachwhy.evaluation.agent import CUT, turn_seed
from teachwhy.evaluation.failures import (
    explain_failure,
    explain_no_answer,
    find_secrets,
    masked_failures,
)
from teachwhy.evaluation.ledger import PROVIDER_FAILED
from teachwhy.scenarios.parsing import split_thoughts

FAULT = "fault"
"""In a sample's metadata: why there is no answer."""


class Said(NamedTuple):
    """An answer without its thoughts, or why there is none."""

    text: str
    fault: str


@solver
def ask_question(seed: int) -> Solver:
    """One turn without tools; the sampling seed follows from `seed`, the sample and the epoch."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        model = get_model()
        config = GenerateConfig(seed=turn_seed(seed, str(state.sample_id), state.epoch - 1, 0))
        try:
            with masked_failures(model):
                output = await model.generate(state.messages, config=config)
        except (InputError, LimitExceededError):
            raise
        except Exception as error:  # noqa: BLE001 - whatever a provider raises is an answer that is missing
            told = explain_failure(error, find_secrets(model))
            state.metadata[FAULT] = f"{PROVIDER_FAILED}: {told}"
            return state
        if output.empty or output.error:
            state.metadata[FAULT] = explain_no_answer(output, find_secrets(model))
            return state
        _take(state, output)
        return state

    return solve


def _take(state: TaskState, output: ModelOutput) -> None:
    plain = output.message.text.encode("utf-8", "replace").decode("utf-8")  # a lone surrogate is in no file
    if plain != output.message.text:
        output.completion = output.message.content = plain
    state.output = output
    state.messages.append(output.message)
    if output.stop_reason in CUT:
        state.metadata[FAULT] = "the answer was cut at its limit of tokens"
    elif output.stop_reason == "content_filter":
        state.metadata[FAULT] = "the provider's content filter cut the answer"


def read_answer(state: TaskState) -> Said:
    """What the model answered in a sample."""
    if fault := str(state.metadata.get(FAULT, "")):
        return Said("", fault)
    if state.output.empty:
        return Said("", "no answer was asked for")
    spoken = split_thoughts(state.output.message.text)
    return Said(spoken.text, spoken.fault)
