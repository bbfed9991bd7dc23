"""The rows that are decoded together: all end in the same column, and they come and go.

A row's tokens fill the columns from its padding to `width`, so that one forward pass adds a column to all.
Finished rows stay in their places until `compact`, which fills these with the last of the running ones.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor

from teachwhy.providers.kv_cache import BatchCache, Head
from teachwhy.providers.sampling import Sampler, SamplingParameters, request_key

Stop = Literal["stop", "max_tokens", "model_length"]
SPARE_COLUMNS = 64
"""Room made on the right for new tokens, and on the left for longer prompts, before it is needed."""
SPARSE_SHARE = 0.75
"""Finished rows are dropped once fewer than this share of the batch is still running."""


@dataclass(frozen=True)
class TokenRequest:
    """A prompt and how to continue it."""

    prompt_ids: tuple[int, ...]
    sampling: SamplingParameters


@dataclass(frozen=True)
class Completion:
    """What the model wrote."""

    text: str
    """Without the token or the string that ended it; other special tokens are kept."""
    token_ids: tuple[int, ...]
    """All that was drawn, the end-of-turn token included."""
    stop: Stop
    num_input_tokens: int


@dataclass
class Row:
    """A request under way."""

    index: int
    """In order of arrival."""
    request: TokenRequest
    max_new_tokens: int
    token_ids: list[int] = field(default_factory=list)
    is_done: bool = False

    @property
    def prompt_ids(self) -> tuple[int, ...]:
        """The tokens that it continues."""
        return self.request.prompt_ids

    @property
    def fed_ids(self) -> tuple[int, ...]:
        """The tokens whose states the cache holds: the last one drawn was never fed."""
        return (*self.prompt_ids, *self.token_ids[:-1])


class Batch:
    """Rows, where their tokens are in a cache, and how their next tokens are drawn."""

    def __init__(self, num_layers: int, device: torch.device) -> None:
        self.rows: list[Row] = []
        """By their place in the cache, finished ones included."""
        self.width = 0
        """The column after the last that is filled."""
        self.sampler = Sampler((), (), device)
        self._paddings: list[int] = []
        self._num_layers = num_layers
        self._device = device
        self._cache: BatchCache | None = None

    @property
    def cache(self) -> BatchCache:
        """The states; there once a row has come."""
        assert self._cache is not None
        return self._cache

    @property
    def running(self) -> list[Row]:
        """The rows that are not finished."""
        return [row for row in self.rows if not row.is_done]

    @property
    def is_sparse(self) -> bool:
        """So many rows are finished that the others should close up."""
        return len(self.running) < SPARSE_SHARE * len(self.rows)

    @property
    def is_full(self) -> bool:
        """There is no column left for another token."""
        return bool(self.rows) and self.width == self.cache.num_columns

    @property
    def first_column(self) -> int:
        """The leftmost column in which some row has a token."""
        return min(self._paddings)

    @property
    def padding_B(self) -> Tensor:
        """The column of each row's first token."""
        return torch.tensor(self._paddings, device=self._device)

    def head(self, place: int, tokens: Sequence[int], num_tokens: int | None = None) -> Head:
        """The first `num_tokens` (default: all) of tokens that a row begins with, for the prefix store."""
        return Head(tokens, len(tokens) if num_tokens is None else num_tokens, place, self._paddings[place])

    def add(self, rows: Sequence[Row]) -> range:
        """Take in rows that are to be read; their places. They follow each other, after all others."""
        longest = max(len(row.prompt_ids) for row in rows)
        num_rows = len(self.rows) + len(rows)
        if not self.rows:
            self.width = longest
            self._cache = None  # the old one goes before the new one comes
            self._cache = BatchCache(self._num_layers, num_rows, longest + SPARE_COLUMNS)
        elif num_rows > self.cache.num_rows or longest > self.width:
            self._move(longest, num_rows)
        places = range(len(self.rows), num_rows)
        self.rows += rows
        self._paddings += [self.width - len(row.prompt_ids) for row in rows]
        self.cache.clear(places, self.first_column, max(self._paddings[places.start :]))
        self.sampler.extend(
            [row.request.sampling for row in rows],
            [request_key(row.request.sampling.seed, row.prompt_ids) for row in rows],
        )
        return places

    def drop(self, is_wanted: Callable[[int], bool]) -> bool:
        """Give up the running rows whose index is not wanted; whether there were any."""
        unwanted = [row for row in self.running if not is_wanted(row.index)]
        for row in unwanted:
            row.is_done = True
        return bool(unwanted)

    def make_column(self) -> None:
        """See to it that there is room for one more token a row."""
        if self.is_full:
            self._move(0, len(self.rows))

    def compact(self) -> list[int]:
        """Drop the finished rows; the former places of those that stay, in their new order."""
        num_running = len(self.running)
        holes = [place for place in range(num_running) if self.rows[place].is_done]
        movers = [place for place in range(num_running, len(self.rows)) if not self.rows[place].is_done]
        order = list(range(num_running))
        for hole, mover in zip(holes, movers, strict=True):
            order[hole] = mover
        self.rows = [self.rows[place] for place in order]
        self._paddings = [self._paddings[place] for place in order]
        self.sampler.keep_rows(order)
        if movers:
            self.cache.copy_rows(movers, holes, self.first_column, self.width)
        return order

    def _move(self, num_filled: int, num_rows: int) -> None:
        """Into storage for `num_rows` rows of at least `num_filled` columns, with some to spare."""
        first = self.first_column
        span = self.width - first
        target = max(0, num_filled - span)
        if num_filled > self.width:
            target += SPARE_COLUMNS
        self.cache.move(first, self.width, target, num_rows, target + span + SPARE_COLUMNS)
        self._paddings = [padding - first + target for padding in self._paddings]
        self.width = target + span
