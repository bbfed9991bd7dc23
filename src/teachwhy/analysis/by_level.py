"""Rates of the rows of one arm by a level that each row has: of a factor, or what a judge said of it.

Rows of one level are counted as if they were an arm, so that every rate has the interval that all rates of
teachwhy have.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from teachwhy.analysis.rates import build_table, read_rows
from teachwhy.analysis.summary import MetricSummary, summarize_rates
from teachwhy.records import EpisodeKind, EpisodeRow


class LevelKey(NamedTuple):
    """Of which episodes the rates are."""

    level: str
    kind: EpisodeKind
    families: str
    """A family, a split, or `all`."""


def summarize_levels(
    rows: Iterable[EpisodeRow], level_of: Callable[[EpisodeRow], str | None]
) -> Mapping[LevelKey, Mapping[str, MetricSummary]]:
    """The rates of each level, kind and set of families, by metric; rows without a level are left out."""
    marked = [row.model_copy(update={"arm": level}) for row in rows if (level := level_of(row)) is not None]
    if not marked:
        return {}
    table = build_table(read_rows(marked)[0])
    found: dict[LevelKey, dict[str, MetricSummary]] = {}
    for level in dict.fromkeys(row.arm for row in marked):
        for rate in summarize_rates(level, table):
            found.setdefault(LevelKey(level, rate.episodes, rate.families), {})[rate.metric] = rate
    return found
