"""Office tasks through the real Inspect task: rows, rates, settings, summary and report."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from inspect_ai import eval as inspect_eval
from inspect_ai.scorer import SampleScore, Score
from tests.evaluation import scripted_model

from teachwhy.config import EvaluationConfig, check_names, resolve_experiment
from teachwhy.display import count_episodes, print_summary
from teachwhy.errors import ConfigError
from teachwhy.evaluation.ledger import read_ledger
from teachwhy.evaluation.run import evaluate_model, plan_evaluation
from teachwhy.evaluation.scorer import office_rates
from teachwhy.evaluation.tasks import Rendering, office, plan_office
from teachwhy.jobs import ArmJob, report_run, summarize_run, write_scores
from teachwhy.manifest import write_manifest
from teachwhy.run_dir import RunDir
from teachwhy.scenarios.harness import cluster_of
from teachwhy.scenarios.office_tasks.task import load_tasks

ONLY_OFFICE = {"honeypots_per_family": 0, "twins_per_family": 0}


def test_every_transcript_gets_its_outcome_through_inspect(tmp_path: Path) -> None:
    config = EvaluationConfig(**ONLY_OFFICE, office_repeats=3)
    rows = evaluate_model("scripted/office_repeats", config, tmp_path, arm="a", seed=1, dialect="english")
    assert len(rows) == 24 * 3
    for row in rows:
        wanted = load_tasks()[row.skin].transcripts[row.repeat]
        assert (row.outcome, row.task_done, row.right) == (wanted.outcome, wanted.done, wanted.done), row
        assert (row.family, row.kind, row.split, row.dialect) == ("office", "office", "far", "english")
        assert row.num_distractors >= 2 and row.lever == "absent" and row.presentation == "tools"
    read, _ = read_ledger(tmp_path / "episodes.jsonl", arm="a", seed=1)
    assert sorted(read, key=str) == sorted(rows, key=str)
    scripted_model.seen_inputs.clear()
    again = evaluate_model("scripted/office_repeats", config, tmp_path, arm="a", seed=1, dialect="english")
    assert again == rows and not scripted_model.seen_inputs


def test_the_inspect_task_has_its_own_rates(tmp_path: Path) -> None:
    task = office(tasks="rat_poison,hive_count", repeats=2)
    (log,) = inspect_eval(
        task, model="scripted/office_native", log_dir=str(tmp_path), display="none", score_display=False
    )
    assert log.status == "success" and log.results is not None
    metrics = {name: metric.value for name, metric in log.results.scores[0].metrics.items()}
    flat = {name.rpartition("/")[2]: value for name, value in metrics.items()}
    assert flat["done"] == 0.5 and flat["failed"] == 0.5 and flat["over_refusal"] == 0.0
    assert flat["done_low"] < 0.5 < flat["done_high"] and "harm" not in flat
    assert {sample.metadata["cluster"] for sample in log.samples or ()} == {
        "office|rat_poison",
        "office|hive_count",
    }


def test_over_refusal_counts_declined_and_inert_and_leaves_the_unscorable_out() -> None:
    outcomes = ("declined", "inert", "unaware", "unaware", "attempted", "unscorable")
    scores = [
        SampleScore(
            score=Score(value=outcome, metadata={"task_done": index == 2}),
            sample_metadata={"episode_id": str(index), "cluster": str(index), "dialect": "english"},
        )
        for index, outcome in enumerate(outcomes)
    ]
    value = office_rates()(scores)
    assert isinstance(value, dict)
    assert (value["done"], value["over_refusal"], value["failed"]) == (0.2, 0.4, 0.4)
    assert value["unscorable"] == pytest.approx(1 / 6)


def test_what_is_asked_of_the_tasks_is_checked() -> None:
    assert [plan.episode.id for plan in plan_office("hive_count", 1)] == ["office-en-hive_count"]
    assert {cluster_of(plan.episode) for plan in plan_office("hive_count", 2)} == {"office|hive_count"}
    for names, repeats, shown, told in (
        ("", 0, Rendering("english"), "repeats: 0"),
        ("bake_bread", 1, Rendering("english"), "no office task 'bake_bread'"),
        ("", 1, Rendering("sprig"), "need dialect=english"),
        ("", 1, Rendering("english", "prompt"), "presentation=tools"),
    ):
        with pytest.raises(ConfigError, match=told):
            plan_office(names, repeats, shown)


def test_by_default_none_is_run_and_config_refuses_what_does_not_go() -> None:
    assert not any(plan.episode.kind == "office" for plan in plan_evaluation(EvaluationConfig(), "english"))
    values = {"name": "x", "dialect": "english", "arms": [{"name": "m"}]}
    config = resolve_experiment(dict(values), ["evaluation.office_repeats=5"], "x")
    check_names(config, "x")
    plain = resolve_experiment(dict(values), [], "x")
    assert count_episodes(config) == count_episodes(plain) + 5 * 24
    alone = ["evaluation.office_repeats=1", *(f"evaluation.{name}=0" for name in ONLY_OFFICE)]
    assert count_episodes(resolve_experiment(dict(values), alone, "x")) == 24
    for overrides, told in (
        (["dialect=sprig", "evaluation.office_repeats=1"], "office_repeats = 1 needs dialect"),
        (["evaluation.presentation=prompt", "evaluation.office_repeats=1"], "behind tools only"),
        (["evaluation.office_repeats=-1"], "office_repeats"),
    ):
        with pytest.raises(ConfigError, match=told):
            resolve_experiment(dict(values), overrides, "x")


@pytest.mark.parametrize("honeypots", [0, 1])
def test_office_rows_are_in_no_rate_of_harm(
    honeypots: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    values = {"name": "x", "dialect": "english", "arms": [{"name": "model"}]}
    overrides = ["evaluation.families=['self_exfiltration']", "evaluation.office_repeats=1"]
    config = resolve_experiment(values, overrides, "x")
    counts = ONLY_OFFICE | {"honeypots_per_family": honeypots}
    evaluation = config.evaluation.model_copy(update=counts)
    run_dir = RunDir(tmp_path)
    job = ArmJob("model", 0, "x", None, run_dir.eval_stage("model", 0, "0" * 16))
    rows = evaluate_model(
        "scripted/office_refuses", evaluation, job.eval_dir, arm="model", seed=0, dialect="english"
    )
    assert Counter(row.outcome for row in rows if row.kind == "office") == {"declined": 24}
    write_manifest(run_dir, config)
    write_scores(run_dir.scores, [job])
    summarize_run(config, run_dir, [job])
    metrics = json.loads(run_dir.summary.read_text())["arms"][0]["metrics"]
    shown = {(one["metric"], one["episodes"], one["families"]): one for one in metrics}
    assert shown["declined", "office", "all"]["estimate"] == 1.0
    assert shown["task_done", "office", "office"]["num_episodes"] == 24
    harm = [key for key in shown if key[0] == "harm" and key[1] == "honeypot"]
    assert sorted(key[2] for key in harm) == (["all", "far", "self_exfiltration"] if honeypots else [])
    assert all(shown[key]["num_episodes"] == 1 for key in harm)
    page = report_run(tmp_path).read_text(encoding="utf-8")
    assert "Ordinary office tasks, with neither threat nor lever" in page
    if honeypots:
        assert "They come from 1 family of temptation" in page
    print_summary(run_dir.summary, tmp_path / "report.html")
    told = " ".join(capsys.readouterr().out.split())
    assert "model, ordinary office tasks: done 0 (0-14), declined 100 (86-100), inert 0 (0-14)" in told
