"""How far a dataset is from the evaluations: for each row the nearest evaluated text.

The method is fixed: cosine between vectors of words, (1 + log count) x inverse document frequency over the
evaluated texts (Salton and Buckley 1988), the distance is 1 - cosine. What user, assistant or document say is
compared; words that more than a third of the evaluated texts hold do not count. Suites are known by hashes of
words, and a nearest text is named by its id and never quoted.

A distance says little alone, so two references stand beside it: evaluated texts to the nearest of another
item, and texts about nothing (the neutral documents of the grammar).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from random import Random
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from teachwhy.checks.row_text import hash_words, split_row_words
from teachwhy.checks.suites import Item, Suite, load_suites, suites_version
from teachwhy.records import Record

NUM_NEAREST = 10
QUANTILES = (0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 1.0)
MAX_DOCUMENT_SHARE = 1 / 3
BLOCK_WORDS = 250
NUM_NEUTRAL = 200
_SEED = 7
_ROWS_AT_A_TIME = 250

Floats = NDArray[np.float32]


class NearestPair(Record):
    """A row and the evaluated text that it is nearest to."""

    row: str
    suite: str
    item: str
    distance: float


class Distances(Record):
    """Distances of many texts."""

    num_rows: int
    quantiles: dict[str, float]
    """Of the distance to the nearest text of any suite."""
    suites: dict[str, float]
    """Median distance to the nearest text of each suite."""
    nearest: tuple[NearestPair, ...] = ()
    """The ten nearest."""


class References(Record):
    """What distances may be compared with."""

    evaluated: Distances
    """Each evaluated text to the nearest of another item."""
    neutral: Distances
    """Texts about nothing."""


class Measured(NamedTuple):
    """Similarities of a chunk of rows."""

    by_suite: Floats
    """[row, suite]: cosine with the nearest text of the suite."""
    nearest: NDArray[np.int32]
    """[row]: the nearest item of all."""


class DistanceMeter:
    """All evaluated texts as vectors."""

    def __init__(self, suites: Sequence[Suite]) -> None:
        self.suites = [suite.name for suite in suites if any(item.texts for item in suite.items)]
        self.items: list[tuple[str, str]] = []
        """(suite, item) of each evaluated text."""
        starts: list[int] = []
        texts: list[NDArray[np.uint64]] = []
        for suite in suites:
            if any(item.texts for item in suite.items):
                starts.append(len(texts))
            for item in suite.items:
                blocks = list(_cut_blocks(item))
                texts += blocks
                self.items += [(suite.name, item.id)] * len(blocks)
        self._starts = np.array(starts)
        self._vocabulary = np.unique(np.concatenate(texts))
        counts = self._count(texts)
        frequency = np.asarray((counts > 0).sum(axis=0)).ravel()
        weights = np.log((1 + len(texts)) / (1 + frequency))
        weights[frequency > MAX_DOCUMENT_SHARE * len(texts)] = 0
        self._weights = weights.astype(np.float32)
        self._unknown_weight = float(np.log(1 + len(texts)))
        self._texts_WI = self._weigh(counts, np.zeros(len(texts))).T.tocsr()

    def measure(self, texts: Sequence[NDArray[np.uint64]]) -> Measured:
        """Similarity of each text, in hashes of its words, with the nearest of each suite."""
        by_suite = [np.empty((0, len(self.suites)), dtype=np.float32)]
        nearest = [np.empty(0, dtype=np.int32)]
        for at in range(0, len(texts), _ROWS_AT_A_TIME):
            similar = self._compare(texts[at : at + _ROWS_AT_A_TIME])
            by_suite.append(np.maximum.reduceat(similar, self._starts, axis=1))
            nearest.append(similar.argmax(axis=1).astype(np.int32))
        return Measured(np.concatenate(by_suite), np.concatenate(nearest))

    def _compare(self, texts: Sequence[NDArray[np.uint64]]) -> Floats:
        counts = self._count(texts)
        similar: Floats = (self._weigh(counts, self._unknown(texts)) @ self._texts_WI).toarray()
        return np.clip(similar, 0.0, 1.0)

    def _places(self, words: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        places = np.minimum(np.searchsorted(self._vocabulary, words), len(self._vocabulary) - 1)
        return places, self._vocabulary[places] == words

    def _count(self, texts: Sequence[NDArray[np.uint64]]) -> sparse.csr_matrix:
        """Counts [text, word] of the words that the evaluations have too."""
        words = np.concatenate([np.empty(0, dtype=np.uint64), *texts])
        rows = np.repeat(np.arange(len(texts)), [len(text) for text in texts])
        places, known = self._places(words)
        ones = np.ones(int(known.sum()), dtype=np.float32)
        shape = (len(texts), len(self._vocabulary))
        return sparse.csr_matrix((ones, (rows[known], places[known])), shape=shape)

    def _unknown(self, texts: Sequence[NDArray[np.uint64]]) -> NDArray[np.float64]:
        """Squared length that words of their own give to texts."""
        squares = []
        for text in texts:
            own = np.sort(text[~self._places(text)[1]])
            num_distinct = int((np.diff(own) != 0).sum()) + bool(len(own))
            squares.append(num_distinct * self._unknown_weight**2)
        return np.array(squares)

    def _weigh(self, counts: sparse.csr_matrix, unknown: NDArray[np.float64]) -> sparse.csr_matrix:
        """Vectors of length one."""
        weighed = counts.copy()
        weighed.data = (1 + np.log(weighed.data)) * self._weights[weighed.indices]
        weighed.eliminate_zeros()
        squares = np.asarray(weighed.multiply(weighed).sum(axis=1)).ravel() + unknown
        lengths = np.sqrt(np.maximum(squares, 1e-12))
        return sparse.diags(1 / lengths).astype(np.float32) @ weighed

    def measure_references(self) -> References:
        """The evaluated texts and the neutral ones."""
        own: Floats = (self._texts_WI.T @ self._texts_WI).toarray()
        names = np.unique(np.array(["\0".join(item) for item in self.items]), return_inverse=True)[1]
        own[names[:, None] == names[None, :]] = 0.0
        own = np.clip(own, 0.0, 1.0)
        evaluated = np.maximum.reduceat(own, self._starts, axis=1)
        texts = [hash_words(split_row_words(text)) for text in _neutral_texts()]
        return References(
            evaluated=describe_distances(self, evaluated),
            neutral=describe_distances(self, self.measure(texts).by_suite),
        )


def _cut_blocks(item: Item) -> Iterator[NDArray[np.uint64]]:
    """The texts of an item, short ones put together and long ones cut, to blocks of the length of a row."""
    words = [word for text in dict.fromkeys(item.texts) for word in split_row_words(text)]
    num_blocks = max(1, round(len(words) / BLOCK_WORDS)) if words else 0
    if num_blocks:
        yield from np.array_split(hash_words(words), num_blocks)


def _neutral_texts() -> list[str]:
    from teachwhy.sprig.grammar import neutral_document

    return [neutral_document(Random(f"{_SEED}/{number}")) for number in range(NUM_NEUTRAL)]


def describe_distances(
    meter: DistanceMeter, by_suite: Floats, nearest: Sequence[NearestPair] = ()
) -> Distances:
    """Quantiles of similarities [row, suite]."""
    distances = 1 - by_suite.max(axis=1)
    return Distances(
        num_rows=len(by_suite),
        quantiles={f"{at:g}": round(float(np.quantile(distances, at)), 4) for at in QUANTILES},
        suites={
            name: round(float(np.median(1 - by_suite[:, place])), 4)
            for place, name in enumerate(meter.suites)
        },
        nearest=tuple(nearest),
    )


@cache
def _make_meter(version: int) -> DistanceMeter:
    return DistanceMeter(load_suites())


def load_meter() -> DistanceMeter:
    """Over all suites that are known now."""
    return _make_meter(suites_version())
