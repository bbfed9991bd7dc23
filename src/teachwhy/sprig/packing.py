"""Corpus to batches: one document or chat a row, rows of like length together, so that hardly anything is
padding.

A row never holds two documents: what the model reads before a word is what it will read when it is evaluated,
and short rows make attention cheap. A chunk is a stretch of corpus of its own seed, made, encoded, shuffled
and cut into batches in bulk, so that the trainer never waits for text and a resumed build makes only the
chunk it was in. Axes: B rows, T positions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple, Protocol

import numpy as np

from teachwhy.errors import DataError
from teachwhy.records import Example, Message, ToolSpec
from teachwhy.sprig.presets import StageRecipe
from teachwhy.sprig.tokenizer import (
    ASSISTANT,
    END,
    assistant_mask,
    encode_rendered,
    render_chat,
    render_document,
)

ENCODE_BATCH = 200
"""Texts encoded at once; a chunk overshoots its tokens by at most these."""
PAD_TO = 16


class CorpusDocument(Protocol):
    """What the corpus yields for stage 1: a plain text, or a conversation with tools."""

    @property
    def kind(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def messages(self) -> tuple[Message, ...]: ...
    @property
    def tools(self) -> tuple[ToolSpec, ...]: ...


@dataclass(frozen=True)
class TextSource:
    """Where text comes from: two endless generators, each a function of a seed, and their knobs."""

    documents: Callable[[int], Iterator[CorpusDocument]]
    chats: Callable[[int], Iterator[Example]]
    knobs: dict[str, Any]


class Batch(NamedTuple):
    """One forward pass: position t predicts `targets_BT[:, t]`, which counts if `learned_BT[:, t]`."""

    inputs_BT: np.ndarray
    targets_BT: np.ndarray
    learned_BT: np.ndarray
    num_tokens: int


class Chunk(NamedTuple):
    """The updates of one stretch of corpus, a few batches each, and how many rows were too long."""

    updates: list[list[Batch]]
    num_left_out: int


def chunk_seed(seed: int, stage: str, chunk: int) -> int:
    """The seed of one stretch of corpus: distinct and unrelated for each seed, stage and chunk."""
    return int(np.random.SeedSequence([seed, *stage.encode(), chunk]).generate_state(1, np.uint64)[0] >> 1)


def render(tokenizer: Any, document: CorpusDocument) -> str:
    """A corpus document as the text that is encoded, control tokens included."""
    if document.messages:
        return render_chat(tokenizer, document.messages, document.tools)
    return render_document(document.text)


def cut_by_length(lengths: np.ndarray, tokens_per_batch: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Row indices in batches of like length, each of at most `tokens_per_batch` padded tokens where rows
    allow.

    Random within a length and between batches, so that no two rounds give the same batches.
    """
    order = rng.permutation(len(lengths))
    order = order[np.argsort(_padded(lengths[order]), kind="stable")]
    batches, start = [], 0
    for stop, index in enumerate(order):
        if stop > start and _padded(lengths[index]) * (stop + 1 - start) > tokens_per_batch:
            batches.append(order[start:stop])
            start = stop
    batches.append(order[start:])
    return [batches[position] for position in rng.permutation(len(batches))]


def _padded(length: np.ndarray) -> np.ndarray:
    """Row lengths rounded up to `PAD_TO`: few distinct shapes, all of them easy for the matrix kernels."""
    return -(-length // PAD_TO) * PAD_TO


def batch_rows(rows: Sequence[np.ndarray], masks: Sequence[np.ndarray] | None, pad_id: int) -> Batch:
    """Rows of ids, right-padded to one length; `masks` says which ids are to be learned (None: all)."""
    length = int(_padded(np.asarray(max(map(len, rows)) - 1)))
    inputs_BT = np.full((len(rows), length), pad_id, dtype=np.int64)
    targets_BT = np.full_like(inputs_BT, pad_id)
    learned_BT = np.zeros((len(rows), length), dtype=bool)
    for index, row in enumerate(rows):
        end = len(row) - 1
        inputs_BT[index, :end] = row[:-1]
        targets_BT[index, :end] = row[1:]
        learned_BT[index, :end] = True if masks is None else masks[index][1:]
    return Batch(inputs_BT, targets_BT, learned_BT, sum(len(row) - 1 for row in rows))


def group_rows(
    rows: Sequence[np.ndarray],
    masks: Sequence[np.ndarray] | None,
    recipe: StageRecipe,
    pad_id: int,
    rng: np.random.Generator,
) -> list[list[Batch]]:
    """Updates of the stage's size from rows of ids; each mixes batches of several lengths, so of several
    kinds.
    """
    lengths = np.asarray([len(row) - 1 for row in rows])
    updates: list[list[Batch]] = []
    room = 0
    for cut in cut_by_length(lengths, min(recipe.tokens_per_pass, recipe.tokens_per_update), rng):
        batch = batch_rows([rows[i] for i in cut], None if masks is None else [masks[i] for i in cut], pad_id)
        if room < batch.num_tokens // 2 or not updates:
            updates.append([])
            room = recipe.tokens_per_update
        updates[-1].append(batch)
        room -= batch.num_tokens
    return updates


def _encode_until(tokenizer: Any, texts: Iterator[str], num_tokens: int) -> list[np.ndarray]:
    encoded: list[np.ndarray] = []
    total = 0
    while total < num_tokens:
        part = encode_rendered(tokenizer, list(islice(texts, ENCODE_BATCH)))
        if not part:
            raise DataError("the corpus generator ended; it must yield documents without end")
        encoded.extend(part)
        total += sum(map(len, part))
    return encoded


def document_chunk(
    tokenizer: Any, source: TextSource, recipe: StageRecipe, num_tokens: int, seed: int
) -> Chunk:
    """About `num_tokens` of stage 1: a document a row, loss on every id; what is longer than a row is cut."""
    texts = (render(tokenizer, document) for document in source.documents(seed))
    documents = _encode_until(tokenizer, texts, num_tokens)
    space = recipe.row_length + 1
    pieces = (document[at : at + space] for document in documents for at in range(0, len(document), space))
    rows = [piece for piece in pieces if len(piece) > 1]
    return Chunk(group_rows(rows, None, recipe, tokenizer.pad_token_id, np.random.default_rng(seed)), 0)


def chat_chunk(tokenizer: Any, source: TextSource, recipe: StageRecipe, num_tokens: int, seed: int) -> Chunk:
    """About `num_tokens` of stage 2: a chat a row, loss on what the assistant wrote.

    Chats longer than `row_length` are left out and counted: half a conversation teaches the wrong end.
    """
    texts = (render_chat(tokenizer, example.messages, example.tools) for example in source.chats(seed))
    chats = _encode_until(tokenizer, texts, num_tokens)
    rows = [chat for chat in chats if len(chat) <= recipe.row_length + 1]
    if not rows:
        raise DataError(f"row_length: no chat fits in {recipe.row_length} tokens; raise it in the preset")
    assistant_id, end_id = tokenizer.convert_tokens_to_ids([ASSISTANT, END])
    masks = [assistant_mask(row, assistant_id, end_id) for row in rows]
    updates = group_rows(rows, masks, recipe, tokenizer.pad_token_id, np.random.default_rng(seed))
    return Chunk(updates, len(chats) - len(rows))
