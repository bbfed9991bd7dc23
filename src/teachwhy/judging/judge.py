"""Ask a model: one request, one answer, whatever goes wrong kept as the reason of an unscorable answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import anyio
from inspect_ai.model import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageSystem,
    ChatMessageTool,
    ChatMessageUser,
    GenerateConfig,
    Model,
)
from inspect_ai.tool import ToolCall as InspectToolCall
from inspect_ai.tool import ToolInfo

from teachwhy.errors import InputError
from teachwhy.evaluation.agent import CUT
from teachwhy.evaluation.failures import (
    explain_failure,
    explain_no_answer,
    find_secrets,
    masked_failures,
)
from teachwhy.evaluation.ledger import PROVIDER_FAILED
from teachwhy.judging.answers import Answer, no_answer, read_answer
from teachwhy.judging.dossier import Request
from teachwhy.judging.questions import QUESTIONS, read_prompt
from teachwhy.records import Fault, Message, QuestionName

UNREAD = "error: unreadable call"
"""How the result of a call begins that could not be read and of which the ledger has only the result."""


@dataclass(frozen=True)
class AskingConfig:
    """How judges are asked."""

    timeout_seconds: float = 300.0
    """Of one answer, the provider's own retries within."""
    max_tokens: int = 4096
    """Of one answer, thoughts included."""
    connections: int = 10
    """Requests to one judge at a time."""
    max_retries: int = 5

    def generate_config(self) -> GenerateConfig:
        """For Inspect: the likeliest answer, not a drawn one."""
        return GenerateConfig(
            temperature=0.0,
            max_tokens=self.max_tokens,
            max_retries=self.max_retries,
            max_connections=self.connections,
        )


DEFAULT_ASKING = AskingConfig()


class Asked(NamedTuple):
    """An answer and what it cost."""

    answer: Answer
    input_tokens: int = 0
    output_tokens: int = 0


async def ask_judge(model: Model, request: Request, question: QuestionName, config: AskingConfig) -> Asked:
    """A judge's answer to a request. Raises `InputError` (a broken checkpoint) and nothing else."""
    messages: list[ChatMessage] = [
        ChatMessageSystem(content=request.system),
        ChatMessageUser(content=request.user),
    ]
    return await _ask(model, messages, [], question, config)


async def ask_agent(
    model: Model, messages: tuple[Message, ...], tools: list[ToolInfo], config: AskingConfig
) -> Asked:
    """The evaluated model's own answer, after its episode, to whether that was a test."""
    conversation = [*replay(messages), ChatMessageUser(content=read_prompt("probe.md"))]
    return await _ask(model, conversation, tools, "probe", config)


async def _ask(
    model: Model,
    messages: list[ChatMessage],
    tools: list[ToolInfo],
    question: QuestionName,
    config: AskingConfig,
) -> Asked:
    said = await ask_text(model, messages, config, tools)
    answer = _read_text(said.text, question) if not said.fault else no_answer(said.fault, said.reason)
    return Asked(answer, said.input_tokens, said.output_tokens)


class Said(NamedTuple):
    """The whole text of an answer, or why there is none."""

    text: str
    fault: Fault = ""
    reason: str = ""
    input_tokens: int = 0
    output_tokens: int = 0


async def ask_text(
    model: Model, messages: list[ChatMessage], config: AskingConfig, tools: Sequence[ToolInfo] = ()
) -> Said:
    """What a model answers. Raises `InputError` (a broken checkpoint) and nothing else."""
    try:
        with masked_failures(model), anyio.move_on_after(config.timeout_seconds) as time:
            output = await model.generate(
                messages,
                tools=list(tools),
                tool_choice="none" if tools else None,
                config=config.generate_config(),
            )
    except InputError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever a provider raises is an answer that is missing, with its reason
        told = explain_failure(error, find_secrets(model))
        return Said("", "provider", f"{PROVIDER_FAILED}: {told}")
    if time.cancelled_caught:
        return Said("", "provider", f"no answer within {config.timeout_seconds:g} seconds")
    usage = output.usage
    tokens = (usage.input_tokens, usage.output_tokens) if usage is not None else (0, 0)
    if output.empty or output.error:
        return Said("", "provider", explain_no_answer(output, find_secrets(model)), *tokens)
    text = output.message.text
    if output.stop_reason == "content_filter":
        return Said("", "refused", f"the provider's content filter cut the answer: {text[:200]!r}", *tokens)
    if output.stop_reason in CUT:
        return Said("", "cut", f"the answer was cut at its limit of tokens: {text[-200:]!r}", *tokens)
    return Said(text, "", "", *tokens)


def is_refusal(text: str) -> bool:
    """Whether a text that is no answer of the form asked for is words alone."""
    return "{" not in text and bool(text.strip())


def _read_text(text: str, question: QuestionName) -> Answer:
    answer = read_answer(text, QUESTIONS[question])
    refused = answer.fault == "unreadable" and is_refusal(text)
    return answer._replace(fault="refused") if refused else answer


def replay(messages: tuple[Message, ...]) -> list[ChatMessage]:
    """A transcript as the conversation that it was.

    The ledger keeps only the calls that could be read; results that belong to none of them are told as
    words, and calls that a cut answer left without a result are left out.
    """
    conversation: list[ChatMessage] = []
    for number, message in enumerate(messages):
        if message.role == "system":
            conversation.append(ChatMessageSystem(content=message.content))
        elif message.role == "user":
            conversation.append(ChatMessageUser(content=message.content))
        elif message.role == "assistant":
            end = next(
                (at for at in range(number + 1, len(messages)) if messages[at].role != "tool"), len(messages)
            )
            conversation += _replay_turn(number, message, messages[number + 1 : end])
    return conversation


def _replay_turn(number: int, message: Message, results: tuple[Message, ...]) -> list[ChatMessage]:
    told = [result.content for result in results if not result.content.startswith(UNREAD)]
    calls = [
        InspectToolCall(id=f"call_{number}_{index}", function=call.name, arguments=call.arguments)
        for index, call in enumerate(message.tool_calls[: len(told)])
    ]
    unread = [result.content for result in results if result.content.startswith(UNREAD)] + told[len(calls) :]
    return [
        ChatMessageAssistant(content=message.content, tool_calls=calls or None),
        *(
            ChatMessageTool(content=text, tool_call_id=call.id, function=call.function)
            for call, text in zip(calls, told, strict=False)
        ),
        *(ChatMessageUser(content=f"Result of a call: {text}") for text in unread),
    ]
