"""A conversation to token ids: the one way for training and evaluation, so that a row trains on what a model
is asked.

What the chat template lacks is written into the texts that it shows (template.py), and control tokens that
are spelled out in a text are taken apart. Reads the dicts that `apply_chat_template` takes; imports nothing
heavy.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from teachwhy.errors import CheckpointError, quote_foreign
from teachwhy.providers.template import Turn, fill_gaps, find_gaps

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_SPOKEN_TAG = re.compile(r"</?[a-z_]*(tool|function|think)[a-z_]*>")
"""A special token of this form is part of what a model says in its turn; any other is the template's alone.
"""


@dataclass(frozen=True)
class ChatFormat:
    """What decides how a tokenizer puts a conversation; `find_chat_format` finds it."""

    tokenizer: PreTrainedTokenizerBase
    control_texts: tuple[str, ...]
    """Texts of the special tokens that no message may contain, or it could forge a turn."""
    template_lacks: tuple[str, ...] = ()
    """What the chat template does not show, which is written out instead (`template.GAPS`)."""


class EncodedChat(NamedTuple):
    """A conversation as tokens."""

    input_ids: list[int]
    is_written: list[int]
    """1 where the assistant wrote the token, else 0; empty for a prompt."""


def find_chat_format(tokenizer: PreTrainedTokenizerBase) -> ChatFormat:
    """The format of a tokenizer with a chat template, found by rendering a probe. Raises `CheckpointError` as
    `find_gaps` does.
    """
    return ChatFormat(tokenizer, find_control_texts(tokenizer), find_gaps(tokenizer))


def find_control_texts(tokenizer: Any) -> tuple[str, ...]:
    """Texts of the tokens that are the template's alone, the longest first."""
    added = tokenizer.added_tokens_decoder.values()
    texts = {token.content for token in added if token.special and not is_spoken(token.content)}
    return tuple(sorted(texts, key=len, reverse=True))


def is_spoken(text: str) -> bool:
    """Whether a special token is part of what a model says in its turn."""
    return _SPOKEN_TAG.fullmatch(text) is not None


def encode_chat(
    chat_format: ChatFormat, messages: Sequence[Turn], tools: Sequence[Turn], *, is_prompt: bool
) -> EncodedChat:
    """Tokens of a conversation: of a prompt up to where the assistant's turn begins; else of the whole, with
    what the assistant wrote between the template's `{% generation %}` markers.

    Raises `CheckpointError` when the template refuses the conversation.
    """
    tokenizer, controls = chat_format.tokenizer, chat_format.control_texts
    filled, shown = fill_gaps(
        [_disarm_turn(message, controls) for message in messages],
        [{**tool, "function": disarm_value(tool["function"], controls)} for tool in tools],
        chat_format.template_lacks,
    )
    told: list[Any] | None = shown or None
    try:
        encoded: Any = tokenizer.apply_chat_template(
            filled,
            tools=told,
            add_generation_prompt=is_prompt,
            tokenize=True,
            return_dict=True,
            return_assistant_tokens_mask=not is_prompt,
        )
    except Exception as error:  # a template is a program of the checkpoint's author and can fail in any way
        roles = ", ".join(message["role"] for message in messages)
        raise CheckpointError(
            f"{quote_foreign(tokenizer.name_or_path)}: the chat template fails on a conversation of {roles} "
            f"with {len(tools)} tools ({type(error).__name__}: {quote_foreign(error)}). Use a template that "
            "takes these roles."
        ) from error
    return EncodedChat(encoded["input_ids"], [] if is_prompt else encoded["assistant_masks"])


def disarm(text: str, control_texts: Sequence[str]) -> str:
    """The text with every control token broken by a space after its first character, so that it cannot forge
    a turn.
    """
    text = plain_unicode(text)
    for control in control_texts:
        if control in text:
            text = text.replace(control, f"{control[0]} {control[1:]}")
    return text


def disarm_value(value: Any, control_texts: Sequence[str]) -> Any:
    """A JSON value with every text in it disarmed, keys of objects too."""
    if isinstance(value, str):
        return disarm(value, control_texts)
    if isinstance(value, dict):
        return {
            disarm(str(key), control_texts): disarm_value(item, control_texts) for key, item in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [disarm_value(item, control_texts) for item in value]
    return value


def plain_unicode(text: str) -> str:
    """The text without lone surrogates, which JSON can bring in and no tokenizer or file can take."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _disarm_turn(turn: Turn, control_texts: Sequence[str]) -> Turn:
    """A message with what others or a model wrote in it disarmed; role and form stay."""
    disarmed = {**turn, "content": disarm(turn["content"], control_texts)}
    if "tool_calls" in turn:
        disarmed["tool_calls"] = [
            {**call, "function": disarm_value(call["function"], control_texts)} for call in turn["tool_calls"]
        ]
    return disarmed
