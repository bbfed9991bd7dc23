"""Differences between arms, paired by seed and episode, with intervals, p values and ratios.

A pair is one episode that both arms met under one seed and that could be scored in both. The variance of
the mean difference has the same sources as that of a rate (intervals.py): seeds, families, episodes. It is
never less than that of a paired difference after Laplace's two pseudo-pairs (Bonett & Price, Journal of
Educational and Behavioral Statistics 37, 2012), so that arms that agree everywhere still get an interval
with a width. Limits use Student's t with Satterthwaite's degrees of freedom, and are widened to those that
follow from the two arms' own intervals and their correlation (Zou & Donner, Statistics in Medicine 27,
2008: MOVER) where these reach further: near 0 and 1 rates are skewed and Student's t is not. Ratios use
the closed form of the same idea (Donner & Zou, Statistical Methods in Medical Research 21, 2012: MOVER-R),
which holds at a rate of zero. The p values of one group of contrasts are corrected by Holm's method
(Scandinavian Journal of Statistics 6, 1979).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import special

from teachwhy.analysis.intervals import (
    Cells,
    Components,
    Floats,
    Interval,
    borrow_spread,
    components_of,
    correction,
    estimate_rates,
    interval_of_rates,
    pool_dispersion,
    satterthwaite,
    student_quantile,
    total_variance,
    variance_components,
)


class Contrast(NamedTuple):
    """Differences with limits at 95 % and two-sided p values, each (M,); NaN and p = 1 where nothing could
    be paired.
    """

    estimate: Floats
    low: Floats
    high: Floats
    p: Floats
    num_pairs: Floats


@dataclass(frozen=True)
class Difference:
    """Arm minus baseline over one set of families: the estimate (M,) and where its variance comes from."""

    estimate: Floats
    low: Floats
    """Limits from the arms' own intervals and their correlation."""
    high: Floats
    by_seed: Floats
    """What each seed adds, (M, S), summing to zero."""
    components: Components
    least: Floats
    num_pairs: Floats
    num_seeds: Floats
    num_families: Floats


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
    return Cells(*(part[:, [only]] * wanted[None, :, None, None] for part in cells))


def average_seeds(cells: Cells) -> Cells:
    """All seeds of an arm as one, at the first place of the seed axis."""
    return Cells(*(part.sum(axis=1, keepdims=True) for part in cells))


def paired_cells(arm: Cells, baseline: Cells) -> tuple[Cells, Cells]:
    """Both arms without the rows that only one of them has."""
    arm, baseline = align_seeds(arm, baseline)
    both = (arm.rows > 0) & (baseline.rows > 0)
    return Cells(*(part * both for part in arm)), Cells(*(part * both for part in baseline))


def least_variance(arm: Cells, baseline: Cells) -> Floats:
    """The variance that a difference has at least, after Laplace's pseudo-rows (Bonett & Price 2012).

    Conditional rates have no pairs of rows; their arms count as independent (Agresti & Caffo, The
    American Statistician 54, 2000).
    """
    axes = (1, 2, 3)
    conditional = (arm.chances != arm.rows).any(axis=axes) | (baseline.chances != baseline.rows).any(
        axis=axes
    )
    step = arm.hits / np.maximum(arm.rows, 1.0) - baseline.hits / np.maximum(baseline.rows, 1.0)
    pairs = np.minimum(arm.rows, baseline.rows).sum(axis=axes) + 2.0
    weight = np.minimum(arm.rows, baseline.rows)
    gained = ((np.maximum(step, 0.0) * weight).sum(axis=axes) + 1.0) / pairs
    lost = ((np.maximum(-step, 0.0) * weight).sum(axis=axes) + 1.0) / pairs
    paired = (gained + lost - (gained - lost) ** 2) / pairs
    apart = np.zeros_like(paired)
    for side in (arm, baseline):
        count = side.chances.sum(axis=axes) + 2.0
        rate = (side.hits.sum(axis=axes) + 1.0) / count
        apart = apart + rate * (1.0 - rate) / count
    least: Floats = np.where(conditional, apart, paired)
    return least


def paired_difference(
    arm: Cells, baseline: Cells, families: Sequence[int], groups: Sequence[Sequence[int]] = ()
) -> Difference:
    """Arm minus baseline over `families`; `groups` lend each other their spread between families."""
    arm, baseline = paired_cells(arm, baseline)
    own = difference_alone(arm, baseline, families)
    low, high = limits_from_arms(arm, baseline, families, groups)
    if len(families) < 2 or not groups:
        return replace(own, low=low, high=high)
    lent = [difference_alone(arm, baseline, group) for group in groups]
    pooled, freedom = pool_dispersion(
        [side.components for side in lent],
        [side.num_families for side in lent],
        [np.ones_like(own.least) for _ in lent],
    )
    components = borrow_spread(own.components, pooled, own.num_families, freedom)
    return replace(own, components=components, low=low, high=high)


def difference_alone(arm: Cells, baseline: Cells, families: Sequence[int]) -> Difference:
    """Arm minus baseline over `families` of paired cells, with the spread between these families only."""
    arm, baseline = arm.of_families(families), baseline.of_families(families)
    above, below = estimate_rates(arm), estimate_rates(baseline)
    parts = above.parts - below.parts
    components = variance_components(parts, arm.rows, above.num_seeds, above.num_families)
    estimate = above.estimate - below.estimate
    pairs = np.minimum(arm.rows, baseline.rows).sum(axis=(1, 2, 3))
    return Difference(
        estimate=estimate,
        low=np.full_like(estimate, -1.0),
        high=np.full_like(estimate, 1.0),
        by_seed=parts.sum(axis=(2, 3)),
        components=components,
        least=least_variance(arm, baseline),
        num_pairs=np.where(np.isnan(estimate), 0.0, pairs),
        num_seeds=above.num_seeds,
        num_families=above.num_families,
    )


def limits_from_arms(
    arm: Cells, baseline: Cells, families: Sequence[int], groups: Sequence[Sequence[int]]
) -> tuple[Floats, Floats]:
    """Limits of arm minus baseline from the two arms' intervals (Zou & Donner 2008).

    The correlation of the two rates is read off the variances of each and of their difference; it
    counts only where it is positive, which narrows the limits.
    """
    chosen, other = arm.of_families(families), baseline.of_families(families)
    above, below = estimate_rates(chosen), estimate_rates(other)
    var_above = total_variance(components_of(chosen, above))
    var_below = total_variance(components_of(other, below))
    shared = variance_components(above.parts - below.parts, chosen.rows, above.num_seeds, above.num_families)
    scale = 2.0 * np.sqrt(var_above * var_below)
    covered = var_above + var_below - total_variance(shared)
    correlation = np.clip(np.where(scale > 0, covered / np.where(scale > 0, scale, 1.0), 0.0), 0.0, 0.95)
    a, b = interval_of_rates(arm, families, groups), interval_of_rates(baseline, families, groups)
    difference = a.estimate - b.estimate
    low = difference - hypotenuse(a.estimate - a.low, b.high - b.estimate, correlation)
    high = difference + hypotenuse(a.high - a.estimate, b.estimate - b.low, correlation)
    return low, high


def hypotenuse(one: Floats, two: Floats, correlation: Floats) -> Floats:
    """The reach of a difference whose sides reach `one` and `two`."""
    length: Floats = np.sqrt(np.maximum(one**2 + two**2 - 2.0 * correlation * one * two, 0.0))
    return length


def contrast_of(difference: Difference) -> Contrast:
    """The interval and the p value of one difference, limits within [-1, 1]."""
    parts = difference.components
    variance = np.maximum(total_variance(parts), difference.least)
    df = satterthwaite([parts.items, parts.seed], [parts.items_df, parts.seed_df], difference.least)
    wider = (difference.low, difference.high)
    return limits_of(difference.estimate, variance, df, difference.num_pairs, wider)


def contrast_of_two(first: Difference, second: Difference) -> Contrast:
    """First minus second, for sets of families that do not overlap, limits within [-2, 2].

    The seeds are shared: what a seed adds to both cancels. The families are not: their variances add, with
    the fewer degrees of freedom, since both may rest on the same pooled spread.
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
    estimate = first.estimate - second.estimate
    a, b = contrast_of(first), contrast_of(second)
    apart = np.zeros_like(estimate)
    low = estimate - hypotenuse(a.estimate - a.low, b.high - b.estimate, apart)
    high = estimate + hypotenuse(a.high - a.estimate, b.estimate - b.low, apart)
    return limits_of(estimate, variance, df, pairs, (low, high), bound=2.0)


def limits_of(
    estimate: Floats,
    variance: Floats,
    df: Floats,
    num_pairs: Floats,
    wider: tuple[Floats, Floats],
    bound: float = 1.0,
) -> Contrast:
    """Student limits, widened to `wider`, and p values; NaN, the whole range and p = 1 where undefined."""
    defined = ~np.isnan(estimate) & (num_pairs > 0)
    error = np.sqrt(variance)
    reach = student_quantile(df) * error
    centre = np.where(defined, estimate, 0.0)
    p = 2.0 * special.stdtr(np.maximum(df, 1.0), -np.abs(centre) / error)
    low = np.where(defined, np.maximum(np.fmin(centre - reach, wider[0]), -bound), -bound)
    high = np.where(defined, np.minimum(np.fmax(centre + reach, wider[1]), bound), bound)
    return Contrast(np.where(defined, estimate, np.nan), low, high, np.where(defined, p, 1.0), num_pairs)


def ratio_interval(above: Interval, below: Interval) -> Interval:
    """`above` / `below` with Donner & Zou's limits; infinite where the lower rate may be zero.

    Takes the two as independent; arms that meet the same episodes are mostly positively related, which
    makes the limits wider than they need be. NaN with [0, inf] where both rates are zero or one is
    undefined.
    """
    a, a_low, a_high = (np.nan_to_num(part, nan=0.0) for part in above)
    b, b_low, b_high = (np.nan_to_num(part, nan=0.0) for part in below)
    undefined = np.isnan(above.estimate) | np.isnan(below.estimate) | ((a == 0) & (b == 0))
    product = a * b
    with np.errstate(divide="ignore", invalid="ignore"):
        estimate = np.where(undefined, np.nan, a / b)
        root = np.sqrt(np.maximum(product**2 - a_low * b_high * (2 * a - a_low) * (2 * b - b_high), 0.0))
        below_zero = b_high * (2 * b - b_high)
        low = np.where(
            np.abs(below_zero) > 1e-15, (product - root) / below_zero, a_low * (2 * a - a_low) / (2 * product)
        )
        root = np.sqrt(np.maximum(product**2 - a_high * b_low * (2 * a - a_high) * (2 * b - b_low), 0.0))
        high = np.where(b_low > 0, (product + root) / (b_low * (2 * b - b_low)), np.inf)
    low = np.where(
        undefined, 0.0, np.minimum(np.maximum(low, 0.0), np.nan_to_num(estimate, nan=0.0, posinf=np.inf))
    )
    high = np.where(undefined, np.inf, np.maximum(high, np.nan_to_num(estimate, nan=0.0, posinf=np.inf)))
    return Interval(estimate, low, high)


def adjust_holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down p values, in the order given."""
    values = np.asarray(p_values, dtype=float)
    order = np.argsort(values, kind="stable")
    scaled = values[order] * np.arange(len(values), 0, -1)
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(np.maximum.accumulate(scaled), 1.0)
    return [float(value) for value in adjusted]
