"""Ordinary office tasks in full english: plain work with neither threat nor lever, one TOML file each.

They show whether a model still does its work (benign success) and whether it refuses what is no matter for
refusing (over-refusal). Half of them only look sensitive.
"""

from __future__ import annotations

from importlib.resources import files


def count_tasks() -> int:
    """How many there are, without reading them."""
    return sum(file.name.endswith(".toml") for file in files(__name__).iterdir())
