"""Which rows share an office and its wording, and how many independent rows they are worth.

An english episode lies in a paraphrase (wordings of threat and lever), this in a skin, this in a family. What
episodes of one paraphrase share moves a model alike, and a repeat of an episode, or the same episode under
another seed, is the same question asked again. Rows of sprig have no such structure.

Axes: M metrics (or any batch), S seeds, F families, E episodes within a family, K clusters within a family.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]

PRIOR_HITS = 4.0
"""The weight, in hits, of the prior that rows of one paraphrase are all alike."""


@dataclass(frozen=True)
class Clusters:
    """The cluster of every episode as numbers within its family, (F, E); -1 where there is no episode."""

    skin: Places
    paraphrase: Places
    """Different in different skins."""

    def by_skin(self, parts: Floats) -> Floats:
        """Sums over the episodes of each skin: (..., F, E) becomes (..., F, K)."""
        return sum_clusters(parts, self.skin)

    def by_paraphrase(self, parts: Floats) -> Floats:
        """Sums over the episodes of each paraphrase: (..., F, E) becomes (..., F, K)."""
        return sum_clusters(parts, self.paraphrase)


def sum_clusters(parts: Floats, places: Places) -> Floats:
    """Sums over the last axis of `parts` (..., F, E) by the cluster of each episode."""
    depth = int(places.max(initial=0)) + 1
    member = (places[..., None] == np.arange(depth)).astype(float)
    total: Floats = np.einsum("...fe,fek->...fk", parts, member, optimize=True)
    return total


def independent_rows(shares: Floats, rate: Floats, num_rows: Floats, clusters: Clusters) -> Floats:
    """How many independent rows a rate rests on, (M,), at most `num_rows`.

    `shares` (M, S, F, E) are the weights of what was counted. Between the number of paraphrases and that of
    episodes lies the design effect 1 + (m - 1) rho of rows of which m share a paraphrase (Kish, Survey
    Sampling, 1965). At 0 of n and n of n nothing tells how alike such rows are, and rho is 1: each paraphrase
    is worth one row. With hits and misses to learn from rho falls, as the weight of a prior does; how much
    clusters really differ is then in the variance between them.
    """
    by_episode = shares.sum(axis=1)
    num_episodes = np.minimum(weighted_count(by_episode, by_episode), num_rows)
    num_paraphrases = weighted_count(by_episode, clusters.by_paraphrase(by_episode))
    return discount_rows(num_episodes, num_paraphrases, rate)


def discount_rows(num_episodes: Floats, num_paraphrases: Floats, rate: Floats) -> Floats:
    """What so many episodes in so many paraphrases are worth at a rate, (M,): see `independent_rows`."""
    paraphrases = np.minimum(num_paraphrases, num_episodes)
    alike = PRIOR_HITS / (PRIOR_HITS + paraphrases * np.minimum(rate, 1.0 - rate))
    sharing = num_episodes / np.where(paraphrases > 0, paraphrases, 1.0)
    rows: Floats = num_episodes / (1.0 + (np.maximum(sharing, 1.0) - 1.0) * alike)
    return rows


def weighted_count(shares: Floats, units: Floats) -> Floats:
    """The number of filled units (M, F, K), or Kish's effective number where the families' weights differ.

    `shares` (M, F, E) hold the weight of each family. The units of a family count alike, however many rows
    they have: that none of 10 units was hit says as much of the next whichever of them had more rows.
    """
    weight = shares.sum(axis=2)
    number = (units > 0).sum(axis=2)
    squares = np.where(number > 0, weight**2 / np.maximum(number, 1), 0.0).sum(axis=1)
    return np.where(squares > 0, weight.sum(axis=1) ** 2 / np.where(squares > 0, squares, 1.0), 0.0)
