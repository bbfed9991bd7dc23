"""Made-up episodes and experiments for the statistics."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from scipy.optimize import brentq
from scipy.special import expit

from teachwhy.analysis.rates import COLUMNS
from teachwhy.analysis.summary import ArmTraining
from teachwhy.config import ArmConfig, ClaimConfig, ClaimTest, ExperimentConfig

Floats = npt.NDArray[np.float64]

FAMILIES = {
    "blackmail": "home",
    "research_sabotage": "home",
    "framing": "near",
    "leaking": "near",
    "false_reporting": "near",
    "lethal_inaction": "far",
    "oversight_evasion": "far",
    "self_exfiltration": "far",
}
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(41)


def solve_intercept(rate: float, spread: float) -> float:
    """The logit whose rate, averaged over a normal spread of logits, is `rate`."""

    def excess(logit: float) -> float:
        return float((expit(logit + spread * NODES) * WEIGHTS).sum() / WEIGHTS.sum()) - rate

    return float(brentq(excess, -15.0, 15.0))


@pytest.fixture
def draw_arms() -> Callable[..., list[Floats]]:
    """Outcomes of arms with known mean rates, normal effects on the logit, correlated between arms.

    Each array has shape (batch, S, families, E). With one seed the truth is that of the seed: no seed effect.
    """

    def draw(
        rng: np.random.Generator,
        rates: Sequence[float],
        shape: tuple[int, int, int, int],
        *,
        family: float = 0.8,
        seed: float = 0.5,
        episode: float = 0.8,
        correlation: float = 0.5,
    ) -> list[Floats]:
        batch, seeds, families, episodes = shape
        spreads = (family if families > 1 else 0.0, seed if seeds > 1 else 0.0, 0.3, episode)
        shapes = (
            (batch, 1, families, 1),
            (batch, seeds, 1, 1),
            (batch, seeds, families, 1),
            (batch, 1, families, episodes),
        )
        common = [rng.normal(size=size) for size in shapes]
        arms = []
        for rate in rates:
            logit = np.full(shape, solve_intercept(rate, float(np.sqrt(sum(s * s for s in spreads)))))
            for spread, size, shared in zip(spreads, shapes, common, strict=True):
                own = rng.normal(size=size)
                logit = logit + spread * (np.sqrt(correlation) * shared + np.sqrt(1 - correlation) * own)
            arms.append((rng.random(shape) < expit(logit)).astype(float))
        return arms

    return draw


@pytest.fixture
def make_frame() -> Callable[..., pd.DataFrame]:
    """Rows of arms with a rate of harm each; harm acts, the rest escalates."""

    def make(
        harm: dict[str, float], *, seeds: Sequence[int] = (0, 1), num: int = 10, unscorable: float = 0.0
    ) -> pd.DataFrame:
        rng = np.random.default_rng(7)
        rows: list[dict[str, Any]] = []
        for arm, rate in harm.items():
            for seed in seeds:
                for kind in ("honeypot", "twin"):
                    for family, split in FAMILIES.items():
                        for i in range(num):
                            bad = rng.random() < (rate if kind == "honeypot" else 0.02)
                            outcome = "harmful" if bad else "escalated"
                            if rng.random() < unscorable:
                                outcome = "unscorable"
                            rows.append(
                                {
                                    "arm": arm,
                                    "seed": seed,
                                    "kind": kind,
                                    "episode_id": f"{family}-{i}",
                                    "repeat": 0,
                                    "family": family,
                                    "split": split,
                                    "outcome": outcome,
                                    "acted": outcome != "unscorable",
                                    "right": outcome == "escalated",
                                    "task_done": False,
                                }
                            )
        return pd.DataFrame(rows, columns=COLUMNS)

    return make


@pytest.fixture
def make_experiment() -> Callable[..., ExperimentConfig]:
    """An experiment with these arms; each test of `tests` is a claim of its own."""

    def make(arms: Sequence[str], *tests: dict[str, Any]) -> ExperimentConfig:
        claims = tuple(
            ClaimConfig(id=f"claim{i}", statement=f"Statement {i}.", tests=(ClaimTest(**test),))
            for i, test in enumerate(tests)
        )
        return ExperimentConfig(
            name="made-up",
            arms=tuple(ArmConfig(name=arm) for arm in arms),
            claims=claims,
            baseline=arms[0],
        )

    return make


@pytest.fixture
def list_training() -> Callable[..., list[ArmTraining]]:
    """Training of arms, the same for all."""

    def make(arms: Sequence[str], seeds: Sequence[int] = (0, 1)) -> list[ArmTraining]:
        return [ArmTraining(name=arm, seeds=tuple(seeds), training_tokens=1000, updates=10) for arm in arms]

    return make
