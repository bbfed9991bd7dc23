"""Inspect's messages to a checkpoint's own text (its chat template), and what it wrote to words and calls."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from inspect_ai.model import ChatMessage, ChatMessageAssistant, ChatMessageTool
from inspect_ai.tool import ToolCall, ToolInfo

from teachwhy.errors import CheckpointError, InputError, quote_foreign
from teachwhy.providers import template
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
    tokenizer = checkpoint.tokenizer
    try:
        text = template.render(
            tokenizer,
            [message_as_hugging_face(message, checkpoint.control_texts) for message in messages],
            [tool_as_openai(tool) for tool in tools],
            checkpoint.template_lacks,
        )
    except InputError:
        raise
    except Exception as error:  # a template is a program of the checkpoint's author and can fail in any way
        roles = ", ".join(message.role for message in messages)
        raise CheckpointError(
            f"{quote_foreign(tokenizer.name_or_path)}: the chat template fails on a conversation of {roles} "
            f"with {len(tools)} tools ({type(error).__name__}: {quote_foreign(error)}). Use a template that "
            "takes these roles."
        ) from error
    token_ids: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    return tuple(token_ids)


def message_as_hugging_face(message: ChatMessage, control_texts: Sequence[str] = ()) -> dict[str, Any]:
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
    rendered: dict[str, Any] = {"role": message.role, "content": disarm(text, control_texts)}
    if isinstance(message, ChatMessageAssistant) and message.tool_calls:
        rendered["tool_calls"] = [
            {
                "type": "function",
                "function": {
                    "name": disarm(call.function, control_texts),
                    "arguments": _disarm_value(call.arguments, control_texts),
                },
            }
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
            arguments=_disarm_value(call.arguments, ()),
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


def disarm(text: str, control_texts: Sequence[str]) -> str:
    """The text with every control token broken by a space after its first character, so that it cannot forge
    a turn.
    """
    text = plain_unicode(text)
    for control in control_texts:
        if control in text:
            text = text.replace(control, f"{control[0]} {control[1:]}")
    return text


def plain_unicode(text: str) -> str:
    """The text without lone surrogates, which JSON can bring in and no tokenizer or file can take."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _disarm_value(value: Any, control_texts: Sequence[str]) -> Any:
    if isinstance(value, str):
        return disarm(value, control_texts)
    if isinstance(value, dict):
        return {
            disarm(str(key), control_texts): _disarm_value(item, control_texts) for key, item in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [_disarm_value(item, control_texts) for item in value]
    return value
