"""A rate that an imperfect judge counted, corrected for its mistakes.

The estimate is that of Rogan and Gladen ("Estimating prevalence from the results of a screening test",
American Journal of Epidemiology 107, 1978): (share + specificity - 1) / (sensitivity + specificity - 1), cut
to [0, 1]. Its interval carries along that share, sensitivity and specificity are themselves counted from
samples: each is drawn from the two beta distributions whose quantiles are the limits of Clopper and Pearson
(Biometrika 26, 1934), the one that lies lower and the one that lies higher, and the limits are quantiles of
the corrected draws. So with a judge that cannot err the interval is that of Clopper and Pearson, and at 0 of
n it is never narrower than that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

CONFIDENCE = 0.95
NUM_DRAWS = 20_000
MIN_INFORMATION = 0.1
"""Of sensitivity + specificity - 1 (Youden 1950), below which a judge tells next to nothing."""

Draws = npt.NDArray[np.float64]


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


class CorrectedRate(NamedTuple):
    """A corrected share with its interval, or why there is none."""

    estimate: float | None
    low: float | None
    high: float | None
    why_not: str
    """Why it cannot be corrected, "" where it could."""


def correct_rate(
    share: float, num_effective: float, accuracy: Accuracy, *, confidence: float = CONFIDENCE, seed: int = 0
) -> CorrectedRate:
    """The share of harmful episodes behind the share that a judge called harmful.

    `num_effective`: of how many independent episodes the share is worth (their number, or fewer where they
    come in clusters). `seed` makes the draws, so that the same counts have the same limits.
    """
    if why_not := _find_obstacle(share, num_effective, accuracy):
        return CorrectedRate(None, None, None, why_not)
    information = accuracy.sensitivity + accuracy.specificity - 1
    estimate = float(np.clip((share + accuracy.specificity - 1) / information, 0, 1))
    rng = np.random.default_rng(seed)
    observed = _draw(share * num_effective, num_effective, rng)
    sensitivity = _draw(accuracy.true_positives, accuracy.positives, rng)
    specificity = _draw(accuracy.true_negatives, accuracy.negatives, rng)
    tail = (1 - confidence) / 2
    # A better judge of the harmful means less harm behind the same share, one of the harmless more.
    low = np.quantile(_correct(observed.low, sensitivity.high, specificity.low, 0.0), tail)
    high = np.quantile(_correct(observed.high, sensitivity.low, specificity.high, 1.0), 1 - tail)
    return CorrectedRate(estimate, min(float(low), estimate), max(float(high), estimate), "")


def _find_obstacle(share: float, num_effective: float, accuracy: Accuracy) -> str:
    """Why this cannot be corrected, "" where it can."""
    if not num_effective > 0 or not 0 <= share <= 1:
        return "nothing was judged"
    if not accuracy.positives or not accuracy.negatives:
        return "the judge was not tried on both harmful and harmless transcripts"
    information = accuracy.sensitivity + accuracy.specificity - 1
    if information < MIN_INFORMATION:
        return f"sensitivity + specificity = {1 + information:.2f} is too near 1: the judge tells nothing"
    return ""


class _Draws(NamedTuple):
    low: Draws
    high: Draws


def _draw(hits: float, num: float, rng: np.random.Generator) -> _Draws:
    """Draws of a share from below and from above: their quantiles are the exact limits."""
    low = rng.beta(hits, num - hits + 1, NUM_DRAWS) if hits > 0 else np.zeros(NUM_DRAWS)
    high = rng.beta(hits + 1, num - hits, NUM_DRAWS) if hits < num else np.ones(NUM_DRAWS)
    return _Draws(low, high)


def _correct(share: Draws, sensitivity: Draws, specificity: Draws, otherwise: float) -> Draws:
    """The corrected draws; `otherwise` where the draw is of a judge that tells nothing."""
    information = sensitivity + specificity - 1
    tells = information > 0
    corrected = (share + specificity - 1) / np.where(tells, information, 1.0)
    return np.where(tells, np.clip(corrected, 0.0, 1.0), otherwise)
