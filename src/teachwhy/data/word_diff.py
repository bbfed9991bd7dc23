"""What a rewrite changed, word by word, for two columns side by side."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from typing import NamedTuple

MAX_WORDS = 3000
"""Of each text; what comes after is shown and not compared. Two texts of that length take 0.2 s at most."""
_WORDS = re.compile(r"\s*\S+|\s+\Z")
_SHORT = 1
"""So few words that stayed between two changes make them read worse than as one change."""


class Piece(NamedTuple):
    """Some of a text: `same`, `gone` (before only), `new` (after only), or `rest` (not compared)."""

    kind: str
    text: str


class Diff(NamedTuple):
    """Both texts in pieces; joined, each column is its text."""

    before: tuple[Piece, ...]
    after: tuple[Piece, ...]
    num_gone: int
    num_new: int
    """Words, of those that were compared."""
    is_same: bool
    is_whole: bool
    """Every word was compared."""


def compare(before: str, after: str) -> Diff:
    """The words that are gone and those that are new."""
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    bare_old, bare_new = ([word.strip() for word in words[:MAX_WORDS]] for words in (old, new))
    matcher = difflib.SequenceMatcher(None, bare_old, bare_new, autojunk=True)
    left: list[Piece] = []
    right: list[Piece] = []
    num_gone = num_new = 0
    for is_same, (a1, a2), (b1, b2) in _fold(matcher.get_opcodes()):
        gone, added = "".join(old[a1:a2]), "".join(new[b1:b2])
        if is_same:
            left.append(Piece("same", gone))
            right.append(Piece("same", added))
            continue
        num_gone += a2 - a1
        num_new += b2 - b1
        left += [Piece("gone", gone)] if gone else []
        right += [Piece("new", added)] if added else []
    for pieces, words in ((left, old), (right, new)):
        pieces += [Piece("rest", "".join(words[MAX_WORDS:]))] if len(words) > MAX_WORDS else []
    is_whole = max(len(old), len(new)) <= MAX_WORDS
    return Diff(tuple(left), tuple(right), num_gone, num_new, before == after, is_whole)


Span = tuple[int, int]


def _fold(opcodes: Sequence[tuple[str, int, int, int, int]]) -> list[tuple[bool, Span, Span]]:
    """Runs of both texts, the same or changed; a short run that stayed joins the changes around it."""
    runs: list[tuple[bool, Span, Span]] = []
    for place, (tag, a1, a2, b1, b2) in enumerate(opcodes):
        is_inner = 0 < place < len(opcodes) - 1
        is_same = tag == "equal" and not (is_inner and a2 - a1 <= _SHORT)
        if runs and not is_same and not runs[-1][0]:
            _, (start, _), (begin, _) = runs.pop()
            runs.append((False, (start, a2), (begin, b2)))
        else:
            runs.append((is_same, (a1, a2), (b1, b2)))
    return runs
