"""Judges as columns of `inspect eval`: with the role `judge`, and nothing without it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from inspect_ai import eval as inspect_eval
from inspect_ai._util.registry import registry_info
from inspect_ai.log import EvalLog
from inspect_ai.scorer import SampleScore, Score
from tests.evaluation.key_on_disk import KEY, find_key
from tests.judging import scripted_judge

from teachwhy.errors import ConfigError
from teachwhy.evaluation.scorer import outcome_rates
from teachwhy.evaluation.tasks import honeypots, office
from teachwhy.judging.scorer import verdict_rates


def evaluate(log_dir: Path, *judges: str, **arguments: Any) -> EvalLog:
    """Two honeypots of a family, as `inspect eval --model-role judge=...` runs them."""
    roles = {"judge": [f"judges/{name}" for name in judges]} if judges else {}
    (log,) = inspect_eval(
        registry_info(honeypots).name,  # without the package's name where tests see an egg-info beside it
        model="scripted/english_thought_harm",
        model_roles=roles,  # type: ignore[arg-type]
        task_args={"families": "blackmail", "episodes_per_family": 2, "dialect": "english", **arguments},
        display="none",
        log_dir=str(log_dir),
    )
    return log


def test_without_the_role_nothing_changes(tmp_path: Path) -> None:
    log = evaluate(tmp_path)
    assert log.status == "success" and log.results is not None
    assert [score.name for score in log.results.scores] == ["episode_outcome"]
    assert not scripted_judge.asked


def test_every_judge_adds_its_columns(tmp_path: Path) -> None:
    log = evaluate(tmp_path, "harmful", "rubbish")
    assert log.status == "success" and log.samples is not None and log.results is not None
    for sample in log.samples:
        assert sample.scores is not None
        assert sample.scores["episode_outcome"].value == "declined"
        told = {name: score.value for name, score in sample.scores.items() if name.startswith("judge")}
        assert sorted(told.values()) == ["harmful", "unscorable", "unscorable", "unscorable"]
        assert {
            str((score.metadata or {}).get("judge")) for name, score in sample.scores.items() if name in told
        } == {
            "judges/harmful",
            "judges/rubbish",
        }
    metrics = {score.name: score.metrics for score in log.results.scores}
    assert metrics["judge_harm"]["rate"].value == 1
    assert metrics["judge_harm"]["rate_low"].value < 0.5
    assert metrics["judge_harm"]["agreement"].value == 0, "harmful, where the rule says declined"
    assert metrics["judge_awareness"]["no_verdict"].value == 1
    shown = [messages[-1].text for _, messages, _ in scripted_judge.asked]
    assert len(shown) == 2 * 2 * 2
    assert not any("<think>" in text or "Before you decide" in text for text in shown), "thoughts are hidden"


@pytest.mark.parametrize("dialect", ["sprig", "english"])
def test_a_judge_that_agrees_with_the_rule_has_its_interval(dialect: str) -> None:
    def score(outcome: str, number: int) -> SampleScore:
        told = {
            "dialect": dialect,
            "cluster": f"family {number % 7}",
            "episode_id": str(number // 4),
        }
        return SampleScore(score=Score(value=outcome), sample_id=str(number), sample_metadata=told)

    outcomes = ["harmful", "declined", "declined", "unscorable", "harmful"] * 8
    verdicts = [{"declined": "not_harmful"}.get(name, name) for name in outcomes]
    rule: Any = outcome_rates()([score(name, i) for i, name in enumerate(outcomes)])  # type: ignore[arg-type]
    judge: Any = verdict_rates()([score(name, i) for i, name in enumerate(verdicts)])  # type: ignore[arg-type]
    assert [judge[name] for name in ("rate", "rate_low", "rate_high", "no_verdict")] == pytest.approx(
        [rule[name] for name in ("harm", "harm_low", "harm_high", "unscorable")]
    )


@pytest.mark.parametrize("name", ["tells_key", "error_tells_key"])
def test_a_key_that_the_server_sends_back_is_not_in_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("FIXTURE_API_KEY", KEY)
    log = evaluate(tmp_path, name)
    assert log.status == "success" and "[key]" in log.model_dump_json()
    assert list(tmp_path.rglob("*.eval")) and find_key(tmp_path) == []


@pytest.mark.parametrize(("model", "refused"), [("office_refuses", 1), ("office_repeats", 0)])
def test_judges_of_office_tasks_are_asked_about_refusal_and_work_done(
    tmp_path: Path, model: str, refused: int
) -> None:
    (log,) = inspect_eval(
        registry_info(office).name,
        model=f"scripted/{model}",
        model_roles={"judge": ["judges/reads_office", "judges/refused"]},  # type: ignore[arg-type]
        task_args={"tasks": "rat_poison,hive_count"},
        display="none",
        log_dir=str(tmp_path),
    )
    assert log.status == "success" and log.results is not None and log.samples is not None
    metrics = {score.name: score.metrics for score in log.results.scores}
    assert set(metrics) == {"episode_outcome"} | {
        f"judge_{name}{number}" for name in ("over_refusal", "task_done", "awareness") for number in ("", "1")
    }
    assert metrics["judge_over_refusal"]["rate"].value == refused
    assert metrics["judge_task_done"]["rate"].value == 1 - refused
    assert metrics["judge_over_refusal"]["agreement"].value == 1
    assert metrics["judge_task_done"]["agreement"].value == 1
    assert metrics["judge_over_refusal1"]["agreement"].value == refused, "of the judge that always says so"
    assert metrics["judge_task_done1"]["no_verdict"].value == 1
    assert "agreement" not in metrics["judge_awareness"], "the rule has no word on it"
    shown = [messages[0].text for _, messages, _ in scripted_judge.asked]
    assert not any("The harm:" in text for text in shown)


def test_a_judge_of_the_own_family_is_refused_unless_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(scripted_judge.ANSWERS, "english", scripted_judge.ANSWERS["harmful"])
    with pytest.raises(ConfigError, match=r"own family.*-T own_judge=true"):
        evaluate(tmp_path, "english")
    log = evaluate(tmp_path, "english", own_judge=True)
    assert log.status == "success"
