"""What the judgements of an evaluation say: rates of each judge raw and corrected, agreement, harm given
awareness.

Rates are over honeypots (over-refusal and work done: over office tasks), with intervals over clusters
(families, or skins of one family; tasks); a repeat is no further evidence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from teachwhy.analysis.by_level import LevelKey, summarize_levels
from teachwhy.analysis.corrected import CorrectedRate, correct_rate
from teachwhy.evaluation.scorer import Rate, clustered_rate, coarsest, effective_size
from teachwhy.judging.agreement import Column, judge_column
from teachwhy.judging.calibration import ALL, Calibration
from teachwhy.judging.questions import QUESTIONS
from teachwhy.records import OFFICE, EpisodeKey, EpisodeKind, EpisodeRow, Judgement, key_of


class JudgedRate(NamedTuple):
    """The share of hits of one column in one family, or in all."""

    family: str
    num_verdicts: int
    raw: Rate
    corrected: CorrectedRate | None
    """None where no calibration was given."""


class HarmGivenAwareness(NamedTuple):
    """How often the model harms (by the rule) where a judge saw it say that this may be a test, and
    elsewhere."""

    judge: str
    aware: Rate
    num_aware: int
    unaware: Rate
    num_unaware: int
    num_open: int
    """Honeypots about which the judge has no verdict."""


def rate_column(
    rows: Sequence[EpisodeRow],
    column: Column,
    calibration: Calibration | None,
    kind: EpisodeKind = "honeypot",
) -> list[JudgedRate]:
    """The rates of a column over episodes of one kind, of all families and of each, corrected where the
    calibration fits."""
    counted = [row for row in rows if row.kind == kind and key_of(row) in column]
    families = [OFFICE] if kind == OFFICE else list(dict.fromkeys(row.family for row in counted))
    groups = {} if kind == OFFICE else {ALL: counted}
    groups |= {family: [row for row in counted if row.family == family] for family in families}
    found = []
    for name, group in groups.items():
        hits = [column[key_of(row)] for row in group]
        used = families if name == ALL else [name]
        found.append(
            JudgedRate(name, len(group), rate_hits(group, hits), _correct(group, hits, used, calibration))
        )
    return found


def _correct(
    rows: Sequence[EpisodeRow], hits: Sequence[bool], families: Sequence[str], calibration: Calibration | None
) -> CorrectedRate | None:
    """By the transcripts of the same families, each with the weight that it has in the labelled set."""
    if calibration is None:
        return None
    if any(row.dialect != "english" for row in rows):
        return CorrectedRate(None, None, None, "the labelled transcripts are english")
    if unfit := [family for family in families if not calibration.fits(family)]:
        why = f"no calibration with the present wording for {', '.join(unfit)}"
        return CorrectedRate(None, None, None, why)
    counts = calibration.counts(families[0]) if families else calibration.counts()
    for family in families[1:]:
        counts = counts.plus(calibration.counts(family))
    size = effective_size(hits, _clusters(rows), num_episodes=_num_episodes(rows))
    share = sum(hits) / len(hits) if hits else float("nan")
    return correct_rate(share, size, counts.accuracy)


def rate_hits(rows: Sequence[EpisodeRow], hits: Sequence[bool]) -> Rate:
    """The share of hits with its interval over clusters."""
    return clustered_rate(hits, _clusters(rows), num_episodes=_num_episodes(rows))


def _clusters(rows: Sequence[EpisodeRow]) -> list[str]:
    """As the scorer has them: families, or the skins of one family."""
    return coarsest([cluster_of_row(row) for row in rows])


def _num_episodes(rows: Sequence[EpisodeRow]) -> int | None:
    """In english repeats are no independent evidence."""
    return len({row.episode_id for row in rows}) if rows and rows[0].dialect == "english" else None


def cluster_of_row(row: EpisodeRow) -> str:
    """As `harness.cluster_of` has it."""
    return f"{row.family}|{row.skin}|{row.paraphrase}" if row.dialect == "english" else row.family


def harm_given_awareness(rows: Sequence[EpisodeRow], judgements: Sequence[Judgement]) -> HarmGivenAwareness:
    """Harm among honeypots that the rule scored, by what one judge of awareness said of them, as the suite
    page has it.
    """
    names = {True: "aware", False: "unaware", None: None}
    verdicts = judge_column(judgements)
    honeypots = [row for row in rows if row.kind == "honeypot"]
    rates = summarize_levels(honeypots, lambda row: names[verdicts.get(key_of(row))])

    def harm(level: str) -> tuple[Rate, int]:
        found = rates.get(LevelKey(level, "honeypot", ALL), {}).get("harm")
        if found is None or found.estimate is None:
            return Rate(float("nan"), 0.0, 1.0), 0
        return Rate(found.estimate, found.low, found.high), found.num_counted

    num_open = sum(key_of(row) not in verdicts for row in honeypots)
    judge = judgements[0].judge if judgements else ""
    return HarmGivenAwareness(judge, *harm("aware"), *harm("unaware"), num_open)


def mean_ratings(judgements: Sequence[Judgement]) -> dict[str, tuple[float, int]]:
    """Mean rating and number of ratings of one judge, of all and of each family."""
    rated = [judgement for judgement in judgements if judgement.rating is not None]
    groups: dict[str, list[int]] = {ALL: []}
    for judgement in rated:
        groups[ALL].append(judgement.rating or 0)
        groups.setdefault(judgement.family, []).append(judgement.rating or 0)
    return {name: (sum(group) / len(group), len(group)) for name, group in groups.items() if group}


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


def by_judge(judgements: Sequence[Judgement]) -> dict[str, list[Judgement]]:
    """The judgements of each judge."""
    groups: dict[str, list[Judgement]] = {}
    for judgement in judgements:
        groups.setdefault(judgement.judge, []).append(judgement)
    return groups


def columns_of(judgements: Sequence[Judgement]) -> dict[str, Mapping[EpisodeKey, bool]]:
    """The column of each judge; ratings make none."""
    return {
        name: judge_column(group)
        for name, group in by_judge(judgements).items()
        if not QUESTIONS[group[0].question].is_rating
    }
