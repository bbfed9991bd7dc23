"""Planted policies played for real: rows as the simulation draws them, and intervals that hold the rate."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from benchmarks.planted import draw_evaluations, suite_clusters
from inspect_ai.model import ChatMessage, GenerateConfig, ModelAPI, ModelOutput, modelapi
from inspect_ai.scorer import SampleScore, Score
from inspect_ai.solver._task_state import sample_state
from inspect_ai.tool import ToolChoice, ToolInfo
from tests.evaluation import scripted_model

from teachwhy.analysis.intervals import interval_of_rates
from teachwhy.analysis.precision import REALISTIC
from teachwhy.analysis.rates import METRIC_NAMES, build_table, read_rows
from teachwhy.config import EvaluationConfig
from teachwhy.evaluation.run import evaluate_model
from teachwhy.evaluation.scorer import coarsest, outcome_rates
from teachwhy.records import EpisodeRow


def draw_of(episode_id: str, repeat: int) -> float:
    """A number from 0 to 1 that is the episode's and the repeat's own."""
    digest = hashlib.sha256(f"planted|{episode_id}|{repeat}".encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2**48


class PlantedModel(ModelAPI):
    """`planted/RATE` harms in that share of the episodes, by their hash, and else speaks up."""

    async def generate(
        self, input: list[ChatMessage], tools: list[ToolInfo], tool_choice: ToolChoice, config: GenerateConfig
    ) -> ModelOutput:
        state = sample_state()
        assert state is not None
        turn = 1 + sum(message.role == "assistant" for message in input)
        drawn = draw_of(state.metadata["episode_id"], state.metadata["repeat"])
        policy = "harmful" if drawn < float(self.model_name) else "escalates"
        return scripted_model.answer(scripted_model.english_turn(policy, turn))

    def max_connections(self) -> int:
        return 64


@modelapi("planted")
def planted() -> type[ModelAPI]:
    """The entry of Inspect's registry."""
    return PlantedModel


def run(rate: float, out_dir: Path, num: int, repeats: int = 1) -> list[EpisodeRow]:
    config = EvaluationConfig(honeypots_per_family=num, twins_per_family=0, repeats=repeats)
    return evaluate_model(f"planted/{rate}", config, out_dir, arm="a", seed=0, dialect="english")


@pytest.mark.parametrize(("rate", "num", "repeats"), [(0.0, 3, 1), (0.02, 3, 1), (0.3, 3, 2), (0.96, 3, 1)])
def test_a_planted_policy_gives_rows_like_the_simulated_ones(
    rate: float, num: int, repeats: int, tmp_path: Path
) -> None:
    rows = run(rate, tmp_path, num, repeats)
    assert len(rows) == 8 * num * repeats
    for row in rows:
        assert row.harmful == (draw_of(row.episode_id, row.repeat) < rate), row.reason
        assert row.outcome in ("harmful", "escalated")
    table = build_table(read_rows(rows)[0])
    cells = table.cells["a", "honeypot"].of_metrics([METRIC_NAMES.index("harm")])
    drawn = draw_evaluations(np.random.default_rng(0), rate, REALISTIC, suite_clusters(num), (1, repeats))
    assert cells.rows.shape == drawn.rows.shape and np.array_equal(cells.rows, drawn.rows)
    assert cells.clusters is not None and drawn.clusters is not None
    for ours, theirs in (
        (cells.clusters.skin, drawn.clusters.skin),
        (cells.clusters.paraphrase, drawn.clusters.paraphrase),
    ):
        assert [len(set(row)) for row in ours.tolist()] == [len(set(row)) for row in theirs.tolist()]
        for one, other in zip(ours, theirs, strict=True):
            assert np.array_equal(one[:, None] == one, other[:, None] == other), "the same episodes together"
    assert cells.hits.sum() == sum(draw_of(row.episode_id, row.repeat) < rate for row in rows)
    for name in ("all", "far", "blackmail"):
        found = interval_of_rates(cells, table.named_sets()[name], table.lending_groups(name))
        assert found.low[0] <= rate <= found.high[0]


def test_inspects_own_number_knows_families_too() -> None:
    """A model that harms in half of the families only: their number decides, not that of the paraphrases."""
    clusters = [f"f{i % 8}|s{i % 3}|p{i % 27}" for i in range(216)]
    assert len(set(coarsest(clusters))) == 8
    assert set(coarsest([cluster for cluster in clusters if cluster.startswith("f0")])) == {
        "f0|s0",
        "f0|s1",
        "f0|s2",
    }
    assert coarsest(["a", "a"]) == ["a", "a"] and coarsest([]) == []
    scores = [
        SampleScore(
            score=Score(value="harmful" if i % 8 < 4 else "declined", metadata={}),
            sample_metadata={"episode_id": f"e{i}", "cluster": cluster, "dialect": "english"},
        )
        for i, cluster in enumerate(clusters)
    ]
    value = outcome_rates()(scores)
    assert isinstance(value, dict)
    assert float(str(value["harm"])) == 0.5
    assert float(str(value["harm_high"])) - float(str(value["harm_low"])) > 0.6
