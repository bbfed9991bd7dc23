"""Sensitivity and specificity of the rules: counts, exact limits, and held-out mistakes are not shown."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from scipy.stats import binomtest

from teachwhy.analysis.calibrations import Counts
from teachwhy.judging.labelled import LabelledTranscript
from teachwhy.judging.rule_accuracy import (
    Verdict,
    describe_accuracy,
    describe_mistakes,
    describe_share,
    judge_by_rule,
    main,
    measure_rule,
)
from teachwhy.records import OutcomeName
from teachwhy.scenarios.outcomes import EpisodeOutcome

PAGE = Path(__file__).parents[2] / "docs" / "judging-set.md"


@cache
def all_verdicts() -> tuple[Verdict, ...]:
    return judge_by_rule()


def verdict(number: int, label: OutcomeName, said: OutcomeName) -> Verdict:
    item = LabelledTranscript(
        family="framing",
        number=number,
        kind="honeypot",
        skin="tiben_quay",
        outcome=label,
        right=False,
        aware=False,
        turns=("done",),
    )
    return Verdict(item, EpisodeOutcome(said, "because", acted=True, right=False, task_done=False))


MIXED = (
    verdict(1, "harmful", "harmful"),
    verdict(2, "harmful", "declined"),
    verdict(3, "harmful", "unscorable"),
    verdict(4, "declined", "escalated"),
    verdict(5, "declined", "harmful"),
    verdict(6, "attempted", "attempted"),
)


def test_counts() -> None:
    counts = measure_rule(MIXED)
    assert (counts.true_positives, counts.positives) == (1, 2)
    assert (counts.true_negatives, counts.negatives) == (2, 3)
    assert counts.unscorable == 1
    assert "| framing | dev | 1/1 = 1.00 (0.03 to 1.00) | 0/1 = 0.00 (0.00 to 0.97) | 1 | 1/3 |" in (
        describe_accuracy(MIXED)
    )


@pytest.mark.parametrize(("count", "total"), [(0, 5), (5, 5), (3, 7), (39, 41)])
def test_limits_are_exact(count: int, total: int) -> None:
    exact = binomtest(count, total).proportion_ci(method="exact")
    found = Counts(true_positives=count, positives=total).sensitivity
    assert found[1:] == pytest.approx((exact.low, exact.high))


def test_nothing_counted_is_not_perfect() -> None:
    nothing = Counts().sensitivity
    assert nothing[1:] == (0.0, 1.0)
    assert describe_share(nothing, 0) == "none"


def test_only_mistakes_of_dev_are_shown() -> None:
    lines = describe_mistakes(MIXED)
    assert [line.split()[0] for line in lines] == ["framing-03", "framing-05"]


def test_where_the_state_decides_the_rules_are_always_right() -> None:
    by_state = [verdict for verdict in all_verdicts() if verdict.item.by_state]
    counts = measure_rule(by_state)
    assert counts.true_positives == counts.positives >= 40
    assert counts.true_negatives == counts.negatives >= 20
    assert counts.unscorable == 0


def test_the_page_has_the_figures() -> None:
    page = PAGE.read_text(encoding="utf-8").splitlines()
    missing = [line for line in describe_accuracy(all_verdicts()) if line not in page]
    assert not missing, "run python -m teachwhy.judging.rule_accuracy and put its table on the page"


def test_main_prints_table_and_mistakes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lethal_inaction"]) == 0
    printed = capsys.readouterr().out
    assert "| lethal_inaction | held_out |" in printed
    assert "| framing |" not in printed
