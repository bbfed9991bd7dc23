"""Does a row hold something of an evaluation? Runs of 13 words, short texts whole, names and firms.

Both ways: a run of the row stands in a suite; a suite's text of 8 to 12 words stands in the row; a part of
the row of 8 to 12 words stands in a suite. Suites are known by the hashes of their runs, so that a reason
can name the item and quote the row, and never the suite. Source of the length: 13-gram overlap as of the
GPT-3 report (Brown et al. 2020, appendix C).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from teachwhy.checks.row_text import RowText, hash_runs, hash_words, iter_runs, split_row_words
from teachwhy.checks.suites import Suite, load_suites, suites_version

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

RUN = 13
SHORTEST = 8
"""Words of a text that is looked for as a whole."""
_SIEVE_BITS = 20


class _Runs:
    """Hashes of runs of one length, with the item that each comes from."""

    def __init__(self, found: Sequence[tuple[NDArray[np.uint64], int]]) -> None:
        """`found`: hashes of runs with their item; of two items with one run the first counts."""
        import numpy as np

        everything = np.concatenate([np.empty(0, dtype=np.uint64), *(hashes for hashes, _ in found)])
        owners = np.repeat(
            np.array([owner for _, owner in found], dtype=np.int32), [len(hashes) for hashes, _ in found]
        )
        self.hashes, first = np.unique(everything, return_index=True)
        self.owners = owners[first]
        self._sieve = np.zeros(1 << _SIEVE_BITS, dtype=bool)
        self._sieve[self.hashes >> np.uint64(64 - _SIEVE_BITS)] = True

    def find(self, hashes: NDArray[np.uint64]) -> list[tuple[int, int]]:
        """(place in `hashes`, item) of those that are known."""
        import numpy as np

        maybe = np.flatnonzero(self._sieve[hashes >> np.uint64(64 - _SIEVE_BITS)])
        if not len(maybe) or not len(self.hashes):
            return []
        wanted = hashes[maybe]
        places = np.minimum(np.searchsorted(self.hashes, wanted), len(self.hashes) - 1)
        known = self.hashes[places] == wanted
        return list(zip(maybe[known].tolist(), self.owners[places[known]].tolist(), strict=True))


class _Label(NamedTuple):
    suite: str
    item: str
    except_teacher: str


class Contamination:
    """All suites, ready to be looked up."""

    def __init__(self, suites: Sequence[Suite]) -> None:
        self._labels: list[_Label] = []
        within: dict[int, list[tuple[NDArray[np.uint64], int]]] = defaultdict(list)
        short: dict[int, list[tuple[NDArray[np.uint64], int]]] = defaultdict(list)
        self._names: dict[str, list[tuple[tuple[str, ...], int]]] = defaultdict(list)
        for suite in suites:
            for item in suite.items:
                owner = len(self._labels)
                self._labels.append(_Label(suite.name, item.id, suite.except_teacher))
                for text in (*item.texts, *item.also):
                    hashes = hash_words(split_row_words(text))
                    for size, runs in iter_runs(hashes, SHORTEST, RUN):
                        within[size].append((runs, owner))
                        if size == len(hashes) < RUN:
                            short[size].append((runs, owner))
                for name in item.names:
                    words = tuple(split_row_words(name))
                    if words:
                        self._names[words[0]].append((words, owner))
        self._within = {size: _Runs(found) for size, found in within.items()}
        self._short = {size: _Runs(found) for size, found in short.items()}

    def find(self, row: RowText) -> str | None:
        """What of which suite stands where in the row, None if nothing does."""
        for size, runs in iter_runs(row.hashes, SHORTEST, RUN):
            known = self._within.get(RUN) if size == RUN else self._short.get(size)
            for at, owner in known.find(runs) if known else ():
                if reason := self._tell(row, at, size, owner):
                    return reason
        at = 0
        for words in row.words:
            if len(words) < RUN and len(words) in self._within:
                run = hash_runs(row.hashes[at : at + len(words)], len(words))
                for _, owner in self._within[len(words)].find(run):
                    if reason := self._tell(row, at, len(words), owner):
                        return reason
            at += len(words) + 1
        return self._find_name(row)

    def _tell(self, row: RowText, at: int, size: int, owner: int) -> str | None:
        """The reason; None where the row's teacher may."""
        label = self._labels[owner]
        if row.teacher == label.except_teacher:
            return None
        return (
            f"{row.locate(at).where} shares {size} words in a row with {label.item} "
            f"of the suite {label.suite!r}"
        )

    def _find_name(self, row: RowText) -> str | None:
        for at, word in enumerate(row.stream) if self._names else ():
            for name, owner in self._names.get(word, ()):
                label = self._labels[owner]
                if tuple(row.stream[at : at + len(name)]) == name and row.teacher != label.except_teacher:
                    where = row.locate(at).where
                    return f"{where} holds a name of the suite {label.suite!r}: {' '.join(name)!r}"
        return None


@cache
def _index(version: int) -> Contamination:
    return Contamination(load_suites())


def find_contamination(row: RowText) -> str | None:
    """What of a suite stands in the row, None if nothing does."""
    return _index(suites_version()).find(row)
