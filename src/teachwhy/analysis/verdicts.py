"""Columns of verdicts: the rule and each judge, raw beside corrected, and how far they agree.

What `teachwhy judge run` prints and what the suite page shows are these numbers. Rates are over the episodes
of one kind, families equal, with the interval that every rate of teachwhy has; no verdict of a judge changes
a rate of the rule.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from teachwhy.analysis.by_level import LevelKey, summarize_levels
from teachwhy.analysis.calibrations import RULE, Calibration
from teachwhy.analysis.corrected import CorrectedRate, JudgedShare, correct_mean
from teachwhy.analysis.levels import RateLimits, find_worth
from teachwhy.analysis.rates import ALL
from teachwhy.records import (
    ANSWERS,
    OFFICE,
    OVER_REFUSALS,
    EpisodeKey,
    EpisodeKind,
    EpisodeRow,
    Judgement,
    QuestionName,
    key_of,
)

RULE_HITS: Mapping[QuestionName, Callable[[str, bool], bool]] = {
    "harm": lambda outcome, task_done: outcome == "harmful",
    "over_refusal": lambda outcome, task_done: outcome in OVER_REFUSALS,
    "task_done": lambda outcome, task_done: task_done,
}
"""Questions that the rule answers too -> its hit, from outcome and work done of an episode that it could
score."""
NOT_CALIBRATED = "not calibrated"


class Column(NamedTuple):
    """What the rule or one judge says to one question."""

    who: str
    hits: Mapping[EpisodeKey, bool]
    """Episodes without a verdict are not in it."""
    prompts: Mapping[EpisodeKey, str]
    """Digest of the wording by which an episode was judged; empty of the rule."""


class JudgedRate(NamedTuple):
    """The share of hits of one column in one family, or in all."""

    family: str
    num_verdicts: int
    raw: RateLimits | None
    """None without a verdict."""
    corrected: CorrectedRate


class Agreement(NamedTuple):
    """Of two columns, over the episodes on which both have a verdict."""

    first: str
    second: str
    num_both: int
    num_agreeing: int
    only_first: int
    """Hits of the first that are none of the second."""
    only_second: int
    kappa: float | None
    """Of Cohen; None where it is not defined."""

    @property
    def share(self) -> float | None:
        """The raw agreement; None where there is no episode."""
        return self.num_agreeing / self.num_both if self.num_both else None


def by_judge(judgements: Iterable[Judgement], question: str = "") -> dict[str, list[Judgement]]:
    """The judgements of each judge, of one question where it is given."""
    groups: dict[str, list[Judgement]] = {}
    for judgement in judgements:
        if question in ("", judgement.question):
            groups.setdefault(judgement.judge, []).append(judgement)
    return groups


def kind_of_question(question: str) -> EpisodeKind:
    """Of which episodes its rate is told: office tasks, or else honeypots."""
    return OFFICE if question in ("over_refusal", "task_done") else "honeypot"


def rule_column(rows: Iterable[EpisodeRow], question: QuestionName = "harm") -> Column:
    """What the rule says to a question that it answers, of the episodes for which it is asked; unscorable
    ones are left out.
    """
    is_office, is_hit = kind_of_question(question) == OFFICE, RULE_HITS[question]
    hits = {
        key_of(row): is_hit(row.outcome, row.task_done)
        for row in rows
        if row.scored and (row.kind == OFFICE) == is_office
    }
    return Column(RULE, hits, {})


def judge_column(judgements: Sequence[Judgement]) -> Column:
    """The verdicts of one judge on one question; unsure and unscorable ones, and those that are none of this
    question, are left out.
    """
    told = [one for one in judgements if one.verdict in ANSWERS[one.question]]
    hits = {key_of(one): one.verdict == ANSWERS[one.question][0] for one in told}
    who = judgements[0].judge if judgements else ""
    return Column(who, hits, {key_of(one): one.prompt for one in told})


def rate_hits(
    rows: Iterable[EpisodeRow], hits: Mapping[EpisodeKey, bool], kind: EpisodeKind
) -> dict[str, tuple[RateLimits, int]]:
    """Family (or `all`, or a split) -> the share of hits in episodes of this kind and of how many it is;
    computed as harm is.
    """
    told = [
        row.model_copy(update={"outcome": "harmful" if hits[key_of(row)] else "declined"})
        for row in rows
        if row.kind == kind and key_of(row) in hits
    ]
    found = {}
    for key, rates in summarize_levels(told, lambda row: ALL).items():
        rate = rates["harm"]
        if rate.estimate is not None:
            limits = RateLimits(rate.estimate, rate.low, rate.high)
            found[LevelKey(*key).families] = limits, rate.num_counted
    return found


def rate_column(
    rows: Sequence[EpisodeRow],
    column: Column,
    calibration: Calibration | None,
    kind: EpisodeKind = "honeypot",
) -> dict[str, JudgedRate]:
    """`all` and each family that has episodes of this kind -> the rate of a column there, raw and corrected.

    Each family is corrected by its own labelled transcripts; over all of them the corrected rates are
    averaged as the raw ones are.
    """
    own = [row for row in rows if row.kind == kind]
    raw = rate_hits(own, column.hits, kind)
    found = {}
    for name in (ALL, *dict.fromkeys(row.family for row in own)):
        counted = [row for row in own if name in (ALL, row.family) and key_of(row) in column.hits]
        limits, num_verdicts = raw.get(name, (None, 0))
        corrected = _correct(name, counted, raw, column, calibration)
        found[name] = JudgedRate(name, num_verdicts, limits, corrected)
    return found


def _correct(
    name: str,
    counted: Sequence[EpisodeRow],
    raw: Mapping[str, tuple[RateLimits, int]],
    column: Column,
    calibration: Calibration | None,
) -> CorrectedRate:
    """The rate of the rows that count, by the calibration of each one's family."""
    if calibration is None:
        return _refuse(NOT_CALIBRATED)
    if name not in raw:
        return _refuse("no verdict")
    if any(row.dialect != "english" for row in counted):
        return _refuse("the labelled transcripts are english")
    families = list(dict.fromkeys(row.family for row in counted))
    misfits: dict[str, list[str]] = {}
    for family in families:
        prompts = {column.prompts.get(key_of(row), "") for row in counted if row.family == family}
        misfits.setdefault(calibration.find_misfit(family, prompts), []).append(family)
    misfits.pop("", None)
    if misfits:
        return _refuse("; ".join(f"{why} for {', '.join(names)}" for why, names in misfits.items()))
    parts = [
        JudgedShare(
            raw[family][0].estimate,
            find_worth(raw[family][0]),
            calibration.counts(family).accuracy,
            family,
        )
        for family in families
    ]
    return correct_mean(parts, find_worth(raw[name][0]))


def _refuse(why_not: str) -> CorrectedRate:
    return CorrectedRate(None, None, None, why_not)


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


def compare_columns(first: Column, second: Column, rows: Iterable[EpisodeRow] | None = None) -> Agreement:
    """How far two columns agree, among these rows where they are given."""
    keys = first.hits if rows is None else [key_of(row) for row in rows]
    pairs = [(first.hits[key], second.hits[key]) for key in keys if key in first.hits and key in second.hits]
    num_agreeing = sum(one == other for one, other in pairs)
    only_first = sum(one and not other for one, other in pairs)
    only_second = len(pairs) - num_agreeing - only_first
    return Agreement(
        first.who, second.who, len(pairs), num_agreeing, only_first, only_second, cohen_kappa(pairs)
    )


class Ratings(NamedTuple):
    """What a judge rated from 1 to 10."""

    mean: float
    lowest: int
    highest: int
    num: int


def summarize_ratings(judgements: Sequence[Judgement]) -> dict[str, Ratings]:
    """The ratings of one judge, of all families and of each; none without a rating."""
    groups: dict[str, list[int]] = {}
    for judgement in judgements:
        if judgement.rating is not None:
            for name in (ALL, judgement.family):
                groups.setdefault(name, []).append(judgement.rating)
    return {
        name: Ratings(sum(found) / len(found), min(found), max(found), len(found))
        for name, found in groups.items()
    }
