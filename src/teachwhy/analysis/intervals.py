"""Rates with intervals that treat seed, family and episode as separate sources of variation.

Every rate is a mean over cells (seed x family) with equal weight for each family. Its variance is taken
from the contribution of every row to the rate (the linearised value of survey statistics; for a plain rate
the deviation of the row, for a conditional rate the deviation of the ratio: Cochran, Sampling Techniques,
3rd ed. 1977, section 6.4), summed over seeds, over families and over episodes, which are crossed: the same
episodes meet every seed. The components follow the two-way analysis of variance with random effects
(Searle, Casella & McCulloch, Variance Components, 1992, chapter 4), the degrees of freedom Satterthwaite
(Biometrics Bulletin 2, 1946). The limits join two reaches on the log-odds by the root of their squares, as
limits of sums are joined (Zou & Donner, Statistics in Medicine 27, 2008): that of Clopper & Pearson
(Biometrika 26, 1934) for the rows as if they were independent, and Student's for the variance beyond that.
So the interval is exact where rows are independent, skewed as rates near 0 and 1 are, and never of zero
width.

Axes: M metrics (or any batch), S seeds, F families, E episodes within a family.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import special

from teachwhy.analysis.clusters import Clusters, Floats, independent_rows

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Cells:
    """Counts of scored rows, each of shape (M, S, F, E); a cell without rows is absent."""

    hits: Floats
    """Rows in which the event happened."""
    chances: Floats
    """Rows in which it could happen: the denominator."""
    rows: Floats
    """Rows that carry the weight of their family; equal to `chances` except in conditional rates."""
    clusters: Clusters | None = None
    """Which episodes share an office and its wording; None where none do."""

    def __iter__(self) -> Iterator[Floats]:
        """The three counts."""
        return iter((self.hits, self.chances, self.rows))

    def map(self, change: Callable[[Floats], Floats]) -> Cells:
        """The same clusters with other counts."""
        return Cells(change(self.hits), change(self.chances), change(self.rows), self.clusters)

    def of_families(self, families: Sequence[int]) -> Cells:
        """The same counts with every other family emptied (axes stay as they are)."""
        keep = np.zeros(self.rows.shape[2])
        keep[list(families)] = 1.0
        return self.map(lambda part: part * keep[:, None])

    def of_metrics(self, metrics: Sequence[int]) -> Cells:
        """The counts of some metrics only."""
        return self.map(lambda part: part[list(metrics)])


class Interval(NamedTuple):
    """Estimates and limits, each of shape (M,); the estimate is NaN where nothing could be counted."""

    estimate: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True)
class Influence:
    """A rate and what every cell of rows adds to it: `parts` (M, S, F, E) sum to zero."""

    estimate: Floats
    parts: Floats
    num_rows: Floats
    """Effective number of rows in the denominator given the weights alone (Kish 1965): their number when
    equal. Of rows in clusters, as many as they are worth (clusters.py).
    """
    num_seeds: Floats
    num_families: Floats

    @property
    def softened(self) -> Floats:
        """The rate after half a hit and half a miss more (Haldane 1956, Anscombe 1956), so that its log-odds
        exist.
        """
        softened: Floats = (np.nan_to_num(self.estimate) * self.num_rows + 0.5) / (self.num_rows + 1.0)
        return softened

    @property
    def unit(self) -> Floats:
        """p (1 - p) of the softened rate, above 0: variance of one row and slope over the log-odds."""
        return self.softened * (1.0 - self.softened)

    @property
    def row_df(self) -> Floats:
        """The rows less one, at least one."""
        return np.maximum(self.num_rows - 1.0, 1.0)

    @property
    def noise(self) -> Floats:
        """The variance of the rate if all rows were independent, above 0."""
        return self.unit / self.row_df

    @property
    def independent(self) -> Floats:
        """The same by the rate as seen, where it is neither 0 nor 1."""
        seen = np.nan_to_num(self.estimate) * (1.0 - np.nan_to_num(self.estimate))
        return np.where(seen > 0, seen / self.row_df, self.noise)


class Components(NamedTuple):
    """Variances of the mean by source, each (M,), and their degrees of freedom."""

    seed: Floats
    family: Floats
    episode: Floats
    overlap: Floats
    """The part that seed and family (or seed and episode) both hold: counted once too often in their sum."""
    seed_df: Floats
    family_df: Floats
    episode_df: Floats
    skin: Floats
    """Between the skins of a family; `episode` is then between paraphrases. Without clusters 0, as is its
    freedom.
    """
    skin_df: Floats

    @property
    def items(self) -> Floats:
        """The variance of what the arms were asked: families; of one family its skins, or else episodes."""
        inner = np.where(self.skin_df > 0, self.skin, self.episode)
        return np.where(self.family_df > 0, self.family, inner)

    @property
    def items_df(self) -> Floats:
        """Degrees of freedom of `items`."""
        inner = np.where(self.skin_df > 0, self.skin_df, np.maximum(self.episode_df, 1.0))
        return np.where(self.family_df > 0, self.family_df, inner)


def weigh_rows(rows: Floats) -> Floats:
    """Weight of one row in each cell, (M, S, F, E): families equal, the seeds of a family equal, rows
    equal.
    """
    per_cell = rows.sum(axis=3)
    filled = per_cell > 0
    seeds = filled.sum(axis=1, keepdims=True)
    families = (seeds > 0).sum(axis=2, keepdims=True)
    share = np.where(filled, 1.0 / (np.maximum(seeds, 1) * np.maximum(families, 1)), 0.0)
    weight: Floats = (share / np.maximum(per_cell, 1.0))[..., None] * np.ones_like(rows)
    return weight


def estimate_rates(cells: Cells) -> Influence:
    """The equally weighted rates of `cells` and the contribution of each cell of rows to them."""
    weight = weigh_rows(cells.rows)
    axes = (1, 2, 3)
    total = (weight * cells.chances).sum(axis=axes)
    defined = total > 0
    safe_total = np.where(defined, total, 1.0)
    estimate = np.where(defined, (weight * cells.hits).sum(axis=axes) / safe_total, np.nan)
    centre = np.where(defined, estimate, 0.0)[:, None, None, None]
    parts = weight * (cells.hits - centre * cells.chances) / safe_total[:, None, None, None]
    squares = (weight**2 * cells.chances).sum(axis=axes)
    num_rows = np.where(defined, total**2 / np.where(squares > 0, squares, 1.0), 0.0)
    if cells.clusters is not None:
        rate = np.clip(np.nan_to_num(estimate), 0.0, 1.0)
        num_rows = independent_rows(weight * cells.chances, rate, num_rows, cells.clusters)
    present = cells.rows.sum(axis=3) > 0
    num_seeds = present.any(axis=2).sum(axis=1).astype(float)
    num_families = present.any(axis=1).sum(axis=1).astype(float)
    return Influence(np.clip(estimate, 0.0, 1.0), parts, num_rows, num_seeds, num_families)


def correction(count: Floats) -> Floats:
    """n / (n - 1) where n > 1, else 0: with one level a source cannot be seen."""
    return np.where(count > 1, count / np.maximum(count - 1.0, 1.0), 0.0)


def variance_components(parts: Floats, rows: Floats, num_seeds: Floats, num_families: Floats) -> Components:
    """Crossed random-effects variances of a sum of centred contributions.

    `parts` and `rows` have shape (M, S, F, E). The overlap is that of seed and family, or of seed and
    episode where there is one family.
    """
    by_seed = parts.sum(axis=(2, 3))
    by_cell = parts.sum(axis=3)
    by_family = by_cell.sum(axis=1)
    by_episode = parts.sum(axis=1)
    seed = correction(num_seeds) * (by_seed**2).sum(axis=1)
    family = correction(num_families) * (by_family**2).sum(axis=1)

    present = rows.sum(axis=1) > 0
    num_episodes = present.sum(axis=2).astype(float)
    centred = np.where(present, by_episode - (by_family / np.maximum(num_episodes, 1.0))[..., None], 0.0)
    episode = (correction(num_episodes) * (centred**2).sum(axis=2)).sum(axis=1)

    several = num_families > 1
    columns = np.where(several, num_families, num_episodes.sum(axis=1))
    inner = np.where(several, (by_cell**2).sum(axis=(1, 2)), (parts**2).sum(axis=(1, 2, 3)))
    by_column = np.where(several, (by_family**2).sum(axis=1), (by_episode**2).sum(axis=(1, 2)))
    residual = (
        inner - (by_seed**2).sum(axis=1) / np.maximum(columns, 1.0) - by_column / np.maximum(num_seeds, 1.0)
    )
    overlap = np.maximum(residual, 0.0) * correction(num_seeds) * correction(columns)
    episode_df = np.maximum(num_episodes - 1.0, 0.0).sum(axis=1)
    none = np.zeros_like(seed)
    freedoms = (num_seeds - 1.0, num_families - 1.0, episode_df)
    return Components(seed, family, episode, overlap, *freedoms, skin=none, skin_df=none)


def nested_components(parts: Floats, cells: Cells, influence: Influence) -> Components:
    """`variance_components` with skins and paraphrases in the place of episodes, where there are clusters."""
    counts = (influence.num_seeds, influence.num_families)
    clusters = cells.clusters
    if clusters is None:
        return variance_components(parts, cells.rows, *counts)
    own = variance_components(clusters.by_paraphrase(parts), clusters.by_paraphrase(cells.rows), *counts)
    skins = variance_components(clusters.by_skin(parts), clusters.by_skin(cells.rows), *counts)
    several = skins.episode_df > 0
    overlap = np.where(several, skins.overlap, own.overlap)
    return own._replace(skin=skins.episode, skin_df=skins.episode_df, overlap=overlap)


def pool_dispersion(
    parts: Sequence[Components], num_families: Sequence[Floats], scales: Sequence[Floats]
) -> tuple[Floats, Floats]:
    """Spread between families, as a multiple of `scales`, pooled over groups of families; and its degrees of
    freedom.

    Two or three families say little about how much families differ, so the groups (home, near, far) lend
    each other their spread about their own means. `scales` says how much families that differ by one unit
    of log-odds differ in each group: (p (1 - p)) squared for a rate.
    """
    squares = np.zeros_like(scales[0])
    expected = np.zeros_like(scales[0])
    freedom = np.zeros_like(scales[0])
    for components, families, scale in zip(parts, num_families, scales, strict=True):
        df = np.maximum(families - 1.0, 0.0)
        squares = squares + df * families * components.family
        expected = expected + df * scale
        freedom = freedom + df
    return np.where(expected > 0, squares / np.where(expected > 0, expected, 1.0), 0.0), freedom


def total_variance(components: Components) -> Floats:
    """The variance of the mean over all sources, no less than any one of them."""
    items = components.items
    several = components.seed_df > 0
    total = np.where(several, components.seed + items - components.overlap, items)
    largest: Floats = np.maximum.reduce([total, components.seed, items, components.episode, components.skin])
    return largest


def satterthwaite(variances: Sequence[Floats], freedoms: Sequence[Floats], least: Floats) -> Floats:
    """Degrees of freedom of a sum of variances; those without freedom are left out.

    Each variance is taken at `least` (above 0) or more, so that the result exists where nothing varied.
    """
    total = np.zeros_like(least)
    squares = np.zeros_like(least)
    for variance, freedom in zip(variances, freedoms, strict=True):
        part = np.where(freedom > 0, np.maximum(variance, least), 0.0)
        total = total + part
        squares = squares + part**2 / np.maximum(freedom, 1.0)
    df: Floats = total**2 / squares
    return df


def clopper_pearson(
    estimate: Floats, num_rows: Floats, confidence: float = CONFIDENCE
) -> tuple[Floats, Floats]:
    """Limits for a proportion seen in `num_rows` (not necessarily whole) independent rows."""
    tail = (1.0 - confidence) / 2.0
    hits = np.clip(estimate, 0.0, 1.0) * num_rows
    misses = num_rows - hits
    low = np.where(hits > 0, special.betaincinv(np.maximum(hits, 1e-12), misses + 1.0, tail), 0.0)
    high = np.where(misses > 0, special.betaincinv(hits + 1.0, np.maximum(misses, 1e-12), 1.0 - tail), 1.0)
    return low, high


def student_quantile(df: Floats, confidence: float = CONFIDENCE) -> Floats:
    """The two-sided quantile of Student's t, shape of `df`."""
    quantile: Floats = special.stdtrit(np.maximum(df, 1.0), 0.5 + confidence / 2.0)
    return quantile


def interval_of_rates(
    cells: Cells, families: Sequence[int], groups: Sequence[Sequence[int]] = ()
) -> Interval:
    """Rates over `families` with intervals at 95 %.

    `groups` are the sets of families, `families` among them, that lend each other their spread between
    families; without any, the set stands alone. One family has no spread between families; with clusters,
    groups of one family each lend each other that between skins. Where no row counts, the estimate is NaN
    and the interval is all of [0, 1].
    """
    chosen = cells.of_families(families)
    influence = estimate_rates(chosen)
    components = components_of(chosen, influence)
    if not groups or (len(families) == 1 and cells.clusters is None):
        return limits_of_rates(influence, components)
    lent = [cells.of_families(group) for group in groups]
    rates = [estimate_rates(group) for group in lent]
    spreads = [components_of(group, rate) for group, rate in zip(lent, rates, strict=True)]
    if len(families) > 1:
        pooled, freedom = pool_dispersion(
            spreads, [rate.num_families for rate in rates], [rate.unit**2 for rate in rates]
        )
        # With several seeds, what the seeds vary holds the noise of the rows too, and their overlap is
        # taken off once. With one, only this noise is there: known, it needs no Student's quantile.
        known = (student_quantile(influence.row_df) / student_quantile(freedom)) ** 2
        plain = influence.noise if cells.clusters is None else influence.independent
        noise = plain * np.where(influence.num_seeds > 1, 1.0, known)
        lending = pooled * influence.unit**2 / np.maximum(influence.num_families, 1.0) + noise
        components = borrow_spread(components, np.maximum(lending, components.family), freedom)
    else:
        sides = [
            SkinSpread(one, rate.unit**2, rate.independent) for one, rate in zip(spreads, rates, strict=True)
        ]
        own = SkinSpread(components, influence.unit**2, influence.independent)
        components = borrow_skins(own, sides, influence.row_df)
    return limits_of_rates(influence, components)


def components_of(cells: Cells, influence: Influence) -> Components:
    """The variance components of a rate."""
    return nested_components(influence.parts, cells, influence)


def borrow_spread(own: Components, family: Floats, freedom: Floats) -> Components:
    """`own` with another variance between families and its degrees of freedom, where there are several."""
    several = own.family_df > 0
    return own._replace(
        family=np.where(several, family, own.family),
        family_df=np.where(several, np.maximum(freedom, own.family_df), own.family_df),
    )


class SkinSpread(NamedTuple):
    """What one family says of the spread between skins."""

    components: Components
    scale: Floats
    """The variance between skins that differ by one unit of log-odds."""
    noise: Floats
    """The variance of the family's rate or difference if its rows were independent."""


def borrow_skins(own: SkinSpread, lenders: Sequence[SkinSpread], row_df: Floats) -> Components:
    """The components of one family with the spread that skins have in common in all families.

    Three skins say little about how much skins differ. What they differ beyond the noise of their rows is
    pooled on the log-odds; the family's own noise comes on top, known and so without Student's quantile of
    the pool. A family whose own spread is larger keeps its own.
    """
    squares, expected, freedom = (np.zeros_like(own.scale) for _ in range(3))
    for components, scale, noise in lenders:
        df = components.skin_df
        squares = squares + df * (df + 1.0) * (components.skin - noise)
        expected, freedom = expected + df * scale, freedom + df
    pooled = np.maximum(squares, 0.0) / np.where(expected > 0, expected, 1.0)
    known = (student_quantile(row_df) / student_quantile(np.minimum(freedom, row_df))) ** 2
    parts = own.components
    lent = pooled * own.scale / (parts.skin_df + 1.0) + own.noise * known
    return parts._replace(
        skin=np.where(freedom > 0, np.maximum(lent, parts.skin), parts.skin),
        skin_df=np.maximum(freedom, parts.skin_df),
    )


def limits_of_rates(influence: Influence, components: Components) -> Interval:
    """Clopper & Pearson's limits for independent rows, carried further out by the variance beyond that.

    Both reaches are on the log-odds, from the softened rate, and their squares add. Beyond means Student's
    squared reach for all sources less that for independent rows (none where this is the larger), so that
    one family, one seed and one repeat give Clopper & Pearson's interval itself.
    """
    rate, num_rows = np.nan_to_num(influence.estimate), influence.num_rows
    defined = num_rows > 0
    freedom = influence.row_df
    parts = [components.items, components.seed]
    df = satterthwaite(parts, [components.items_df, components.seed_df], influence.noise)
    beyond = student_quantile(np.minimum(df, freedom)) ** 2 * total_variance(components)
    beyond = (
        np.maximum(beyond - student_quantile(freedom) ** 2 * influence.independent, 0.0) / influence.unit**2
    )
    centre = special.logit(influence.softened)
    low, high = clopper_pearson(rate, np.where(defined, num_rows, 1.0))
    low = special.expit(centre - np.sqrt((centre - special.logit(low)) ** 2 + beyond))
    high = special.expit(centre + np.sqrt((special.logit(high) - centre) ** 2 + beyond))
    low = np.where(defined, np.minimum(low, influence.estimate), 0.0)
    high = np.where(defined, np.maximum(high, influence.estimate), 1.0)
    return Interval(influence.estimate, low, high)
