"""Corpus to batches: documents packed into rows of one length, chats in batches of like length.

A chunk is a stretch of corpus of its own seed, made, encoded, shuffled and cut into batches in bulk, so that
the trainer never waits for text and a resumed build makes only the chunk it was in. Axes: B rows, T
positions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
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

ENCODE_BATCH = 1000


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
    """One update: position t predicts `targets_BT[:, t]`, which counts if `learned_BT[:, t]`."""

    inputs_BT: np.ndarray
    targets_BT: np.ndarray
    learned_BT: np.ndarray
    num_tokens: int


class Chunk(NamedTuple):
    """The batches of one stretch of corpus, and how many rows were too long for them."""

    batches: list[Batch]
    num_left_out: int


def chunk_seed(seed: int, stage: str, chunk: int) -> int:
    """The seed of one stretch of corpus: distinct and unrelated for each seed, stage and chunk."""
    return int(np.random.SeedSequence([seed, *stage.encode(), chunk]).generate_state(1, np.uint64)[0] >> 1)


def render(tokenizer: Any, document: CorpusDocument) -> str:
    """A corpus document as the text that is encoded, control tokens included."""
    if document.messages:
        return render_chat(tokenizer, document.messages, document.tools)
    return render_document(document.text)


def pack_documents(documents: Iterable[np.ndarray], row_length: int) -> list[np.ndarray]:
    """Rows of at most `row_length` + 1 ids, filled best-fit: each row begins with the start of a document.

    Takes the longest waiting document, then again and again the longest one that still fits. A document
    longer than a row is cut into row-long pieces. The one extra id is the target of the last position.
    """
    space = row_length + 1
    waiting: list[list[np.ndarray]] = [[] for _ in range(space + 1)]
    for document in documents:
        for start in range(0, len(document), space):
            piece = document[start : start + space]
            waiting[len(piece)].append(piece)
    rows = []
    longest = space
    while longest > 1:
        if not waiting[longest]:
            longest -= 1
            continue
        parts, room, length = [], space, longest
        while length > 1:
            if waiting[length]:
                parts.append(waiting[length].pop())
                room -= length
                length = min(room, longest)
            else:
                length -= 1
        rows.append(np.concatenate(parts))
    return rows


def batch_rows(
    rows: Sequence[np.ndarray], masks: Sequence[np.ndarray] | None, pad_id: int, length: int
) -> Batch:
    """Rows of ids, right-padded to `length` inputs; `masks` says which ids are to be learned (None: all)."""
    inputs_BT = np.full((len(rows), length), pad_id, dtype=np.int64)
    targets_BT = np.full_like(inputs_BT, pad_id)
    learned_BT = np.zeros((len(rows), length), dtype=bool)
    for index, row in enumerate(rows):
        end = len(row) - 1
        inputs_BT[index, :end] = row[:-1]
        targets_BT[index, :end] = row[1:]
        learned_BT[index, :end] = True if masks is None else masks[index][1:]
    return Batch(inputs_BT, targets_BT, learned_BT, sum(len(row) - 1 for row in rows))


def cut_by_length(lengths: np.ndarray, tokens_per_batch: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Row indices in batches of like length (buckets of 16) and at most about `tokens_per_batch` padded
    tokens.

    Shuffled within a bucket and between batches, so that little is padding and no two rounds give the same
    batches.
    """
    order = rng.permutation(len(lengths))
    order = order[np.argsort(lengths[order] // 16, kind="stable")]
    batches, start = [], 0
    longest = 0
    for stop, index in enumerate(order):
        longest = max(longest, int(lengths[index]))
        if stop > start and longest * (stop + 1 - start) > tokens_per_batch:
            batches.append(order[start:stop])
            start, longest = stop, int(lengths[index])
    batches.append(order[start:])
    return [batches[position] for position in rng.permutation(len(batches))]


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
    """About `num_tokens` of stage 1 (at least one update): packed rows in random order, loss on every id."""
    rows_per_update = max(1, recipe.tokens_per_update // recipe.row_length)
    num_rows = max(1, num_tokens // (rows_per_update * recipe.row_length)) * rows_per_update
    texts = (render(tokenizer, document) for document in source.documents(seed))
    documents = _encode_until(tokenizer, texts, num_rows * (recipe.row_length + 1))
    rows = pack_documents(documents, recipe.row_length)
    order = np.random.default_rng(seed).permutation(len(rows))[:num_rows]
    pad_id = tokenizer.pad_token_id
    parts = [order[start : start + rows_per_update] for start in range(0, num_rows, rows_per_update)]
    return Chunk([batch_rows([rows[i] for i in part], None, pad_id, recipe.row_length) for part in parts], 0)


def chat_chunk(tokenizer: Any, source: TextSource, recipe: StageRecipe, num_tokens: int, seed: int) -> Chunk:
    """About `num_tokens` of stage 2: one chat a row, loss on what the assistant wrote.

    Chats longer than `row_length` are left out and counted: half a conversation teaches the wrong end.
    """
    texts = (render_chat(tokenizer, example.messages, example.tools) for example in source.chats(seed))
    chats = _encode_until(tokenizer, texts, num_tokens)
    rows = [chat for chat in chats if len(chat) <= recipe.row_length + 1]
    if not rows:
        raise DataError(f"row_length: no chat fits in {recipe.row_length} tokens; raise it in the preset")
    assistant_id, end_id = tokenizer.convert_tokens_to_ids([ASSISTANT, END])
    masks = [assistant_mask(row, assistant_id, end_id) for row in rows]
    lengths = np.asarray([len(row) - 1 for row in rows])
    cuts = cut_by_length(lengths, recipe.tokens_per_update, np.random.default_rng(seed))
    batches = [
        batch_rows(
            [rows[i] for i in cut], [masks[i] for i in cut], tokenizer.pad_token_id, int(lengths[cut].max())
        )
        for cut in cuts
    ]
    return Chunk(batches, len(chats) - len(rows))
