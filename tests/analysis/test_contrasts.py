"""Paired differences and Holm's correction: oracles, symmetry, coverage by simulation (of ratios too)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import stats
from statsmodels.stats.multitest import multipletests

from teachwhy.analysis.contrasts import (
    adjust_holm,
    contrast_of,
    contrast_of_two,
    paired_difference,
)
from teachwhy.analysis.intervals import Cells, interval_of_rates
from teachwhy.analysis.ratios import ratio_interval

SPLITS = [[0, 1], [2, 3, 4], [5, 6, 7]]


def cells_of(hits: np.ndarray) -> Cells:
    """Every row scored."""
    return Cells(hits.astype(float), np.ones_like(hits, dtype=float), np.ones_like(hits, dtype=float))


def test_one_family_is_the_paired_t_test() -> None:
    rng = np.random.default_rng(1)
    arm, baseline = (rng.random((1, 1, 1, 40)) < rate for rate in (0.3, 0.7))
    found = contrast_of(paired_difference(cells_of(arm), cells_of(baseline), [0]))
    oracle = stats.ttest_rel(arm.ravel().astype(float), baseline.ravel().astype(float))
    reach = oracle.confidence_interval(0.95)
    assert found.p[0] == pytest.approx(oracle.pvalue, rel=1e-6)
    assert found.low[0] <= reach.low + 1e-9
    assert found.high[0] >= reach.high - 1e-9
    assert found.num_pairs[0] == 40


def test_several_families_are_the_t_test_of_family_means() -> None:
    rng = np.random.default_rng(2)
    rates = np.linspace(0.05, 0.95, 8)[:, None]
    arm, baseline = rng.random((1, 1, 8, 30)) < rates, rng.random((1, 1, 8, 30)) < 0.9
    found = contrast_of(paired_difference(cells_of(arm), cells_of(baseline), range(8)))
    oracle = stats.ttest_1samp((arm.mean(axis=3) - baseline.mean(axis=3)).ravel(), 0.0)
    assert found.p[0] == pytest.approx(oracle.pvalue, rel=1e-6)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_arms_that_agree_everywhere_have_a_width(value: float) -> None:
    same = cells_of(np.full((1, 3, 8, 10), value))
    found = contrast_of(paired_difference(same, same, range(8), [list(range(8))]))
    assert found.estimate[0] == 0.0
    assert found.low[0] < -0.005
    assert found.high[0] > 0.005
    assert found.p[0] == 1.0


def test_opposite_arms_have_a_width() -> None:
    one, two = (cells_of(np.full((1, 2, 3, 10), value)) for value in (0.0, 1.0))
    found = contrast_of(paired_difference(one, two, range(3)))
    assert (found.estimate[0], found.low[0]) == (-1.0, -1.0)
    assert found.high[0] > -0.99


def test_a_few_pairs_that_all_differ_prove_little() -> None:
    one, two = (cells_of(np.full((1, 1, 1, 3), value)) for value in (0.0, 1.0))
    found = contrast_of(paired_difference(one, two, [0]))
    assert found.p[0] > 0.05


@pytest.mark.parametrize("seeds", [1, 3, 5])
def test_p_is_under_0_05_exactly_where_the_interval_leaves_zero_out(seeds: int) -> None:
    rng = np.random.default_rng(seeds)
    num = 1500
    choices = [0.0, 0.03, 0.3, 0.5, 0.8, 0.97, 1.0]
    alike, apart = (rng.choice(choices, size=(2, num, 1, size, 1)) for size in (1, 8))
    levels = np.where(rng.random((1, num, 1, 1, 1)) < 0.5, alike, apart)
    rows = (rng.random((num, seeds, 8, 6)) < 0.9).astype(float)
    arm, baseline = (Cells((rng.random(rows.shape) < level) * rows, rows, rows) for level in levels)
    sides = [paired_difference(arm, baseline, group, SPLITS) for group in SPLITS]
    contrasts = [contrast_of(side) for side in sides]
    contrasts.append(contrast_of(paired_difference(arm, baseline, range(8))))
    contrasts.append(contrast_of(paired_difference(arm, baseline, [0])))
    contrasts.append(contrast_of_two(sides[0], sides[2]))
    for found in contrasts:
        apart = (found.low > 0.0) | (found.high < 0.0)
        assert 0.02 < apart.mean() < 0.98
        assert (apart == (found.p < 0.05)).all()
        assert ((found.p == 1.0) | (found.estimate != 0.0)).all()


@pytest.mark.parametrize("seeds", [1, 5])
@pytest.mark.parametrize("rates", [(0.02, 0.1), (0.1, 0.1), (0.5, 0.8), (0.05, 0.85)])
def test_splits_cover(draw_arms: Callable, seeds: int, rates: tuple[float, float]) -> None:
    """Families that differ by 1 on the log-odds; Student's alone falls under 0.90 near 0."""
    arm, baseline = draw_arms(np.random.default_rng(16), rates, (500, seeds, 8, 16), family=1.0)
    for group in SPLITS:
        found = contrast_of(paired_difference(cells_of(arm), cells_of(baseline), group, SPLITS))
        truth = rates[0] - rates[1]
        assert ((found.low <= truth) & (truth <= found.high)).mean() >= 0.93
        alone = contrast_of(paired_difference(cells_of(arm), cells_of(baseline), group))
        assert (found.high - found.low).mean() < (alone.high - alone.low).mean()


@settings(max_examples=40, deadline=None, derandomize=True)
@given(arrays.arrays(np.int8, (2, 2, 3, 4), elements=st.integers(0, 2)))
def test_exchange_of_arms_turns_the_sign(marks: np.ndarray) -> None:
    """Marks: 0 miss, 1 hit, 2 unscorable; one episode is scored in every seed, so that seeds are paired."""
    marks[:, :, 0, 0] = np.minimum(marks[:, :, 0, 0], 1)
    sides = []
    for own in marks:
        rows = (own != 2).astype(float)[None]
        sides.append(Cells((own == 1).astype(float)[None], rows, rows))
    there = contrast_of(paired_difference(sides[0], sides[1], range(3)))
    back = contrast_of(paired_difference(sides[1], sides[0], range(3)))
    both = (marks != 2).all(axis=0)
    assert there.num_pairs[0] == both.sum()
    assert (there.low[0], there.high[0]) == pytest.approx((-back.high[0], -back.low[0]), abs=1e-9)
    assert -1.0 <= there.low[0] <= there.estimate[0] <= there.high[0] <= 1.0
    assert there.high[0] - there.low[0] > 0.01


def test_nothing_to_pair_is_undefined() -> None:
    rows = np.zeros((1, 1, 1, 4))
    rows[..., :2] = 1.0
    found = contrast_of(paired_difference(Cells(rows, rows, rows), Cells(rows, 1 - rows, 1 - rows), [0]))
    assert np.isnan(found.estimate[0])
    assert (found.low[0], found.high[0], found.p[0], found.num_pairs[0]) == (-1.0, 1.0, 1.0, 0.0)


def test_unscorable_rows_leave_pairs_not_denominators() -> None:
    hits = np.zeros((1, 1, 1, 10))
    rows = np.ones_like(hits)
    rows[..., :4] = 0.0
    full = cells_of(np.ones((1, 1, 1, 10)))
    found = contrast_of(paired_difference(Cells(hits, rows, rows), full, [0]))
    assert (found.estimate[0], found.num_pairs[0]) == (-1.0, 6)


def test_an_arm_with_one_seed_meets_every_seed_of_the_other() -> None:
    rng = np.random.default_rng(4)
    arm = cells_of(rng.random((1, 3, 2, 10)) < 0.3)
    lone = cells_of(rng.random((1, 3, 2, 10)) < 0.8)
    keep = np.array([0.0, 1.0, 0.0])[:, None, None]
    lone = Cells(*(part * keep for part in lone))
    found = contrast_of(paired_difference(arm, lone, [0, 1]))
    assert found.num_pairs[0] == 60
    expected = arm.hits.mean() - lone.hits[:, 1].mean()
    assert found.estimate[0] == pytest.approx(expected)


@pytest.mark.parametrize("place", [0, 3])
@pytest.mark.parametrize("turned", [False, True])
def test_an_untouched_arm_is_as_good_as_one_with_that_result_under_every_seed(
    place: int, turned: bool
) -> None:
    """Its one seed need not be one of the other's (3 is not)."""
    rng = np.random.default_rng(5)
    trained = np.array([1.0, 1.0, 1.0, 0.0])[:, None, None]
    arm = Cells(*(part * trained for part in cells_of(rng.random((1, 4, 3, 10)) < 0.4)))
    result = rng.random((1, 1, 3, 10)) < 0.8
    everywhere = Cells(*(part * trained for part in cells_of(np.repeat(result, 4, axis=1))))
    lone = (np.arange(4) == place)[:, None, None]
    once = Cells(*(part * lone for part in cells_of(np.repeat(result, 4, axis=1))))
    sides, wanted = ([arm, once], [arm, everywhere])
    if turned:
        sides, wanted = sides[::-1], wanted[::-1]
    found, expected = (contrast_of(paired_difference(*pair, range(3))) for pair in (sides, wanted))
    assert found.num_pairs[0] == 90
    for one, other in zip(found, expected, strict=True):
        assert one[0] == pytest.approx(other[0])


def test_arms_without_a_common_seed_are_compared_by_episode() -> None:
    hits = np.ones((1, 4, 1, 5))
    early, late = np.array([1.0, 1, 0, 0])[:, None, None], np.array([0.0, 0, 1, 1])[:, None, None]
    one = Cells(*(part * early for part in cells_of(hits)))
    two = Cells(*(part * late for part in cells_of(hits * 0)))
    found = contrast_of(paired_difference(one, two, [0]))
    assert found.estimate[0] == 1.0
    assert found.high[0] - found.low[0] > 0.0


@pytest.mark.parametrize("seeds,families", [(1, 8), (5, 3), (5, 8)])
@pytest.mark.parametrize("rates", [(0.02, 0.02), (0.05, 0.85), (0.3, 0.5), (0.85, 0.85)])
def test_differences_and_ratios_cover(
    draw_arms: Callable, seeds: int, families: int, rates: tuple[float, float]
) -> None:
    arm, baseline = draw_arms(np.random.default_rng(13), rates, (500, seeds, families, 25))
    sides = [cells_of(arm), cells_of(baseline)]
    found = contrast_of(paired_difference(*sides, range(families)))
    truth = rates[0] - rates[1]
    assert ((found.low <= truth) & (truth <= found.high)).mean() >= 0.92
    if truth == 0.0:
        assert (found.p < 0.05).mean() <= 0.08
    ratio = ratio_interval(*(interval_of_rates(side, range(families)) for side in reversed(sides)))
    truth = rates[1] / rates[0]
    assert ((ratio.low <= truth) & (truth <= ratio.high)).mean() >= 0.92


@pytest.mark.parametrize("seeds", [1, 5])
def test_differences_of_differences_cover(draw_arms: Callable, seeds: int) -> None:
    rng = np.random.default_rng(14)
    wanted = ((0.05, 0.85), (0.3, 0.85), (0.5, 0.85))
    pieces = [
        draw_arms(rng, rates, (250, seeds, len(group), 25))
        for rates, group in zip(wanted, SPLITS, strict=True)
    ]
    arm, baseline = (cells_of(np.concatenate([piece[i] for piece in pieces], axis=2)) for i in (0, 1))
    home, _, far = (paired_difference(arm, baseline, group, SPLITS) for group in SPLITS)
    found = contrast_of_two(home, far)
    assert found.estimate.mean() == pytest.approx(-0.45, abs=0.03)
    assert ((found.low <= -0.45) & (found.high >= -0.45)).mean() >= 0.93
    assert (found.high - found.low).mean() < (0.7 if seeds == 5 else 0.9)


def test_differences_of_differences_cover_near_zero(draw_arms: Callable) -> None:
    """Families that differ by 1.5 on the log-odds; Student's alone covers 0.86."""
    rng = np.random.default_rng(22)
    wanted = ((0.02, 0.1), (0.1, 0.02), (0.02, 0.02))
    pieces = [
        draw_arms(rng, rates, (500, 5, len(group), 16), family=1.5)
        for rates, group in zip(wanted, SPLITS, strict=True)
    ]
    arm, baseline = (cells_of(np.concatenate([piece[i] for piece in pieces], axis=2)) for i in (0, 1))
    home, near, _ = (paired_difference(arm, baseline, group, SPLITS) for group in SPLITS)
    found = contrast_of_two(home, near)
    assert ((found.low <= -0.16) & (found.high >= -0.16)).mean() >= 0.93


def test_seeds_that_disagree_about_one_set_of_families_count() -> None:
    hits = np.zeros((1, 4, 4, 20))
    hits[0, :2, :2] = 1.0
    arm, baseline = cells_of(hits), cells_of(hits * 0)
    first, second = (paired_difference(arm, baseline, group) for group in ([0, 1], [2, 3]))
    found = contrast_of_two(first, second)
    # Seeds give 1, 1, 0, 0: the t test of these four has p = 0.18.
    assert found.estimate[0] == pytest.approx(0.5)
    assert found.p[0] == pytest.approx(stats.ttest_1samp([1.0, 1.0, 0.0, 0.0], 0.0).pvalue, abs=0.05)


@pytest.mark.parametrize("num", [1, 2, 5, 20])
def test_holm_agrees_with_statsmodels(num: int) -> None:
    p_values = np.random.default_rng(num).random(num) ** 4
    p_values[num // 2] = p_values[0]
    oracle = multipletests(p_values, method="holm")[1]
    assert adjust_holm(list(p_values)) == pytest.approx(list(oracle), abs=1e-12)
