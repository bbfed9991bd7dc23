"""How many rows rest on each section of the constitution, and which sections none rests on."""

from __future__ import annotations

from collections.abc import Mapping

from teachwhy.constitution import Constitution
from teachwhy.records import Record


class SectionCount(Record):
    """One section and the rows that rest on it; a row may rest on several."""

    section: str
    num_rows: int


class Coverage(Record):
    """How a dataset covers a constitution."""

    sections: tuple[SectionCount, ...]
    """All sections of the constitution, in its order."""
    missing: tuple[str, ...]
    """Sections that no row rests on."""
    unknown: tuple[SectionCount, ...]
    """Ids that rows name and the constitution does not have."""
    num_without: int
    """Rows that rest on no section, as controls do."""

    @property
    def share(self) -> float:
        """Share of the constitution's sections that a row rests on."""
        return 1 - len(self.missing) / len(self.sections)


def describe_coverage(counts: Mapping[str, int], num_without: int, constitution: Constitution) -> Coverage:
    """The coverage that section -> rows amounts to."""
    known = constitution.section_ids
    return Coverage(
        sections=tuple(SectionCount(section=name, num_rows=counts.get(name, 0)) for name in known),
        missing=tuple(name for name in known if not counts.get(name)),
        unknown=tuple(
            SectionCount(section=name, num_rows=counts[name]) for name in sorted(counts.keys() - set(known))
        ),
        num_without=num_without,
    )
