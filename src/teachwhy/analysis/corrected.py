"""A rate that an imperfect judge counted, corrected for its mistakes.

The estimate is that of Rogan and Gladen ("Estimating prevalence from the results of a screening test",
American Journal of Epidemiology 107, 1978): (share + specificity - 1) / (sensitivity + specificity - 1), cut
to [0, 1]. Over several families it is the mean of theirs with the weights of the raw rate, for a judge that
is blind in one family and sharp in the others has no one sensitivity; the mean is cut, not each of them.

The interval carries along that share, sensitivity and specificity are themselves counted from samples: each
is drawn from the two beta distributions whose quantiles are the limits of Clopper and Pearson (Biometrika 26,
1934), the one that lies lower and the one that lies higher, and the limits are quantiles of the corrected
draws. In a mean over families the hit by which the two differ goes where it moves the mean most (Fay and
Feuer, Statistics in Medicine 16, 1997).

Three things keep the limits honest. They are never nearer together than those of Clopper and Pearson for the
estimate at the size that the raw rate is worth. Where the estimate was cut, the judge erred less in the
evaluation than on the labelled transcripts: the limits then also hold a judge that does not err that way at
all, and beyond chance a note says so. And over several families each draw is also made with the whole share's
own spread, which holds how much families differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from teachwhy.analysis.intervals import clopper_pearson

CONFIDENCE = 0.95
NUM_DRAWS = 20_000
MIN_INFORMATION = 0.1
"""Of sensitivity + specificity - 1 (Youden 1950), below which a judge tells next to nothing."""

TINY = 1e-9
"""Of a count that need not be whole, what rounding leaves of none."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Accuracy:
    """How often a judge was right on transcripts whose label is known; those without a verdict are left
    out."""

    true_positives: int
    positives: int
    """Harmful by their label."""
    true_negatives: int
    negatives: int

    @property
    def sensitivity(self) -> float:
        """The share of the harmful that it called harmful; NaN where there was none."""
        return self.true_positives / self.positives if self.positives else float("nan")

    @property
    def specificity(self) -> float:
        """The share of the harmless that it called harmless; NaN where there was none."""
        return self.true_negatives / self.negatives if self.negatives else float("nan")

    @property
    def information(self) -> float:
        """By how much more of the harmful than of the harmless it calls harmful."""
        return self.sensitivity + self.specificity - 1


class JudgedShare(NamedTuple):
    """The share that a judge called harmful in one family."""

    share: float
    num_effective: float
    """Of how many independent episodes it is worth."""
    accuracy: Accuracy
    family: str = ""


class CorrectedRate(NamedTuple):
    """A corrected share with its interval, or why there is none."""

    estimate: float | None
    low: float | None
    high: float | None
    why_not: str
    """Why it cannot be corrected, "" where it could."""
    note: str = ""
    """What makes the correction doubtful, "" where nothing does."""


def correct_mean(
    parts: Sequence[JudgedShare], num_effective: float, *, confidence: float = CONFIDENCE, seed: int = 0
) -> CorrectedRate:
    """The mean over families, each with the same weight, of the shares behind what a judge said.

    `num_effective`: of how many independent episodes the mean of the raw shares is worth. `seed` makes the
    draws, so that the same counts have the same limits.
    """
    if why_not := _find_obstacle(parts):
        return CorrectedRate(None, None, None, why_not)
    table = _tabulate(parts)
    doubtful = _find_doubtful(parts, confidence)
    bounds = _Bounds(np.where(doubtful, 0.0, -1.0), np.where(doubtful, 1.0, 2.0))
    estimate = float(np.clip(np.clip(table.uncut, *bounds).mean(), 0, 1))
    rng = np.random.default_rng(seed)
    mean_share = float(table.share.mean())
    whole = _draw(np.array([mean_share]), np.array([num_effective]), np.zeros(1), rng)
    own = _draw(table.share, table.size, 1 / (table.information * table.size), rng)
    told = np.clip(table.uncut, 0, 1) / (table.information * table.positives)
    sensitivity = _draw(table.sensitivity, table.positives, told, rng)
    cleared = np.clip(1 - table.uncut, 0, 1) / (table.information * table.negatives)
    specificity = _draw(table.specificity, table.negatives, cleared, rng)
    tail = (1 - confidence) / 2
    # A better judge of the harmful means less harm behind the same share, one of the harmless more.
    best = np.where(table.uncut > 1, 1.0, sensitivity.high)
    worst = np.where(table.uncut < 0, 1.0, specificity.high)
    moved_down, moved_up = table.share + whole.low - mean_share, table.share + whole.high - mean_share
    lows = [_average(share, best, specificity.low, bounds, 0.0) for share in (own.low, moved_down)]
    highs = [_average(share, sensitivity.low, worst, bounds, 1.0) for share in (own.high, moved_up)]
    floor = clopper_pearson(np.array([estimate]), np.array([float(num_effective)]), confidence)
    low = min(*(float(np.quantile(draws, tail)) for draws in lows), float(floor[0][0]), estimate)
    high = max(*(float(np.quantile(draws, 1 - tail)) for draws in highs), float(floor[1][0]), estimate)
    named = [part.family for part, is_doubtful in zip(parts, doubtful, strict=True) if is_doubtful]
    return CorrectedRate(estimate, max(low, 0.0), min(high, 1.0), "", _tell_doubt(named, len(parts)))


def _find_obstacle(parts: Sequence[JudgedShare]) -> str:
    """Why this cannot be corrected, "" where it can; names the family where there are several."""
    if not parts:
        return "nothing was judged"
    for part in parts:
        why_not = ""
        if not part.num_effective > 0 or not 0 <= part.share <= 1:
            why_not = "nothing was judged"
        elif not part.accuracy.positives or not part.accuracy.negatives:
            why_not = "the judge was not tried on both harmful and harmless transcripts"
        elif part.accuracy.information < MIN_INFORMATION:
            total = 1 + part.accuracy.information
            why_not = f"sensitivity + specificity = {total:.2f} is too near 1: the judge tells nothing"
        if why_not:
            return f"{part.family}: {why_not}" if len(parts) > 1 else why_not
    return ""


def _find_doubtful(parts: Sequence[JudgedShare], confidence: float) -> list[bool]:
    """Of which families the share is none that the judge's errors on the labelled set could make."""
    found = []
    for part in parts:
        rates = np.array([part.accuracy.sensitivity, 1 - part.accuracy.specificity])
        sizes = np.array([float(part.accuracy.positives), float(part.accuracy.negatives)])
        low, high = clopper_pearson(rates, sizes, confidence)
        found.append(bool(part.share < low[1] or part.share > high[0]))
    return found


def _tell_doubt(doubtful: Sequence[str], num_families: int) -> str:
    if not doubtful:
        return ""
    where = f" ({', '.join(doubtful)})" if num_families > 1 else ""
    return f"errs less here than on the labelled set{where}: the correction does not fit"


class _Table(NamedTuple):
    """Families as columns, each (F,)."""

    share: Floats
    size: Floats
    sensitivity: Floats
    positives: Floats
    specificity: Floats
    negatives: Floats
    information: Floats
    uncut: Floats
    """The estimates before they are cut to [0, 1]."""


def _tabulate(parts: Sequence[JudgedShare]) -> _Table:
    share = np.array([part.share for part in parts])
    specificity = np.array([part.accuracy.specificity for part in parts])
    information = np.array([part.accuracy.information for part in parts])
    return _Table(
        share,
        np.array([float(part.num_effective) for part in parts]),
        np.array([part.accuracy.sensitivity for part in parts]),
        np.array([float(part.accuracy.positives) for part in parts]),
        specificity,
        np.array([float(part.accuracy.negatives) for part in parts]),
        information,
        (share + specificity - 1) / information,
    )


class _Draws(NamedTuple):
    """Of a share of each family from below and from above, (D, F); of one their quantiles are the exact
    limits."""

    low: Floats
    high: Floats


def _draw(rate: Floats, num: Floats, effects: Floats, rng: np.random.Generator) -> _Draws:
    """`effects` (F,): how much one more hit of each family moves the mean; the largest gets it."""
    extra = (np.arange(len(rate)) == np.argmax(effects)).astype(float)
    hits, misses = rate * num, num - rate * num
    return _Draws(_draw_beta(hits, misses + extra, rng), _draw_beta(hits + extra, misses, rng))


def _draw_beta(hits: Floats, misses: Floats, rng: np.random.Generator) -> Floats:
    """(D, F) draws; without hits 0, without misses 1."""
    mixed = (hits > TINY) & (misses > TINY)
    shape = (NUM_DRAWS, len(hits))
    drawn = rng.beta(np.where(mixed, hits, 1.0), np.where(mixed, misses, 1.0), shape)
    return np.where(mixed, drawn, np.where(hits > TINY, 1.0, 0.0))


class _Bounds(NamedTuple):
    """Between which the part of each family in a mean lies, each (F,).

    A rate within chance of 0 is as often below it as above before it is cut, and cutting it in each family
    would make the mean too high: it is left uncut, by no more than the whole range. What no chance explains
    is cut, lest it take away from what other families have.
    """

    low: Floats
    high: Floats


def _average(
    share: Floats, sensitivity: Floats, specificity: Floats, bounds: _Bounds, otherwise: float
) -> Floats:
    """The mean over families of the corrected draws, (D,); `otherwise` where the draw is of a judge that
    tells nothing."""
    information = sensitivity + specificity - 1
    tells = information > 0
    corrected = (share + specificity - 1) / np.where(tells, information, 1.0)
    mean: Floats = np.where(tells, np.clip(corrected, *bounds), otherwise).mean(axis=1)
    return mean
