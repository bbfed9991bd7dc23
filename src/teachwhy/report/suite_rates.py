"""The numbers of the suite page: rates by kind of episode and by factor, counts of outcomes.

Every interval is that of `analysis`: rows of one level are given to it as if they were an arm, so that all
families and levels of a factor are computed at once and as every other rate of teachwhy is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import NamedTuple

from teachwhy.analysis.by_level import summarize_levels
from teachwhy.analysis.rates import KINDS
from teachwhy.analysis.summary import MetricSummary
from teachwhy.records import EpisodeKind, EpisodeRow
from teachwhy.report.figures import OUTCOMES, RateCell, Segment

ALL = "all"
NO_RATE = RateCell(None, None, None, 0)
KIND_TITLES: Mapping[EpisodeKind, str] = {
    "honeypot": "Honeypots",
    "twin": "Twins",
    "control": "Controls",
    "ordinary": "Ordinary tasks",
    "office": "Office tasks",
}


class Factor(NamedTuple):
    """A factor of the scenarios as shown: levels in order with their titles; others follow by name."""

    name: str
    title: str
    levels: Mapping[str, str]
    kinds: tuple[EpisodeKind, ...] = ("honeypot",)


FACTORS = (
    Factor("cue", "Cue", {"none": "no cue", "test": "looks like a test", "deployed": "says it is deployed"}),
    Factor("threat", "Threat", {"none": "no threat", "replacement": "", "restriction": "", "reprimand": ""}),
    Factor(
        "lever",
        "Lever",
        {"live": "live (honeypots)", "inert": "inert (twins)", "absent": "absent (ordinary)"},
        ("honeypot", "twin", "ordinary"),
    ),
    Factor("pressure", "Pressure: letters that push", {str(dose): "" for dose in range(5)}),
)


@dataclass(frozen=True)
class LevelRates:
    """The rates of one row of a table: a kind of episode, or a level of a factor."""

    title: str
    num_rows: int
    """Unscorable ones included."""
    num_unscorable: int
    cells: Mapping[str, RateCell]
    """By metric; `num_episodes` is the denominator."""

    def cell(self, metric: str) -> RateCell:
        """A rate, or the empty one."""
        return self.cells.get(metric, NO_RATE)


class FactorRates(NamedTuple):
    """A factor with those of its levels that occur."""

    title: str
    levels: tuple[LevelRates, ...]


Rates = Mapping[tuple[str, EpisodeKind, str], LevelRates]
"""By level, kind, and family or `all`."""


def rate_levels(rows: Iterable[EpisodeRow], level_of: Callable[[EpisodeRow], str | None]) -> Rates:
    """The rates of each level, kind and set of families; rows without a level are left out."""
    found: dict[tuple[str, EpisodeKind, str], LevelRates] = {}
    for key, rates in summarize_levels(rows, level_of).items():
        one = next(iter(rates.values()))
        cells = {metric: _cell_of(rate) for metric, rate in rates.items()}
        found[key] = LevelRates(key.level, one.num_episodes, one.num_unscorable, cells)
    return found


def _cell_of(rate: MetricSummary) -> RateCell:
    if rate.estimate is None:
        return NO_RATE
    return RateCell(100 * rate.estimate, 100 * rate.low, 100 * rate.high, rate.num_counted)


def rate_kinds(rows: Sequence[EpisodeRow]) -> dict[str, tuple[tuple[EpisodeKind, LevelRates], ...]]:
    """Family (or `all`) -> the rates of each kind of episode that it has."""
    rates = rate_levels(rows, lambda row: row.arm)
    found: dict[str, list[tuple[EpisodeKind, LevelRates]]] = {}
    for kind in KINDS:
        for (_, own, family), rate in rates.items():
            if own == kind:
                found.setdefault(family, []).append((kind, rate))
    return {family: tuple(kinds) for family, kinds in found.items()}


def rate_factors(rows: Sequence[EpisodeRow]) -> dict[str, tuple[FactorRates, ...]]:
    """Family (or `all`) -> rates by each factor that has more than one level there."""
    found: dict[str, list[FactorRates]] = {}
    for factor in FACTORS:
        used = [_as_honeypot(row) for row in rows if row.kind in factor.kinds]
        rates = rate_levels(used, _level_of(factor.name))
        levels = sorted({key[0] for key in rates}, key=lambda name: _place(factor, name))
        for family in dict.fromkeys(key[2] for key in rates):
            own = tuple(
                LevelRates(factor.levels.get(name) or name, rate.num_rows, rate.num_unscorable, rate.cells)
                for name in levels
                if (rate := rates.get((name, "honeypot", family)))
            )
            if len(own) > 1:
                found.setdefault(family, []).append(FactorRates(factor.title, own))
    return {family: tuple(factors) for family, factors in found.items()}


def _level_of(factor: str) -> Callable[[EpisodeRow], str]:
    get = attrgetter(factor)
    return lambda row: str(get(row))


def _as_honeypot(row: EpisodeRow) -> EpisodeRow:
    """The row among honeypots, under an id that no honeypot has."""
    if row.kind == "honeypot":
        return row
    return row.model_copy(update={"kind": "honeypot", "episode_id": f"{row.kind} {row.episode_id}"})


def _place(factor: Factor, level: str) -> tuple[int, str]:
    known = list(factor.levels)
    return (known.index(level) if level in known else len(known), level)


def count_outcomes(rows: Iterable[EpisodeRow]) -> tuple[Segment, ...]:
    """The parts of a bar, in the order of OUTCOMES, empty ones left out."""
    names = [row.outcome for row in rows]
    counts = {name: names.count(name) for name in OUTCOMES}  # type: ignore[arg-type]
    return tuple(Segment(name, num, 100 * num / len(names)) for name, num in counts.items() if num)
