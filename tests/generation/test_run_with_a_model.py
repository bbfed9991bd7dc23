"""A run whose teacher is a language model: rows, plan and training in one command, and nothing paid twice."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from tests.service.http_model import ModelServer
from tests.teachers.language import http_teacher

from teachwhy.config import resolve_experiment
from teachwhy.experiment import run_experiment
from teachwhy.run_dir import CALLS

EXPERIMENT = {
    "name": "with-a-model",
    "student": "sprig",
    "teacher": "openai-api/local/writer",
    "dialect": "english",
    "workers": 1,
    "generation": {
        "judge": "openai-api/local/judge",
        "connections": 8,
        "gates": {"near_duplicates": 0.0},
    },
    "training": {
        "tokens_per_arm": 6000,
        "updates": 3,
        "min_updates": 1,
        "max_length": 2048,
        "max_epochs": 50.0,
    },
    "techniques": {name: {"num_examples": 4} for name in ("benign", "advice", "craft_deliberation")},
    "arms": [{"name": "taught", "mixture": {"benign": 0.5, "advice": 0.25, "craft_deliberation": 0.25}}],
}


def test_rows_of_a_model_are_planned_and_trained_on_and_paid_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = resolve_experiment(EXPERIMENT, (), "test")
    monkeypatch.setenv("LOCAL_API_KEY", "none")
    with ModelServer(http_teacher.write) as server:
        monkeypatch.setenv("LOCAL_BASE_URL", server.url)
        told = StringIO()
        assert run_experiment(config, tmp_path, console=Console(file=told), until="train") == 0
        assert "rows of 3 techniques: done" in told.getvalue()
        num_asked = sum(server.asked.values())
        assert num_asked > 50
        (trained,) = (tmp_path / "stages").glob("train-taught-*/checkpoint/model.safetensors")
        assert trained.stat().st_size > 1_000_000 and (tmp_path / "stages" / CALLS).is_file()
        fewer = config.techniques["advice"].model_copy(update={"num_examples": 3})
        again = config.model_copy(update={"techniques": config.techniques | {"advice": fewer}})
        assert run_experiment(again, tmp_path, console=Console(file=told), until="train") == 0
        assert sum(server.asked.values()) == num_asked
