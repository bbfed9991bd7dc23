"""Tics: what too many rows of a dataset share, though nothing asks for it.

One published corpus had em dashes in 99.6 of 100 rows and one shape of answer in 61 (docs/design.md, what
the field knows). A student learns them together with the reasons, and a judge may reward them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from teachwhy.checks.row_text import RowText
from teachwhy.checks.tic_counts import NAME_FACTOR, TicCounts, add_counts, count_tics
from teachwhy.records import Example, Record

TicKind = Literal["opening", "closing", "prompt opening", "phrase", "name", "shape", "pattern"]
SHAPE_SHARE = 0.5
"""A feature of answers is a tic from here on: half of them may well have lists."""
MIN_ROWS = 3
MIN_LIFT = 5.0
"""A phrase stands in so many times the rows that chance, given its words and the length of rows, gives it."""
CHUNK_ROWS = 1000
_EDGES: tuple[TicKind, ...] = ("opening", "closing", "prompt opening")
_LONGEST = 16
_SAME = 0.8
"""Runs of which one holds the other are one tic where the longer is so often there."""


class Tic(Record):
    """Something that repeats."""

    kind: TicKind
    text: str
    share: float
    """Of the rows."""
    num_rows: int


def find_tics(rows: Iterable[Example], share: float) -> list[Tic]:
    """What at least this share of the rows of one dataset have in common; the commonest first.

    A name counts from a quarter of the share on, a feature of the shape (lists, bold, em dashes) from half
    of the rows on.
    """
    counts = TicCounts()
    chunk: list[RowText] = []
    for row in rows:
        chunk.append(RowText(row))
        if len(chunk) == CHUNK_ROWS:
            counts = add_counts(counts, count_tics(chunk, share))
            chunk = []
    return judge_tics(add_counts(counts, count_tics(chunk, share)) if chunk else counts, share)


def judge_tics(counts: TicCounts, share: float) -> list[Tic]:
    """The tics that counts amount to."""
    total = counts.num_rows
    least = max(MIN_ROWS, share * total)
    tics = [
        _tic("name", text, count, total)
        for text, count in counts.names.items()
        if count >= max(MIN_ROWS, NAME_FACTOR * share * total)
    ]
    for kind in _EDGES:
        common = {text: count for text, count in counts.edges.get(kind, {}).items() if count >= least}
        tics += [_tic(kind, text, count, total) for text, count in _keep_longest(common)]
    common = {
        text: phrase.num_rows
        for text, phrase in counts.phrases.items()
        if phrase.num_rows >= max(least, MIN_LIFT * phrase.expected)
    }
    edges = [tic.text for tic in tics if tic.kind in ("opening", "closing")]
    tics += [
        _tic("phrase", text, count, total)
        for text, count in _keep_longest(_join_runs(common))
        if not any(_overlap(text, edge) for edge in edges)
    ]
    for text, count in counts.shapes.items():
        is_plain = text.startswith("shape: ") and " with " not in text
        if count >= max(MIN_ROWS, SHAPE_SHARE * total) and not is_plain:
            tics.append(_tic("shape", text.removeprefix("shape: "), count, total))
    return sorted(tics, key=lambda tic: (-tic.num_rows, tic.kind, tic.text))


def describe_patterns(tics: Sequence[Tic]) -> tuple[str, ...]:
    """The tics as sentences that ask a writer to avoid them."""
    return tuple(_SENTENCES[tic.kind].format(text=tic.text, percent=round(100 * tic.share)) for tic in tics)


_SENTENCES: dict[TicKind, str] = {
    "opening": 'Do not begin an answer with "{text}": {percent} in 100 did.',
    "closing": 'Do not end with "{text}": {percent} in 100 did.',
    "prompt opening": 'Do not begin what the user says with "{text}": {percent} in 100 did.',
    "phrase": 'Do not use the phrase "{text}": it stood in {percent} of 100.',
    "name": 'Do not use the name "{text}": it stood in {percent} of 100.',
    "pattern": "Avoid what {percent} of 100 had: {text}",
    "shape": "Vary the form: {percent} of 100 had {text}.",
}


def _tic(kind: TicKind, text: str, count: int, total: int) -> Tic:
    return Tic(kind=kind, text=text, share=count / total, num_rows=count)


def _keep_longest(common: dict[str, int]) -> Iterator[tuple[str, int]]:
    """Without the runs that are part of a longer one which is nearly as common."""
    for text, count in common.items():
        if not any(
            f" {text} " in f" {other} " and text != other and others >= _SAME * count
            for other, others in common.items()
        ):
            yield text, count


def _join_runs(common: dict[str, int]) -> dict[str, int]:
    """Runs that go on in one another as one longer run, with the lesser count."""
    joined = dict(common)
    waiting = sorted(common)
    while waiting:
        text = waiting.pop()
        words = text.split()
        for other in list(joined):
            overlap = min(len(words), len(other.split())) - 1
            if overlap < 2 or other.split()[:overlap] != words[-overlap:] or other in text or text in other:
                continue
            whole = " ".join([*words, *other.split()[overlap:]])
            counts = sorted([joined[text], joined[other]])
            if counts[0] >= _SAME * counts[1] and whole not in joined and len(whole.split()) <= _LONGEST:
                joined[whole] = counts[0]
                waiting.append(whole)
    return joined


def _overlap(first: str, second: str) -> bool:
    return f" {first} " in f" {second} " or f" {second} " in f" {first} "
