"""Key and value caches of the batched decode loop: one for the rows of a batch, one for prompt heads seen
before.

Both hold exactly what the model computed, in its own dtype; nothing is compressed. Axes of all states: row B
(or block N), key-value head H, column T, head dimension D.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers.cache_utils import Cache, CacheLayerMixin

BLOCK_TOKENS = 16
"""Heads are kept and found in blocks of this many tokens."""
GROWTH_COLUMNS = 64


@dataclass
class Window:
    """The part of the batch that a forward pass works on: rows [first_row, end_row), columns from
    `first_column`.
    """

    first_row: int
    end_row: int
    first_column: int
    num_filled: int
    """Columns already filled, counted from `first_column`."""


class BatchLayer(CacheLayerMixin):  # type: ignore[no-untyped-call]
    """One layer's states of the whole batch, written in place; a forward pass sees the window only."""

    is_sliding = False  # the states are never cut to a sliding window: the model's mask does that
    states: tuple[Tensor, Tensor]
    """Keys and values, each BHTD; there once `is_initialized`."""

    def __init__(self, cache: BatchCache) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._cache = cache

    def allocate(self, like_keys: Tensor, like_values: Tensor) -> None:
        """Make room for the whole batch. Zeros, because masked garbage could still be NaN."""
        rows, columns = self._cache.num_rows, self._cache.num_columns
        self.states = (
            like_keys.new_zeros(rows, like_keys.shape[-3], columns, like_keys.shape[-1]),
            like_values.new_zeros(rows, like_values.shape[-3], columns, like_values.shape[-1]),
        )
        self.is_initialized = True

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        self.allocate(key_states, value_states)

    def update(
        self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any
    ) -> tuple[Tensor, Tensor]:
        if not self.is_initialized:
            self.allocate(key_states, value_states)
        window = self._cache.window
        rows = slice(window.first_row, window.end_row)
        start = window.first_column + window.num_filled
        end = start + key_states.shape[-2]
        keys, values = self.states
        keys[rows, :, start:end] = key_states
        values[rows, :, start:end] = value_states
        seen = slice(window.first_column, end)
        return keys[rows, :, seen], values[rows, :, seen]

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        return self._cache.window.num_filled + query_length, 0

    def get_seq_length(self) -> int:
        return self._cache.window.num_filled

    def get_max_length(self) -> int:
        return -1


class BatchCache(Cache):
    """States of a batch of left-padded rows; columns are added and rows dropped as decoding goes on."""

    def __init__(self, num_layers: int, num_rows: int, num_columns: int) -> None:
        self.num_rows = num_rows
        self.num_columns = num_columns
        self.window = Window(0, num_rows, 0, 0)
        self.batch_layers = [BatchLayer(self) for _ in range(num_layers)]
        super().__init__(layers=list(self.batch_layers))

    def ensure_columns(self, num_columns: int) -> None:
        """Make at least `num_columns` columns, with some to spare."""
        if num_columns <= self.num_columns:
            return
        self.num_columns = num_columns + GROWTH_COLUMNS
        for layer in self.batch_layers:
            if layer.is_initialized:
                old_states = layer.states
                layer.allocate(*old_states)
                for old, new in zip(old_states, layer.states, strict=True):
                    new[:, :, : old.shape[2]] = old

    def keep_rows(self, rows: Sequence[int], first_column: int) -> None:
        """Drop all other rows, and the columns before `first_column` (padding of every row that stays)."""
        self.num_rows = len(rows)
        self.num_columns -= first_column
        for layer in self.batch_layers:
            if layer.is_initialized:
                keys, values = layer.states
                index = torch.tensor(rows, device=keys.device)
                layer.states = (
                    keys[:, :, first_column:].index_select(0, index),
                    values[:, :, first_column:].index_select(0, index),
                )


Key = tuple[int, tuple[int, ...]]
"""Of a block: the identity of the block before it (0: none), and its tokens."""


class PrefixStore:
    """States of prompt heads by their exact tokens, the least recently used forgotten first.

    A block is found under (identity of the block before it, its own tokens), so two heads share blocks
    exactly as far as their tokens agree. Room is made at the first `put`, for `num_bytes` in all.
    """

    def __init__(self, num_bytes: int) -> None:
        self._num_bytes = num_bytes
        self._nodes: OrderedDict[Key, tuple[int, int]] = OrderedDict()  # to (identity, slot)
        self._free: list[int] = []
        self._next_identity = 1
        self._pools: list[tuple[Tensor, Tensor]] = []

    def find(self, tokens: Sequence[int]) -> list[int]:
        """Slots of the longest known head of `tokens`, at least one token short of the whole."""
        slots: list[int] = []
        keys: list[Key] = []
        parent = 0
        for start in range(0, len(tokens) - BLOCK_TOKENS, BLOCK_TOKENS):
            key = (parent, tuple(tokens[start : start + BLOCK_TOKENS]))
            entry = self._nodes.get(key)
            if entry is None:
                break
            parent, slot = entry
            keys.append(key)
            slots.append(slot)
        for key in reversed(keys):  # a head must outlive what builds on it
            self._nodes.move_to_end(key)
        return slots

    def num_known(self, tokens: Sequence[int]) -> int:
        """Tokens of the longest known head of `tokens`."""
        return len(self.find(tokens)) * BLOCK_TOKENS

    def load(self, slots: Sequence[int], cache: BatchCache, row: int, column: int, num_tokens: int) -> None:
        """Copy the first `num_tokens` tokens of the blocks into a row of a batch, from `column` on."""
        index = torch.tensor(slots, device=self._pools[0][0].device)
        for layer, (key_pool, value_pool) in zip(cache.batch_layers, self._pools, strict=True):
            if not layer.is_initialized:
                layer.allocate(key_pool, value_pool)
            for states, pool in zip(layer.states, (key_pool, value_pool), strict=True):
                blocks_HTD = pool.index_select(0, index).transpose(0, 1).flatten(1, 2)
                states[row, :, column : column + num_tokens] = blocks_HTD[:, :num_tokens]

    def put(self, tokens: Sequence[int], cache: BatchCache, row: int, column: int) -> None:
        """Remember the states of `tokens`, which a row holds from `column` on; whole blocks only."""
        if not self._pools:
            self._make_room(cache)
        parent, first_new = 0, 0
        new_slots: list[int] = []
        touched: list[Key] = []
        for start in range(0, len(tokens) - BLOCK_TOKENS + 1, BLOCK_TOKENS):
            key = (parent, tuple(tokens[start : start + BLOCK_TOKENS]))
            entry = self._nodes.get(key)
            if entry is None:
                slot = self._take_slot(touched)
                if slot is None:
                    break
                if not new_slots:
                    first_new = start
                entry = (self._next_identity, slot)
                self._next_identity += 1
                self._nodes[key] = entry
                new_slots.append(slot)
            self._nodes.move_to_end(key)
            touched.append(key)
            parent = entry[0]
        for key in reversed(touched):
            self._nodes.move_to_end(key)
        if new_slots:
            self._copy_in(new_slots, cache, row, column + first_new)

    def _copy_in(self, slots: Sequence[int], cache: BatchCache, row: int, column: int) -> None:
        index = torch.tensor(slots, device=self._pools[0][0].device)
        end = column + len(slots) * BLOCK_TOKENS
        for layer, (key_pool, value_pool) in zip(cache.batch_layers, self._pools, strict=True):
            for states, pool in zip(layer.states, (key_pool, value_pool), strict=True):
                new_HTD = states[row, :, column:end]
                blocks_NHTD = new_HTD.reshape(len(new_HTD), len(slots), BLOCK_TOKENS, -1).transpose(0, 1)
                pool.index_copy_(0, index, blocks_NHTD)

    def _take_slot(self, in_use: Sequence[Key]) -> int | None:
        """A free slot, if need be that of the block unused for longest; None when that one is in use."""
        if self._free:
            return self._free.pop()
        if not self._nodes:
            return None
        oldest = next(iter(self._nodes))
        if oldest in in_use:
            return None
        return self._nodes.pop(oldest)[1]

    def _make_room(self, cache: BatchCache) -> None:
        layers = [layer.states for layer in cache.batch_layers]
        block_bytes = sum(
            states.shape[1] * BLOCK_TOKENS * states.shape[3] * states.element_size()
            for pair in layers
            for states in pair
        )
        num_blocks = self._num_bytes // block_bytes
        self._free = list(range(num_blocks))[::-1]
        self._pools = [
            (
                keys.new_empty(num_blocks, keys.shape[1], BLOCK_TOKENS, keys.shape[3]),
                values.new_empty(num_blocks, values.shape[1], BLOCK_TOKENS, values.shape[3]),
            )
            for keys, values in layers
        ]
