"""How wide an interval will be, before anything is run.

The interval of a rate over all families of one arm and seed, at the size and the cluster structure of an
evaluation, if its clusters differ as much as is assumed: the same limits as intervals.py gives, from the
variance that is to be expected instead of the one seen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.special import chdtri, expit

from teachwhy.analysis.clusters import Floats, discount_rows
from teachwhy.analysis.intervals import Components, Influence, limits_of_rates

NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(61)
QUANTILES = (np.arange(20) + 0.5) / 20


class Spread(NamedTuple):
    """How much clusters differ: standard deviations on the log-odds."""

    family: float = 0.0
    skin: float = 0.0
    paraphrase: float = 0.0
    episode: float = 0.0


ALIKE = Spread()
REALISTIC = Spread(family=0.8, skin=0.5, paraphrase=0.3, episode=0.8)
"""An assumption: that of benchmarks/coverage.py for families and episodes, with skins and paraphrases
between them.
"""


@dataclass(frozen=True)
class Design:
    """The size of an evaluation of one kind of episode, all families alike."""

    num_families: int
    repeats: int
    count_skins: Callable[[int], int]
    """Skins of all families among so many episodes a family; 0 where episodes have no clusters."""
    count_paraphrases: Callable[[int], int]
    """Likewise."""


@cache
def intercept_of(rate: float, spread: float) -> float:
    """The log-odds whose rate, averaged over a normal spread of log-odds, is `rate`."""
    return float(
        brentq(lambda x: (expit(x + spread * NODES) * WEIGHTS).sum() / WEIGHTS.sum() - rate, -30, 30)
    )


def mean_slope(rate: float, spread: Spread) -> float:
    """The mean of p (1 - p) over episodes: how far a step of log-odds moves the rate, and a row's noise."""
    total = float(np.sqrt(sum(value**2 for value in spread)))
    chance = expit(intercept_of(rate, total) + total * NODES)
    return float((chance * (1.0 - chance) * WEIGHTS).sum() / WEIGHTS.sum())


def half_widths(rate: float, design: Design, spread: Spread, nums_per_family: list[int]) -> Floats:
    """Half the width of the interval to be expected at `rate` for each number of episodes a family.

    The variance between families is that of their log-odds carried over by the mean slope, and the noise of
    the rows. What an evaluation sees of it is as uncertain as chi-square is, over whose quantiles the widths
    are averaged; the variance within families, of which much more is seen, is its floor. One family
    is itself the subject: there the variance is that between its skins.
    """
    num = np.array(nums_per_family, dtype=float)
    episodes = num * design.num_families
    skins, paraphrases = (
        np.array([count(n) for n in nums_per_family], dtype=float)
        for count in (design.count_skins, design.count_paraphrases)
    )
    clustered = skins > 0
    spoken = spread.episode**2 / episodes
    for deviation, number in ((spread.skin, skins), (spread.paraphrase, paraphrases)):
        spoken = spoken + np.where(clustered, deviation**2 / np.where(clustered, number, 1.0), 0.0)
    slope = mean_slope(rate, spread)
    rows = episodes * design.repeats
    within = slope**2 * spoken + slope / rows
    several = design.num_families > 1
    total = within + slope**2 * spread.family**2 / design.num_families if several else within
    rates, none = np.full_like(num, rate), np.zeros_like(num)
    worth = np.where(clustered, discount_rows(episodes, paraphrases, rates), rows)
    families = np.full_like(num, design.num_families)
    influence = Influence(rates, np.zeros((len(num), 1, 1, 1)), worth, none + 1.0, families)
    skin_df = np.where(clustered, skins - design.num_families, 0.0)
    freedom = np.maximum(families - 1.0 if several else skin_df, 1.0)
    widths = []
    for quantile in QUANTILES:
        between = total * chdtri(freedom, 1.0 - quantile) / freedom
        skin = none if several else between
        parts = Components(none, between, within, none, none, families - 1.0, worth - 1.0, skin, skin_df)
        limits = limits_of_rates(influence, parts)
        widths.append(limits.high - limits.low)
    half: Floats = np.mean(widths, axis=0) / 2.0
    return half


def find_size(rate: float, design: Design, spread: Spread, half_width: float, most: int) -> int | None:
    """The fewest episodes a family from which on the interval is that narrow; None if `most` do not do."""
    sizes = list(range(1, most + 1))
    wide = np.flatnonzero(half_widths(rate, design, spread, sizes) > half_width)
    if not len(wide):
        return 1
    return None if wide[-1] + 1 == most else int(wide[-1]) + 2
