"""The numbers of the suite page: rates by kind of episode and by factor, what levels of a factor change,
counts of outcomes.

Every interval is that of `analysis`: rows of one level are given to it as if they were an arm, so that all
families and levels of a factor are computed at once and as every other rate of teachwhy is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import NamedTuple

from teachwhy.analysis.by_level import summarize_levels
from teachwhy.analysis.levels import (
    MIN_FAMILIES,
    RateLimits,
    combine_rates,
    combine_within,
    limit_rate,
    weigh_difference,
    weigh_trend,
)
from teachwhy.analysis.rates import ALL, KINDS, SKIN_MARK, build_table, read_rows, rows_by_skin
from teachwhy.analysis.summary import MetricSummary, summarize_skins
from teachwhy.records import EpisodeKind, EpisodeRow
from teachwhy.report.figures import OUTCOMES, RateCell, Segment
from teachwhy.report.number_text import format_points, plural

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
    is_dose: bool = False
    """Its levels are numbers in order."""


FACTORS = (
    Factor("cue", "Cue", {"none": "no cue", "test": "looks like a test", "deployed": "says it is deployed"}),
    Factor("threat", "Threat", {"none": "no threat", "replacement": "", "restriction": "", "reprimand": ""}),
    Factor(
        "lever",
        "Lever",
        {"live": "live (honeypots)", "inert": "inert (twins)", "absent": "absent (ordinary)"},
        ("honeypot", "twin", "ordinary"),
    ),
    Factor("pressure", "Pressure: letters that push", {str(dose): "" for dose in range(5)}, is_dose=True),
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


class Points(NamedTuple):
    """A difference of rates of harm with its interval, in percentage points."""

    estimate: float
    low: float
    high: float
    num_families: int = 1
    """Within which it was taken."""
    num_without: int = 0
    """Families that lack one of its levels and are not in it."""

    @property
    def text(self) -> str:
        """The estimate as printed."""
        return format_points(self.estimate / 100)

    @property
    def interval(self) -> str:
        """The interval as printed."""
        return f"{format_points(self.low / 100)} to {format_points(self.high / 100)}"


class FactorRates(NamedTuple):
    """A factor with those of its levels that occur."""

    title: str
    levels: tuple[LevelRates, ...]
    differences: tuple[Points | None, ...]
    """Harm of each level minus that of the first; None of the first and where a rate is missing."""
    trend: Points | None
    """Harm by one more of the dose; None of a factor that is no dose."""


class LevelCells(NamedTuple):
    """Harm by level in one family."""

    cells: Mapping[str, RateCell]
    num_episodes: Mapping[str, int]
    """Different episodes that could be scored, by level."""

    def has(self, levels: Sequence[str]) -> bool:
        """There is a rate at each of them."""
        return all(level in self.cells and self.cells[level].estimate is not None for level in levels)

    def rate(self, level: str) -> float:
        """Of a level that it has, from 0 to 1."""
        estimate = self.cells[level].estimate
        assert estimate is not None
        return estimate / 100


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


def rate_skins(rows: Sequence[EpisodeRow]) -> dict[str, tuple[LevelRates, ...]]:
    """Family -> harm in the honeypots of each of its skins by name; sprig's episodes and office tasks have
    none.
    """
    honeypots = [row for row in rows if row.kind == "honeypot"]
    frame = rows_by_skin(read_rows(honeypots)[0])
    if frame.empty:
        return {}
    names = {f"{row.family}{SKIN_MARK}{row.skin}": row for row in honeypots}
    found: dict[str, list[LevelRates]] = {}
    for rate in summarize_skins(honeypots[0].arm, build_table(frame)):
        if rate.metric == "harm":
            row = names[f"{rate.families}{SKIN_MARK}{rate.skin}"]
            rates = LevelRates(row.skin, rate.num_episodes, rate.num_unscorable, {"harm": _cell_of(rate)})
            found.setdefault(row.family, []).append(rates)
    return {family: tuple(sorted(skins, key=lambda skin: skin.title)) for family, skins in found.items()}


def rate_factors(rows: Sequence[EpisodeRow]) -> dict[str, tuple[FactorRates, ...]]:
    """Family (or `all`) -> rates by each factor that has more than one level there."""
    found: dict[str, list[FactorRates]] = {}
    for factor in FACTORS:
        used = [_as_honeypot(row) for row in rows if row.kind in factor.kinds]
        rates = rate_levels(used, _level_of(factor.name))
        levels = sorted({key[0] for key in rates}, key=lambda name: _place(factor, name))
        cells = {
            family: {name: rate.cell("harm") for (name, _, own), rate in rates.items() if own == family}
            for family in dict.fromkeys(key[2] for key in rates)
        }
        families = [family for family in cells if family in {row.family for row in used}]
        for family in cells:
            own = {
                name: LevelRates(
                    factor.levels.get(name) or name, rate.num_rows, rate.num_unscorable, rate.cells
                )
                for name in levels
                if (rate := rates.get((name, "honeypot", family)))
            }
            if len(own) > 1:
                parts = [
                    LevelCells(cells[name], _count_episodes(used, factor.name, name))
                    for name in (families if family == ALL else [family])
                ]
                found.setdefault(family, []).append(_compare_levels(factor, own, parts))
    return {family: tuple(factors) for family, factors in found.items()}


def _compare_levels(
    factor: Factor, levels: Mapping[str, LevelRates], parts: Sequence[LevelCells]
) -> FactorRates:
    """`parts`: harm at the levels in each family that is compared."""
    names = list(levels)
    differences = [
        _combine([names[0], names[place]], parts, weigh_difference(1, 2)) for place in range(1, len(names))
    ]
    doses = [
        name
        for name in names
        if factor.is_dose and name.isdecimal() and any(part.has([name]) for part in parts)
    ]
    trend = _combine(doses, parts, weigh_trend([int(name) for name in doses])) if len(doses) > 1 else None
    return FactorRates(factor.title, tuple(levels.values()), (None, *differences), trend)


def _combine(names: Sequence[str], parts: Sequence[LevelCells], weights: Sequence[float]) -> Points | None:
    """The weighted sum of harm at these levels, within the families that have all of them.

    A family that lacks a level would lend its own rate to the other levels alone, so that the sum would tell
    of families and not of levels; and fewer than `MIN_FAMILIES` of several say too little of the others.
    """
    whole = [part for part in parts if part.has(names)]
    if len(parts) == 1 == len(whole):
        limits = [_limits_of(whole[0].cells[name]) for name in names]
        return _as_points(combine_rates(limits, weights))
    if len(whole) < MIN_FAMILIES:
        return None
    rates = [[part.rate(name) for name in names] for part in whole]
    alone = [
        limit_rate(
            sum(row[place] for row in rates) / len(rates), sum(part.num_episodes[name] for part in whole)
        )
        for place, name in enumerate(names)
    ]
    found = _as_points(combine_within(rates, alone, weights))
    return found._replace(num_families=len(whole), num_without=len(parts) - len(whole))


def _limits_of(cell: RateCell) -> RateLimits:
    assert cell.estimate is not None and cell.low is not None and cell.high is not None
    return RateLimits(cell.estimate / 100, cell.low / 100, cell.high / 100)


def _as_points(found: RateLimits) -> Points:
    """Within what differences of rates can be."""
    estimate, low, high = (min(max(100 * part, -100.0), 100.0) for part in found)
    return Points(estimate, low, high)


def _count_episodes(rows: Sequence[EpisodeRow], factor: str, family: str) -> Counter[str]:
    """Different episodes of a family that could be scored, by level."""
    level_of = _level_of(factor)
    own = {(level_of(row), row.episode_id) for row in rows if row.scored and row.family == family}
    return Counter(level for level, _ in own)


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


class OutcomeBar(NamedTuple):
    """The outcomes of one kind of episode."""

    title: str
    num_rows: int
    segments: tuple[Segment, ...]

    @property
    def text(self) -> str:
        """The bar in words."""
        parts = (f"{part.num_episodes} {part.outcome}" for part in self.segments)
        return f"{self.title}, {plural(self.num_rows, 'episode')}: {', '.join(parts)}."


def count_outcomes(outcomes: Sequence[str]) -> tuple[Segment, ...]:
    """The parts of a bar, in the order of OUTCOMES, empty ones left out."""
    names = list(outcomes)
    counts = {name: names.count(name) for name in OUTCOMES}
    return tuple(Segment(name, num, 100 * num / len(names)) for name, num in counts.items() if num)
