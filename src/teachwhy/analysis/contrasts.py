"""Differences between arms, paired by seed and episode, with intervals and p values.

A pair is one episode that both arms met under one seed and that could be scored in both. The variance of
the mean difference has the same sources as that of a rate (intervals.py): seeds, families, episodes. It is
never less than that of a paired difference after Laplace's two pseudo-pairs (Bonett & Price, Journal of
Educational and Behavioral Statistics 37, 2012), so that arms that agree everywhere still get an interval
with a width. Limits use Student's t with Satterthwaite's degrees of freedom. Near 0 and 1 rates are skewed
and Student's t is not: there, and fading out towards the middle, limits reach as far as those that follow
from the two arms' own intervals and their correlation (Zou & Donner, Statistics in Medicine 27, 2008:
MOVER). The p value is Student's with the error that the limit on the side of zero stands for, so that it
falls under 0.05 exactly where the interval leaves zero out. The p values of one group of contrasts are
corrected by Holm's method (Scandinavian Journal of Statistics 6, 1979).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import special

from teachwhy.analysis.clusters import Floats
from teachwhy.analysis.intervals import (
    Cells,
    Components,
    Influence,
    SkinSpread,
    borrow_skins,
    borrow_spread,
    components_of,
    correction,
    estimate_rates,
    interval_of_rates,
    nested_components,
    pool_dispersion,
    satterthwaite,
    student_quantile,
    total_variance,
)

SKEWED = (0.05, 0.15)
"""Where a rate is nearer to 0 or 1 than the first, limits reach as far as the arms' own intervals say;
where none is nearer than the second, as far as Student's; in between, something between the two.
"""


class Contrast(NamedTuple):
    """Differences with limits at 95 % and two-sided p values, each (M,); NaN and p = 1 where nothing could
    be paired.
    """

    estimate: Floats
    low: Floats
    high: Floats
    p: Floats
    num_pairs: Floats


class Reach(NamedTuple):
    """How far the limits of a difference lie from it, each (M,)."""

    below: Floats
    above: Floats


@dataclass(frozen=True)
class Difference:
    """Arm minus baseline over one set of families: the estimate (M,) and where its variance comes from."""

    estimate: Floats
    by_seed: Floats
    """What each seed adds, (M, S), summing to zero."""
    components: Components
    least: Floats
    """What the variance is at least."""
    num_pairs: Floats
    num_seeds: Floats
    num_families: Floats
    arms: tuple[Influence, Influence]
    """The rates of arm and baseline over the pairs."""
    arm_variances: tuple[Floats, Floats]
    """Their variances, with the spread between these families only."""
    from_arms: Reach
    """How far the limits reach by the arms' own intervals; 0 until these are known."""

    @property
    def variance(self) -> Floats:
        """The variance of the estimate over all sources."""
        return np.maximum(total_variance(self.components), self.least)

    @property
    def df(self) -> Floats:
        """Satterthwaite's degrees of freedom of `variance`."""
        parts = self.components
        return satterthwaite([parts.items, parts.seed], [parts.items_df, parts.seed_df], self.least)

    @property
    def scale(self) -> Floats:
        """How much it differs between families that differ by one unit of log-odds in each arm."""
        return self.arms[0].unit ** 2 + self.arms[1].unit ** 2

    @property
    def noise(self) -> Floats:
        """Its variance if all rows of both arms were independent."""
        return self.arms[0].noise + self.arms[1].noise

    def squares_beyond(self) -> Reach:
        """By how much the squared reach of each limit exceeds Student's, where rates are skewed."""
        student = student_quantile(self.df) * np.sqrt(self.variance)
        rates = [np.nan_to_num(side.estimate) for side in self.arms]
        nearest = np.minimum.reduce([np.minimum(rate, 1.0 - rate) for rate in rates])
        share = np.clip((SKEWED[1] - nearest) / (SKEWED[1] - SKEWED[0]), 0.0, 1.0)
        reaches = (student + share * np.maximum(reach - student, 0.0) for reach in self.from_arms)
        return Reach(*(reach**2 - student**2 for reach in reaches))


def align_seeds(arm: Cells, baseline: Cells) -> tuple[Cells, Cells]:
    """Make the two arms meet on the seed axis.

    Seeds that both have are paired. An arm with a single seed (an untouched student needs no more) meets
    every seed of the other. Arms that share no seed are averaged over theirs, and only families and
    episodes are paired.
    """
    has_arm = arm.rows.sum(axis=(0, 2, 3)) > 0
    has_baseline = baseline.rows.sum(axis=(0, 2, 3)) > 0
    if has_arm.sum() == 1 and has_baseline.any():
        return spread_seed(arm, has_arm, has_baseline), baseline
    if has_baseline.sum() == 1 and has_arm.any():
        return arm, spread_seed(baseline, has_baseline, has_arm)
    if not (has_arm & has_baseline).any():
        return average_seeds(arm), average_seeds(baseline)
    return arm, baseline


def spread_seed(cells: Cells, has: npt.NDArray[np.bool_], wanted: npt.NDArray[np.bool_]) -> Cells:
    """The rows of the only seed in `has`, repeated for every seed in `wanted`."""
    only = int(np.flatnonzero(has)[0])
    return cells.map(lambda part: part[:, [only]] * wanted[None, :, None, None])


def average_seeds(cells: Cells) -> Cells:
    """All seeds of an arm as one, at the first place of the seed axis."""
    return cells.map(lambda part: part.sum(axis=1, keepdims=True))


def paired_cells(arm: Cells, baseline: Cells) -> tuple[Cells, Cells]:
    """Both arms without the rows that only one of them has."""
    arm, baseline = align_seeds(arm, baseline)
    both = (arm.rows > 0) & (baseline.rows > 0)
    return arm.map(lambda part: part * both), baseline.map(lambda part: part * both)


def independent_share(arm: Cells, baseline: Cells, rates: tuple[Influence, Influence]) -> Floats:
    """The share of the pairs that counts as independent, (M,): all of them where there are no clusters."""
    if arm.clusters is None:
        return np.ones_like(rates[0].num_rows)
    counted = np.minimum(arm.chances, baseline.chances).sum(axis=(1, 2, 3))
    worth = np.minimum(rates[0].num_rows, rates[1].num_rows)
    share: Floats = np.minimum(worth / np.where(counted > 0, counted, 1.0), 1.0)
    return share


def least_variance(arm: Cells, baseline: Cells, share: Floats) -> Floats:
    """The variance that a difference has at least, after Laplace's pseudo-rows (Bonett & Price 2012).

    Each row counts as `share` of one. Conditional rates have no pairs of rows; their arms count as
    independent (Agresti & Caffo, The American Statistician 54, 2000).
    """
    axes = (1, 2, 3)
    conditional = (arm.chances != arm.rows).any(axis=axes) | (baseline.chances != baseline.rows).any(
        axis=axes
    )
    step = arm.hits / np.maximum(arm.rows, 1.0) - baseline.hits / np.maximum(baseline.rows, 1.0)
    weight = np.minimum(arm.rows, baseline.rows) * share[:, None, None, None]
    pairs = weight.sum(axis=axes) + 2.0
    gained = ((np.maximum(step, 0.0) * weight).sum(axis=axes) + 1.0) / pairs
    lost = ((np.maximum(-step, 0.0) * weight).sum(axis=axes) + 1.0) / pairs
    paired = (gained + lost - (gained - lost) ** 2) / pairs
    apart = np.zeros_like(paired)
    for side in (arm, baseline):
        count = share * side.chances.sum(axis=axes) + 2.0
        rate = (share * side.hits.sum(axis=axes) + 1.0) / count
        apart = apart + rate * (1.0 - rate) / count
    least: Floats = np.where(conditional, apart, paired)
    return least


def paired_difference(
    arm: Cells, baseline: Cells, families: Sequence[int], groups: Sequence[Sequence[int]] = ()
) -> Difference:
    """Arm minus baseline over `families`; `groups` lend each other their spread between families."""
    arm, baseline = paired_cells(arm, baseline)
    own = difference_alone(arm, baseline, families)
    own = replace(own, from_arms=reach_of_arms(own, arm, baseline, families, groups))
    if not groups:
        return own
    lent = [difference_alone(arm, baseline, group) for group in groups]
    if len(families) < 2:
        return replace(own, components=borrow_skins_of(own, lent))
    pooled, freedom = pool_dispersion(
        [side.components for side in lent],
        [side.num_families for side in lent],
        [side.scale for side in lent],
    )
    # What several seeds vary holds the noise of the rows too, and their overlap is taken off once.
    noise = np.where(own.num_seeds > 1, own.noise, 0.0)
    lending = pooled * own.scale / np.maximum(own.num_families, 1.0) + noise
    return replace(own, components=borrow_spread(own.components, lending, freedom))


def borrow_skins_of(own: Difference, lent: Sequence[Difference]) -> Components:
    """The components of one family's difference with the spread that its skins share with all families'."""
    sides = [SkinSpread(side.components, side.scale, side.noise) for side in (own, *lent)]
    row_df = np.minimum(own.arms[0].row_df, own.arms[1].row_df)
    return borrow_skins(sides[0], sides[1:], row_df)


def difference_alone(arm: Cells, baseline: Cells, families: Sequence[int]) -> Difference:
    """Arm minus baseline over `families` of paired cells, with the spread between these families only."""
    arm, baseline = arm.of_families(families), baseline.of_families(families)
    above, below = estimate_rates(arm), estimate_rates(baseline)
    parts = above.parts - below.parts
    estimate = above.estimate - below.estimate
    pairs = np.minimum(arm.rows, baseline.rows).sum(axis=(1, 2, 3))
    return Difference(
        estimate=estimate,
        by_seed=parts.sum(axis=(2, 3)),
        components=nested_components(parts, arm, above),
        least=least_variance(arm, baseline, independent_share(arm, baseline, (above, below))),
        num_pairs=np.where(np.isnan(estimate), 0.0, pairs),
        num_seeds=above.num_seeds,
        num_families=above.num_families,
        arms=(above, below),
        arm_variances=(
            total_variance(components_of(arm, above)),
            total_variance(components_of(baseline, below)),
        ),
        from_arms=Reach(np.zeros_like(estimate), np.zeros_like(estimate)),
    )


def reach_of_arms(
    own: Difference, arm: Cells, baseline: Cells, families: Sequence[int], groups: Sequence[Sequence[int]]
) -> Reach:
    """How far the limits of arm minus baseline reach by the two arms' intervals (Zou & Donner 2008)."""
    a, b = interval_of_rates(arm, families, groups), interval_of_rates(baseline, families, groups)
    together = correlation_of([own])
    below = hypotenuse(a.estimate - a.low, b.high - b.estimate, together)
    above = hypotenuse(a.high - a.estimate, b.estimate - b.low, together)
    return Reach(np.nan_to_num(below), np.nan_to_num(above))


def correlation_of(differences: Sequence[Difference]) -> Floats:
    """The correlation of the rates of two arms over several sets of families, taken together on the log-odds.

    It is read off the variances of each arm and of their difference, and counts only where it is
    positive, which narrows limits.
    """
    zero = np.zeros_like(differences[0].estimate)
    covered, above, below = zero, zero, zero
    for side in differences:
        (one, two), (var_one, var_two) = (arm.unit for arm in side.arms), side.arm_variances
        shared = (var_one + var_two - total_variance(side.components)) / 2.0
        covered = covered + shared / (one * two)
        above, below = above + var_one / one**2, below + var_two / two**2
    scale = np.sqrt(above * below)
    found = np.where(scale > 0, covered / np.where(scale > 0, scale, 1.0), 0.0)
    together: Floats = np.clip(found, 0.0, 0.95)
    return together


def hypotenuse(one: Floats, two: Floats, correlation: Floats) -> Floats:
    """The reach of a difference whose sides reach `one` and `two`."""
    length: Floats = np.sqrt(np.maximum(one**2 + two**2 - 2.0 * correlation * one * two, 0.0))
    return length


def contrast_of(difference: Difference) -> Contrast:
    """The interval and the p value of one difference, limits within [-1, 1]."""
    beyond = difference.squares_beyond()
    return limits_of(
        difference.estimate, difference.variance, difference.df, difference.num_pairs, beyond, bound=1.0
    )


def contrast_of_two(first: Difference, second: Difference) -> Contrast:
    """First minus second, for sets of families that do not overlap, limits within [-2, 2].

    The seeds are shared: what a seed adds to both cancels. The families are not: their variances add, with
    the fewer degrees of freedom, since both may rest on the same pooled spread. Of what skewed rates carry
    the limits of the two beyond Student's, half is added in squares: the two seldom err together
    (docs/statistics.md has the simulation that chose a half).
    """
    net = first.by_seed - second.by_seed
    num_seeds = np.minimum(first.num_seeds, second.num_seeds)
    seed = correction(num_seeds) * (net**2).sum(axis=1)
    one, two = first.components, second.components
    items = one.items + two.items
    total = seed + items - np.where(num_seeds > 1, one.overlap + two.overlap, 0.0)
    least = first.least + second.least
    variance = np.maximum.reduce([total, seed, items, one.episode + two.episode, least])
    items_df = np.minimum(one.items_df, two.items_df)
    df = satterthwaite([items, seed], [items_df, num_seeds - 1.0], least)
    both = (first.num_pairs > 0) & (second.num_pairs > 0)
    pairs = np.where(both, first.num_pairs + second.num_pairs, 0.0)
    a, b = first.squares_beyond(), second.squares_beyond()
    beyond = Reach((a.below + b.above) / 2.0, (a.above + b.below) / 2.0)
    return limits_of(first.estimate - second.estimate, variance, df, pairs, beyond, bound=2.0)


def limits_of(
    estimate: Floats, variance: Floats, df: Floats, num_pairs: Floats, beyond: Reach, *, bound: float
) -> Contrast:
    """Limits and p values; NaN, the whole range and p = 1 where undefined.

    Each limit reaches as far as Student's, its square enlarged by `beyond`. The p value takes the reach
    on the side of zero for Student's quantile times an error.
    """
    defined = ~np.isnan(estimate) & (num_pairs > 0)
    quantile = student_quantile(df)
    below, above = (np.sqrt(quantile**2 * variance + square) for square in beyond)
    centre = np.where(defined, estimate, 0.0)
    error = np.where(centre > 0, below, above) / quantile
    p = 2.0 * special.stdtr(np.maximum(df, 1.0), -np.abs(centre) / error)
    low = np.where(defined, np.maximum(centre - below, -bound), -bound)
    high = np.where(defined, np.minimum(centre + above, bound), bound)
    return Contrast(np.where(defined, estimate, np.nan), low, high, np.where(defined, p, 1.0), num_pairs)


def adjust_holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down p values, in the order given."""
    values = np.asarray(p_values, dtype=float)
    order = np.argsort(values, kind="stable")
    scaled = values[order] * np.arange(len(values), 0, -1)
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(np.maximum.accumulate(scaled), 1.0)
    return [float(value) for value in adjusted]
