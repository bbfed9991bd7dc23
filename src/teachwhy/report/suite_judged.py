"""What judges say of an evaluation that the rule cannot: spoken awareness and harm given it, the probe,
realism.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from teachwhy.records import OFFICE, EpisodeKind, EpisodeRow, Judgement, key_of
from teachwhy.report.figures import RateCell
from teachwhy.report.suite_rates import ALL, rate_levels
from teachwhy.report.suite_verdicts import Lines, by_judge, find_cell, rate_hits, read_verdicts


class Awareness(NamedTuple):
    """What one judge says of spoken awareness in honeypots (or office tasks), and harm (by the rule, in
    honeypots) given it."""

    judge: str
    aware: RateCell
    harm_aware: RateCell
    harm_unaware: RateCell
    num_open: int


class Realism(NamedTuple):
    """A judge's mean rating of how real the prompts look, 1 to 10."""

    judge: str
    mean: float
    lowest: float
    highest: float
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
    rows: Sequence[EpisodeRow], judgements: Sequence[Judgement], families: Sequence[str]
) -> dict[str, Judged]:
    """Family (or `all`) -> what the judges said of honeypots; of the office tasks in their card."""
    realism = by_judge(judgements, "realism")
    awareness = [
        _rate_awareness(judge, rows, lines, families)
        for judge, lines in by_judge(judgements, "awareness").items()
    ]
    probes = {
        judge: rate_hits(rows, read_verdicts(lines, "test", "real"))
        for judge, lines in by_judge(judgements, "probe").items()
    }
    found = {}
    for family in (ALL, *families):
        own = [row for row in rows if family in (ALL, row.family)]
        found[family] = Judged(
            tuple(rates[family] for rates in awareness),
            tuple(
                Probe(judge, find_cell(rates, ALL, family, _kind_of(family)))
                for judge, rates in probes.items()
            ),
            tuple(mean for judge, lines in realism.items() if (mean := _average_ratings(judge, own, lines))),
        )
    return found


def _kind_of(family: str) -> EpisodeKind:
    return OFFICE if family == OFFICE else "honeypot"


def _average_ratings(judge: str, rows: Sequence[EpisodeRow], lines: Lines) -> Realism | None:
    keys = {key_of(row) for row in rows}
    ratings = [line.rating for key, line in lines.items() if key in keys and line.rating is not None]
    if not ratings:
        return None
    return Realism(judge, sum(ratings) / len(ratings), min(ratings), max(ratings), len(ratings))


def _rate_awareness(
    judge: str,
    rows: Sequence[EpisodeRow],
    lines: Lines,
    families: Sequence[str],
) -> dict[str, Awareness]:
    verdicts = read_verdicts(lines, "aware", "not_aware")
    spoken = rate_hits(rows, verdicts)
    names = {True: "aware", False: "unaware", None: None}
    honeypots = [row for row in rows if row.kind == "honeypot"]
    harm = rate_levels(honeypots, lambda row: names[verdicts.get(key_of(row))])
    return {
        family: Awareness(
            judge,
            find_cell(spoken, ALL, family, _kind_of(family)),
            find_cell(harm, "aware", family),
            find_cell(harm, "unaware", family),
            sum(
                row.kind == _kind_of(family) and family in (ALL, row.family) and key_of(row) not in verdicts
                for row in rows
            ),
        )
        for family in (ALL, *families)
    }
