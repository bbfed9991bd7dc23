"""Corrected rates: the formula, the edges, and simulated coverage."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import beta

from teachwhy.analysis import corrected
from teachwhy.analysis.corrected import Accuracy, correct_rate

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
