"""Differences and trends of unpaired rates, and what a rate is worth."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import binom

from teachwhy.analysis.levels import (
    RateLimits,
    combine_rates,
    combine_within,
    find_worth,
    limit_rate,
    weigh_difference,
    weigh_trend,
)


def wilson(hits: int, num: int) -> RateLimits:
    """Wilson's interval, which Newcombe's method 10 joins."""
    z = 1.959963984540054
    centre = (hits + z * z / 2) / (num + z * z)
    half = z * (hits * (num - hits) / num + z * z / 4) ** 0.5 / (num + z * z)
    return RateLimits(hits / num, centre - half, centre + half)


@pytest.mark.parametrize(
    ("first", "second", "low", "high"),
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),  # Newcombe 1998, table II, method 10
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((10, 10), (0, 20), 0.6791, 1.0),
    ],
)
def test_differences_are_those_of_newcombe(
    first: tuple[int, int], second: tuple[int, int], low: float, high: float
) -> None:
    found = combine_rates((wilson(*second), wilson(*first)), weigh_difference(1, 2))
    assert (found.low, found.high) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))
    turned = combine_rates((wilson(*first), wilson(*second)), weigh_difference(1, 2))
    assert (turned.low, turned.high) == (pytest.approx(-found.high), pytest.approx(-found.low))


def test_a_difference_of_nothing_still_has_a_width() -> None:
    found = combine_rates((limit_rate(0, 8), limit_rate(0, 8)), weigh_difference(1, 2))
    assert found.estimate == 0 and found.low == -found.high and found.high > 0.3


def test_the_trend_of_two_doses_is_their_difference() -> None:
    rates = (limit_rate(3 / 20, 20), limit_rate(11 / 20, 20))
    found, wanted = (combine_rates(rates, weights) for weights in (weigh_trend((0, 1)), [-1.0, 1.0]))
    assert found == pytest.approx(wanted)
    assert combine_rates(rates, weigh_trend((0, 2))) == pytest.approx([part / 2 for part in wanted])


def test_the_trend_is_the_slope_of_least_squares() -> None:
    shares = [hits / 20 for hits in (1, 4, 3, 9, 12)]
    slope = np.polyfit(range(5), shares, 1)[0]
    rates = [limit_rate(share, 20) for share in shares]
    assert combine_rates(rates, weigh_trend(range(5))).estimate == pytest.approx(slope)


def test_a_difference_covers_what_is_so() -> None:
    """Exactly, over all results: two levels with 12 episodes each, at true rates 0.1 and 0.5."""
    missed = 0.0
    for one in range(13):
        for two in range(13):
            rates = (limit_rate(one / 12, 12), limit_rate(two / 12, 12))
            found = combine_rates(rates, weigh_difference(1, 2))
            if not found.low <= 0.4 <= found.high:
                missed += float(binom.pmf(one, 12, 0.1) * binom.pmf(two, 12, 0.5))
    assert missed < 0.05


@pytest.mark.parametrize(("base", "effect"), [(-3, 0), (-1, 1), (0, -1), (2, 0.5)])
def test_differences_within_families_cover_what_is_so(base: float, effect: float) -> None:
    """Eight families that differ by 0.8 on the log-odds, and in the effect by 0.5; ten episodes a level."""
    rng = np.random.default_rng(5)

    def draw(num: int) -> np.ndarray:
        own = rng.normal(0, 0.8, (num, 8, 1)) + rng.normal(0, 0.5, (num, 8, 2))
        return expit(base + own + np.array([0, effect]))

    truth = float(np.diff(draw(40_000).mean(axis=(0, 1)))[0])
    covered, narrower = 0, 0
    for rates in rng.binomial(10, draw(400)) / 10:
        alone = [limit_rate(float(rates[:, level].mean()), 80) for level in range(2)]
        found = combine_within(rates.tolist(), alone, weigh_difference(1, 2))
        covered += found.low <= truth <= found.high
        narrower += found.high - found.low < 0.6
    assert covered >= 0.93 * 400
    assert narrower >= 0.9 * 400, "and says something"


def test_families_that_agree_leave_what_independent_episodes_do() -> None:
    alone = [limit_rate(0.5, 40), limit_rate(0.75, 40)]
    same = combine_within([[0.5, 0.75]] * 4, alone, [-1.0, 1.0])
    assert same == pytest.approx(combine_rates(alone, [-1.0, 1.0]))
    apart = combine_within([[0.5, 1.0], [0.5, 0.5], [0.5, 1.0], [0.5, 0.5]], alone, [-1.0, 1.0])
    assert apart.estimate == pytest.approx(0.25) and apart.low < same.low < same.high < apart.high


@pytest.mark.parametrize(("hits", "num"), [(0, 24), (3, 24), (24, 24), (150, 400)])
def test_a_plain_rate_is_worth_its_episodes(hits: int, num: int) -> None:
    assert find_worth(limit_rate(hits / num, num)) == pytest.approx(num, rel=1e-4)


def test_a_wider_interval_is_worth_less() -> None:
    assert find_worth(RateLimits(0.5, 0.2, 0.8)) < find_worth(RateLimits(0.5, 0.3, 0.7))
    assert find_worth(RateLimits(0.5, 0.0, 1.0)) < 1
    assert find_worth(RateLimits(0.5, 0.5, 0.5)) == 1e9


def test_a_sum_with_a_negative_weight_takes_the_other_limit() -> None:
    found = combine_rates((RateLimits(0.5, 0.4, 0.9),), (-2.0,))
    assert found == pytest.approx((-1.0, -1.8, -0.8))
