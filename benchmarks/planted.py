"""Whether intervals of the english suite hold a planted rate of harm: `python -m benchmarks.planted [runs]`.

Draws evaluations whose episodes have the families, skins and paraphrases that the suite deals, by policies
that harm with a known probability, and counts how often the reported 95 % interval holds it. `SPREADS` says
how clusters differ: not at all, by normal effects on the log-odds, or all or nothing. Prints the tables of
docs/statistics.md; takes about a minute.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import product
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from teachwhy.analysis.clusters import Clusters
from teachwhy.analysis.intervals import Cells, interval_of_rates
from teachwhy.analysis.precision import ALIKE, REALISTIC, Spread, intercept_of
from teachwhy.scenarios.english.episodes import draw_condition
from teachwhy.scenarios.families import FAMILIES

Floats = npt.NDArray[np.float64]
RATES = (0.0, 0.02, 0.3, 0.96)
SPLITS = [[0, 1], [2, 3, 4], [5, 6, 7]]
SETS: dict[str, tuple[list[int], list[list[int]]]] = {
    "all": (list(range(8)), []),
    "home": (SPLITS[0], SPLITS),
    "far": (SPLITS[2], SPLITS),
    "one family": ([0], [[i] for i in range(8)]),
}
"""Families of each reported rate, and the sets that lend it their spread, as `EpisodeTable` has them."""


STRONG = Spread(family=1.5, skin=1.0, paraphrase=0.5, episode=0.8)
SPREADS: dict[str, Spread | None] = {
    "not at all": ALIKE,
    "realistic": REALISTIC,
    "strong": STRONG,
    "paraphrases all or nothing": None,
}
"""None: each paraphrase harms in all its episodes or in none."""


class Result(NamedTuple):
    """What simulated evaluations of one kind gave."""

    coverage: float
    width: float
    highest: float
    """The upper limit where nothing was hit, NaN if that never happened."""


@cache
def suite_clusters(num_per_family: int, seed: int = 0) -> Clusters:
    """The skins and paraphrases that the suite deals to honeypots; families as in `EpisodeTable`."""
    skins, paraphrases = [], []
    order = sorted(FAMILIES, key=lambda name: (("home", "near", "far").index(FAMILIES[name].split), name))
    for family in order:
        drawn = [draw_condition(family, "honeypot", "tools", seed, i) for i in range(num_per_family)]
        skins.append(np.unique([one.skin for one in drawn], return_inverse=True)[1])
        wordings = [f"{one.skin}|{one.paraphrase}" for one in drawn]
        paraphrases.append(np.unique(wordings, return_inverse=True)[1])
    return Clusters(np.array(skins), np.array(paraphrases))


def draw_evaluations(
    rng: np.random.Generator, rate: float, spread: Spread | None, clusters: Clusters, size: tuple[int, int]
) -> Cells:
    """`size` (evaluations, repeats) of a policy with this rate over all clusters that there could be."""
    runs, repeats = size
    families, episodes = clusters.skin.shape
    if spread is None:
        places = clusters.paraphrase
        on = (rng.random((runs, families, places.max() + 1)) < rate).astype(float)
        chance = np.take_along_axis(on, np.broadcast_to(places, (runs, families, episodes)), axis=2)
    else:
        chance = expit(draw_log_odds(rng, rate, spread, clusters, runs))
    hits = rng.binomial(repeats, chance).astype(float)[:, None]
    rows = np.full_like(hits, repeats)
    return Cells(hits, rows, rows, clusters)


def draw_log_odds(
    rng: np.random.Generator, rate: float, spread: Spread, clusters: Clusters, runs: int
) -> Floats:
    """Log-odds of harm in each episode, (runs, F, E), with a normal effect of each level."""
    if rate in (0.0, 1.0):
        return np.full((runs, *clusters.skin.shape), np.inf if rate else -np.inf)
    total = float(np.sqrt(sum(value**2 for value in spread)))
    families, episodes = clusters.skin.shape
    log_odds = np.full((runs, families, episodes), intercept_of(rate, total))
    log_odds = log_odds + spread.family * rng.standard_normal((runs, families, 1))
    for places, deviation in ((clusters.skin, spread.skin), (clusters.paraphrase, spread.paraphrase)):
        effects = rng.standard_normal((runs, families, places.max() + 1))
        shape = (runs, families, episodes)
        log_odds = log_odds + deviation * np.take_along_axis(effects, np.broadcast_to(places, shape), axis=2)
    drawn: Floats = log_odds + spread.episode * rng.standard_normal((runs, families, episodes))
    return drawn


def measure(cells: Cells, name: str, truth: float) -> Result:
    """Coverage, mean width and the upper limit at none."""
    found = interval_of_rates(cells, *SETS[name])
    covered = (found.low <= truth) & (truth <= found.high)
    none = found.estimate == 0.0
    highest = float(found.high[none].mean()) if none.any() else float("nan")
    return Result(float(covered.mean()), float((found.high - found.low).mean()), highest)


def simulate(
    rng: np.random.Generator, runs: int, num_per_family: int = 30, repeats: int = 1
) -> Iterator[tuple[str, str, float, Result]]:
    """(spread, set of families, planted rate, result) of evaluations with so many honeypots a family.

    For one family the spread between families is left out, since the family itself is then the subject.
    """
    clusters = suite_clusters(num_per_family)
    for (label, spread), rate in product(SPREADS.items(), RATES):
        whole = draw_evaluations(rng, rate, spread, clusters, (runs, repeats))
        within = spread._replace(family=0.0) if spread else None
        alone = draw_evaluations(rng, rate, within, clusters, (runs, repeats))
        for name in SETS:
            cells = alone if name == "one family" else whole
            yield label, name, rate, measure(cells, name, rate)


def print_table(rng: np.random.Generator, runs: int, num_per_family: int, repeats: int) -> None:
    """One row a spread and set of families: coverage (mean width) for each planted rate."""
    print(f"\n{num_per_family} honeypots a family, {repeats} repeats, {runs} evaluations a cell\n")
    print(f"| clusters differ | families | {' | '.join(f'{rate:g}' for rate in RATES)} |")
    print("| --- | --- |" + " --- |" * len(RATES))
    rows: dict[tuple[str, str], list[str]] = {}
    for label, name, _, result in simulate(rng, runs, num_per_family, repeats):
        rows.setdefault((label, name), []).append(f"{result.coverage:.3f} ({result.width:.2f})")
    for (label, name), texts in rows.items():
        print(f"| {label} | {name} | {' | '.join(texts)} |", flush=True)


def main(arguments: Sequence[str]) -> int:
    """Print the tables; the number of evaluations a cell is the first argument."""
    runs = int(arguments[0]) if arguments else 1000
    for i, (num_per_family, repeats) in enumerate(((30, 1), (30, 5), (9, 1), (100, 1))):
        print_table(np.random.default_rng(200 + i), runs, num_per_family, repeats)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
