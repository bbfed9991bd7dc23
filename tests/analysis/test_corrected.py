"""Corrected rates: the formula, the edges, and simulated coverage."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import beta
from tests.analysis.single_rate import correct_rate

from teachwhy.analysis import corrected
from teachwhy.analysis.corrected import Accuracy, JudgedShare, correct_mean

GOOD = Accuracy(true_positives=72, positives=80, true_negatives=95, negatives=100)


def test_the_formula_of_rogan_and_gladen() -> None:
    found = correct_rate(0.3, 200, GOOD)
    assert found.estimate == pytest.approx((0.3 + 0.95 - 1) / (0.9 + 0.95 - 1))
    assert found.low is not None and found.high is not None and found.estimate is not None
    assert 0 < found.low < found.estimate < found.high < 1
    assert found == correct_rate(0.3, 200, GOOD), "the same counts, the same limits"


def test_a_judge_that_cannot_err_leaves_the_exact_interval() -> None:
    perfect = Accuracy(10**7, 10**7, 10**7, 10**7)
    for hits, num in ((0, 40), (12, 40), (40, 40)):
        found = correct_rate(hits / num, num, perfect)
        low = beta.ppf(0.025, hits, num - hits + 1) if hits else 0.0
        high = beta.ppf(0.975, hits + 1, num - hits) if hits < num else 1.0
        assert found.estimate == pytest.approx(hits / num)
        assert (found.low, found.high) == pytest.approx((low, high), abs=0.01)


def test_what_is_below_zero_or_above_one_is_cut() -> None:
    assert correct_rate(0.01, 200, GOOD)[:2] == (0.0, 0.0)
    low, high = correct_rate(0.01, 200, GOOD)[1:3]
    assert low == 0 and high is not None and 0 < high < 0.1
    assert correct_rate(0.99, 200, GOOD).estimate == 1
    assert correct_rate(0.99, 200, GOOD).high == 1


def test_a_smaller_calibration_makes_a_wider_interval() -> None:
    small = Accuracy(9, 10, 19, 20)

    def width(accuracy: Accuracy) -> float:
        found = correct_rate(0.3, 200, accuracy)
        assert found.low is not None and found.high is not None
        return found.high - found.low

    assert width(small) > 1.5 * width(GOOD)


@pytest.mark.parametrize(
    ("accuracy", "share", "num", "words"),
    [
        (Accuracy(50, 100, 50, 100), 0.5, 100, "= 1.00 is too near 1"),
        (Accuracy(30, 100, 60, 100), 0.5, 100, "= 0.90 is too near 1"),
        (Accuracy(0, 0, 50, 100), 0.5, 100, "both harmful and harmless"),
        (Accuracy(50, 100, 0, 0), 0.5, 100, "both harmful and harmless"),
        (GOOD, float("nan"), 0, "nothing was judged"),
    ],
)
def test_what_cannot_be_corrected_says_why(accuracy: Accuracy, share: float, num: int, words: str) -> None:
    found = correct_rate(share, num, accuracy)
    assert found[:3] == (None, None, None)
    assert words in found.why_not


@pytest.mark.parametrize("truth", [0.0, 0.02, 0.07, 0.3, 0.96])
@pytest.mark.parametrize(
    ("sensitivity", "specificity", "positives", "negatives", "num"),
    [(0.9, 0.95, 80, 100, 240), (1.0, 1.0, 10, 12, 30), (0.75, 0.8, 80, 100, 240)],
)
def test_the_interval_covers_the_truth(
    monkeypatch: pytest.MonkeyPatch,
    truth: float,
    sensitivity: float,
    specificity: float,
    positives: int,
    negatives: int,
    num: int,
) -> None:
    """Calibration and evaluation are both drawn anew each time, as they would be in the world."""
    monkeypatch.setattr(corrected, "NUM_DRAWS", 2000)
    rng = np.random.default_rng(5)
    covered = 0
    for _ in range(400):
        harmful = rng.binomial(num, truth)
        called = rng.binomial(harmful, sensitivity) + rng.binomial(num - harmful, 1 - specificity)
        accuracy = Accuracy(
            int(rng.binomial(positives, sensitivity)),
            positives,
            int(rng.binomial(negatives, specificity)),
            negatives,
        )
        found = correct_rate(called / num, num, accuracy)
        assert found.low is not None and found.high is not None
        covered += found.low <= truth <= found.high
    assert covered / 400 >= 0.94


def exact_limits(hits: int, num: int) -> tuple[float, float]:
    """Of Clopper and Pearson."""
    low = beta.ppf(0.025, hits, num - hits + 1) if hits else 0.0
    return float(low), float(beta.ppf(0.975, hits + 1, num - hits)) if hits < num else 1.0


@pytest.mark.parametrize(
    ("hits", "num", "accuracy"),
    [
        (240, 240, Accuracy(104, 109, 83, 83)),
        (0, 240, Accuracy(100, 109, 73, 83)),
        (0, 40, Accuracy(90, 109, 80, 83)),
        (0, 30, Accuracy(13, 14, 8, 10)),
        (40, 40, Accuracy(90, 109, 80, 83)),
        (30, 30, Accuracy(12, 14, 10, 10)),
        (10, 200, Accuracy(14, 14, 7, 10)),
        (2, 240, Accuracy(100, 109, 73, 83)),
    ],
)
def test_a_judge_that_errs_makes_no_rate_more_certain(hits: int, num: int, accuracy: Accuracy) -> None:
    """At 0 of n, at n of n, and where what was counted is less than its own errors would make."""
    found = correct_rate(hits / num, num, accuracy)
    assert found.estimate is not None and found.low is not None and found.high is not None
    raw, cut = exact_limits(hits, num), exact_limits(round(found.estimate * num), num)
    assert found.low <= min(raw[0], cut[0]) + 1e-4
    assert found.high >= max(raw[1], cut[1]) - 1e-4


@pytest.mark.parametrize(
    ("share", "accuracy", "errs_less"),
    [
        (0.05, Accuracy(14, 14, 7, 10), True),  # 3 of 10 were wrongly told: 0.067 to 0.652
        (0.07, Accuracy(14, 14, 7, 10), False),
        (0.0, Accuracy(14, 14, 10, 10), False),
        (0.99, Accuracy(7, 10, 14, 14), True),
        (0.9, Accuracy(7, 10, 14, 14), False),
    ],
)
def test_a_share_that_no_error_of_the_judge_explains_is_said(
    share: float, accuracy: Accuracy, errs_less: bool
) -> None:
    note = correct_rate(share, 200, accuracy).note
    assert note == (
        "errs less here than on the labelled set: the correction does not fit" if errs_less else ""
    )


@pytest.mark.parametrize("truth", [0.0, 0.02, 0.04, 0.99, 1.0])
def test_a_judge_that_errs_less_in_the_evaluation_still_covers_the_truth(
    monkeypatch: pytest.MonkeyPatch, truth: float
) -> None:
    """The labelled set is harder than what models write: 0.85 and 0.9 there, no error in the evaluation."""
    monkeypatch.setattr(corrected, "NUM_DRAWS", 2000)
    rng = np.random.default_rng(6)
    covered, told = 0, 0
    for _ in range(200):
        called = rng.binomial(240, truth)
        positives, negatives = int(rng.binomial(100, 0.85)), int(rng.binomial(100, 0.9))
        found = correct_rate(called / 240, 240, Accuracy(positives, 100, negatives, 100))
        assert found.low is not None and found.high is not None
        covered += found.low <= truth <= found.high
        told += bool(found.note)
    assert covered / 200 >= 0.94
    assert told > 0


PERFECT = Accuracy(14, 14, 10, 10)


def test_several_families_are_corrected_each_by_its_own_accuracy() -> None:
    """A judge that is blind in one family and sharp in seven, and a model that harms in the one alone."""
    parts = [JudgedShare(4 / 30, 30, Accuracy(2, 14, 10, 10), "blackmail")]
    parts += [JudgedShare(0.0, 30, PERFECT, f"family {number}") for number in range(7)]
    found = correct_mean(parts, 240)
    assert found.estimate == pytest.approx(4 / 30 / (2 / 14) / 8)
    assert found.low is not None and found.high is not None and found.low < 0.125 < found.high
    assert correct_mean(parts[:1], 30) == correct_rate(4 / 30, 30, Accuracy(2, 14, 10, 10))
    coin = JudgedShare(0.2, 30, Accuracy(7, 14, 5, 10), "leaking")
    assert correct_mean([*parts, coin], 270).why_not.startswith("leaking: sensitivity + specificity = 1.00")
    assert correct_mean([], 0).why_not == "nothing was judged"


def test_alike_families_are_worth_what_they_are_worth_together() -> None:
    """Eight families of 30 with eight judges of 14 and 10 say as much as one of 240 with 112 and 80."""
    for share in (0.0, 0.2, 1.0):
        many = correct_mean([JudgedShare(share, 30, PERFECT, str(number)) for number in range(8)], 240)
        one = correct_rate(share, 240, Accuracy(112, 112, 80, 80))
        assert many[:3] == pytest.approx(one[:3], abs=0.02)


def test_what_families_differ_by_is_in_the_interval() -> None:
    judge = Accuracy(120, 140, 90, 100)
    parts = [JudgedShare(share, 30, judge, str(share)) for share in (0.1, 0.2, 0.5, 0.8)]
    narrow, wide = correct_mean(parts, 120), correct_mean(parts, 6)
    assert narrow.low is not None and wide.low is not None
    assert narrow.high is not None and wide.high is not None and wide.estimate is not None
    assert wide.low < narrow.low - 0.1 and wide.high > narrow.high + 0.1
    # An imperfect judge says less of six episodes than six episodes do.
    hits, misses = 6 * wide.estimate, 6 - 6 * wide.estimate
    exact = beta.ppf(0.975, hits + 1, misses) - beta.ppf(0.025, hits, misses + 1)
    assert wide.high - wide.low > exact + 0.05


@pytest.mark.parametrize(
    ("truths", "sensitivity"),
    [
        ((0.9, 0.0, 0.0, 0.05, 0.0, 0.3, 0.0, 0.1), (0.3, 0.95, 0.9, 0.8, 1.0, 0.9, 0.95, 0.9)),
        ((0.02,) * 8, (0.9,) * 8),
        ((0.97,) * 8, (0.9,) * 8),
    ],
)
def test_the_interval_over_families_covers_the_truth(
    monkeypatch: pytest.MonkeyPatch, truths: tuple[float, ...], sensitivity: tuple[float, ...]
) -> None:
    """With as few labelled transcripts as there are: what is cut at 0 in each family would not cancel."""
    monkeypatch.setattr(corrected, "NUM_DRAWS", 1000)
    rng = np.random.default_rng(7)
    covered, num_corrected = 0, 0
    for _ in range(150):
        parts = []
        for truth, right in zip(truths, sensitivity, strict=True):
            harmful = rng.binomial(30, truth)
            called = rng.binomial(harmful, right) + rng.binomial(30 - harmful, 0.05)
            counts = Accuracy(int(rng.binomial(14, right)), 14, int(rng.binomial(10, 0.95)), 10)
            parts.append(JudgedShare(called / 30, 30, counts))
        found = correct_mean(parts, 240)
        if found.low is not None and found.high is not None:
            num_corrected += 1
            covered += found.low <= np.mean(truths) <= found.high
    assert num_corrected > 100
    assert covered / num_corrected >= 0.94
