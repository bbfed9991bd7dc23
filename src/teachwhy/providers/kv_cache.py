"""Key and value caches of the batched decode loop: one for the rows of a batch, one for prompt heads seen
before.

Both hold exactly what the model computed, in its own dtype; nothing is compressed. Axes of all states: row B
(or block, or token, N), key-value head H, column T, head dimension D, place in a block S.
"""

from __future__ import annotations

import weakref
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor
from transformers.cache_utils import Cache, CacheLayerMixin

BLOCK_TOKENS = 16
"""Heads are kept and found in blocks of this many tokens."""


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
        self._cache: BatchCache = weakref.proxy(cache)  # in a cycle, the states would outlive their batch

    def allocate(self, key_heads: int, key_dim: int, value_heads: int, value_dim: int, like: Tensor) -> None:
        """Make room for the whole batch. Zeros, because masked garbage could still be NaN."""
        rows, columns = self._cache.num_rows, self._cache.num_columns
        self.states = (
            like.new_zeros(rows, key_heads, columns, key_dim),
            like.new_zeros(rows, value_heads, columns, value_dim),
        )
        self.is_initialized = True

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        _, key_heads, _, key_dim = key_states.shape
        _, value_heads, _, value_dim = value_states.shape
        self.allocate(key_heads, key_dim, value_heads, value_dim, key_states)

    def update(
        self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any
    ) -> tuple[Tensor, Tensor]:
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
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
    """States of a batch of rows, in whose storage rows and columns come and go."""

    def __init__(self, num_layers: int, num_rows: int, num_columns: int) -> None:
        self.num_rows = num_rows
        self.num_columns = num_columns
        self.window = Window(0, num_rows, 0, 0)
        self.batch_layers = [BatchLayer(self) for _ in range(num_layers)]
        super().__init__(layers=list(self.batch_layers))

    def copy_rows(self, sources: Sequence[int], targets: Sequence[int], first: int, end: int) -> None:
        """Copy columns [first, end) of rows over others; no row may be both source and target."""
        for layer in self.batch_layers:
            for states in layer.states:
                index = torch.tensor(targets, device=states.device)
                states[index, :, first:end] = states[list(sources), :, first:end]

    def clear(self, rows: range, first: int, end: int) -> None:
        """Zeros in columns [first, end) of rows: a NaN that an earlier row left would outlive its mask."""
        for layer in self.batch_layers:
            if layer.is_initialized:
                for states in layer.states:
                    states[rows.start : rows.stop, :, first:end] = 0

    def move(self, first: int, end: int, target: int, num_rows: int, num_columns: int) -> None:
        """Change to storage of another size, in which columns [first, end) begin at `target`."""
        kept_rows = min(self.num_rows, num_rows)
        self.num_rows, self.num_columns = num_rows, num_columns
        for layer in self.batch_layers:
            if layer.is_initialized:
                old_states = layer.states
                layer.lazy_initialization(*old_states)
                for old, new in zip(old_states, layer.states, strict=True):
                    new[:kept_rows, :, target : target + end - first] = old[:kept_rows, :, first:end]


Key = tuple[int, tuple[int, ...]]
"""Of a block: the identity of the block before it (0: none), and its tokens."""


class Head(NamedTuple):
    """The first tokens of a row, and where in a batch they are."""

    tokens: Sequence[int]
    """The row's, at least `num_tokens`."""
    num_tokens: int
    row: int
    column: int
    """Of the first token."""


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

    def load(self, heads: Sequence[Head], cache: BatchCache) -> None:
        """Copy heads of prompts into rows of a batch; their blocks must be known."""
        from_N: list[int] = []
        rows_N: list[int] = []
        columns_N: list[int] = []
        for head in heads:
            slots = self.find(head.tokens)
            num_blocks = -(-head.num_tokens // BLOCK_TOKENS)
            starts = [slot * BLOCK_TOKENS for slot in slots[:num_blocks]]
            places = [start + place for start in starts for place in range(BLOCK_TOKENS)]
            from_N += places[: head.num_tokens]
            rows_N += [head.row] * head.num_tokens
            columns_N += range(head.column, head.column + head.num_tokens)
        index = torch.tensor([from_N, rows_N, columns_N], device=self._pools[0][0].device)
        for layer, pools in zip(cache.batch_layers, self._pools, strict=True):
            if not layer.is_initialized:
                (_, _, key_heads, key_dim), (_, _, value_heads, value_dim) = (pool.shape for pool in pools)
                layer.allocate(key_heads, key_dim, value_heads, value_dim, pools[0])
            for states, pool in zip(layer.states, pools, strict=True):
                states[index[1], :, index[2]] = pool.flatten(0, 1).index_select(0, index[0])

    def put(self, heads: Sequence[Head], cache: BatchCache) -> None:
        """Remember the states of heads that rows of a batch hold; whole blocks only."""
        if not self._pools:
            self._make_room(cache)
        places: dict[int, tuple[int, int]] = {}  # (row, column) of what a slot is to hold
        for head in heads:
            parent = 0
            touched: list[Key] = []
            for start in range(0, head.num_tokens - BLOCK_TOKENS + 1, BLOCK_TOKENS):
                key = (parent, tuple(head.tokens[start : start + BLOCK_TOKENS]))
                entry = self._nodes.get(key)
                if entry is None:
                    slot = self._take_slot(touched)
                    if slot is None:
                        break
                    entry = (self._next_identity, slot)
                    self._next_identity += 1
                    self._nodes[key] = entry
                    places[slot] = (head.row, head.column + start)
                self._nodes.move_to_end(key)
                touched.append(key)
                parent = entry[0]
            for key in reversed(touched):
                self._nodes.move_to_end(key)
        try:
            if places:
                self._copy_in(places, cache)
        except BaseException:  # the slots hold nothing that can be trusted
            self._forget()
            raise

    def _forget(self) -> None:
        self._free += [slot for _, slot in self._nodes.values()]
        self._nodes.clear()

    def _copy_in(self, places: Mapping[int, tuple[int, int]], cache: BatchCache) -> None:
        device = self._pools[0][0].device
        slots_N = torch.tensor(list(places), device=device)
        rows_N1 = torch.tensor([[row] for row, _ in places.values()], device=device)
        columns_NS = torch.tensor([[column] for _, column in places.values()], device=device)
        columns_NS = columns_NS + torch.arange(BLOCK_TOKENS, device=device)
        for layer, pools in zip(cache.batch_layers, self._pools, strict=True):
            for states, pool in zip(layer.states, pools, strict=True):
                pool.index_copy_(0, slots_N, states[rows_N1, :, columns_NS])

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
                keys.new_empty(num_blocks, BLOCK_TOKENS, keys.shape[1], keys.shape[3]),
                values.new_empty(num_blocks, BLOCK_TOKENS, values.shape[1], values.shape[3]),
            )
            for keys, values in layers
        ]
