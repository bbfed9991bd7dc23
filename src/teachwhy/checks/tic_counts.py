"""Count what repeats in the rows of a dataset, chunk by chunk, in memory that does not grow with them.

Of each chunk only what stands in enough of its rows is kept (lossy counting, Manku and Motwani 2002, by
blocks): a count is exact or too low by at most `LOST` of the share that is asked for, never too high.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from teachwhy.checks.row_text import MARK, RowText, combine, hash_words, split_row_words
from teachwhy.records import Record

LOST = 0.2
NAME_FACTOR = 0.25
"""A name in a quarter of the share that makes a phrase a tic is one: rows that differ in all else do not
share people."""
EDGE_WORDS = (3, 4, 5)
"""Words of an opening or a closing."""
PHRASE_WORDS = (3, 6)
_MIN_TELLING = 2
_MIN_COUNT = 2
_COMMON_WORDS = """
a an the of in on at to from with and or but nor for by as than then so if is are was were be been am
being it its s t d ll re ve m i me my you your he him his she her they them their we us our that this
these those there here who whom whose what where when how why which not no do does did done can could may
might must should shall will would have has had up out off into over about after before again also only
just very too one all any some every each more most much many other such same own even still yet now both
between because while through under around against without within rather don doesn isn aren won wouldn
can
"""
_COMMON = frozenset(_COMMON_WORDS.split())
_NAME = re.compile(r"(?<=[a-z,;] )[A-Z][a-z]{2,}(?: [A-Z][a-z]{2,})?")
_NAMES_OF_TIME = """Monday Tuesday Wednesday Thursday Friday Saturday Sunday January February March April May
June July August September October November December English Internet"""
_NO_NAMES = frozenset(_NAMES_OF_TIME.split())
_REFUSAL = re.compile(
    r"\b(?:i (?:can't|cannot|can not|won't|will not|must decline|have to decline|am not able to|am unable to"
    r"|do not|don't) (?:[a-z]+ ){0,2}?(?:help|do that|do this|assist|provide|write|give|share|comply|support)"
    r"|i(?:'m| am) (?:not able|unable|not going|not willing) to\b|i(?:'m| am) sorry,? but\b|i must decline\b"
    r"|i have to decline\b|i won't (?:do|help)\b|no, i (?:won't|will not|can't|cannot)\b)",
    re.IGNORECASE,
)
_REFUSAL_CHARACTERS = 300
_SHAPES = {
    "a bullet list": re.compile(r"^\s*[-*•] ", re.MULTILINE),
    "a numbered list": re.compile(r"^\s*\d+[.)] ", re.MULTILINE),
    "headers": re.compile(r"^#{1,6} |^\*\*[^*\n]+\*\*:?\s*$", re.MULTILINE),
    "bold words": re.compile(r"\*\*[^*\n]+\*\*"),
    "a table": re.compile(r"^\|.*\|\s*$", re.MULTILINE),
    "em dashes": re.compile(r"—|–| -- "),
    "a question at the end": re.compile(r"\?[\"')\]]*\s*\Z"),
}


class Phrase(Record):
    """A run of words that stands in many answers."""

    num_rows: int
    expected: float
    """Rows that would hold it if words came independently, each as often as it does, in answers so long."""


class TicCounts(Record):
    """What was counted in a dataset."""

    num_rows: int = 0
    num_refusals: int = 0
    num_questions: int = 0
    """Answers that ask anything."""
    edges: dict[str, dict[str, int]] = Field(default_factory=dict)
    """"opening", "closing" (of answers and documents), "prompt opening": words -> rows."""
    names: dict[str, int] = Field(default_factory=dict)
    shapes: dict[str, int] = Field(default_factory=dict)
    """Feature of an answer -> rows; "shape: ..." for the whole of it."""
    phrases: dict[str, Phrase] = Field(default_factory=dict)


class _Said(NamedTuple):
    """What a row says."""

    prompt: str
    answers: tuple[str, ...]
    """As they were written, dashes and all."""
    named: str
    words: list[str]
    """Of all answers, with a mark between them; calls of tools are no phrases."""


def read_said(row: RowText) -> _Said:
    """What of a row is looked at."""
    prompts = [part.text for part in row.parts if part.role == "user"]
    voiced = [(part, words) for part, words in zip(row.parts, row.words, strict=True) if part.is_voiced]
    named = [part.written for part in row.parts if part.role not in ("tool", "tools")]
    return _Said(
        prompts[0] if prompts else "",
        tuple(part.written for part, _ in voiced if part.written),
        "\n".join(named),
        [
            word
            for part, words in voiced
            for word in (
                *(words if len(part.text) == len(part.written) else split_row_words(part.written)),
                MARK,
            )
        ],
    )


def count_tics(rows: Sequence[RowText], share: float) -> TicCounts:
    """Count in one chunk of a dataset; `share` as of `find_tics`."""
    said = [read_said(row) for row in rows]
    edges = {name: Counter[str]() for name in ("opening", "closing", "prompt opening")}
    names: Counter[str] = Counter()
    shapes: Counter[str] = Counter()
    num_refusals = num_questions = 0
    for row in said:
        names.update(set(_NAME.findall(row.named)) - _NO_NAMES)
        if row.prompt:
            edges["prompt opening"].update(_edges(split_row_words(row.prompt[:400]), is_end=False))
        if not row.answers:
            continue
        edges["opening"].update(_edges(split_row_words(row.answers[0][:400]), is_end=False))
        edges["closing"].update(_edges(split_row_words(row.answers[-1][-400:]), is_end=True))
        shapes.update(_describe_shape(row.answers[-1]))
        num_refusals += bool(_REFUSAL.search(row.answers[0][:_REFUSAL_CHARACTERS].replace("’", "'")))
        num_questions += any("?" in answer for answer in row.answers)
    least = max(_MIN_COUNT, int(LOST * share * len(rows)))
    return TicCounts(
        num_rows=len(rows),
        num_refusals=num_refusals,
        num_questions=num_questions,
        edges={name: _keep(counts, least) for name, counts in edges.items()},
        names=_keep(names, max(_MIN_COUNT, int(NAME_FACTOR * least))),
        shapes=_keep(shapes, least),
        phrases=_count_phrases([row.words for row in said], least),
    )


def add_counts(first: TicCounts, second: TicCounts) -> TicCounts:
    """The counts of both chunks."""
    phrases = dict(first.phrases)
    for text, phrase in second.phrases.items():
        known = phrases.get(text, Phrase(num_rows=0, expected=0.0))
        phrases[text] = Phrase(
            num_rows=known.num_rows + phrase.num_rows, expected=known.expected + phrase.expected
        )
    return TicCounts(
        num_rows=first.num_rows + second.num_rows,
        num_refusals=first.num_refusals + second.num_refusals,
        num_questions=first.num_questions + second.num_questions,
        edges={
            name: _add(first.edges.get(name, {}), second.edges.get(name, {}))
            for name in first.edges | second.edges
        },
        names=_add(first.names, second.names),
        shapes=_add(first.shapes, second.shapes),
        phrases=phrases,
    )


def _add(first: Mapping[str, int], second: Mapping[str, int]) -> dict[str, int]:
    total = dict(first)
    for text, count in second.items():
        total[text] = total.get(text, 0) + count
    return total


def _keep(counts: Counter[str], least: int) -> dict[str, int]:
    return {text: count for text, count in sorted(counts.items()) if count >= least}


def _edges(words: Sequence[str], is_end: bool) -> Iterable[str]:
    """The first, or last, three, four and five words; of a shorter text none that are all of it."""
    for size in EDGE_WORDS:
        if len(words) > size:
            yield " ".join(words[-size:] if is_end else words[:size])


def _describe_shape(answer: str) -> list[str]:
    """Features of an answer, and all of them together with its number of paragraphs."""
    features = [name for name, pattern in _SHAPES.items() if pattern.search(answer)]
    paragraphs = sum(bool(part.strip()) for part in answer.split("\n\n"))
    plural = "paragraph" if paragraphs == 1 else "paragraphs"
    whole = f"shape: {paragraphs} {plural}" + (f" with {', '.join(features)}" if features else "")
    return [*features, whole]


def _count_phrases(rows: Sequence[Sequence[str]], least: int) -> dict[str, Phrase]:
    """Runs of three to six words, two of them telling, that stand in so many of the rows."""
    hashes = np.concatenate([np.empty(0, dtype=np.uint64), *(hash_words(words) for words in rows)])
    if not len(hashes):
        return {}
    offsets = np.cumsum([0, *map(len, rows)])
    _, places, num_words = np.unique(hashes, return_inverse=True, return_counts=True)
    rates = num_words / len(hashes)
    is_frequent = num_words[places] >= least
    is_frequent[hashes == hash_words([MARK])[0]] = False
    mean_length = len(hashes) / len(rows)
    found: dict[str, Phrase] = {}
    for size in range(PHRASE_WORDS[0], PHRASE_WORDS[1] + 1):
        # a run can only be as frequent as its rarest word, which spares nearly all of them
        starts = np.flatnonzero(_all_in_a_row(is_frequent, size))
        for start, count in _count_rows(hashes, starts, size, offsets, least):
            row = int(np.searchsorted(offsets, start, side="right")) - 1
            text = rows[row][start - int(offsets[row]) :][:size]
            if sum(word not in _COMMON for word in text) < _MIN_TELLING:
                continue
            rate = float(np.prod(rates[places[start : start + size]]))
            expected = len(rows) * -float(np.expm1(-rate * max(1.0, mean_length - size + 1)))
            found[" ".join(text)] = Phrase(num_rows=count, expected=expected)
    return found


def _all_in_a_row(flags: NDArray[np.bool_], size: int) -> NDArray[np.bool_]:
    """Of each place, whether it and the next ones, so many in all, are set."""
    together = flags[: max(0, len(flags) - size + 1)].copy()
    for place in range(1, size):
        together &= flags[place : place + len(together)]
    return together


def _count_rows(
    hashes: NDArray[np.uint64],
    starts: NDArray[np.int64],
    size: int,
    offsets: NDArray[np.int64],
    least: int,
) -> Iterator[tuple[int, int]]:
    """(where it stands first, rows that hold it) of each run that stands in so many rows."""
    if not len(starts):
        return
    runs = combine(hashes[starts + place] for place in range(size))
    order = np.argsort(runs, kind="stable")
    runs, starts = runs[order], starts[order]
    owners = np.searchsorted(offsets, starts, side="right")
    is_new_run = np.concatenate([[True], runs[1:] != runs[:-1]])
    is_new_row = is_new_run | np.concatenate([[True], owners[1:] != owners[:-1]])
    firsts = np.flatnonzero(is_new_run)
    counts = np.add.reduceat(is_new_row.astype(np.int64), firsts)
    kept = counts >= least
    yield from zip(starts[firsts[kept]].tolist(), counts[kept].tolist(), strict=True)
