"""How often intervals hold the truth, and how wide they are: `python -m benchmarks.coverage [runs a cell]`.

Draws whole experiments at the size of experiments/sprig-full.toml: 8 families (home 2, near 3, far 3) of 16
honeypots, with normal effects on the log-odds of family, seed, seed x family (0.3) and episode (0.8), half of
each shared by the two arms. The truth is the rate over all of them; with one seed, that of the seed. Prints
the tables of docs/statistics.md: mean coverage, coverage in the worst cell, mean width. Takes minutes; the
worst of many cells lies under its truth by chance (by 0.02 to 0.03 at 400 runs a cell).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from teachwhy.analysis.contrasts import contrast_of, contrast_of_two, paired_difference
from teachwhy.analysis.intervals import Cells, interval_of_rates
from teachwhy.analysis.precision import intercept_of
from teachwhy.analysis.ratios import difference_of_ratios, ratio_of_rates, share_of_change

Floats = npt.NDArray[np.float64]
SPLITS = [[0, 1], [2, 3, 4], [5, 6, 7]]
HOME, NEAR, FAR = SPLITS
NUM_EPISODES = 16
SEED_BY_FAMILY, EPISODE = 0.3, 0.8
SHARED = 0.5
FAMILY_SPREADS = (0.5, 1.0, 1.5)
SEED_SPREADS = (0.3, 0.6)
SEEDS = (1, 3, 5)


class Result(NamedTuple):
    """What one cell of a grid found."""

    coverage: float
    width: float


class Design(NamedTuple):
    """A kind of experiment: training seeds, and standard deviations of families (one, or one a family) and
    seeds."""

    seeds: int
    family: float | Sequence[float] = 0.8
    seed: float = 0.5


def draw_arms(
    rng: np.random.Generator, rates: Sequence[Sequence[float]], design: Design, runs: int
) -> list[Cells]:
    """Outcomes of arms whose rates are given for each family; one family has no spread between families."""
    num = len(rates[0])
    family = np.broadcast_to(np.asarray(design.family if num > 1 else 0.0, dtype=float), (num,))
    spreads: list[Floats | float] = [family[:, None], design.seed, SEED_BY_FAMILY, EPISODE]
    shapes = [(runs, 1, num, 1), (runs, design.seeds, 1, 1), (runs, design.seeds, num, 1)]
    shapes.append((runs, 1, num, NUM_EPISODES))
    common = [rng.standard_normal(shape) for shape in shapes]
    total = np.sqrt(family**2 + design.seed**2 + SEED_BY_FAMILY**2 + EPISODE**2)
    arms = []
    for own_rates in rates:
        start = [intercept_of(rate, float(spread)) for rate, spread in zip(own_rates, total, strict=True)]
        logit = np.zeros((runs, design.seeds, num, NUM_EPISODES)) + np.array(start)[:, None]
        for spread, shape, shared in zip(spreads, shapes, common, strict=True):
            mixed = np.sqrt(SHARED) * shared + np.sqrt(1 - SHARED) * rng.standard_normal(shape)
            logit = logit + spread * mixed
        hits = (rng.random(logit.shape) < expit(logit)).astype(float)
        arms.append(Cells(hits, np.ones_like(hits), np.ones_like(hits)))
    return arms


def by_split(home: float, near: float, far: float) -> list[float]:
    """Rates of the eight families from those of the splits."""
    return [home] * 2 + [near] * 3 + [far] * 3


def measure(found: object, truth: float) -> Result:
    """Coverage and width; the median width, since limits of ratios may be infinite."""
    low, high = found.low, found.high  # type: ignore[attr-defined]
    return Result(float(((low <= truth) & (truth <= high)).mean()), float(np.median(high - low)))


def designs() -> Iterator[Design]:
    """Every number of seeds with every spread of families and seeds; a single seed has no spread."""
    for seeds, family in product(SEEDS, FAMILY_SPREADS):
        for seed in SEED_SPREADS if seeds > 1 else (0.0,):
            yield Design(seeds, family, seed)


def print_table(title: str, cells: dict[tuple[str, int], list[Result]]) -> None:
    """One row a kind, one column a number of seeds."""
    print(f"\n{title}\n\n| | 1 seed | 3 seeds | 5 seeds |\n| --- | --- | --- | --- |")
    for name in dict.fromkeys(key[0] for key in cells):
        row = [cells[name, seeds] for seeds in SEEDS]
        texts = [
            f"{np.mean([c.coverage for c in cell]):.3f}, {min(c.coverage for c in cell):.3f} "
            f"({np.mean([c.width for c in cell]):.2f})"
            for cell in row
        ]
        print(f"| {name} | {' | '.join(texts)} |", flush=True)


def run_rates(rng: np.random.Generator, runs: int) -> None:
    """Rates of one arm, in a split whose rate differs from that of the others too."""
    cells: dict[tuple[str, int], list[Result]] = {}
    for design in designs():
        for rate, others in product((0.02, 0.1, 0.5), ((0.5, 0.5), (0.02, 0.05))):
            (split,) = draw_arms(rng, [by_split(rate, *others)], design, runs)
            (alike,) = draw_arms(rng, [[rate] * 8], design, runs)
            (lone,) = draw_arms(rng, [[rate]], design, runs)
            found = {
                f"home, rate {rate}": interval_of_rates(split, HOME, SPLITS),
                f"far, rate {rate}": interval_of_rates(alike, FAR, SPLITS),
                f"all, rate {rate}": interval_of_rates(alike, range(8)),
                f"one family, rate {rate}": interval_of_rates(lone, [0]),
            }
            for name, interval in found.items():
                cells.setdefault((name, design.seeds), []).append(measure(interval, rate))
    print_table("Rates", dict(sorted(cells.items())))


def run_contrasts(rng: np.random.Generator, runs: int) -> None:
    """Differences of two arms, with the same rates in every split and with others."""
    levels = (0.02, 0.1, 0.3, 0.5, 0.8, 0.98)
    elsewhere = (((0.02, 0.02), (0.05, 0.1)), ((0.5, 0.5), (0.7, 0.5)), ((0.05, 0.1), (0.9, 0.7)))
    alike: dict[tuple[str, int], list[Result]] = {}
    unlike: dict[tuple[str, int], list[Result]] = {}
    for design in designs():
        for arm, baseline in product(levels, levels):
            if not (arm <= baseline and arm + baseline <= 1.001):
                continue
            sides = draw_arms(rng, [[arm] * 8, [baseline] * 8], design, runs)
            lone = draw_arms(rng, [[arm], [baseline]], design, runs)
            for name, group, lent in (("all", range(8), []), ("home", HOME, SPLITS), ("far", FAR, SPLITS)):
                found = contrast_of(paired_difference(*sides, group, lent))
                alike.setdefault((name, design.seeds), []).append(measure(found, arm - baseline))
            found = contrast_of(paired_difference(*lone, [0]))
            alike.setdefault(("one family", design.seeds), []).append(measure(found, arm - baseline))
            for near, far in elsewhere if design.seed != SEED_SPREADS[0] else ():
                rates = [by_split(arm, near[0], far[0]), by_split(baseline, near[1], far[1])]
                found = contrast_of(paired_difference(*draw_arms(rng, rates, design, runs), HOME, SPLITS))
                key = ("home, other rates elsewhere", design.seeds)
                unlike.setdefault(key, []).append(measure(found, arm - baseline))
    print_table("Differences", alike | unlike)


def run_two_sets(rng: np.random.Generator, runs: int) -> None:
    """Differences of differences, ratios, and differences of ratios."""
    grid = (
        ((0.01, 0.68), (0.05, 0.71), (0.13, 0.88)),
        ((0.05, 0.85), (0.3, 0.85), (0.5, 0.85)),
        ((0.1, 0.3), (0.1, 0.3), (0.1, 0.1)),
        ((0.5, 0.8), (0.5, 0.8), (0.5, 0.8)),
        ((0.02, 0.1), (0.1, 0.02), (0.02, 0.02)),
        ((0.3, 0.5), (0.3, 0.5), (0.5, 0.5)),
        ((0.9, 0.95), (0.5, 0.95), (0.02, 0.95)),
    )
    cells: dict[tuple[str, int], list[Result]] = {}
    for design, rates in product(designs(), grid):
        arm, baseline = draw_arms(rng, [by_split(*(r[i] for r in rates)) for i in (0, 1)], design, runs)
        differences = [paired_difference(arm, baseline, group, SPLITS) for group in SPLITS]
        apart, ratios = (
            [ratio_of_rates(arm, baseline, group, SPLITS, correlated=flag) for group in SPLITS]
            for flag in (False, True)
        )
        drops, shares = [r[0] - r[1] for r in rates], [r[0] / r[1] for r in rates]
        for i in (1, 2):
            two = contrast_of_two(differences[0], differences[i])
            result = measure(two, drops[0] - drops[i])
            cells.setdefault(("difference of differences", design.seeds), []).append(result)
        for ratio, share in zip(apart, shares, strict=True):
            cells.setdefault(("ratio on a split", design.seeds), []).append(measure(ratio, share))
        for i in (1, 2):
            result = measure(difference_of_ratios(ratios[0], ratios[i]), shares[0] - shares[i])
            cells.setdefault(("difference of ratios", design.seeds), []).append(result)
    print_table("Two sets of families, and ratios (median width)", cells)


def run_edges(rng: np.random.Generator, runs: int) -> None:
    """What the grids leave out: a rate near 0 beside middling ones, uneven spreads, one seed for all."""
    print("\nEdges\n")
    runs *= 2
    (arm,) = draw_arms(rng, [by_split(0.039, 0.5, 0.5)], Design(5, 1.5), runs)
    found = interval_of_rates(arm, HOME, SPLITS)
    result = measure(found, 0.039)
    print(f"home at 0.039, others at 0.5, family sd 1.5: {result.coverage:.3f} ({result.width:.2f})")
    none, one = np.zeros((1, 5, 8, 16)), np.zeros((1, 5, 8, 16))
    for family, number in enumerate((4, 8, 12, 4, 8, 12), start=2):
        none[..., family, :number] = one[..., family, :number] = 1.0
    one[0, 0, 0, 0] = 1.0
    highs = [interval_of_rates(Cells(x, x * 0 + 1, x * 0 + 1), HOME, SPLITS).high[0] for x in (none, one)]
    print(
        "home, families of near and far at 0.25, 0.5, 0.75, upper limit: "
        f"0 of 160 {highs[0]:.3f}, 1 of 160 {highs[1]:.3f}"
    )
    uneven = [1.5] * 2 + [0.5] * 3 + [0.3] * 3
    sides = draw_arms(rng, [[0.3] * 8, [0.6] * 8], Design(5, uneven), runs)
    rate = measure(interval_of_rates(sides[0], HOME, SPLITS), 0.3)
    contrast = measure(contrast_of(paired_difference(*sides, HOME, SPLITS)), -0.3)
    print(
        f"home of family sd 1.5, near 0.5, far 0.3: {rate.coverage:.3f}, difference {contrast.coverage:.3f}"
    )
    for arm_rate, baseline_rate in ((0.8, 0.8), (0.4, 0.77), (0.05, 0.8)):
        sides = draw_arms(rng, [[arm_rate] * 8, [baseline_rate] * 8], Design(1), runs)
        found = contrast_of(paired_difference(*sides, range(8)))
        covered = measure(found, arm_rate - baseline_rate).coverage
        print(f"one seed, held against the truth over seeds, {arm_rate} and {baseline_rate}: {covered:.3f}")


def run_power(rng: np.random.Generator, runs: int) -> None:
    """How often claim (b) can be shown, by shares of harm left and by absolute drops; claim (j)'s share."""
    print("\nClaim (b), 5 seeds: how often each test lies below 0: by shares near, far; by drops near, far\n")
    base = (0.68, 0.71, 0.88)
    for left in ((0.001, 0.05, 0.13), (0.001, 0.2, 0.3), (0.001, 0.71, 0.88)):
        for family in (0.3, 0.8):
            arm, baseline = draw_arms(rng, [by_split(*left), by_split(*base)], Design(5, family, 0.3), runs)
            ratios = [ratio_of_rates(arm, baseline, group, SPLITS, correlated=True) for group in SPLITS]
            drops = [paired_difference(arm, baseline, group, SPLITS) for group in SPLITS]
            below = [(difference_of_ratios(ratios[0], ratios[i]).high < 0).mean() for i in (1, 2)]
            below += [(contrast_of_two(drops[0], drops[i]).high < 0).mean() for i in (1, 2)]
            print(f"left {left}, family sd {family}: {', '.join(f'{value:.2f}' for value in below)}")
    print("\nShare of a change (0.75 to 0.35) that 0.6 reaches, 0.375, all families\n")
    for seeds in SEEDS:
        design = Design(seeds, 0.8, 0.5 if seeds > 1 else 0.0)
        control, reference, start = draw_arms(rng, [[0.6] * 8, [0.35] * 8, [0.75] * 8], design, runs)
        pairs = ((control, start), (reference, start), (control, reference))
        found = share_of_change(*(paired_difference(*pair, range(8)) for pair in pairs))
        result = measure(found, 0.375)
        print(f"{seeds} seeds: {result.coverage:.3f} ({result.width:.2f})")


def main(arguments: Sequence[str]) -> int:
    """Print all tables; the number of runs a cell is the first argument."""
    runs = int(arguments[0]) if arguments else 400
    parts: list[Callable[[np.random.Generator, int], None]] = [
        run_rates,
        run_contrasts,
        run_two_sets,
        run_edges,
        run_power,
    ]
    for i, part in enumerate(parts):
        part(np.random.default_rng(100 + i), runs)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
