"""Ratios of rates, their differences, shares of a change: oracles, the edges, coverage by simulation."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from teachwhy.analysis.contrasts import paired_difference
from teachwhy.analysis.intervals import Cells, Interval, interval_of_rates
from teachwhy.analysis.ratios import (
    difference_of_ratios,
    ratio_interval,
    ratio_of_rates,
    share_of_change,
)

SPLITS = [[0, 1], [2, 3, 4], [5, 6, 7]]
Rates = tuple[tuple[float, float], ...]


def cells_of(hits: np.ndarray) -> Cells:
    """Every row scored."""
    return Cells(hits.astype(float), np.ones_like(hits, dtype=float), np.ones_like(hits, dtype=float))


def limits(estimate: float, low: float, high: float) -> Interval:
    return Interval(*(np.array([value]) for value in (estimate, low, high)))


def first_hits(arm: int, baseline: int) -> list[Cells]:
    """Two arms of one seed and 8 families of 10 episodes, with so many hits in each family."""
    place = np.arange(10)
    return [cells_of(np.broadcast_to(place < number, (1, 1, 8, 10))) for number in (arm, baseline)]


def draw_splits(draw_arms: Callable, rng: np.random.Generator, rates: Rates, seeds: int) -> list[Cells]:
    """Arm and baseline with these rates in home, near and far; 300 runs at the size of the real design."""
    pieces = [
        draw_arms(rng, own, (300, seeds, len(group), 16)) for own, group in zip(rates, SPLITS, strict=True)
    ]
    return [cells_of(np.concatenate([piece[i] for piece in pieces], axis=2)) for i in (0, 1)]


def test_ratio_by_hand_and_at_zero() -> None:
    found = ratio_interval(limits(0.8, 0.7, 0.9), limits(0.1, 0.05, 0.2))
    assert found.estimate[0] == pytest.approx(8.0)
    # Donner & Zou 2012 with independent parts: the lower limit solves r u(2b-u) r - 2abr + l(2a-l) = 0.
    for limit, low, high in ((found.low[0], 0.7, 0.2), (found.high[0], 0.9, 0.05)):
        assert limit**2 * high * (0.2 - high) - 2 * 0.08 * limit + low * (1.6 - low) == pytest.approx(
            0, abs=1e-9
        )
    nothing = ratio_interval(limits(0.8, 0.7, 0.9), limits(0.0, 0.0, 0.02))
    assert np.isinf(nothing.estimate[0]) and np.isinf(nothing.high[0])
    assert 35.0 < nothing.low[0] < 40.0
    neither = ratio_interval(limits(0.0, 0.0, 0.1), limits(0.0, 0.0, 0.1))
    assert np.isnan(neither.estimate[0])
    assert (neither.low[0], neither.high[0]) == (0.0, np.inf)
    top = ratio_interval(limits(0.0, 0.0, 0.1), limits(0.5, 0.4, 0.6))
    assert top.low[0] == 0.0 and 0.19 < top.high[0] < 0.26


def test_ratio_with_upper_limit_at_twice_the_rate() -> None:
    steady = [
        ratio_interval(limits(0.8, 0.7, 0.9), limits(0.1, 0.05, high)).low[0] for high in (0.1999999, 0.2)
    ]
    assert steady[0] == pytest.approx(steady[1], rel=1e-4)


def test_a_correlation_narrows_a_ratio_as_in_the_formula() -> None:
    above, below = limits(0.4, 0.3, 0.55), limits(0.6, 0.5, 0.72)
    apart, together = (ratio_interval(above, below, value) for value in (0.0, 0.6))
    assert apart.low[0] < together.low[0] < 0.4 / 0.6 < together.high[0] < apart.high[0]
    # MOVER for above - x below, which must just touch 0 at the limits x.
    for x, near, far in ((together.low[0], 0.1, 0.12), (together.high[0], 0.15, 0.1)):
        reach = near**2 + (x * far) ** 2 - 2 * 0.6 * near * x * far
        assert (0.4 - x * 0.6) ** 2 == pytest.approx(reach)


def test_ratios_are_paired_and_lend_spread(draw_arms: Callable) -> None:
    arm, baseline = draw_splits(draw_arms, np.random.default_rng(17), ((0.3, 0.6),) * 3, 5)
    apart, paired = (
        ratio_of_rates(arm, baseline, SPLITS[2], SPLITS, correlated=flag) for flag in (False, True)
    )
    rates = [interval_of_rates(side, SPLITS[2], SPLITS) for side in (arm, baseline)]
    assert apart.high == pytest.approx(ratio_interval(rates[0], rates[1]).high)
    assert paired.estimate == pytest.approx(apart.estimate)
    assert np.median(paired.high - paired.low) < 0.95 * np.median(apart.high - apart.low)


@pytest.mark.parametrize("seeds", [1, 5])
@pytest.mark.parametrize(
    "rates",
    [
        ((0.01, 0.68), (0.05, 0.71), (0.13, 0.88)),
        ((0.3, 0.7), (0.3, 0.7), (0.3, 0.7)),
        ((0.5, 0.6), (0.9, 0.9), (0.2, 0.9)),
        ((0.02, 0.1), (0.1, 0.1), (0.1, 0.3)),
    ],
)
def test_differences_of_ratios_cover(draw_arms: Callable, seeds: int, rates: Rates) -> None:
    arm, baseline = draw_splits(draw_arms, np.random.default_rng(18), rates, seeds)
    apart, ratios = (
        [ratio_of_rates(arm, baseline, group, SPLITS, correlated=flag) for group in SPLITS]
        for flag in (False, True)
    )
    shares = [one / other for one, other in rates]
    for found, truth in zip(apart, shares, strict=True):
        assert ((found.low <= truth) & (truth <= found.high)).mean() >= 0.93
    for i in (1, 2):
        found, truth = difference_of_ratios(ratios[0], ratios[i]), shares[0] - shares[i]
        assert ((found.low <= truth) & (truth <= found.high)).mean() >= 0.93


def test_full_suppression_at_home_can_be_shown(draw_arms: Callable) -> None:
    """Home 68 to 0, near 71 to 20, far 88 to 30 per cent: absolute drops, 68 against 51 and 58, hide it."""
    rates = ((0.002, 0.68), (0.2, 0.71), (0.3, 0.88))
    arm, baseline = draw_splits(draw_arms, np.random.default_rng(19), rates, 5)
    home, near, far = (ratio_of_rates(arm, baseline, group, SPLITS, correlated=True) for group in SPLITS)
    for other in (near, far):
        assert (difference_of_ratios(home, other).high < 0.0).mean() > 0.8


@pytest.mark.parametrize("arm", [0, 3])
def test_a_baseline_of_zero_leaves_everything_open(arm: int) -> None:
    sides = first_hits(arm, 0)
    home, far = (ratio_of_rates(*sides, group, SPLITS) for group in (SPLITS[0], SPLITS[2]))
    assert np.isinf(home.high[0])
    found = difference_of_ratios(home, far)
    assert np.isnan(found.estimate[0])
    assert (found.low[0], found.high[0]) == (-np.inf, np.inf)


def test_a_baseline_that_may_be_zero_is_open_on_its_side() -> None:
    sure, unsure = limits(0.5, 0.3, 0.7), ratio_interval(limits(0.2, 0.1, 0.3), limits(0.02, 0.0, 0.2))
    found = difference_of_ratios(sure, unsure)
    assert (found.estimate[0], found.low[0]) == (pytest.approx(-9.5), -np.inf)
    assert np.isfinite(found.high[0])
    found = difference_of_ratios(unsure, sure)
    assert np.isfinite(found.low[0])
    assert found.high[0] == np.inf


def test_share_of_a_change_is_fieller() -> None:
    """Against the definition: the shares x for which arm - x reference - (1 - x) baseline may be 0."""
    rng = np.random.default_rng(20)
    control, reference, baseline = (cells_of(rng.random((1, 5, 8, 16)) < rate) for rate in (0.6, 0.3, 0.8))
    pairs = ((control, baseline), (reference, baseline), (control, reference))
    change, whole, apart = (paired_difference(one, other, range(8)) for one, other in pairs)
    found = share_of_change(change, whole, apart)
    assert found.estimate[0] == pytest.approx(change.estimate[0] / whole.estimate[0])
    covariance = (change.variance + whole.variance - apart.variance)[0] / 2
    reaches = [
        abs(change.estimate[0] - x * whole.estimate[0])
        / np.sqrt(change.variance[0] - 2 * x * covariance + x**2 * whole.variance[0])
        for x in (found.low[0], found.high[0])
    ]
    df = min(change.df[0], whole.df[0])
    assert reaches == pytest.approx([stats.t.ppf(0.975, df)] * 2)
    assert found.low[0] < found.estimate[0] < found.high[0]


def test_a_share_of_nothing_is_open() -> None:
    arm, baseline = first_hits(4, 4)
    same = paired_difference(arm, baseline, range(8))
    found = share_of_change(same, same, same)
    assert np.isnan(found.estimate[0])
    little = paired_difference(first_hits(5, 4)[0], baseline, range(8))
    noisy = share_of_change(same, little, little)
    assert (found.low[0], found.high[0]) == (-np.inf, np.inf)
    assert noisy.estimate[0] == 0.0


def test_shares_of_a_change_cover(draw_arms: Callable) -> None:
    rates = (0.6, 0.35, 0.75)
    control, reference, baseline = (
        cells_of(hits) for hits in draw_arms(np.random.default_rng(21), rates, (500, 5, 8, 16))
    )
    pairs = ((control, baseline), (reference, baseline), (control, reference))
    found = share_of_change(*(paired_difference(one, other, range(8)) for one, other in pairs))
    truth = (0.6 - 0.75) / (0.35 - 0.75)
    assert ((found.low <= truth) & (truth <= found.high)).mean() >= 0.93
    assert np.isfinite(found.low).mean() > 0.9
