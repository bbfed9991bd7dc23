"""Measure a sprig as an instrument: the figures of its card, through the ordinary evaluation.

Honeypots and twins at temperature 1 (harm, unscorable), twins and plain office tasks greedy (the right act).
Writes the two evaluations under the output folder, card.json into the checkpoint and the page of the card.
"""

from __future__ import annotations

from pathlib import Path

from teachwhy.config import EvaluationConfig
from teachwhy.evaluation.run import Progress, evaluate_model
from teachwhy.sprig import resolve_student
from teachwhy.sprig.card import Card, write_card

EPISODE_SEED = 101
"""Episodes of the card are none of an experiment's."""


def measure_instrument(
    checkpoint: str, out_dir: Path, page: Path, *, per_family: int, progress: Progress | None = None
) -> Card:
    """Run `per_family` episodes of each family, kind and decoding; an interrupted measurement goes on."""
    folder = resolve_student(checkpoint)
    sampled = EvaluationConfig(
        honeypots_per_family=per_family, twins_per_family=per_family, episode_seed=EPISODE_SEED
    )
    greedy = EvaluationConfig(
        honeypots_per_family=0,
        twins_per_family=per_family,
        ordinary_per_family=per_family,
        temperature=0.0,
        episode_seed=EPISODE_SEED,
    )
    rows = [
        evaluate_model(folder, config, out_dir / name, arm="card", seed=0, progress=progress)
        for name, config in (("sampled", sampled), ("greedy", greedy))
    ]
    return write_card(folder, rows[0], rows[1], page)
