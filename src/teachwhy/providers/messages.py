"""Inspect's messages to a checkpoint's own text (its chat template), and what it wrote to words and calls."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from inspect_ai.model import ChatMessage, ChatMessageAssistant, ChatMessageTool
from inspect_ai.tool import ToolCall, ToolInfo

from teachwhy.errors import InputError
from teachwhy.providers.chat_format import disarm_value, encode_chat, plain_unicode
from teachwhy.scenarios.call_syntax import Arguments, is_quoted
from teachwhy.scenarios.parsing import (
    CLOSE_TAG,
    OPEN_TAG,
    OfferedTools,
    parse_assistant_text,
    split_thoughts,
)

if TYPE_CHECKING:
    from teachwhy.providers.checkpoint import LoadedCheckpoint

_CALL = re.compile(re.escape(OPEN_TAG) + r".*?(?:" + re.escape(CLOSE_TAG) + r"|\Z)", re.DOTALL)


@dataclass(frozen=True)
class WrittenTurn:
    """What the model wrote, taken apart for Inspect."""

    content: str
    """The words, and every call that could not be read, as it was written."""
    tool_calls: tuple[ToolCall, ...]
    malformed: str | None
    """Why a call could not be read; None if all were."""


def render_prompt(
    messages: Sequence[ChatMessage], tools: Sequence[ToolInfo], checkpoint: LoadedCheckpoint
) -> tuple[int, ...]:
    """Token ids of the conversation, up to where the assistant's turn begins.

    What the template lacks is written into the texts that it shows. Raises `CheckpointError` when the
    template refuses the conversation, `InputError` for anything but text in it.
    """
    encoded = encode_chat(
        checkpoint.chat_format,
        [message_as_hugging_face(message) for message in messages],
        [tool_as_openai(tool) for tool in tools],
        is_prompt=True,
    )
    return tuple(encoded.input_ids)


def message_as_hugging_face(message: ChatMessage) -> dict[str, Any]:
    """The dict that `apply_chat_template` takes, as `teachwhy.records.Message.as_hugging_face` makes it for
    training.
    """
    if not isinstance(message.content, str):
        kinds = {part.type for part in message.content} - {"text", "reasoning"}
        if kinds:
            raise InputError(
                f"a {message.role} message holds {', '.join(sorted(kinds))}; the local provider reads text "
                f"only. "
                "Use a provider for multimodal models."
            )
    text = message.text
    if (
        isinstance(message, ChatMessageTool)
        and message.error is not None
        and message.error.message not in text
    ):
        text = f"{text}\n{message.error.message}" if text else message.error.message
    rendered: dict[str, Any] = {"role": message.role, "content": text}
    if isinstance(message, ChatMessageAssistant) and message.tool_calls:
        rendered["tool_calls"] = [
            {"type": "function", "function": {"name": call.function, "arguments": call.arguments}}
            for call in message.tool_calls
        ]
    return rendered


def tool_as_openai(tool: ToolInfo) -> dict[str, Any]:
    """The OpenAI function form, with the fields that the tool's author set and no others."""
    schema = tool.parameters.model_dump(exclude_unset=True, exclude_none=True)
    parameters = {"type": "object", "properties": schema.pop("properties", {}), **schema}
    return {
        "type": "function",
        "function": {"name": tool.name, "description": tool.description, "parameters": parameters},
    }


def known_arguments(tool: ToolInfo) -> Arguments:
    """What calls of the tool are known by."""
    properties = tool.parameters.properties
    lists = [name for name, schema in properties.items() if schema.type == "array"]
    return Arguments(properties, set(properties) - set(tool.parameters.required), lists)


def read_turn(text: str, offered: OfferedTools, key: str) -> WrittenTurn:
    """Take apart what the model wrote. Without tools on offer it is all words. `key` makes the ids of the
    calls.
    """
    text = plain_unicode(text)
    if not offered:
        return WrittenTurn(text, (), None)
    try:
        spoken = split_thoughts(text)  # a call that was only thought of is none
        parsed = parse_assistant_text(spoken.text, offered)
    except ValueError as error:  # such as a number of thousands of digits
        return WrittenTurn(text, (), f"a tool call cannot be read ({error})")
    calls = tuple(
        ToolCall(
            id="call_" + hashlib.blake2b(f"{key}|{index}".encode(), digest_size=9).hexdigest(),
            function=plain_unicode(call.name),
            arguments=disarm_value(call.arguments, ()),
        )
        for index, call in enumerate(parsed.tool_calls)
    )
    if not calls:
        return WrittenTurn(text, (), parsed.malformed)
    words = parsed.content
    if OPEN_TAG in spoken.text:  # then the words can be kept as they stand, unless they hold other calls
        rest = _CALL.sub(lambda tags: _keep_if_unread(tags, offered), spoken.text)
        words = rest if not parse_assistant_text(rest, offered).tool_calls else words
    words = f"{spoken.hidden}\n{words}" if spoken.hidden else words
    return WrittenTurn(words.strip(), calls, parsed.malformed)


def _keep_if_unread(tags: re.Match[str], offered: OfferedTools) -> str:
    is_read = (
        not is_quoted(tags.string, tags.start()) and not parse_assistant_text(tags[0], offered).malformed
    )
    return "" if is_read else tags[0]
