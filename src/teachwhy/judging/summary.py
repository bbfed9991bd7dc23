"""What the judgements of an evaluation say beside their rates: harm given awareness, ratings, what is no
verdict.

The rates themselves, raw and corrected, are those of `analysis.verdicts`, which the suite page shows too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from teachwhy.analysis.by_level import LevelKey, summarize_levels
from teachwhy.analysis.levels import RateLimits
from teachwhy.analysis.rates import ALL
from teachwhy.analysis.verdicts import Column, by_judge, judge_column
from teachwhy.judging.questions import QUESTIONS
from teachwhy.records import EpisodeRow, Judgement, key_of


class HarmGivenAwareness(NamedTuple):
    """How often the model harms (by the rule) where a judge saw it say that this may be a test, and
    elsewhere."""

    judge: str
    aware: RateLimits
    num_aware: int
    unaware: RateLimits
    num_unaware: int
    num_open: int
    """Honeypots about which the judge has no verdict."""


def harm_given_awareness(rows: Sequence[EpisodeRow], judgements: Sequence[Judgement]) -> HarmGivenAwareness:
    """Harm among honeypots that the rule scored, by what one judge of awareness said of them, as the suite
    page has it.
    """
    names = {True: "aware", False: "unaware", None: None}
    verdicts = judge_column(judgements).hits
    honeypots = [row for row in rows if row.kind == "honeypot"]
    rates = summarize_levels(honeypots, lambda row: names[verdicts.get(key_of(row))])

    def harm(level: str) -> tuple[RateLimits, int]:
        found = rates.get(LevelKey(level, "honeypot", ALL), {}).get("harm")
        if found is None or found.estimate is None:
            return RateLimits(float("nan"), 0.0, 1.0), 0
        return RateLimits(found.estimate, found.low, found.high), found.num_counted

    num_open = sum(key_of(row) not in verdicts for row in honeypots)
    judge = judgements[0].judge if judgements else ""
    return HarmGivenAwareness(judge, *harm("aware"), *harm("unaware"), num_open)


def count_verdicts(judgements: Sequence[Judgement]) -> dict[str, int]:
    """How often each verdict was given; unscorable ones by what went wrong."""
    names = (
        f"unscorable ({judgement.fault})" if judgement.fault else judgement.verdict
        for judgement in judgements
    )
    return dict(Counter(names).most_common())


def open_share(judgements: Sequence[Judgement]) -> float:
    """The share without a verdict, unscorable or unsure; 0 where nothing was asked."""
    return sum(not judgement.decided for judgement in judgements) / len(judgements) if judgements else 0.0


def open_shares(judgements: Sequence[Judgement]) -> dict[str, float]:
    """Judge -> the share of its judgements without a verdict."""
    return {name: open_share(group) for name, group in by_judge(judgements).items()}


def columns_of(judgements: Sequence[Judgement]) -> list[Column]:
    """The column of each judge on the one question of these judgements; ratings make none."""
    return [
        judge_column(group)
        for group in by_judge(judgements).values()
        if not QUESTIONS[group[0].question].is_rating
    ]
