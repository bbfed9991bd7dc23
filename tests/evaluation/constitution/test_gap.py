"""The interval of the gap between two forms of the same questions."""

from __future__ import annotations

import math

import numpy as np
import pytest

from teachwhy.evaluation.constitution.scorer import paired_gap
from teachwhy.evaluation.scorer import Rate, clustered_rate


def wilson(hits: int, num: int) -> Rate:
    z = 1.959964
    share = hits / num
    centre = (share + z * z / (2 * num)) / (1 + z * z / num)
    reach = z * math.sqrt(share * (1 - share) / num + z * z / (4 * num * num)) / (1 + z * z / num)
    return Rate(share, centre - reach, centre + reach)


@pytest.mark.parametrize(
    ("both", "first", "second", "neither", "low", "high"),
    [(36, 12, 2, 0, 0.0569, 0.3404), (53, 0, 0, 1, -0.0729, 0.0729), (0, 30, 0, 0, 0.8395, 1.0)],
)
def test_with_wilsons_limits_it_is_newcombes_interval(
    both: int, first: int, second: int, neither: int, low: float, high: float
) -> None:
    pairs = [(1, 1)] * both + [(1, 0)] * first + [(0, 1)] * second + [(0, 0)] * neither
    hits = [[bool(pair[side]) for pair in pairs] for side in (0, 1)]
    found = paired_gap(wilson(sum(hits[0]), len(pairs)), wilson(sum(hits[1]), len(pairs)), hits)
    assert found.estimate == pytest.approx((first - second) / len(pairs))
    assert (found.low, found.high) == pytest.approx((low, high), abs=6e-4)


def test_nothing_to_compare_says_nothing() -> None:
    nothing = Rate(math.nan, 0.0, 1.0)
    found = paired_gap(nothing, nothing, [[], []])
    assert math.isnan(found.estimate) and (found.low, found.high) == (-1.0, 1.0)


@pytest.mark.parametrize(("agree", "gap"), [(0.0, 0.0), (0.7, 0.0), (0.5, 0.25)])
def test_the_interval_holds_the_true_gap_often_enough(agree: float, gap: float) -> None:
    rng = np.random.default_rng(0)
    num, held = 40, 0
    clusters = [str(number) for number in range(num)]
    for _ in range(300):
        shared = rng.random(num)
        own = rng.random((2, num))
        copied = rng.random(num) < agree
        draws = np.where(copied, shared, own)
        hits = [list(draws[0] < 0.4 + gap), list(draws[1] < 0.4)]
        sides = [clustered_rate([bool(hit) for hit in side], clusters) for side in hits]
        found = paired_gap(sides[0], sides[1], [[bool(hit) for hit in side] for side in hits])
        held += found.low <= gap <= found.high
    assert held >= 0.93 * 300
