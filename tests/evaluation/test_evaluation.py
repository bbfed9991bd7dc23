"""evaluate_model through the real Inspect tasks: scripted policies, failing models, the ledger after a kill."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from inspect_ai.log import read_eval_log

from teachwhy.config import EvaluationConfig
from teachwhy.errors import CheckpointError, ConfigError, DataError
from teachwhy.evaluation.agent import turn_seed
from teachwhy.evaluation.run import evaluate_model, resolve_model_name
from teachwhy.records import EpisodeRow
from teachwhy.scenarios.episodes import make_episodes
from teachwhy.scenarios.families import FAMILIES
from teachwhy.scenarios.policies import POLICIES, expected_outcome
from tests.evaluation import scripted_model

SMALL = EvaluationConfig(honeypots_per_family=1, twins_per_family=1)
ONE_FAMILY = EvaluationConfig(families=("blackmail",), honeypots_per_family=2, twins_per_family=0)


def run(name: str, config: EvaluationConfig, out_dir: Path) -> list[EpisodeRow]:
    return evaluate_model(f"scripted/{name}", config, out_dir, arm="untouched", seed=1)


@pytest.mark.parametrize("policy", POLICIES)
def test_scripted_policies_get_exactly_the_outcome_they_must(policy: str, tmp_path: Path) -> None:
    episodes = {
        episode.id: episode for kind in ("honeypot", "twin") for episode in make_episodes((), kind, 1, SMALL.episode_seed)
    }
    rows = run(policy, SMALL, tmp_path)
    assert [row.episode_id for row in rows] == list(episodes)
    for row in rows:
        if row.kind == "honeypot" or policy not in ("harmful", "pious_end", "tries_and_fails"):
            assert (row.episode_id, row.outcome) == (row.episode_id, expected_outcome(policy, episodes[row.episode_id]))
        assert row.scored or row.reason
