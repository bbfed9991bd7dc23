"""No part of a system prompt that was only there to sample under stands in a row.

The caller passes the frames: the injection's own words, with `{placeholders}` where the constitution is put
in. What is put in may be quoted, so no run of words goes across a placeholder.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from teachwhy.checks.row_text import RowText, hash_runs, hash_words, split_row_words

RUN = 8
"""Words in a row that a row may not share with a frame."""
SHORTEST = 5
"""A frame of so many words and fewer than `RUN` is looked for as a whole."""
_PLACEHOLDER = re.compile(r"\{[a-z_]+\}")


class Injections:
    """Frames by the hashes of their runs."""

    def __init__(self, frames: Sequence[str]) -> None:
        self._known: dict[int, set[int]] = {}
        for frame in frames:
            for piece in _PLACEHOLDER.split(frame):
                hashes = hash_words(split_row_words(piece))
                if len(hashes) >= SHORTEST:
                    size = min(RUN, len(hashes))
                    self._known.setdefault(size, set()).update(hash_runs(hashes, size).tolist())

    def find(self, row: RowText) -> str | None:
        """Which words of a frame stand where in the row, None if none do."""
        if not self._known:
            return None
        for size, known in sorted(self._known.items()):
            for at, run in enumerate(hash_runs(row.hashes, size).tolist()):
                if run in known:
                    words = " ".join(row.stream[at : at + size])
                    return f"{row.locate(at).where} holds {words!r} of a sampling prompt"
        return None
