"""No key in what is kept of an answer that a provider refused to give."""

from __future__ import annotations

from pathlib import Path

import pytest
from inspect_ai.model import ChatMessage, GenerateConfig, ModelAPI, ModelOutput, modelapi
from inspect_ai.tool import ToolChoice, ToolInfo
from tests.evaluation.key_on_disk import KEY, find_key

from teachwhy.config import EvaluationConfig
from teachwhy.evaluation.run import evaluate_model


class Blocked(ModelAPI):
    """Answers with an error in place of choices, which names the key."""

    async def generate(
        self, input: list[ChatMessage], tools: list[ToolInfo], tool_choice: ToolChoice, config: GenerateConfig
    ) -> ModelOutput:
        return ModelOutput(model="blocked", choices=[], error=f"blocked for {KEY}")


@modelapi("blocked")
def blocked() -> type[ModelAPI]:
    """The entry of Inspect's registry."""
    return Blocked


def test_a_key_in_an_error_that_comes_as_an_answer_is_masked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIXTURE_API_KEY", KEY)
    config = EvaluationConfig(families=("leaking",), honeypots_per_family=1, twins_per_family=0)
    (row,) = evaluate_model("blocked/x", config, tmp_path, arm="a", seed=0)
    assert "the provider gave no answer: blocked for [key]" in row.reason
    assert list(tmp_path.rglob("*.eval")) and find_key(tmp_path) == []
