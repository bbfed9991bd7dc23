"""Verdicts on the claims that an experiment file makes before its run.

A claim is supported when the interval of each of its tests lies wholly on the right side of the margin,
refuted when that of any test lies wholly on the wrong side, and else inconclusive. A test that cannot be
made (an arm or rows are missing) is on neither side, and its sentence says why.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict

from teachwhy.analysis.contrasts import (
    contrast_of,
    contrast_of_two,
    paired_cells,
    paired_difference,
    ratio_interval,
)
from teachwhy.analysis.intervals import interval_of_rates
from teachwhy.analysis.rates import METRIC_NAMES, EpisodeTable

if TYPE_CHECKING:
    from teachwhy.config import ClaimConfig, ClaimTest

Verdict = Literal["supported", "refuted", "inconclusive"]
Side = Literal["right", "wrong", "neither"]


class ClaimVerdict(BaseModel):
    """A claim as written in the experiment file, with its verdict and one sentence a test."""

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
    return ClaimVerdict(id=claim.id, statement=claim.statement, verdict=verdict, evidence=sentences)


def judge_test(test: ClaimTest, table: EpisodeTable) -> Finding:
    """Measure one test and say on which side of its margin it falls."""
    reason = find_obstacle(test, table)
    if reason:
        return Finding("neither", f"{describe_test(test)}: cannot be tested, {reason}.")
    measured = measure_test(test, table)
    if math.isnan(measured.estimate):
        return Finding("neither", f"{describe_test(test)}: cannot be tested, no pair of rows can show it.")
    side = place_interval(test.relation, test.margin, measured.low, measured.high)
    return Finding(side, write_sentence(test, table, measured, side))


def find_obstacle(test: ClaimTest, table: EpisodeTable) -> str:
    """Why a test cannot be made, or an empty text."""
    if test.metric not in METRIC_NAMES:
        return f"there is no metric {test.metric!r} (there are {', '.join(METRIC_NAMES)})"
    for arm in (test.arm, test.baseline):
        if (arm, test.episodes) not in table.cells:
            return f"arm {arm!r} has no {test.episodes} rows"
    named = table.named_sets()
    wanted = [test.families]
    if test.kind == "difference_of_differences":
        if not test.families_minus:
            return "families_minus is not given"
        wanted.append(test.families_minus)
    for name in wanted:
        if name not in named:
            return f"no row is of {describe_families(name)}"
    if len(wanted) == 2 and set(named[wanted[0]]) & set(named[wanted[1]]):
        return f"{wanted[0]!r} and {wanted[1]!r} share families"
    return ""


def measure_test(test: ClaimTest, table: EpisodeTable) -> Measured:
    """The quantity of a test that `find_obstacle` lets through."""
    chosen = [METRIC_NAMES.index(test.metric)]
    arm = table.cells[test.arm, test.episodes].of_metrics(chosen)
    baseline = table.cells[test.baseline, test.episodes].of_metrics(chosen)
    named = table.named_sets()
    families, groups = named[test.families], table.lending_groups(test.families)
    first = paired_difference(arm, baseline, families, groups)
    num_pairs = int(first.num_pairs[0])
    if test.kind == "ratio":
        arm, baseline = paired_cells(arm, baseline)
        above = interval_of_rates(baseline, families, groups)
        ratio = ratio_interval(above, interval_of_rates(arm, families, groups))
        return Measured(float(ratio.estimate[0]), float(ratio.low[0]), float(ratio.high[0]), num_pairs)
    if test.kind == "difference":
        found = contrast_of(first)
    else:
        minus = test.families_minus or ""
        second = paired_difference(arm, baseline, named[minus], table.lending_groups(minus))
        found = contrast_of_two(first, second)
    return Measured(
        float(found.estimate[0]), float(found.low[0]), float(found.high[0]), int(found.num_pairs[0])
    )


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
    if test.kind == "difference":
        return f"{where}, {test.arm} minus {test.baseline}"
    minus = describe_families(test.families_minus or "?")
    return f"{where}, {test.arm} minus {test.baseline}, less the same in {minus}"


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
        return "infinite"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.3f}"
