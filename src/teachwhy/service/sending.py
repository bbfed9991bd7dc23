"""One request to one model through Inspect: what a provider answers, or why there is no answer.

The providers of Inspect are asked directly (`ModelAPI.generate`): retries, cache, limits and log are those of
the service and its ledger, and Inspect's own would double the time of a call.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Literal, NamedTuple

import anyio
from inspect_ai.model import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageSystem,
    ChatMessageTool,
    ChatMessageUser,
    GenerateConfig,
    Model,
    ModelOutput,
)
from inspect_ai.model._model import RetryDecision
from inspect_ai.tool import ToolCall as InspectToolCall
from inspect_ai.tool import ToolInfo, ToolParams

from teachwhy.errors import ConfigError, InputError
from teachwhy.evaluation.failures import explain_failure, find_secrets, mask_secrets
from teachwhy.records import Message, ToolCall
from teachwhy.service.calls import Call, Stop

_STOPS: dict[str, Stop] = {"max_tokens": "length", "model_length": "length", "content_filter": "filter"}
_BROKEN = (json.JSONDecodeError, AttributeError)
"""What a page that some proxy sent in the place of an answer raises in the providers."""
_COMPLETIONS = {
    "openai-api": "openai-api-completions",
    "openai-api-completions": "openai-api-completions",
    "vllm": "vllm-completions",
    "vllm-completions": "vllm-completions",
    "mockllm": "mockllm",
}
"""Provider -> the one that sends a bare text to the same server."""
_FILTER_CODES = ("content_filter", "content_policy_violation")
_MOST_TOKENS = 1 << 40
"""More are no count, and no integer of SQLite either."""


class Answered(NamedTuple):
    """A provider's answer."""

    text: str
    tool_calls: tuple[ToolCall, ...]
    stop: Stop
    input_tokens: int | None
    """None, as `output_tokens` then, where the provider does not say, or says what is no count."""
    output_tokens: int | None
    cached_tokens: int
    latency_seconds: float
    written_tokens: int = 0
    """Those of the input that the provider put into its cache."""
    batch: str | None = None
    """Id of the batch that it came in."""


class Failed(NamedTuple):
    """Why there is none."""

    reason: str
    kind: Literal["passing", "lasting", "key", "missing", "left"]
    """passing: the same request may get an answer later; key: who asks is not let in; missing: there is no
    such model or address; left: nobody waits for the answer any more, which comes in a batch."""
    wait_seconds: float | None = None
    """What the provider asks to wait."""
    batch: str | None = None
    """Id of the batch in which it failed."""


class CarriedFailureError(Exception):
    """A failure that is known already; travels through a provider's code as an exception."""

    def __init__(self, failed: Failed) -> None:
        super().__init__(failed.reason)
        self.failed = failed


def completion_model(model: str) -> str:
    """The name under which Inspect lets a model go on with a text, with no chat template around it.

    Raises ConfigError for a provider that cannot.
    """
    provider, _, name = model.partition("/")
    if provider not in _COMPLETIONS:
        raise ConfigError(
            f"generation.base = {model!r}: Inspect has no way to let a model of {provider!r} go on with a "
            "text. Allowed: 'openai-api/SERVICE/MODEL' and 'vllm/MODEL', of servers with a completions "
            "endpoint. Or leave base out, and the teacher writes all of it."
        )
    return f"{_COMPLETIONS[provider]}/{name}"


async def send(
    model: Model, call: Call, seed: int, timeout_seconds: float | None, *, batch: bool = False
) -> Answered | Failed:
    """Ask a model once. Whatever a provider raises becomes a `Failed`, keys masked.

    `batch`: through its batch API, whose bookkeeping batching.py does.
    """
    started = time.monotonic()
    tools = [
        ToolInfo(
            name=tool.name,
            description=tool.description,
            parameters=ToolParams.model_validate(tool.parameters),
        )
        for tool in call.tools
    ]
    config = GenerateConfig(
        max_tokens=call.max_tokens,
        temperature=call.temperature,
        seed=seed,
        max_retries=0,
        reasoning_summary="none",  # else some providers find out by a request of their own
        batch=batch or None,
    )
    try:
        with anyio.move_on_after(timeout_seconds) as limit:
            given = await model.api.generate(
                to_inspect(call.messages), tools, "auto" if tools else "none", config
            )
    except InputError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever a provider raises is an answer that is missing
        return explain(model, error)
    if limit.cancelled_caught:
        return Failed(f"no answer within {timeout_seconds:g} seconds", "passing")
    output = given[0] if isinstance(given, tuple) else given
    if isinstance(output, Exception):
        return explain(model, output)
    return _read(model, output, time.monotonic() - started)


def to_inspect(messages: Sequence[Message]) -> list[ChatMessage]:
    """The conversation as Inspect's messages; results belong to the calls before them, in order."""
    conversation: list[ChatMessage] = []
    waiting: list[InspectToolCall] = []
    for number, message in enumerate(messages):
        if message.role == "system":
            conversation.append(ChatMessageSystem(content=message.content))
        elif message.role == "user":
            conversation.append(ChatMessageUser(content=message.content))
        elif message.role == "assistant":
            waiting = [
                InspectToolCall(id=f"call_{number}_{place}", function=c.name, arguments=c.arguments)
                for place, c in enumerate(message.tool_calls)
            ]
            conversation.append(ChatMessageAssistant(content=message.content, tool_calls=waiting or None))
        else:
            made = waiting.pop(0) if waiting else None
            conversation.append(
                ChatMessageTool(
                    content=message.content,
                    tool_call_id=made.id if made else None,
                    function=made.function if made else None,
                )
            )
    return conversation


def _read(model: Model, output: ModelOutput, seconds: float) -> Answered | Failed:
    secrets = find_secrets(model)
    if output.empty or output.error:
        told = mend_surrogates(mask_secrets(output.error or "the provider gave no choices", secrets))
        if output.choices and output.stop_reason == "content_filter":
            return Answered("", (), "filter", *_tokens(output), seconds)
        return Failed(told[:300], "lasting" if output.error else "passing")
    stop = _STOPS.get(output.stop_reason, "end")
    calls = tuple(_read_call(c, secrets) for c in output.message.tool_calls or ())
    written = (output.usage.input_tokens_cache_write or 0) if output.usage else 0
    text = mend_surrogates(mask_secrets(output.message.text, secrets))
    return Answered(text, calls, stop, *_tokens(output), seconds, written)


def _read_call(call: InspectToolCall, secrets: Sequence[str]) -> ToolCall:
    """The call with arguments that any reader of JSON takes: what is no number there (NaN) is its name."""
    arguments: object = call.arguments
    if call.parse_error or not isinstance(arguments, dict):
        arguments = {"unreadable": call.parse_error or str(arguments)}
    told = mask_secrets(json.dumps(arguments, ensure_ascii=False, default=str), secrets)
    name = mend_surrogates(mask_secrets(call.function, secrets))
    return ToolCall(name=name, arguments=json.loads(mend_surrogates(told), parse_constant=str))


def mend_surrogates(text: str) -> str:
    """Half characters, which no request could hold and no file, become U+FFFD."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _tokens(output: ModelOutput) -> tuple[int | None, int | None, int]:
    """Input tokens, cached ones included, output tokens, and the cached ones among the input."""
    usage = output.usage
    if usage is None:
        return None, None, 0
    cached = usage.input_tokens_cache_read or 0
    written = usage.input_tokens_cache_write or 0
    if not all(
        0 <= count <= _MOST_TOKENS for count in (usage.input_tokens, usage.output_tokens, cached, written)
    ):
        return None, None, 0
    return usage.input_tokens + cached + written, usage.output_tokens, cached


def explain(model: Model, error: Exception) -> Answered | Failed:
    """What an exception of a provider means; one of its filter's is an answer of nothing."""
    if isinstance(error, CarriedFailureError):
        reason = mend_surrogates(mask_secrets(error.failed.reason, find_secrets(model)))
        return error.failed._replace(reason=reason[:300])
    told = mend_surrogates(explain_failure(error, find_secrets(model)))
    if getattr(error, "code", None) in _FILTER_CODES:
        return Answered("", (), "filter", 0, 0, 0, 0.0)
    if model.api.is_auth_failure(error) or getattr(error, "status_code", None) == 403:
        return Failed(told, "key")
    if getattr(error, "status_code", None) == 404:
        return Failed(told, "missing")
    decision = model.api.should_retry(error)
    wait = decision.retry_after if isinstance(decision, RetryDecision) else None
    return Failed(told, "passing" if decision or isinstance(error, _BROKEN) else "lasting", wait)
