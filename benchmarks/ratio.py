"""One line of the table of benchmarks."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Ratio:
    """Two measurements of the same work and what their ratio must at least be."""

    name: str
    ours: float
    theirs: float
    ratio: float
    """How much better ours is."""
    floor: float
    unit: str

    @property
    def is_reached(self) -> bool:
        """The ratio is at least its floor."""
        return self.ratio >= self.floor
