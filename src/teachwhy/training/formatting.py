"""Turns training examples into token rows: which tokens the model reads, and which of them carry loss.

Chat rows are rendered by the code that evaluation uses (`providers/chat_format.py`: the tokenizer's own chat
template, its gaps filled, control tokens in texts taken apart), and carry loss on the tokens between the
template's `{% generation %}` markers. Document rows carry loss on
every token and end with the end-of-text token. Reads nothing and writes nothing; rows are kept in memory
for the arms that share them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from teachwhy.errors import CheckpointError, PlanError
from teachwhy.providers.chat_format import ChatFormat, encode_chat, find_chat_format
from teachwhy.records import Example

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

IGNORED = -100
"""The label of a token without loss (the value that PyTorch's cross entropy ignores)."""


class TokenRow(NamedTuple):
    """One tokenised example."""

    id: str
    input_ids: tuple[int, ...]
    labels: tuple[int, ...]
    """Same length as input_ids: the token itself where it carries loss, IGNORED elsewhere."""
    num_truncated: int
    """Tokens cut off at the end because the row was longer than max_length."""

    @property
    def num_tokens(self) -> int:
        return len(self.input_ids)

    @property
    def num_loss_tokens(self) -> int:
        """Tokens that are predicted with loss; the first token of a row never is."""
        return sum(label != IGNORED for label in self.labels[1:])


def check_chat_template(tokenizer: PreTrainedTokenizerBase) -> None:
    """Raises CheckpointError when chat rows cannot be masked with this tokenizer."""
    where = f"tokenizer {tokenizer.name_or_path!r}"
    template = tokenizer.chat_template
    if not template:
        raise CheckpointError(
            f"{where} has no chat template, so chat rows cannot be rendered. Allowed: a checkpoint with a "
            "chat template. "
            "Add chat_template.jinja to the checkpoint's folder, or train on document rows only."
        )
    texts = template.values() if isinstance(template, dict) else [template]
    if not any("generation" in text and "endgeneration" in text for text in texts):
        raise CheckpointError(
            f"{where}: the chat template has no {{% generation %}} markers, so the assistant's tokens "
            "cannot be told "
            "from the rest. In chat_template.jinja, put {% generation %} before and {% endgeneration %} "
            "after what the "
            "assistant writes in a turn, end-of-turn token included."
        )
    if not tokenizer.is_fast:
        raise CheckpointError(
            f"{where} is a slow tokenizer, which cannot map the assistant's text to tokens. "
            "Convert it to a fast one (a tokenizer.json in the checkpoint's folder)."
        )


def tokenize_chat(
    example: Example, tokenizer: PreTrainedTokenizerBase, chat_format: ChatFormat | None = None
) -> tuple[list[int], list[int]]:
    """Token ids and labels of a chat row: loss on what the template marks as written by the assistant.

    `chat_format` is the tokenizer's, found here where it is not given (some milliseconds).
    """
    try:
        input_ids, mask = encode_chat(
            chat_format or find_chat_format(tokenizer),
            [message.as_hugging_face() for message in example.messages],
            [tool.as_openai() for tool in example.tools],
            is_prompt=False,
        )
    except CheckpointError as error:
        raise CheckpointError(f"technique {example.technique!r}, row {example.id!r}: {error}") from error
    return input_ids, [token if written else IGNORED for token, written in zip(input_ids, mask, strict=True)]


def tokenize_document(example: Example, tokenizer: PreTrainedTokenizerBase) -> tuple[list[int], list[int]]:
    """Token ids and labels of a document row: every token carries loss.

    The text stands between the tokenizer's begin and end tokens, where it has them, as in pretraining.
    Control tokens that are spelled out in the text stay text.
    """
    input_ids: list[int] = list(tokenizer(example.text, split_special_tokens=True)["input_ids"])
    begin, end = tokenizer.bos_token_id, tokenizer.eos_token_id
    if input_ids and begin is not None and input_ids[0] != begin:
        input_ids.insert(0, begin)
    if input_ids and end is not None and input_ids[-1] != end:
        input_ids.append(end)
    return input_ids, list(input_ids)


def tokenize_example(
    example: Example,
    tokenizer: PreTrainedTokenizerBase,
    max_length: int,
    chat_format: ChatFormat | None = None,
) -> TokenRow:
    """One row of at most max_length tokens, cut at its end; `chat_format` as for `tokenize_chat`.

    Raises PlanError for a `prompt` row and for a row without any token to learn from.
    """
    if example.kind == "prompt":
        raise PlanError(
            f"technique {example.technique!r}, row {example.id!r}: kind 'prompt' has no answer to learn "
            "from. "
            "Allowed: 'chat' and 'document'. Remove the row or give it an assistant turn."
        )
    if example.kind == "chat":
        input_ids, labels = tokenize_chat(example, tokenizer, chat_format)
    else:
        input_ids, labels = tokenize_document(example, tokenizer)
    if all(label == IGNORED for label in labels[1:]):
        raise PlanError(
            f"technique {example.technique!r}, row {example.id!r}: tokenises to {len(input_ids)} tokens "
            "of which none "
            "carries loss; at least one must. Remove the row or give it text (in a chat row, an "
            "assistant turn)."
        )
    return TokenRow(
        id=example.id,
        input_ids=tuple(input_ids[:max_length]),
        labels=tuple(labels[:max_length]),
        num_truncated=max(0, len(input_ids) - max_length),
    )


class RowCache:
    """Token rows of whole techniques, kept for the arms that one process trains.

    Keyed by content (tokenizer, template, max_length, the examples themselves), so a stale row is impossible.
    """

    def __init__(self) -> None:
        self._rows: dict[str, tuple[TokenRow, ...]] = {}

    def tokenize(
        self, examples: Sequence[Example], tokenizer: PreTrainedTokenizerBase, max_length: int
    ) -> tuple[TokenRow, ...]:
        """Token rows in the order of `examples`. Raises CheckpointError and PlanError as `tokenize_example`
        does."""
        digest = hashlib.sha256(f"{_tokenizer_digest(tokenizer)} {max_length}".encode())
        for example in examples:
            digest.update(example.model_dump_json().encode("utf-8", "surrogatepass"))
        key = digest.hexdigest()
        if key not in self._rows:
            chat_format = None
            if any(example.kind == "chat" for example in examples):
                check_chat_template(tokenizer)
                chat_format = find_chat_format(tokenizer)
            self._rows[key] = tuple(
                tokenize_example(example, tokenizer, max_length, chat_format) for example in examples
            )
        return self._rows[key]


def _tokenizer_digest(tokenizer: PreTrainedTokenizerBase) -> str:
    """A digest of all that decides how text becomes tokens, and so of the chat format that follows from it.

    Special tokens by name are in it too: documents stand between two of them, and a template can write any.
    """
    backend = (
        tokenizer.backend_tokenizer.to_str()
        if tokenizer.is_fast
        else repr(sorted(tokenizer.get_vocab().items()))
    )
    named = sorted(tokenizer.special_tokens_map.items())
    return hashlib.sha256(f"{backend}\0{tokenizer.chat_template}\0{named}".encode()).hexdigest()


ROWS = RowCache()
"""The cache of this process."""
