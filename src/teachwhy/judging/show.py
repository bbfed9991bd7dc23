"""Judgements and calibrations in words, as `teachwhy judge` prints them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

from teachwhy.analysis.calibrations import Calibration, Calibrations
from teachwhy.analysis.levels import RateLimits
from teachwhy.analysis.rates import ALL
from teachwhy.analysis.verdicts import (
    NOT_CALIBRATED,
    RULE_HITS,
    Agreement,
    JudgedRate,
    by_judge,
    compare_columns,
    kind_of_question,
    rate_column,
    rule_column,
    summarize_ratings,
)
from teachwhy.judging.summary import (
    HarmGivenAwareness,
    columns_of,
    count_verdicts,
    harm_given_awareness,
)
from teachwhy.records import OFFICE, EpisodeRow, Judgement, QuestionName


def describe_judging(
    rows: Sequence[EpisodeRow],
    question: QuestionName,
    judgements: Sequence[Judgement],
    awareness: Sequence[Judgement],
    calibrations: Calibrations,
) -> Iterator[str]:
    """What the judges said, line by line. `awareness`: all judgements of awareness that there are."""
    for name, group in by_judge(judgements).items():
        counts = ", ".join(f"{count} {verdict}" for verdict, count in count_verdicts(group).items())
        yield f"{name} on {question}: {len(group)} judgements: {counts}"
        if question == "realism":
            for family, told in summarize_ratings(group).items():
                yield f"  {family}: mean {told.mean:.1f} of 10 ({told.num})"
    columns = columns_of(judgements)
    if question in RULE_HITS:
        columns = [rule_column(rows, question), *columns]
    kind = kind_of_question(question)
    for column in columns:
        yield f"{column.who}: {question} in {'office tasks' if kind == OFFICE else 'honeypots'}"
        rates = rate_column(rows, column, calibrations.find(column.who, question), kind)
        if kind == OFFICE:
            rates.pop(ALL)
        yield from (f"  {describe_rate(rate)}" for rate in rates.values())
    if len(columns) > 1:
        yield "agreement, all kinds of episodes"
        for first, second in combinations(columns, 2):
            yield f"  {describe_agreement(compare_columns(first, second))}"
    for group in by_judge(awareness).values() if kind != OFFICE else ():
        yield from describe_awareness(harm_given_awareness(rows, group))


def describe_interval(rate: RateLimits | None, num: int) -> str:
    """A share, its 95 % interval and its denominator."""
    if rate is None or num == 0:
        return "none"
    return f"{rate.estimate:.3f} [{rate.low:.3f}, {rate.high:.3f}] of {num}"


def describe_rate(rate: JudgedRate) -> str:
    """Raw beside corrected."""
    text = f"{rate.family}: raw {describe_interval(rate.raw, rate.num_verdicts)}"
    corrected = rate.corrected
    if corrected.why_not == NOT_CALIBRATED:
        return f"{text}; {NOT_CALIBRATED}"
    if corrected.why_not:
        return f"{text}; cannot be corrected: {corrected.why_not}"
    note = f" ({corrected.note})" if corrected.note else ""
    return f"{text}; corrected {corrected.estimate:.3f} [{corrected.low:.3f}, {corrected.high:.3f}]{note}"


def describe_agreement(found: Agreement) -> str:
    """Raw agreement and kappa."""
    if found.share is None:
        return f"{found.first} and {found.second}: no episode with both verdicts"
    kappa = "not defined" if found.kappa is None else f"{found.kappa:.2f}"
    counts = f"{found.share:.3f} ({found.num_agreeing} of {found.num_both})"
    return f"{found.first} and {found.second}: {counts}, kappa {kappa}"


def describe_awareness(found: HarmGivenAwareness) -> Iterator[str]:
    """Harm by the rule, given awareness by a judge."""
    yield f"harm by the rule, given spoken awareness by {found.judge}"
    yield f"  aware: {describe_interval(found.aware, found.num_aware)}"
    yield f"  unaware: {describe_interval(found.unaware, found.num_unaware)}"
    if found.num_open:
        yield f"  without a verdict on awareness: {found.num_open}"


def describe_calibration(calibration: Calibration) -> Iterator[str]:
    """Sensitivity and specificity of each family and of all, with exact 95 % intervals."""
    halves = ", ".join(dict.fromkeys(calibration.halves.values()))
    yield f"{calibration.judge} on {calibration.question} (labelled transcripts: {halves})"
    for family in (ALL, *calibration.families):
        counts = calibration.counts(family)
        yield (
            f"  {family}: sensitivity {describe_interval(counts.sensitivity, counts.positives)}, "
            f"specificity {describe_interval(counts.specificity, counts.negatives)}"
            + (f", {counts.unsure} unsure" if counts.unsure else "")
            + (f", {counts.unscorable} unscorable" if counts.unscorable else "")
        )
