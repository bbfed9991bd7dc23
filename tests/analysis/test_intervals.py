"""Intervals of rates: oracles, invariances, and coverage by simulation."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import stats
from scipy.special import expit, logit
from statsmodels.stats.proportion import proportion_confint

from teachwhy.analysis.intervals import (
    Cells,
    clopper_pearson,
    components_of,
    estimate_rates,
    interval_of_rates,
)

SPLITS = [[0, 1], [2, 3, 4], [5, 6, 7]]


def cells_of(hits: np.ndarray) -> Cells:
    """Every row scored."""
    return Cells(hits.astype(float), np.ones_like(hits, dtype=float), np.ones_like(hits, dtype=float))


def first_hits(num_hits: int, shape: tuple[int, int, int]) -> Cells:
    """A batch of one, with the first `num_hits` rows hit."""
    flat = np.zeros(int(np.prod(shape)))
    flat[:num_hits] = 1.0
    return cells_of(flat.reshape((1, *shape)))


@pytest.mark.parametrize("hits,rows", [(0, 30), (1, 30), (17, 30), (30, 30), (3, 4)])
def test_one_family_and_seed_is_clopper_pearson(hits: int, rows: int) -> None:
    found = interval_of_rates(first_hits(hits, (1, 1, rows)), [0])
    low, high = proportion_confint(hits, rows, alpha=0.05, method="beta")
    assert found.low[0] == pytest.approx(low, abs=1e-9)
    assert found.high[0] == pytest.approx(high, abs=1e-9)


def test_clopper_pearson_agrees_with_scipy() -> None:
    for hits, rows in ((2, 50), (49, 50), (10, 20)):
        exact = stats.binomtest(hits, rows).proportion_ci(0.95, method="exact")
        low, high = clopper_pearson(np.array([hits / rows]), np.array([float(rows)]))
        assert (low[0], high[0]) == pytest.approx((exact.low, exact.high), abs=1e-9)


@pytest.mark.parametrize("seeds", [1, 5])
@pytest.mark.parametrize("families", [1, 2, 3, 8])
def test_none_of_n_is_at_least_exact(seeds: int, families: int) -> None:
    shape = (seeds, families, 25)
    exact = 1.0 - 0.025 ** (1.0 / np.prod(shape))
    none = interval_of_rates(first_hits(0, shape), range(families))
    every = interval_of_rates(first_hits(int(np.prod(shape)), shape), range(families))
    assert (none.estimate[0], none.low[0]) == (0.0, 0.0)
    assert none.high[0] >= exact - 1e-12
    assert (every.estimate[0], every.high[0]) == (1.0, 1.0)
    assert every.low[0] <= 1.0 - exact + 1e-12


def test_family_spread_by_hand() -> None:
    hits = np.zeros((1, 1, 3, 4))
    hits[0, 0, 1, :2] = 1.0
    hits[0, 0, 2] = 1.0
    found = interval_of_rates(cells_of(hits), [0, 1, 2])
    # Family rates 0, 1/2, 1: variance of the mean 0.25 / 3, of which 12 independent rows have 0.25 / 11.
    beyond = stats.t.ppf(0.975, 2) ** 2 * 0.25 / 3 - stats.t.ppf(0.975, 11) ** 2 * 0.25 / 11
    exact = proportion_confint(6, 12, alpha=0.05, method="beta")[0]
    low = expit(-np.sqrt(logit(exact) ** 2 + beyond / 0.25**2))
    assert found.estimate[0] == pytest.approx(0.5)
    assert found.low[0] == pytest.approx(low, abs=1e-9)
    assert found.high[0] == pytest.approx(1.0 - low, abs=1e-9)


def test_components_are_those_of_two_way_analysis_of_variance() -> None:
    hits = (np.random.default_rng(3).random((1, 4, 6, 10)) < 0.4).astype(float)
    cells = cells_of(hits)
    found = components_of(cells, estimate_rates(cells))
    cell = hits[0].mean(axis=2)
    seed_means, family_means, grand = cell.mean(axis=1), cell.mean(axis=0), cell.mean()
    residual = cell - seed_means[:, None] - family_means[None, :] + grand
    assert found.seed[0] == pytest.approx(seed_means.var(ddof=1) / 4)
    assert found.family[0] == pytest.approx(family_means.var(ddof=1) / 6)
    assert found.overlap[0] == pytest.approx((residual**2).sum() / (3 * 5) / 24)
    episodes = hits[0].mean(axis=0)
    assert found.episode[0] == pytest.approx((episodes.var(axis=1, ddof=1) / 10).sum() / 36)


def test_families_weigh_the_same_whatever_their_rows() -> None:
    rows = np.zeros((1, 1, 2, 90))
    rows[0, 0, 0, :10] = 1.0
    rows[0, 0, 1] = 1.0
    hits = rows * np.array([1.0, 0.0])[:, None]
    assert interval_of_rates(Cells(hits, rows, rows), [0, 1]).estimate[0] == pytest.approx(0.5)


def test_nothing_to_divide_by_is_undefined() -> None:
    rows = np.ones((1, 2, 3, 4))
    found = interval_of_rates(Cells(rows * 0, rows * 0, rows), [0, 1, 2], [[0, 1, 2]])
    assert np.isnan(found.estimate[0])
    assert (found.low[0], found.high[0]) == (0.0, 1.0)


def test_repeats_of_one_episode_are_not_independent() -> None:
    fixed = np.zeros((1, 1, 1, 10))
    fixed[..., :5] = 20.0
    rows = np.full((1, 1, 1, 10), 20.0)
    found = interval_of_rates(Cells(fixed, rows, rows), [0])
    low, high = proportion_confint(5, 10, alpha=0.05, method="beta")
    assert found.low[0] <= low
    assert found.high[0] >= high


HITS = arrays.arrays(np.int8, st.tuples(*[st.integers(1, 4)] * 3), elements=st.integers(0, 1))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(HITS, st.integers(0, 2**16))
def test_limits_hold_the_estimate_in_any_order(hits: np.ndarray, salt: int) -> None:
    rng = np.random.default_rng(salt)
    rows = (rng.random(hits.shape) < 0.8).astype(float)[None]
    cells = Cells(hits * rows, rows, rows)
    families = range(hits.shape[1])
    found = interval_of_rates(cells, families, [list(families)])
    if rows.sum() == 0:
        assert np.isnan(found.estimate[0])
        return
    assert 0.0 <= found.low[0] <= found.estimate[0] <= found.high[0] <= 1.0
    assert found.high[0] - found.low[0] > 0.01

    mixed = cells
    for axis in (1, 2, 3):
        order = rng.permutation(rows.shape[axis])
        mixed = Cells(*(np.take(part, order, axis=axis) for part in mixed))
    again = interval_of_rates(mixed, families, [list(families)])
    assert (again.low[0], again.high[0]) == pytest.approx((found.low[0], found.high[0]), abs=1e-9)

    mirror = interval_of_rates(Cells(rows - cells.hits, rows, rows), families, [list(families)])
    assert (1 - mirror.high[0], 1 - mirror.low[0]) == pytest.approx((found.low[0], found.high[0]), abs=1e-9)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.integers(1, 60), st.integers(0, 59))
def test_more_hits_raise_both_limits(rows: int, hits: int) -> None:
    hits = min(hits, rows - 1)
    less, more = (interval_of_rates(first_hits(n, (1, 1, rows)), [0]) for n in (hits, hits + 1))
    assert less.low[0] <= more.low[0]
    assert less.high[0] <= more.high[0]


ODDS = st.lists(st.floats(0.0, 1.0), min_size=6, max_size=6)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(ODDS, st.sampled_from([1, 3, 5]), st.integers(0, 2**16))
def test_a_hit_more_does_not_lower_the_upper_limit(others: list[float], seeds: int, salt: int) -> None:
    """The first hit of a split, wherever it falls; and one more everywhere. Whatever the other splits do."""
    rng = np.random.default_rng(salt)
    hits = np.zeros((1, seeds, 8, 16))
    hits[0, :, 2:] = rng.random((seeds, 6, 16)) < np.array(others)[:, None]
    limits = [interval_of_rates(cells_of(hits), SPLITS[0], SPLITS)]
    first = hits.copy()
    first[0, rng.integers(seeds), rng.integers(2), rng.integers(16)] = 1.0
    one = interval_of_rates(cells_of(first), SPLITS[0], SPLITS)
    assert limits[0].high[0] < one.high[0] < limits[0].high[0] + 0.3
    for i in range(16):
        hits[0, :, :2, i] = 1.0
        limits.append(interval_of_rates(cells_of(hits), SPLITS[0], SPLITS))
    assert (np.diff([found.high[0] for found in limits]) >= 0.0).all()
    assert (np.diff([found.low[0] for found in limits]) >= 0.0).all()


@pytest.mark.parametrize("seeds", [1, 5])
@pytest.mark.parametrize("rate", [0.02, 0.039])
def test_a_split_with_few_hits_covers(draw_arms: Callable, seeds: int, rate: float) -> None:
    """Families that differ much (1.5 on the log-odds); often the split has no hit at all."""
    rng = np.random.default_rng(15)
    drawn = [
        draw_arms(rng, [own], (600, seeds, len(group), 16), family=1.5)[0]
        for own, group in zip((rate, 0.5, 0.5), SPLITS, strict=True)
    ]
    found = interval_of_rates(cells_of(np.concatenate(drawn, axis=2)), SPLITS[0], SPLITS)
    none = found.estimate == 0.0
    assert none.mean() > 0.05
    assert ((found.low <= rate) & (rate <= found.high)).mean() >= 0.95
    assert (found.high[none] >= rate).mean() >= 0.95


@pytest.mark.parametrize("seeds", [1, 5])
@pytest.mark.parametrize("families", [3, 8])
@pytest.mark.parametrize("rate", [0.02, 0.3, 0.9])
def test_intervals_cover(draw_arms: Callable, seeds: int, families: int, rate: float) -> None:
    (hits,) = draw_arms(np.random.default_rng(11), [rate], (800, seeds, families, 25))
    found = interval_of_rates(cells_of(hits), range(families))
    assert ((found.low <= rate) & (rate <= found.high)).mean() >= 0.92


@pytest.mark.parametrize("seeds", [1, 5])
def test_splits_that_lend_each_other_their_spread_cover(draw_arms: Callable, seeds: int) -> None:
    rng = np.random.default_rng(12)
    rates = (0.05, 0.3, 0.6)
    drawn = [
        draw_arms(rng, [rate], (600, seeds, len(group), 25))[0]
        for rate, group in zip(rates, SPLITS, strict=True)
    ]
    cells = cells_of(np.concatenate(drawn, axis=2))
    for rate, group in zip(rates, SPLITS, strict=True):
        lent = interval_of_rates(cells, group, SPLITS)
        alone = interval_of_rates(cells, group)
        assert ((lent.low <= rate) & (rate <= lent.high)).mean() >= 0.92
        assert (lent.high - lent.low).mean() < (alone.high - alone.low).mean()
