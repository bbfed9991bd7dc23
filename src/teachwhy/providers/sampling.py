"""Draws the next token of every row: greedy, or with the row's own random numbers.

A draw depends on the row's key and its step alone, so a request gets the same tokens whoever its neighbours
in the batch are, up to the rounding of the model's own sums; a draw that this could change is told as a close
call, which the decode loop settles. The generator is SplitMix64 (Steele, Lea and
Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014), used as a counter-based one; a token is
found by inverting the cumulative distribution, so that two models given the same key on the same prompt draw
with the same numbers.

Axes: row B, vocabulary V.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from teachwhy.errors import ConfigError

CLOSE_PROBABILITY = 2e-5
"""A draw this near to where the next token begins is a close call. The cumulative probabilities of one row in
two batches were seen to differ by up to 9e-7 (sprig, float32).
"""
CLOSE_LOGITS = 2e-4
"""The same for logits, seen to differ by up to 1.3e-5."""
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class SamplingParameters:
    """How one request is to be continued."""

    max_new_tokens: int
    seed: int
    temperature: float = 1.0
    """0 is greedy: the likeliest token, always."""
    top_p: float = 1.0
    """Keep the likeliest tokens whose probabilities first reach this sum."""
    top_k: int = 0
    """Keep this many of the likeliest tokens; 0 keeps all."""
    stop_strings: tuple[str, ...] = ()
    """The text ends before the first of these."""

    def __post_init__(self) -> None:
        rules = (
            ("max_tokens", self.max_new_tokens, self.max_new_tokens >= 1, "at least 1"),
            ("temperature", self.temperature, 0 <= self.temperature < float("inf"), "0 or more"),
            ("top_p", self.top_p, 0 < self.top_p <= 1, "more than 0, at most 1"),
            ("top_k", self.top_k, self.top_k >= 0, "0 (all) or more"),
            ("stop_seqs", self.stop_strings, all(self.stop_strings), "no empty text"),
        )
        for field, value, is_allowed, allowed in rules:
            if not is_allowed:
                raise ConfigError(
                    f"{field} = {value!r} is not allowed in a generation request: give {allowed}."
                )


def request_key(seed: int, prompt_ids: Sequence[int]) -> int:
    """The 64-bit key of a request's random numbers.

    The prompt is part of it: with the seed alone, all episodes of an evaluation would share their luck.
    """
    digest = hashlib.blake2b(str(seed).encode(), digest_size=8)
    digest.update(np.asarray(prompt_ids, dtype=np.int64).tobytes())
    return int.from_bytes(digest.digest(), "little")


def uniform_draws(keys_B: np.ndarray, steps_B: np.ndarray) -> np.ndarray:
    """One number a row, in [0, 1) with 32 bits, from uint64 keys and uint64 step counts."""
    with np.errstate(over="ignore"):  # arithmetic modulo 2**64 is the point
        z = keys_B + (steps_B + np.uint64(1)) * _GOLDEN
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    draws_B: np.ndarray = ((z ^ (z >> np.uint64(31))) >> np.uint64(32)).astype(np.float64) * 2.0**-32
    return draws_B


class Draw(NamedTuple):
    """The next token of some rows."""

    token_B: Tensor
    """int64, on the logits' device."""
    is_close_B: Tensor
    """Whether rounding in the logits could have made it another one."""


class Sampler:
    """The rows of a batch as far as drawing tokens needs them."""

    def __init__(
        self, parameters: Sequence[SamplingParameters], keys: Sequence[int], device: torch.device
    ) -> None:
        self._parameters = list(parameters)
        self._keys_B = np.asarray(keys, dtype=np.uint64)
        self._steps_B = np.zeros(len(self._parameters), dtype=np.uint64)
        self._device = device
        self._fill()

    def extend(self, parameters: Sequence[SamplingParameters], keys: Sequence[int]) -> None:
        """Add rows, of which nothing has been drawn, after those that are there."""
        self._parameters += parameters
        self._keys_B = np.concatenate([self._keys_B, np.asarray(keys, dtype=np.uint64)])
        self._steps_B = np.concatenate([self._steps_B, np.zeros(len(keys), dtype=np.uint64)])
        self._fill()

    def keep_rows(self, rows: Sequence[int]) -> None:
        """Drop all rows but these, which are then in this order."""
        self._parameters = [self._parameters[row] for row in rows]
        self._keys_B = self._keys_B[list(rows)]
        self._steps_B = self._steps_B[list(rows)]
        self._fill()

    def _fill(self) -> None:
        parameters = self._parameters
        device = self._device
        self._is_greedy_B = torch.tensor([p.temperature == 0 for p in parameters], device=device)
        self._temperature_B1 = torch.tensor([[p.temperature or 1.0] for p in parameters], device=device)
        self._top_p_B1 = torch.tensor([[p.top_p] for p in parameters], device=device)
        self._top_k_B1 = torch.tensor([[p.top_k] for p in parameters], device=device)
        self._all_greedy = all(p.temperature == 0 for p in parameters)
        self._any_greedy = any(p.temperature == 0 for p in parameters)
        self._any_filter = any(p.top_p < 1 or p.top_k for p in parameters)

    def draw(self, logits_BV: Tensor, first_row: int = 0) -> Draw:
        """The next token of every row from `first_row` on."""
        rows = slice(first_row, None)
        self._steps_B[rows] += np.uint64(1)
        return self._draw(logits_BV, rows)

    def draw_again(self, logits_1V: Tensor, row: int) -> int:
        """The token that the last draw would have given this row with these logits."""
        return int(self._draw(logits_1V, slice(row, row + 1)).token_B[0])

    def _draw(self, logits_BV: Tensor, rows: slice) -> Draw:
        no_B = torch.zeros(len(logits_BV), dtype=torch.bool, device=logits_BV.device)
        greedy = _draw_likeliest(logits_BV) if self._any_greedy else Draw(no_B, no_B)
        if self._all_greedy:
            return greedy
        scaled_BV = logits_BV.float() / self._temperature_B1[rows]
        is_close_B = no_B
        if self._any_filter:
            scaled_BV, is_close_B = _keep_likeliest(scaled_BV, self._top_p_B1[rows], self._top_k_B1[rows])
        cumulative_BV = scaled_BV.softmax(-1).cumsum(-1, dtype=torch.float64)
        draws_B = uniform_draws(self._keys_B[rows], self._steps_B[rows] - np.uint64(1))
        uniform_B = torch.from_numpy(draws_B).to(self._device)
        # strictly beyond the target, so that a token of probability 0 is never drawn
        target_B1 = uniform_B[:, None] * cumulative_BV[:, -1:]
        drawn_B1 = torch.searchsorted(cumulative_BV, target_B1, right=True)
        below_B1 = torch.searchsorted(cumulative_BV, target_B1 - CLOSE_PROBABILITY, right=True)
        above_B1 = torch.searchsorted(cumulative_BV, target_B1 + CLOSE_PROBABILITY, right=True)
        is_close_B = is_close_B | (below_B1 != drawn_B1)[:, 0] | (above_B1 != drawn_B1)[:, 0]
        if not self._any_greedy:
            return Draw(drawn_B1[:, 0], is_close_B)
        is_greedy_B = self._is_greedy_B[rows]
        return Draw(
            torch.where(is_greedy_B, greedy.token_B, drawn_B1[:, 0]),
            torch.where(is_greedy_B, greedy.is_close_B, is_close_B),
        )


def _draw_likeliest(logits_BV: Tensor) -> Draw:
    best_B2 = logits_BV.topk(min(2, logits_BV.shape[-1]), dim=-1).values
    return Draw(logits_BV.argmax(-1), best_B2[:, 0] - best_B2[:, -1] < CLOSE_LOGITS)


def _keep_likeliest(scaled_BV: Tensor, top_p_B1: Tensor, top_k_B1: Tensor) -> tuple[Tensor, Tensor]:
    """-inf for what top-k, then top-p leave out; equal logits are kept in order of their ids. And for which
    rows it is a close call what is left out.
    """
    sorted_BV, order_BV = scaled_BV.sort(dim=-1, descending=True, stable=True)
    rank_V = torch.arange(sorted_BV.shape[-1], device=sorted_BV.device)
    gaps_BV = sorted_BV - sorted_BV.roll(-1, -1)  # from each to the next
    is_close_B = ((gaps_BV.abs() < CLOSE_LOGITS) & (rank_V == top_k_B1 - 1)).any(-1)
    sorted_BV = sorted_BV.masked_fill((top_k_B1 > 0) & (rank_V >= top_k_B1), float("-inf"))
    probabilities_BV = sorted_BV.softmax(-1)
    reached_before_BV = probabilities_BV.cumsum(-1, dtype=torch.float64) - probabilities_BV
    is_edge_BV = ((reached_before_BV - top_p_B1).abs() < CLOSE_PROBABILITY) & (probabilities_BV > 0)
    is_close_B = is_close_B | ((top_p_B1 < 1) & is_edge_BV).any(-1)
    sorted_BV = sorted_BV.masked_fill((top_p_B1 < 1) & (reached_before_BV >= top_p_B1), float("-inf"))
    return torch.empty_like(sorted_BV).scatter_(-1, order_BV, sorted_BV), is_close_B
