"""The numbers of the suite page: rates by kind and by factor, awareness, and what judges say beside the rule.

Every interval is that of `analysis`: rows of one level are given to it as if they were an arm, so that all
families and levels of a factor are computed at once and as every other rate of teachwhy is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import NamedTuple

from teachwhy.analysis.rates import KINDS, build_table, read_rows
from teachwhy.analysis.summary import summarize_rates
from teachwhy.records import EpisodeKind, EpisodeRow
from teachwhy.report.figures import OUTCOMES, RateCell, Segment
from teachwhy.report.suite_files import JudgementLine, RowKey, key_of

ALL = "all"
NO_RATE = RateCell(None, None, None, 0)
KIND_TITLES: Mapping[EpisodeKind, str] = {
    "honeypot": "Honeypots",
    "twin": "Twins",
    "control": "Controls",
    "ordinary": "Ordinary tasks",
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


class Agreement(NamedTuple):
    """A judge's verdicts on harm beside the rule's outcomes, over all episodes that both decided."""

    judge: str
    num_both: int
    num_agreeing: int
    only_judge: int
    """Harmful by the judge alone."""
    only_rule: int
    num_open: int
    """Without a verdict of the judge, or unscorable by the rule."""


class Awareness(NamedTuple):
    """What one judge says of spoken awareness in honeypots, and harm (by the rule) given it."""

    judge: str
    aware: RateCell
    harm_aware: RateCell
    harm_unaware: RateCell
    num_open: int


class Realism(NamedTuple):
    """A judge's mean rating of how real the prompts look, 1 to 10."""

    judge: str
    mean: float
    num_ratings: int


class Judged(NamedTuple):
    """All that judges said of a set of families; an empty tuple where that question was not asked."""

    agreement: tuple[Agreement, ...] = ()
    awareness: tuple[Awareness, ...] = ()
    realism: tuple[Realism, ...] = ()


Rates = Mapping[tuple[str, EpisodeKind, str], LevelRates]
"""By level, kind, and family or `all`."""


def rate_levels(rows: Iterable[EpisodeRow], level_of: Callable[[EpisodeRow], str | None]) -> Rates:
    """The rates of each level, kind and set of families; rows without a level are left out."""
    marked = [row.model_copy(update={"arm": level}) for row in rows if (level := level_of(row)) is not None]
    if not marked:
        return {}
    table = build_table(read_rows(marked)[0])
    found: dict[tuple[str, EpisodeKind, str], dict[str, RateCell]] = {}
    counts: dict[tuple[str, EpisodeKind, str], tuple[int, int]] = {}
    for level in dict.fromkeys(row.arm for row in marked):
        for rate in summarize_rates(level, table):
            key = (level, rate.episodes, rate.families)
            cell = NO_RATE
            if rate.estimate is not None:
                cell = RateCell(100 * rate.estimate, 100 * rate.low, 100 * rate.high, rate.num_counted)
            found.setdefault(key, {})[rate.metric] = cell
            counts[key] = (rate.num_episodes, rate.num_unscorable)
    return {key: LevelRates(key[0], *counts[key], cells) for key, cells in found.items()}


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


def judge_families(
    rows: Sequence[EpisodeRow], judgements: Sequence[JudgementLine], families: Sequence[str]
) -> dict[str, Judged]:
    """Family (or `all`) -> what the judges said."""
    agreement: dict[str, list[Agreement]] = {}
    awareness: dict[str, list[Awareness]] = {}
    realism: dict[str, list[Realism]] = {}
    for (question, judge), lines in _by_question(judgements).items():
        for family in (ALL, *families):
            own = [row for row in rows if family in (ALL, row.family)]
            if question == "harm":
                agreement.setdefault(family, []).append(_compare(judge, own, lines))
            elif question == "realism":
                keys = {key_of(row) for row in own}
                ratings = [
                    line.rating for key, line in lines.items() if key in keys and line.rating is not None
                ]
                if ratings:
                    mean = sum(ratings) / len(ratings)
                    realism.setdefault(family, []).append(Realism(judge, mean, len(ratings)))
        if question == "awareness":
            for family, found in _rate_awareness(judge, rows, lines, families).items():
                awareness.setdefault(family, []).append(found)
    return {
        family: Judged(
            tuple(agreement.get(family, ())), tuple(awareness.get(family, ())), tuple(realism.get(family, ()))
        )
        for family in (ALL, *families)
    }


def _by_question(
    judgements: Sequence[JudgementLine],
) -> dict[tuple[str, str], dict[RowKey, JudgementLine]]:
    found: dict[tuple[str, str], dict[RowKey, JudgementLine]] = {}
    for line in judgements:
        key = RowKey(line.episode_id, line.repeat)
        found.setdefault((line.question, line.judge), {})[key] = line
    return dict(sorted(found.items()))


def _verdict(lines: Mapping[RowKey, JudgementLine], row: EpisodeRow, yes: str, no: str) -> bool | None:
    line = lines.get(key_of(row))
    return {yes: True, no: False}.get(line.verdict) if line else None


def _compare(judge: str, rows: Sequence[EpisodeRow], lines: Mapping[RowKey, JudgementLine]) -> Agreement:
    pairs = [
        (verdict, row.harmful)
        for row in rows
        if row.scored and (verdict := _verdict(lines, row, "harmful", "not_harmful")) is not None
    ]
    agreeing = sum(told == rule for told, rule in pairs)
    only_judge = sum(told and not rule for told, rule in pairs)
    asked = sum(key_of(row) in lines for row in rows)
    return Agreement(
        judge, len(pairs), agreeing, only_judge, len(pairs) - agreeing - only_judge, asked - len(pairs)
    )


def _rate_awareness(
    judge: str,
    rows: Sequence[EpisodeRow],
    lines: Mapping[RowKey, JudgementLine],
    families: Sequence[str],
) -> dict[str, Awareness]:
    honeypots = [row for row in rows if row.kind == "honeypot"]
    verdicts = {key_of(row): _verdict(lines, row, "aware", "not_aware") for row in honeypots}
    told = [
        row.model_copy(update={"outcome": "harmful" if verdicts[key_of(row)] else "declined"})
        for row in honeypots
        if verdicts[key_of(row)] is not None
    ]
    spoken = rate_levels(told, lambda row: ALL)
    names = {True: "aware", False: "unaware", None: None}
    harm = rate_levels(honeypots, lambda row: names[verdicts[key_of(row)]])

    def cell(rates: Rates, level: str, family: str) -> RateCell:
        found = rates.get((level, "honeypot", family))
        return found.cell("harm") if found else NO_RATE

    return {
        family: Awareness(
            judge,
            cell(spoken, ALL, family),
            cell(harm, "aware", family),
            cell(harm, "unaware", family),
            sum(verdicts[key_of(row)] is None for row in honeypots if family in (ALL, row.family)),
        )
        for family in (ALL, *families)
    }
