"""The suite page of a real evaluation: every episode is found in the logs that Inspect wrote."""

from __future__ import annotations

from pathlib import Path

from inspect_ai.log import read_eval_log_sample
from tests.evaluation import scripted_model as scripted_model

from teachwhy.config import EvaluationConfig
from teachwhy.evaluation.run import evaluate_model
from teachwhy.jobs import report_suite
from teachwhy.report.suite_files import read_suite


def test_every_episode_is_found_in_inspects_logs(tmp_path: Path) -> None:
    config = EvaluationConfig(
        families=("blackmail", "framing"), honeypots_per_family=1, twins_per_family=1, repeats=2
    )
    rows = evaluate_model("scripted/harmful", config, tmp_path, arm="model", seed=0)
    suite = read_suite(tmp_path)
    assert len(suite.rows) == len(rows) == 8
    for row in suite.rows:
        place = suite.find_place(row)
        assert place is not None
        sample = read_eval_log_sample(str(tmp_path / "logs" / place.log), place.sample_id, place.epoch)
        assert sample.metadata["episode_id"] == row.episode_id
        assert sample.scores is not None and sample.scores["episode_outcome"].value == row.outcome
        (original,) = [r for r in rows if (r.episode_id, r.repeat) == (row.episode_id, row.repeat)]
        assert suite.read_transcript(row) == original.transcript
    page = report_suite(tmp_path)
    assert page == tmp_path / "suite.html" and "scripted/harmful" in page.read_text(encoding="utf-8")
