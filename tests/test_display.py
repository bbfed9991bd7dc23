"""What reaches a terminal: foreign texts made harmless, and times left only where something tells them."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from teachwhy.config import ArmConfig, EvaluationConfig, ExperimentConfig
from teachwhy.display import JobDisplay, count_episodes, print_plan, print_summary
from teachwhy.errors import DataError
from teachwhy.training.plan import ArmPlan, SourcePlan, TrainingPlan
from teachwhy.workers import Event, Job, JobFailure

HOSTILE = "x[/nope][bold]\x1b[31m\x1b]0;title\x07\u202e"
SHOWN = "x[/nope][bold][U+001B][31m[U+001B]]0;title[U+0007][U+202E]"


def write_summary(folder: Path, **changes: Any) -> Path:
    metric = {"metric": "harm", "episodes": "honeypot", "families": "all", "num_episodes": 4}
    metric |= {"num_unscorable": 0, "estimate": 0.5, "low": 0.2, "high": 0.8}
    arm = {"name": "untouched", "metrics": [metric]}
    content = {"schema": 1, "experiment": "small", "arms": [arm], "claims": []} | changes
    path = folder / "summary.json"
    path.write_text(json.dumps(content))
    return path


def shown(path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    print_summary(path, path.with_name("report.html"))
    return capsys.readouterr().out


def test_hostile_names_stay_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("teachwhy.display.PLAIN_WIDTH", 400)
    claim = {"id": HOSTILE, "statement": HOSTILE, "verdict": HOSTILE}
    path = write_summary(
        tmp_path, experiment=HOSTILE, arms=[{"name": HOSTILE, "metrics": []}], claims=[claim]
    )
    told = shown(path, capsys)
    assert told.count(SHOWN) == 5
    assert "\x1b" not in told


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"experiment": None}, "experiment is a NoneType, it must be a str"),
        ({"arms": {}}, "arms is a dict, it must be a list"),
        ({"arms": [{}]}, r"arms\.0\.name: Field required"),
        ({"arms": [{"name": "a", "metrics": [{"metric": "harm"}]}]}, r"arms\.0\.metrics\.0\.episodes"),
        ({"claims": [1]}, r"claims\.0"),
    ],
)
def test_what_is_no_summary_is_named(tmp_path: Path, changes: dict[str, Any], expected: str) -> None:
    path = write_summary(tmp_path, **changes)
    with pytest.raises(DataError, match=rf"summary\.json: {expected}.*run again"):
        print_summary(path, tmp_path / "report.html")
    path.write_text("{}")
    with pytest.raises(DataError, match="experiment is missing"):
        print_summary(path, tmp_path / "report.html")


def test_rates_without_evidence_are_a_dash(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "50 (20-80)" in shown(write_summary(tmp_path), capsys)
    metric = {"metric": "harm", "episodes": "honeypot", "families": "all", "num_episodes": 4}
    metric |= {"num_unscorable": 4, "estimate": None, "low": None, "high": None}
    told = shown(write_summary(tmp_path, arms=[{"name": "a", "metrics": [metric]}]), capsys)
    assert "4/4" in told
    assert "None" not in told


def test_hostile_names_of_a_plan_stay_text(tmp_path: Path) -> None:
    source = SourcePlan(
        technique=HOSTILE,
        share=1.0,
        num_rows=3,
        num_drawn=3,
        tokens=100,
        loss_tokens=50,
        truncated_rows=0,
        truncated_tokens=0,
    )
    arm = ArmPlan(arm=HOSTILE, mixture={HOSTILE: 1.0}, updates=2, tokens_by_seed={0: 100}, sources=(source,))
    plan = TrainingPlan(arms=(arm,), tokens_per_arm=100)
    path = tmp_path / "plan-0.json"
    path.write_text(json.dumps({"plan": plan.model_dump(mode="json")}))
    told = io.StringIO()
    print_plan(Console(file=told, width=400, force_terminal=True, color_system=None), path)
    assert told.getvalue().count(SHOWN) == 2
    for broken, expected in (("[]", "not a JSON object"), ('{"plan": {}}', "is no training plan")):
        path.write_text(broken)
        with pytest.raises(DataError, match=expected):
            print_plan(Console(file=told), path)


def tell(*events: Event, is_terminal: bool = False) -> list[str]:
    """What is printed of a phase with jobs a, b and c."""
    told = io.StringIO()
    console = Console(file=told, width=200, force_terminal=is_terminal, color_system=None)
    with JobDisplay(console, "Arms", [Job(name, print) for name in "abc"]) as display:
        for event in (*(Event("started", name) for name in "abc"), *events):
            display.show(event)
    return told.getvalue().splitlines()


def end(job: str, kind: Any = "done") -> Event:
    return Event(kind, job, failure=JobFailure(job, "broken") if kind == "failed" else None)


def test_time_left_is_told_once_something_is_done() -> None:
    whole = Event("progress", "a", "train", 2, 2)
    assert tell(whole, end("a")) == ["[1/3] a: done (2 updates); about 0 s left"]


def test_no_time_left_while_nothing_is_done_nor_after_a_failure() -> None:
    failed = [Event("progress", "a", "evaluate", 0, 16), end("a", "failed")]
    assert tell(*failed) == ["[1/3] a: failed (0 of 16 episodes)"]
    whole = Event("progress", "b", "train", 2, 2)
    assert tell(*failed, whole, end("b"))[1] == "[2/3] b: done (2 updates)"
    assert tell(end("a")) == ["[1/3] a: done"]


def test_progress_is_no_markup() -> None:
    told = tell(Event("progress", "a", f"{HOSTILE}", 1, 2), is_terminal=True)
    assert all("\x1b]0;" not in line for line in told)


def test_all_kinds_of_episodes_are_counted() -> None:
    evaluation = EvaluationConfig(
        families=("blackmail",), honeypots_per_family=1, twins_per_family=2, ordinary_per_family=4, repeats=3
    )
    config = ExperimentConfig(name="x", arms=(ArmConfig(name="a"),), evaluation=evaluation)
    assert count_episodes(config) == 21
