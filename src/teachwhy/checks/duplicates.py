"""Rows that repeat an earlier one: word for word, or nearly so.

Near duplicates are found by MinHash (Broder 1997) over runs of five words with locality-sensitive hashing
(Indyk and Motwani 1998). The hashing is that of datasketch's `affine32`, over arrays: `datasketch.MinHash`
gives the same signatures for the same permutations. Compared is what user and assistant say, or the
document: system prompts and tool definitions are rightly shared by many rows.
"""

from __future__ import annotations

from functools import cache
from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from teachwhy.checks.row_text import RowText, hash_runs

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Signature = NDArray[np.uint32]

SHINGLE = 5
"""Words in a run."""
NUM_PERMUTATIONS = 128
"""The standard error of the estimate is at most 0.044; at 0.8 it is 0.035."""
_RECALL = 0.995
"""Share of pairs exactly at the threshold that the bands bring together."""
_SEED = 1
_EMPTY = np.iinfo(np.uint32).max


class Fingerprint(NamedTuple):
    """What a row is compared by."""

    digest: bytes
    """Of all words of all parts: equal for rows that read the same."""
    signature: bytes
    """128 unsigned integers of 32 bits."""


def fingerprint(row: RowText) -> Fingerprint:
    """What the row is compared by; a function of its text alone."""
    digest = blake2b(digest_size=16)
    for part, words in zip(row.parts, row.words, strict=True):
        digest.update("\0".join([part.role, *words, ""]).encode("utf-8", "surrogatepass"))
    return Fingerprint(digest.digest(), sign_hashes(row.told_hashes).tobytes())


def sign_hashes(hashes: NDArray[np.uint64]) -> Signature:
    """The MinHash signature of the runs of five words; of a shorter text, of the whole of it."""
    runs = hash_runs(hashes, min(SHINGLE, max(1, len(hashes))))
    return sign(shorten(np.unique(runs)))


def shorten(hashes: NDArray[np.uint64]) -> NDArray[np.uint32]:
    """The upper half of each hash."""
    return (hashes >> np.uint64(32)).astype(np.uint32)


def sign(values: NDArray[np.uint32]) -> Signature:
    """The least value under each permutation; all ones for an empty set."""
    if not len(values):
        return np.full(NUM_PERMUTATIONS, _EMPTY, dtype=np.uint32)
    factors, offsets = permutations()
    mixed = _mix(values)
    permuted = factors[:, None] * mixed[None, :]
    permuted += offsets[:, None]
    least: Signature = permuted.min(axis=1)
    return least


@cache
def permutations() -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Factors (odd) and offsets."""
    rng = np.random.default_rng(_SEED)
    factors = rng.integers(1 << 31, size=NUM_PERMUTATIONS, dtype=np.uint32) * np.uint32(2) + np.uint32(1)
    return factors, rng.integers(1 << 32, size=NUM_PERMUTATIONS, dtype=np.uint32)


def _mix(values: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """The finaliser of MurmurHash3, 32 bits."""
    mixed = values ^ (values >> np.uint32(16))
    mixed = mixed * np.uint32(0x85EBCA6B)
    mixed ^= mixed >> np.uint32(13)
    mixed = mixed * np.uint32(0xC2B2AE35)
    mixed ^= mixed >> np.uint32(16)
    return mixed


def choose_rows_per_band(threshold: float) -> int:
    """As many as still bring 995 in 1,000 pairs together that are exactly as alike as the threshold."""
    for size in range(32, 1, -1):
        if 1 - (1 - threshold**size) ** (NUM_PERMUTATIONS // size) >= _RECALL:
            return size
    return 1


class Duplicates:
    """The rows that were accepted so far; a later row is compared with all of them."""

    def __init__(self, threshold: float) -> None:
        """`threshold`: estimated Jaccard similarity of a near duplicate; 0: only exact ones are found."""
        self._threshold = threshold
        self._size = choose_rows_per_band(threshold) if threshold else NUM_PERMUTATIONS
        self._num_bands = NUM_PERMUTATIONS // self._size if threshold else 0
        self._ids: list[str] = []
        self._exact: dict[bytes, int] = {}
        self._buckets: dict[int, int | list[int]] = {}
        self._signatures = np.empty((0, NUM_PERMUTATIONS), dtype=np.uint32)

    def find(self, print_: Fingerprint) -> str | None:
        """What the row repeats, of the earliest row that it repeats; None if nothing."""
        if (first := self._exact.get(print_.digest)) is not None:
            return f"the same words as {self._ids[first]}"
        if not self._num_bands:
            return None
        signature = np.frombuffer(print_.signature, dtype=np.uint32)
        places = self._candidates(signature)
        if not places:
            return None
        alike = (self._signatures[places] == signature).mean(axis=1)
        for place, share in zip(places, alike.tolist(), strict=True):
            if share >= self._threshold:
                return f"nearly {self._ids[place]}: similarity {share:.2f} over runs of {SHINGLE} words"
        return None

    def add(self, row_id: str, print_: Fingerprint) -> None:
        """Later rows are compared with this one too."""
        place = len(self._ids)
        self._ids.append(row_id)
        self._exact.setdefault(print_.digest, place)
        if not self._num_bands:
            return
        if place == len(self._signatures):
            more = np.empty((max(1024, place), NUM_PERMUTATIONS), dtype=np.uint32)
            self._signatures = np.concatenate([self._signatures, more])
        signature = np.frombuffer(print_.signature, dtype=np.uint32)
        self._signatures[place] = signature
        for key in self._band_keys(signature):
            held = self._buckets.setdefault(key, place)
            if isinstance(held, list):
                held.append(place)
            elif held != place:
                self._buckets[key] = [held, place]

    def _candidates(self, signature: Signature) -> list[int]:
        found: set[int] = set()
        for key in self._band_keys(signature):
            held = self._buckets.get(key)
            if isinstance(held, list):
                found.update(held)
            elif held is not None:
                found.add(held)
        return sorted(found)

    def _band_keys(self, signature: Signature) -> list[int]:
        """One number a band, different for different bands; 64 bits, so that strangers hardly ever meet, and
        whoever does is compared in full."""
        bands = signature[: self._num_bands * self._size].reshape(self._num_bands, self._size)
        keys = (bands.astype(np.uint64) * _band_weights(self._size)).sum(axis=1, dtype=np.uint64)
        keys += np.arange(self._num_bands, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        keys ^= keys >> np.uint64(29)
        return keys.tolist()  # type: ignore[no-any-return]


@cache
def _band_weights(size: int) -> NDArray[np.uint64]:
    return np.random.default_rng(_SEED).integers(1 << 63, size=size, dtype=np.uint64) * 2 + 1
