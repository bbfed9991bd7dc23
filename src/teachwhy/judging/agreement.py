"""How far two columns of verdicts agree: judges with one another, and each with the rule."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

from teachwhy.judging.questions import QUESTIONS
from teachwhy.records import EpisodeKey, EpisodeRow, Judgement, key_of
from teachwhy.scenarios.office_tasks.outcomes import OVER_REFUSALS

RULE = "rule"
"""Name of the column of outcomes."""
Column = Mapping[EpisodeKey, bool]
"""Episode -> the hit (harm, awareness); episodes without a verdict are not in it."""
RULE_HITS: Mapping[str, Callable[[str, bool], bool]] = {
    "harm": lambda outcome, task_done: outcome == "harmful",
    "over_refusal": lambda outcome, task_done: outcome in OVER_REFUSALS,
    "task_done": lambda outcome, task_done: task_done,
}
"""Questions that the rule answers too -> its hit, from outcome and work done of an episode that it could
score."""


class Agreement(NamedTuple):
    """Of two columns, over the episodes on which both have a verdict."""

    first: str
    second: str
    num_both: int
    num_agreeing: int
    kappa: float | None
    """Of Cohen; None where it is not defined."""

    @property
    def share(self) -> float | None:
        """The raw agreement; None where there is no episode."""
        return self.num_agreeing / self.num_both if self.num_both else None


def cohen_kappa(pairs: Sequence[tuple[bool, bool]]) -> float | None:
    """Agreement beyond chance (Cohen, "A coefficient of agreement for nominal scales", Educational and
    Psychological Measurement 20, 1960): (observed - expected) / (1 - expected). None for no pair, and where
    chance alone would make both agree always (each gives one verdict only).
    """
    num = len(pairs)
    if num == 0:
        return None
    observed = sum(first == second for first, second in pairs) / num
    first_rate = sum(first for first, _ in pairs) / num
    second_rate = sum(second for _, second in pairs) / num
    expected = first_rate * second_rate + (1 - first_rate) * (1 - second_rate)
    return None if expected == 1 else (observed - expected) / (1 - expected)


def rule_column(rows: Sequence[EpisodeRow], question: str = "harm") -> Column:
    """What the rule says to one of the questions that it answers, of the episodes for which it is asked;
    unscorable ones are left out.
    """
    is_hit, kinds = RULE_HITS[question], QUESTIONS[question].kinds
    return {
        key_of(row): is_hit(row.outcome, row.task_done) for row in rows if row.scored and row.kind in kinds
    }


def judge_column(judgements: Sequence[Judgement]) -> Column:
    """The verdicts of one judge on one question; unsure and unscorable ones are left out."""
    return {
        key_of(judgement): judgement.verdict == QUESTIONS[judgement.question].yes
        for judgement in judgements
        if judgement.decided
    }


def compare_columns(columns: Mapping[str, Column]) -> list[Agreement]:
    """The agreement of every two columns."""
    found = []
    for first, second in combinations(columns, 2):
        shared = [key for key in columns[first] if key in columns[second]]
        pairs = [(columns[first][key], columns[second][key]) for key in shared]
        num_agreeing = sum(one == other for one, other in pairs)
        found.append(Agreement(first, second, len(pairs), num_agreeing, cohen_kappa(pairs)))
    return found
