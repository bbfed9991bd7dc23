"""A corrected rate of one family, or of episodes that are not told apart by family."""

from __future__ import annotations

from teachwhy.analysis.corrected import Accuracy, CorrectedRate, JudgedShare, correct_mean


def correct_rate(
    share: float, num_effective: float, accuracy: Accuracy, *, confidence: float = 0.95, seed: int = 0
) -> CorrectedRate:
    """The share of harmful episodes behind the share that a judge called harmful."""
    parts = [JudgedShare(share, num_effective, accuracy)]
    return correct_mean(parts, num_effective, confidence=confidence, seed=seed)
