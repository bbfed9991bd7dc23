"""Verdicts on the claims that an experiment file makes before its run.

A claim is supported when the interval of each of its tests lies wholly on the right side of the margin,
refuted when that of any test lies wholly on the wrong side, and else inconclusive. A test that cannot be
made (an arm or rows are missing) is on neither side, and its sentence says why. Reports stand in the
evidence after the tests and have no part in the verdict.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict

from teachwhy.analysis.contrasts import Contrast, contrast_of, contrast_of_two, paired_difference
from teachwhy.analysis.intervals import Cells, Interval
from teachwhy.analysis.rates import METRIC_NAMES, EpisodeTable
from teachwhy.analysis.ratios import difference_of_ratios, ratio_of_rates, share_of_change

if TYPE_CHECKING:
    from teachwhy.config import ClaimConfig, ClaimReport, ClaimTest

Verdict = Literal["supported", "refuted", "inconclusive"]
Side = Literal["right", "wrong", "neither"]


class ClaimVerdict(BaseModel):
    """A claim as written in the experiment file, with its verdict and one sentence a test and a report."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    statement: str
    verdict: Verdict
    evidence: tuple[str, ...]


class Finding(NamedTuple):
    """What one test found: on which side of its margin the interval lies, and the sentence that says so."""

    side: Side
    sentence: str


class Measured(NamedTuple):
    """The quantity of a test with its interval, and how many pairs of rows it rests on."""

    estimate: float
    low: float
    high: float
    num_pairs: int


def judge_claim(claim: ClaimConfig, table: EpisodeTable) -> ClaimVerdict:
    """The verdict on one claim by the rule at the top of this module."""
    results = [judge_test(test, table) for test in claim.tests]
    sides = [result.side for result in results]
    verdict: Verdict = "inconclusive"
    if "wrong" in sides:
        verdict = "refuted"
    elif sides and all(side == "right" for side in sides):
        verdict = "supported"
    sentences = tuple(result.sentence for result in results) or ("The claim has no test.",)
    sentences += tuple(measure_report(report, table) for report in claim.reports)
    return ClaimVerdict(id=claim.id, statement=claim.statement, verdict=verdict, evidence=sentences)


def judge_test(test: ClaimTest, table: EpisodeTable) -> Finding:
    """Measure one test and say on which side of its margin it falls."""
    reason = find_obstacle(test, table)
    if reason:
        return Finding("neither", f"{describe_test(test)}: cannot be tested, {reason}.")
    measured = measure_test(test, table)
    if math.isnan(measured.estimate):
        reason = "no pair of rows can show it" if not measured.num_pairs else "it divides by a rate of 0"
        return Finding("neither", f"{describe_test(test)}: cannot be tested, {reason}.")
    side = place_interval(test.relation, test.margin, measured.low, measured.high)
    return Finding(side, write_sentence(test, table, measured, side))


def find_obstacle(test: ClaimTest | ClaimReport, table: EpisodeTable) -> str:
    """Why a test or a report cannot be made, or an empty text."""
    if test.metric not in METRIC_NAMES:
        return f"there is no metric {test.metric!r} (there are {', '.join(METRIC_NAMES)})"
    for arm in (test.arm, test.baseline, getattr(test, "reference", test.arm)):
        if (arm, test.episodes) not in table.cells:
            return f"arm {arm!r} has no {test.episodes} rows"
    named = table.named_sets()
    wanted = [test.families]
    if getattr(test, "kind", "") in ("difference_of_differences", "difference_of_ratios"):
        minus = getattr(test, "families_minus", None)
        if not minus:
            return "families_minus is not given"
        wanted.append(minus)
    for name in wanted:
        if name not in named:
            return f"no row is of {describe_families(name)}"
    if len(wanted) == 2 and set(named[wanted[0]]) & set(named[wanted[1]]):
        return f"{wanted[0]!r} and {wanted[1]!r} share families"
    return ""


def measure_test(test: ClaimTest, table: EpisodeTable) -> Measured:
    """The quantity of a test that `find_obstacle` lets through."""
    arm, baseline = (cells_of(name, test, table) for name in (test.arm, test.baseline))
    sets = [
        (table.named_sets()[name], table.lending_groups(name))
        for name in (test.families, test.families_minus)
        if name
    ]
    differences = [paired_difference(arm, baseline, *chosen) for chosen in sets]
    found: Contrast | Interval
    if test.kind == "difference":
        found = contrast_of(differences[0])
    elif test.kind == "difference_of_differences":
        found = contrast_of_two(differences[0], differences[1])
    elif test.kind == "ratio":
        found = ratio_of_rates(baseline, arm, *sets[0])
    else:
        ratios = [ratio_of_rates(arm, baseline, *chosen, correlated=True) for chosen in sets]
        found = difference_of_ratios(ratios[0], ratios[1])
    pairs = [int(difference.num_pairs[0]) for difference in differences]
    num_pairs = sum(pairs) if all(pairs) else 0
    return Measured(float(found.estimate[0]), float(found.low[0]), float(found.high[0]), num_pairs)


def cells_of(arm: str, test: ClaimTest | ClaimReport, table: EpisodeTable) -> Cells:
    """The counts of one arm for the metric and the episodes of a test or report."""
    return table.cells[arm, test.episodes].of_metrics([METRIC_NAMES.index(test.metric)])


def measure_report(report: ClaimReport, table: EpisodeTable) -> str:
    """The share of a change that an arm reaches, in a sentence."""
    where = f"{report.metric} in {report.episodes}s of {describe_families(report.families)}"
    change_of = f"the change from {report.baseline} to {report.reference}"
    what = f"{where}, share of {change_of} that {report.arm} reaches"
    reason = find_obstacle(report, table)
    if reason:
        return f"{what}: cannot be measured, {reason}."
    arm, reference, baseline = (
        cells_of(name, report, table) for name in (report.arm, report.reference, report.baseline)
    )
    chosen = table.named_sets()[report.families], table.lending_groups(report.families)
    change, whole, apart = (
        paired_difference(one, other, *chosen)
        for one, other in ((arm, baseline), (reference, baseline), (arm, reference))
    )
    found = share_of_change(change, whole, apart)
    if math.isnan(found.estimate[0]):
        return f"{what}: cannot be measured, nothing changed or no pair of rows can show it."
    low, high = (format_number(float(value[0])) for value in (found.low, found.high))
    estimate = format_number(float(found.estimate[0]))
    return f"{what}: {estimate}, 95 % interval [{low}, {high}] (no part in the verdict)."


def place_interval(relation: str, margin: float, low: float, high: float) -> Side:
    """The side of the margin on which all of [low, high] lies; `within` means between -margin and margin."""
    if relation == "within":
        if -margin < low and high < margin:
            return "right"
        return "wrong" if low > margin or high < -margin else "neither"
    if relation == "below":
        low, high, margin = -high, -low, -margin
    if low > margin:
        return "right"
    return "wrong" if high < margin else "neither"


def describe_families(name: str) -> str:
    """A set of families in words."""
    return f"{name} families" if name in ("all", "home", "near", "far") else f"the family {name}"


def describe_test(test: ClaimTest) -> str:
    """What a test measures, in words."""
    where = f"{test.metric} in {test.episodes}s of {describe_families(test.families)}"
    if test.kind == "ratio":
        return f"{where}, {test.baseline} divided by {test.arm}"
    how = "divided by" if test.kind == "difference_of_ratios" else "minus"
    compared = f"{where}, {test.arm} {how} {test.baseline}"
    if test.kind == "difference":
        return compared
    return f"{compared}, less the same in {describe_families(test.families_minus or '?')}"


def write_sentence(test: ClaimTest, table: EpisodeTable, measured: Measured, side: Side) -> str:
    """The estimate, its interval, the margin, where the one lies against the other, and the counts."""
    asked = f"within ±{test.margin:g}" if test.relation == "within" else f"{test.relation} {test.margin:g}"
    found = {
        "right": f"wholly {asked}, as claimed",
        "wrong": f"wholly outside the claimed '{asked}'",
        "neither": f"not wholly on either side of the claimed '{asked}'",
    }[side]
    low, high = (format_number(value) for value in (measured.low, measured.high))
    seeds = max(len(table.arm_seeds[test.arm]), len(table.arm_seeds[test.baseline]))
    counts = f"{measured.num_pairs} pairs of episodes, {seeds} seed{'s' if seeds != 1 else ''}"
    estimate = format_number(measured.estimate)
    return f"{describe_test(test)}: {estimate}, 95 % interval [{low}, {high}], {found} ({counts})."


def format_number(value: float) -> str:
    """Three decimals at most; infinity in words."""
    if math.isinf(value):
        return "infinite" if value > 0 else "minus infinite"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.3f}"
