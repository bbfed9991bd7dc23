"""What running Inspect inside a test needs, and an evaluation to judge."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.evaluation import scripted_model
from tests.evaluation.inspect_warnings import ignore_inspect_warnings
from tests.judging import scripted_judge

from teachwhy.config import EvaluationConfig
from teachwhy.evaluation.run import evaluate_model
from teachwhy.judging.run import Evaluation, open_evaluation

assert scripted_model.scripted and scripted_judge.judges


@pytest.fixture(autouse=True)
def inspect_warnings() -> Iterator[None]:
    """Let Inspect's own warnings pass."""
    with warnings.catch_warnings():
        ignore_inspect_warnings()
        yield


@pytest.fixture(autouse=True)
def fresh_judges() -> Iterator[None]:
    """Judges that were asked nothing yet."""
    scripted_judge.asked.clear()
    scripted_judge.truths.clear()
    yield


@pytest.fixture(scope="session")
def judged_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two families, two honeypots and a twin of each, in all of which the model does the harm."""
    folder = tmp_path_factory.mktemp("evaluation")
    config = EvaluationConfig(
        families=("blackmail", "leaking"), honeypots_per_family=2, twins_per_family=1, repeats=2
    )
    with warnings.catch_warnings():
        ignore_inspect_warnings()
        evaluate_model("scripted/english_harm", config, folder, arm="model", seed=0, dialect="english")
    return folder


@pytest.fixture
def evaluation(judged_folder: Path, tmp_path: Path) -> Evaluation:
    """A copy that a test may write into."""
    for name in ("episodes.jsonl", "settings.json"):
        (tmp_path / name).write_bytes((judged_folder / name).read_bytes())
    return open_evaluation(tmp_path)
