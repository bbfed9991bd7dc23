"""Ratios of rates and of differences, with intervals whose open side is infinite.

A ratio of two rates has the closed form of MOVER for ratios (Donner & Zou, Statistical Methods in Medical
Research 21, 2012: MOVER-R), which needs no more than the two intervals and their correlation and holds at a
rate of zero. The difference of two such ratios joins their limits by MOVER (Zou & Donner, Statistics in
Medicine 27, 2008). A ratio of two differences, whose lower part may have either sign, has Fieller's limits
(Journal of the Royal Statistical Society B 16, 1954).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from teachwhy.analysis.clusters import Floats
from teachwhy.analysis.contrasts import (
    Difference,
    contrast_of,
    correlation_of,
    difference_alone,
    paired_cells,
)
from teachwhy.analysis.intervals import Cells, Interval, interval_of_rates, student_quantile


def ratio_interval(above: Interval, below: Interval, correlation: Floats | float = 0.0) -> Interval:
    """`above` / `below` with Donner & Zou's limits; infinite where the lower rate may be zero.

    Without a correlation the two count as independent; arms that meet the same episodes are mostly
    positively related, which makes those limits wider than they need be. NaN with [0, inf] where both
    rates are zero or one is undefined.
    """
    a, a_low, a_high = (np.nan_to_num(part, nan=0.0) for part in above)
    b, b_low, b_high = (np.nan_to_num(part, nan=0.0) for part in below)
    undefined = np.isnan(above.estimate) | np.isnan(below.estimate) | ((a == 0) & (b == 0))
    # The limits solve x^2 v (2b - v) - 2 x c + l (2a - l) = 0, with l and v the limits of the two rates.
    near = a * b - correlation * (a - a_low) * (b_high - b)
    far = a * b - correlation * (a_high - a) * (b - b_low)
    with np.errstate(divide="ignore", invalid="ignore"):
        estimate = np.where(undefined, np.nan, a / b)
        lower, start = b_high * (2 * b - b_high), a_low * (2 * a - a_low)
        root = np.sqrt(np.maximum(near**2 - start * lower, 0.0))
        low = np.where(np.abs(lower) > 1e-15, (near - root) / lower, start / (2 * near))
        upper, start = b_low * (2 * b - b_low), a_high * (2 * a - a_high)
        root = np.sqrt(np.maximum(far**2 - start * upper, 0.0))
        high = np.where(b_low > 0, (far + root) / upper, np.inf)
    known = np.nan_to_num(estimate, nan=0.0, posinf=np.inf)
    low = np.where(undefined, 0.0, np.minimum(np.maximum(np.nan_to_num(low), 0.0), known))
    high = np.where(undefined, np.inf, np.maximum(high, known))
    return Interval(estimate, low, high)


def ratio_of_rates(
    above: Cells,
    below: Cells,
    families: Sequence[int],
    groups: Sequence[Sequence[int]] = (),
    *,
    correlated: bool = False,
) -> Interval:
    """The rate of one arm divided by that of another, over the pairs of both.

    With `correlated`, the limits are narrower by what the two share: a little too narrow for a ratio that
    stands alone, right for one that `difference_of_ratios` joins with another (docs/statistics.md).
    """
    above, below = paired_cells(above, below)
    rates = [interval_of_rates(side, families, groups) for side in (above, below)]
    if not correlated:
        return ratio_interval(rates[0], rates[1])
    return ratio_interval(rates[0], rates[1], cautious_correlation(above, below, families, groups))


def cautious_correlation(
    one: Cells, two: Cells, families: Sequence[int], groups: Sequence[Sequence[int]]
) -> Floats:
    """The correlation of two rates over `families`, no more than that over all `groups` together.

    Few families overstate it by chance, and a correlation that is too large makes an interval too narrow.
    Where no groups check it, the rates count as independent.
    """
    own = correlation_of([difference_alone(one, two, families)])
    if not groups:
        return np.zeros_like(own)
    pooled = correlation_of([difference_alone(one, two, group) for group in groups])
    together: Floats = np.minimum(own, pooled)
    return together


def difference_of_ratios(first: Interval, second: Interval) -> Interval:
    """First minus second, for sets of families that do not overlap, as if the two were independent.

    Seeds that both share make them positively related, so the limits err on the wide side. NaN within
    (-inf, inf) where a ratio is undefined or infinite.
    """
    defined = np.isfinite(first.estimate) & np.isfinite(second.estimate)
    a, a_low, a_high = (np.where(defined, part, 0.0) for part in first)
    b, b_low, b_high = (np.where(defined, part, 0.0) for part in second)
    low = a - b - np.hypot(a - a_low, b_high - b)
    high = a - b + np.hypot(a_high - a, b - b_low)
    return Interval(
        np.where(defined, a - b, np.nan), np.where(defined, low, -np.inf), np.where(defined, high, np.inf)
    )


def share_of_change(change: Difference, whole: Difference, apart: Difference) -> Interval:
    """`change` / `whole` with Fieller's limits, where `apart` is `change` minus `whole`.

    The covariance of the two follows from the variances of the three. Where `whole` may be zero, every
    share may be true: NaN where it is exactly zero or undefined, and (-inf, inf).
    """
    upper, lower = contrast_of(change), contrast_of(whole)
    quantile = student_quantile(np.minimum(change.df, whole.df)) ** 2
    bound = np.sqrt(change.variance * whole.variance)
    covariance = np.clip((change.variance + whole.variance - apart.variance) / 2.0, -bound, bound)
    a, b = np.nan_to_num(upper.estimate), np.nan_to_num(lower.estimate)
    defined = ~np.isnan(upper.estimate) & ~np.isnan(lower.estimate) & (b != 0)
    # Fieller: the x for which (a - x b)^2 <= t^2 (var a - 2 x cov + x^2 var b).
    square = b**2 - quantile * whole.variance
    middle = a * b - quantile * covariance
    root = np.sqrt(np.maximum(middle**2 - square * (a**2 - quantile * change.variance), 0.0))
    closed = defined & (square > 0)
    safe = np.where(closed, square, 1.0)
    return Interval(
        np.where(defined, a / np.where(defined, b, 1.0), np.nan),
        np.where(closed, (middle - root) / safe, -np.inf),
        np.where(closed, (middle + root) / safe, np.inf),
    )
