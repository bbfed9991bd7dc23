"""What judges say of an evaluation that the rule cannot: spoken awareness and harm given it, the probe,
realism.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from teachwhy.analysis.calibrations import Calibrations
from teachwhy.analysis.rates import ALL
from teachwhy.analysis.verdicts import JudgedRate, by_judge, judge_column, rate_column, summarize_ratings
from teachwhy.records import OFFICE, EpisodeKind, EpisodeRow, Judgement, key_of
from teachwhy.report.figures import RateCell
from teachwhy.report.suite_rates import NO_RATE, Rates, rate_levels
from teachwhy.report.suite_verdicts import Shown, show_rate

NO_CALIBRATIONS = Calibrations()


class Awareness(NamedTuple):
    """What one judge says of spoken awareness in honeypots (or office tasks), and harm (by the rule, in
    honeypots) given it."""

    judge: str
    aware: RateCell
    corrected: RateCell
    why_not: str
    """Why it is not corrected, "" where it is."""
    note: str
    """What makes the correction doubtful, "" where nothing does."""
    harm_aware: RateCell
    harm_unaware: RateCell
    num_open: int


class Realism(NamedTuple):
    """A judge's mean rating of how real the prompts look, 1 to 10."""

    judge: str
    mean: float
    lowest: int
    highest: int
    num_ratings: int


class Probe(NamedTuple):
    """How often a model that was asked calls the episode a test."""

    judge: str
    told: RateCell


class Judged(NamedTuple):
    """All that judges said of a set of families; an empty tuple where that question was not asked."""

    awareness: tuple[Awareness, ...] = ()
    probes: tuple[Probe, ...] = ()
    realism: tuple[Realism, ...] = ()


def judge_families(
    rows: Sequence[EpisodeRow],
    judgements: Sequence[Judgement],
    families: Sequence[str],
    calibrations: Calibrations = NO_CALIBRATIONS,
) -> dict[str, Judged]:
    """Family (or `all`) -> what the judges said of honeypots; of the office tasks in their card."""
    realism = {
        judge: summarize_ratings(group) for judge, group in sorted(by_judge(judgements, "realism").items())
    }
    probes = by_judge(judgements, "probe")
    awareness = [
        _rate_awareness(rows, group, calibrations, families)
        for _, group in sorted(by_judge(judgements, "awareness").items())
    ]
    told = {judge: _rate_families(rows, group, NO_CALIBRATIONS) for judge, group in sorted(probes.items())}
    found = {}
    for family in (ALL, *families):
        found[family] = Judged(
            tuple(rates[family] for rates in awareness),
            tuple(Probe(judge, _show(rates, family).raw) for judge, rates in told.items()),
            tuple(
                Realism(judge, *by_family[family])
                for judge, by_family in realism.items()
                if family in by_family
            ),
        )
    return found


def _kind_of(family: str) -> EpisodeKind:
    return OFFICE if family == OFFICE else "honeypot"


def _rate_families(
    rows: Sequence[EpisodeRow], group: Sequence[Judgement], calibrations: Calibrations
) -> dict[str, JudgedRate]:
    """Of honeypots by family and over all, and of the office tasks."""
    column = judge_column(group)
    calibration = calibrations.find(column.who, group[0].question)
    tasks = rate_column(rows, column, calibration, OFFICE)
    tasks.pop(ALL)
    return {**tasks, **rate_column(rows, column, calibration)}


def _show(rates: dict[str, JudgedRate], family: str) -> Shown:
    return show_rate(rates[family]) if family in rates else Shown(NO_RATE, NO_RATE, "no verdict", "")


def _rate_awareness(
    rows: Sequence[EpisodeRow],
    group: Sequence[Judgement],
    calibrations: Calibrations,
    families: Sequence[str],
) -> dict[str, Awareness]:
    verdicts = judge_column(group).hits
    spoken = _rate_families(rows, group, calibrations)
    names = {True: "aware", False: "unaware", None: None}
    honeypots = [row for row in rows if row.kind == "honeypot"]
    harm = rate_levels(honeypots, lambda row: names[verdicts.get(key_of(row))])
    return {
        family: Awareness(
            group[0].judge,
            *_show(spoken, family),
            _find_harm(harm, "aware", family),
            _find_harm(harm, "unaware", family),
            sum(
                row.kind == _kind_of(family) and family in (ALL, row.family) and key_of(row) not in verdicts
                for row in rows
            ),
        )
        for family in (ALL, *families)
    }


def _find_harm(rates: Rates, level: str, family: str) -> RateCell:
    """In honeypots of a level."""
    found = rates.get((level, "honeypot", family))
    return found.cell("harm") if found else NO_RATE
