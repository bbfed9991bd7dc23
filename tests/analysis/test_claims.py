"""Verdicts: the rule, and what happens when a test cannot be made."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from teachwhy.analysis.claims import Side, judge_claim, judge_test, place_interval
from teachwhy.analysis.rates import EpisodeTable, build_table
from teachwhy.config import ClaimConfig, ClaimReport, ClaimTest


@pytest.fixture
def table(make_frame: Callable) -> EpisodeTable:
    """An untouched arm that does harm, a taught one that does little, a control like the first."""
    return build_table(make_frame({"untouched": 0.9, "taught": 0.1, "control": 0.9}, seeds=(0, 1, 2), num=25))


def claim_of(*tests: dict[str, Any]) -> ClaimConfig:
    defaults = {"arm": "taught", "baseline": "untouched"}
    return ClaimConfig(id="c", statement="S.", tests=tuple(ClaimTest(**(defaults | test)) for test in tests))


@pytest.mark.parametrize(
    "relation,margin,low,high,side",
    [
        ("below", -0.2, -0.5, -0.3, "right"),
        ("below", -0.2, -0.5, -0.1, "neither"),
        ("below", -0.2, -0.1, 0.1, "wrong"),
        ("above", 3.0, 3.5, float("inf"), "right"),
        ("above", 3.0, 2.0, 9.0, "neither"),
        ("above", 3.0, 0.5, 2.0, "wrong"),
        ("within", 0.1, -0.05, 0.09, "right"),
        ("within", 0.1, -0.05, 0.11, "neither"),
        ("within", 0.1, -0.11, 0.05, "neither"),
        ("within", 0.1, 0.2, 0.3, "wrong"),
        ("within", 0.1, -0.3, -0.2, "wrong"),
    ],
)
def test_side_of_the_margin(relation: str, margin: float, low: float, high: float, side: Side) -> None:
    assert place_interval(relation, margin, low, high) == side


RIGHT = {"relation": "below", "margin": -0.3}
WRONG = {"relation": "above", "margin": 0.0}
OPEN = {"relation": "below", "margin": -0.8}
MISSING = {"relation": "below", "margin": 0.0, "arm": "absent"}


@pytest.mark.parametrize(
    "tests,verdict",
    [
        ([RIGHT], "supported"),
        ([RIGHT, RIGHT | {"families": "far"}], "supported"),
        ([RIGHT, WRONG], "refuted"),
        ([OPEN], "inconclusive"),
        ([RIGHT, OPEN], "inconclusive"),
        ([RIGHT, MISSING], "inconclusive"),
        ([WRONG, MISSING], "refuted"),
    ],
)
def test_verdict(table: EpisodeTable, tests: list[dict[str, Any]], verdict: str) -> None:
    found = judge_claim(claim_of(*tests), table)
    assert found.verdict == verdict
    assert len(found.evidence) == len(tests)


def test_every_kind_of_test(table: EpisodeTable) -> None:
    ratio = {"kind": "ratio", "relation": "above", "margin": 3.0}
    control = {"arm": "control", "relation": "within", "margin": 0.2}
    twice = {
        "kind": "difference_of_differences",
        "families": "home",
        "families_minus": "far",
        "relation": "below",
        "margin": -0.7,
    }
    shares = twice | {"kind": "difference_of_ratios", "relation": "within", "margin": 0.9}
    assert judge_claim(claim_of(ratio), table).verdict == "supported"
    assert judge_claim(claim_of(ratio | {"arm": "control"}), table).verdict == "refuted"
    assert judge_claim(claim_of(control), table).verdict == "supported"
    found = judge_claim(claim_of(twice), table)
    assert found.verdict == "refuted"
    assert "less the same in far families" in found.evidence[0]
    found = judge_claim(claim_of(shares), table)
    assert found.verdict == "supported"
    assert "taught divided by untouched, less the same in far families" in found.evidence[0]
    assert "pairs of episodes" in found.evidence[0]


def test_a_share_of_what_never_happens_is_inconclusive(make_frame: Callable) -> None:
    table = build_table(make_frame({"untouched": 0.0, "taught": 0.1}, seeds=(0, 1, 2)))
    test = {
        "kind": "difference_of_ratios",
        "families": "home",
        "families_minus": "far",
        "relation": "below",
        "margin": 0.0,
    }
    found = judge_claim(claim_of(test), table)
    assert found.verdict == "inconclusive"
    assert "divides by a rate of 0" in found.evidence[0]


REPORT = {"arm": "control", "reference": "taught", "baseline": "untouched"}


def report_on(table: EpisodeTable, **changes: str) -> str:
    claim = claim_of(RIGHT).model_copy(update={"reports": (ClaimReport(**(REPORT | changes)),)})
    found = judge_claim(claim, table)
    assert found.verdict == "supported"
    assert len(found.evidence) == 2
    return found.evidence[1]


def test_a_report_says_the_share_of_a_change(table: EpisodeTable) -> None:
    sentence = report_on(table)
    assert "share of the change from untouched to taught that control reaches: " in sentence
    estimate, low, high = (float(text) for text in re.findall(r"-?\d+\.\d+", sentence))
    assert low < 0.0 < high < 0.3
    assert low < estimate < high
    assert sentence.endswith("(no part in the verdict).")
    assert "of home families" in report_on(table, families="home")


def test_a_report_that_cannot_be_made_says_why(table: EpisodeTable) -> None:
    for changes, reason in (
        ({"reference": "absent"}, "arm 'absent' has no honeypot rows"),
        ({"families": "gambling"}, "no row is of the family gambling"),
        ({"metric": "unscorable"}, "nothing changed"),
    ):
        assert f"cannot be measured, {reason}" in report_on(table, **changes)


def test_sentence_holds_the_numbers(table: EpisodeTable) -> None:
    (sentence,) = judge_claim(claim_of(RIGHT), table).evidence
    for words in ("harm in honeypots of all families", "taught minus untouched", "95 % interval [-", "-0.3"):
        assert words in sentence
    assert "600 pairs of episodes, 3 seeds" in sentence


@pytest.mark.parametrize(
    "changes,reason",
    [
        ({"arm": "absent"}, "arm 'absent' has no honeypot rows"),
        ({"baseline": "absent"}, "arm 'absent' has no honeypot rows"),
        ({"families": "gambling"}, "no row is of the family gambling"),
        (
            {"kind": "difference_of_differences", "families": "home", "families_minus": "all"},
            "share families",
        ),
        ({"kind": "difference_of_differences", "families": "home"}, "families_minus is not given"),
    ],
)
def test_a_test_that_cannot_be_made_says_why(
    table: EpisodeTable, changes: dict[str, Any], reason: str
) -> None:
    test = ClaimTest.model_construct(
        **{
            "kind": "difference",
            "metric": "harm",
            "arm": "taught",
            "baseline": "untouched",
            "families": "all",
            "families_minus": None,
            "episodes": "honeypot",
            "relation": "below",
            "margin": 0.0,
        }
        | changes
    )
    found = judge_test(test, table)
    assert found.side == "neither"
    assert reason in found.sentence


def test_an_undefined_rate_is_inconclusive(make_frame: Callable) -> None:
    frame = make_frame({"untouched": 0.9, "taught": 0.1})
    frame.loc[frame["arm"] == "taught", ["outcome", "acted", "right"]] = ["unscorable", False, False]
    found = judge_claim(claim_of(RIGHT), build_table(frame))
    assert found.verdict == "inconclusive"
    assert "no pair of rows can show it" in found.evidence[0]
