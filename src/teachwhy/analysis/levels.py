"""What follows from rates and their intervals alone: differences and trends of levels of a factor, and of how
many independent episodes a rate is worth.

Levels of a factor are dealt to different episodes, so that their rates are not paired as arms are. A weighted
sum of rates has the limits of MOVER (Zou & Donner, Statistics in Medicine 27, 2008; of two independent
proportions it is method 10 of Newcombe, Statistics in Medicine 17, 1998): each rate lends the distance to the
limit that moves the sum the same way, and their squares add. Rates that share families or skins go up and
down together, which makes these limits of their differences rather too wide; over several families the sum is
therefore taken within each, and its spread between them is what counts (Student's t).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq

from teachwhy.analysis.intervals import clopper_pearson, student_quantile

MIN_FAMILIES = 3
"""Fewer say too little about how families differ."""
MAX_WORTH = 1e9
MIN_WORTH = 1e-6


class RateLimits(NamedTuple):
    """A rate, or a sum of rates, with its 95 % interval."""

    estimate: float
    low: float
    high: float


def combine_rates(rates: Sequence[RateLimits], weights: Sequence[float]) -> RateLimits:
    """The weighted sum of independent rates."""
    estimate = sum(weight * rate.estimate for weight, rate in zip(weights, rates, strict=True))
    below, above = 0.0, 0.0
    for weight, rate in zip(weights, rates, strict=True):
        down, up = weight * (rate.low - rate.estimate), weight * (rate.high - rate.estimate)
        below += min(down, up) ** 2
        above += max(down, up) ** 2
    return RateLimits(estimate, estimate - below**0.5, estimate + above**0.5)


def combine_within(
    by_family: Sequence[Sequence[float]], rates: Sequence[RateLimits], weights: Sequence[float]
) -> RateLimits:
    """The mean over families of the weighted sum of each one's rates.

    `by_family`: of `MIN_FAMILIES` families or more the rates in the order of `weights`. `rates`: over all of
    them, with limits as if every episode were independent, which the limits of the sum never fall short of.
    """
    values = np.asarray(by_family, dtype=float) @ np.asarray(weights, dtype=float)
    estimate, num = float(values.mean()), len(values)
    quantile = float(student_quantile(np.array([num - 1.0]))[0])
    reach = quantile * float(values.std(ddof=1)) / num**0.5
    least = combine_rates(rates, weights)
    below, above = least.estimate - least.low, least.high - least.estimate
    return RateLimits(estimate, estimate - max(reach, below), estimate + max(reach, above))


def weigh_difference(level: int, num_levels: int) -> list[float]:
    """The weights that make a level minus the first of so many."""
    return [float(place == level) - float(place == 0) for place in range(num_levels)]


def weigh_trend(doses: Sequence[float]) -> list[float]:
    """The weights that make how much the rate rises with one more of the dose: the slope of least squares,
    every dose with the same weight. Needs two different doses.
    """
    centred = np.asarray(doses, dtype=float) - np.mean(doses)
    return [float(weight) for weight in centred / (centred**2).sum()]


def limit_rate(estimate: float, num_episodes: int) -> RateLimits:
    """The rate of so many independent episodes, with the limits of Clopper and Pearson."""
    low, high = clopper_pearson(np.array([estimate]), np.array([float(num_episodes)]))
    return RateLimits(estimate, float(low[0]), float(high[0]))


def find_worth(rate: RateLimits) -> float:
    """Of how many independent episodes a rate is worth: with so many, the interval of Clopper and Pearson is
    as wide as its own.
    """
    wanted = rate.high - rate.low

    def excess(log_size: float) -> float:
        low, high = clopper_pearson(np.array([rate.estimate]), np.array([np.exp(log_size)]))
        return float(high[0] - low[0]) - wanted

    ends = float(np.log(MIN_WORTH)), float(np.log(MAX_WORTH))
    if excess(ends[0]) <= 0:
        return MIN_WORTH
    if excess(ends[1]) >= 0:
        return MAX_WORTH
    return float(np.exp(brentq(excess, *ends)))
