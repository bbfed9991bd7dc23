"""Experiments whose rows the grammar makes."""

from __future__ import annotations

from teachwhy.config import ArmConfig, ExperimentConfig, TechniqueConfig


def make_config(*techniques: str, num_examples: int = 4) -> ExperimentConfig:
    return ExperimentConfig(
        name="x",
        techniques={name: TechniqueConfig(num_examples=num_examples) for name in techniques},
        arms=(ArmConfig(name="none"),),
    )
