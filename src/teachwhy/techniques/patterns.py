"""The list of patterns to avoid, which grows with a dataset.

Units are counted in blocks. A unit reads what was found in the rows of all blocks up to the one before the
last, so that it hardly ever waits, and so that what it reads does not depend on which unit ends first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import anyio

from teachwhy.records import Example

BLOCK_SIZE = 100
"""Units of a block."""
LOOKED_AT = 1000
"""Newest rows that are searched for patterns."""

FindPatterns = Callable[[Sequence[Example]], tuple[str, ...]]


@dataclass
class Patterns:
    """What was found by block."""

    find: FindPatterns | None
    """None: nothing is looked for, and nobody waits."""
    _rows: list[Example] = field(default_factory=list)
    _found: list[tuple[str, ...]] = field(default_factory=list)
    _waiting: dict[int, anyio.Event] = field(default_factory=dict)

    def decide(self, index: int, row: Example | None) -> None:
        """Take in the accepted row of a unit, None for a rejected one; called in the order of the index."""
        if self.find is None:
            return
        if row is not None:
            self._rows.append(row)
        if (index + 1) % BLOCK_SIZE == 0:
            self._rows = self._rows[-LOOKED_AT:]
            self._found.append(self.find(self._rows))
            if event := self._waiting.pop(len(self._found) - 1, None):
                event.set()

    async def before(self, index: int) -> tuple[str, ...]:
        """What a unit is to avoid; waits until the blocks that it looks back to are decided."""
        block = index // BLOCK_SIZE - 2
        if block < 0 or self.find is None:
            return ()
        if block >= len(self._found):
            await self._waiting.setdefault(block, anyio.Event()).wait()
        return self._found[block]
