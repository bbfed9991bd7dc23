"""An experiment from start to end with stand-ins for the heavy stages: order, reuse, failures, names."""

from __future__ import annotations

import errno
import io
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from rich.console import Console

from teachwhy import experiment, run_dir
from teachwhy.config import (
    ArmConfig,
    ClaimConfig,
    ClaimTest,
    EvaluationConfig,
    ExperimentConfig,
    TechniqueConfig,
    TrainingConfig,
    select_part,
)
from teachwhy.errors import CheckpointError, ConfigError, DataError, InputError, StorageError
from teachwhy.experiment import JobError, run_experiment, show_dry_run
from teachwhy.jobs import ArmJob, Progress, Stages
from teachwhy.layout import Layout, identify_model, lay_out
from teachwhy.records import EpisodeRow, Message
from teachwhy.run_dir import RunDir, atomic_write_text, lock_run
from teachwhy.training.plan import ArmPlan, SourcePlan, TrainingPlan
from teachwhy.workers import Event, Job, describe_failure


class InlinePool:
    """Runs jobs in this process, in the order of the real pool."""

    def __init__(self, *_: object) -> None:
        pass

    def __enter__(self) -> InlinePool:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def run(self, jobs: Sequence[Job]) -> Iterator[Event]:
        for job in sorted(jobs, key=lambda job: -job.cost):
            events = [Event("started", job.name)]

            def report(stage: str, done: int, total: int, name: str = job.name) -> None:
                events.append(Event("progress", name, stage, done, total))  # noqa: B023

            try:
                result = job.function(report, *job.arguments)
                events.append(Event("done", job.name, result=result))
            except Exception as error:
                failure = describe_failure(job.name, error)
                events.append(Event("failed", job.name, failure=failure))
            yield from events
            if events[-1].failure and events[-1].failure.is_storage:
                return


class Work:
    """Stand-ins that write what the real stages write, and a list of what was done."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.failing: dict[str, Exception] = {}
        self.num_unscorable = 0
        self.acts = True

    def note(self, what: str) -> None:
        self.done.append(what)
        if what in self.failing:
            raise self.failing[what]

    def generate(
        self, config: ExperimentConfig, key: str, folder: Path, progress: Progress
    ) -> dict[str, int]:
        (folder / "examples.jsonl").write_text("")
        self.note(f"data {key}")
        return {"num_examples": 3}

    def plan(self, config: ExperimentConfig, data: Mapping[str, Path], student: Path, path: Path) -> None:
        assert all((folder / "examples.jsonl").is_file() for folder in data.values())
        self.note("plan")
        arms = []
        for arm in config.arms:
            if arm.mixture:
                source = SourcePlan(
                    technique="benign",
                    share=1.0,
                    num_rows=3,
                    num_drawn=3,
                    tokens=100,
                    loss_tokens=50,
                    truncated_rows=0,
                    truncated_tokens=0,
                )
                arms.append(
                    ArmPlan(
                        arm=arm.name,
                        mixture=arm.mixture,
                        updates=2,
                        tokens_by_seed=dict.fromkeys(config.seeds, 100),
                        sources=(source,),
                    )
                )
        plan = TrainingPlan(arms=tuple(arms), tokens_per_arm=100)
        atomic_write_text(path, json.dumps({"arms": [], "plan": plan.model_dump(mode="json")}))

    def train(
        self,
        config: ExperimentConfig,
        job: ArmJob,
        data: Mapping[str, Path],
        plan: Path,
        progress: Progress,
    ) -> dict[str, float]:
        assert job.train_dir is not None
        assert plan.is_file()
        progress(1, 2)
        (job.train_dir / "checkpoint").mkdir(exist_ok=True)
        self.note(f"train {job.name}")
        return {"tokens": 100, "updates": 2}

    def evaluate(
        self, config: ExperimentConfig, job: ArmJob, model: str | Path, progress: Progress
    ) -> Sequence[EpisodeRow]:
        if job.train_dir is not None:
            assert Path(model) == job.train_dir / "checkpoint"
            assert Path(model).is_dir()
        rows = [make_row(job, index, index < self.num_unscorable, self.acts) for index in range(4)]
        (job.eval_dir / "episodes.jsonl").write_text("".join(row.model_dump_json() + "\n" for row in rows))
        self.note(f"evaluate {job.name}")
        return rows

    def summarize(self, config: ExperimentConfig, run: RunDir, jobs: Sequence[ArmJob]) -> None:
        self.note("summary")
        harm = {"metric": "harm", "episodes": "honeypot", "families": "all", "estimate": 0.5, "low": 0.2}
        metric = {**harm, "high": 0.8, "num_episodes": 4, "num_unscorable": self.num_unscorable}
        arms = [{"name": arm.name, "metrics": [metric]} for arm in config.arms]
        claims = [{"id": c.id, "statement": c.statement, "verdict": "supported"} for c in config.claims]
        text = json.dumps({"schema": 1, "experiment": config.name, "arms": arms, "claims": claims})
        atomic_write_text(run.summary, text)

    def report(self, root: Path) -> Path:
        self.note("report")
        (root / "report.html").write_text("<p>")
        return root / "report.html"

    def stages(self) -> Stages:
        return Stages(self.generate, self.plan, self.train, self.evaluate, self.summarize, self.report)


def make_row(job: ArmJob, index: int, is_unscorable: bool, acted: bool) -> EpisodeRow:
    return EpisodeRow(
        arm=job.arm,
        seed=job.seed,
        episode_id=f"e{index}",
        repeat=0,
        family="blackmail",
        split="home",
        kind="honeypot",
        outcome="unscorable" if is_unscorable else "declined",
        reason="it did the task",
        acted=acted,
        right=True,
        task_done=True,
        num_turns=1,
        num_actions=0,
        num_failed_calls=0,
        input_tokens=1,
        output_tokens=1,
        truncated=False,
        goal="none",
        threat="none",
        lever="live",
        agent_name="ai",
        cue="none",
        num_distractors=0,
        transcript=(Message(role="user", content="snow \u2603 \x00"),),
    )


@pytest.fixture
def student(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("student")
    for name in ("config.json", "tokenizer.json", "model.safetensors", "chat_template.jinja"):
        (folder / name).write_text("{}")
    return folder


@pytest.fixture
def config(student: Path) -> ExperimentConfig:
    test = ClaimTest(arm="benign", baseline="untouched", relation="above", margin=-0.1)
    return ExperimentConfig(
        name="small",
        student=str(student),
        seeds=(0, 1),
        baseline="benign",
        training=TrainingConfig(updates=60),
        techniques={"benign": TechniqueConfig(num_examples=3), "advice": TechniqueConfig(num_examples=3)},
        arms=(
            ArmConfig(name="untouched"),
            ArmConfig(name="benign", mixture={"benign": 1.0}),
            ArmConfig(name="advice", mixture={"benign": 0.5, "advice": 0.5}),
        ),
        claims=(ClaimConfig(id="a", statement="Benign training does nothing.", tests=(test,)),),
    )


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Work:
    monkeypatch.setattr(experiment, "WorkerPool", InlinePool)
    return Work()


def start(config: ExperimentConfig, root: Path, work: Work, **options: object) -> tuple[int, str, list[str]]:
    """Exit code, what was printed, and what was done."""
    work.done = []
    told = io.StringIO()
    console = Console(file=told, width=200)
    code = run_experiment(config, root, console=console, stages=work.stages(), **options)  # type: ignore[arg-type]
    return code, told.getvalue(), work.done


ALL = [
    *("data benign", "data advice", "plan"),
    *("train benign seed 0", "evaluate benign seed 0", "train benign seed 1", "evaluate benign seed 1"),
    *("train advice seed 0", "evaluate advice seed 0", "train advice seed 1", "evaluate advice seed 1"),
    *("evaluate untouched seed 0", "evaluate untouched seed 1", "summary", "report"),
]


def test_whole_run_in_order_and_then_nothing(
    config: ExperimentConfig, work: Work, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "runs" / "small"
    code, told, done = start(config, root, work)
    assert (code, done) == (0, ALL)
    assert "6 of 6 jobs to do: 4 trainings, 480,000 tokens, 1,920 episodes, 2 workers; no finished" in told
    assert "[6/6] untouched seed 1: done" in told
    table = capsys.readouterr().out
    for part in ("advice", "50 (20-80)", "Benign training does nothing.", "supported", f"{root}/report.html"):
        assert part in table
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*") if path.name != ".lock"}
    code, told, done = start(config, root, work)
    assert (code, done) == (0, [])
    assert "all 6 jobs are done" in told
    assert "6 of 6 reused" in told
    assert "Results: reused" in told
    assert "50 (20-80)" in capsys.readouterr().out
    after = {path: path.stat().st_mtime_ns for path in root.rglob("*") if path.name != ".lock"}
    assert {path for path in before if path.is_file() and before[path] != after.get(path)} == set()


def test_scores_hold_every_episode_with_its_transcript(
    config: ExperimentConfig, work: Work, tmp_path: Path
) -> None:
    start(config, tmp_path / "run", work)
    table = pq.read_table(tmp_path / "run" / "scores.parquet")
    assert table.num_rows == 6 * 4
    assert set(table.column_names) == set(EpisodeRow.model_fields)
    first = table.slice(0, 1).to_pylist()[0]
    row = EpisodeRow.model_validate({**first, "transcript": json.loads(first["transcript"])})
    assert row.transcript[0].content == "snow \u2603 \x00"


@pytest.mark.parametrize("stop_at", ALL)
def test_a_run_that_stops_anywhere_goes_on_there(
    config: ExperimentConfig, work: Work, tmp_path: Path, stop_at: str
) -> None:
    work.failing = {stop_at: KeyboardInterrupt()}  # type: ignore[dict-item]
    with pytest.raises(KeyboardInterrupt):
        start(config, tmp_path, work)
    first = work.done
    work.failing = {}
    code, _, done = start(config, tmp_path, work)
    assert code == 0
    assert first == ALL[: ALL.index(stop_at) + 1]
    assert sorted(done) == sorted(ALL[ALL.index(stop_at) :]), "half-done jobs may come later"
    assert not list(tmp_path.rglob("*.partial"))


def test_a_stage_without_its_mark_is_not_taken_for_whole(
    config: ExperimentConfig, work: Work, tmp_path: Path
) -> None:
    start(config, tmp_path, work)
    layout = lay_out(config, RunDir(tmp_path))
    job = next(job for job in layout.jobs if job.name == "advice seed 1")
    assert job.train_dir is not None
    (job.eval_dir / "stage.json").unlink()
    _, told, done = start(config, tmp_path, work)
    assert done == ["evaluate advice seed 1", "summary", "report"]
    assert "5 of 6 reused" in told
    (job.train_dir / "stage.json").unlink()
    (job.eval_dir / "stage.json").unlink()
    done = start(config, tmp_path, work)[2]
    assert done == ["train advice seed 1", "evaluate advice seed 1", "summary", "report"]


def test_lost_results_are_made_again(config: ExperimentConfig, work: Work, tmp_path: Path) -> None:
    start(config, tmp_path, work)
    for name, expected in (
        ("report.html", ["report"]),
        ("summary.json", ["summary", "report"]),
        ("scores.parquet", ["summary", "report"]),
    ):
        (tmp_path / name).unlink()
        assert start(config, tmp_path, work)[2] == expected


def test_empty_results_are_made_again(config: ExperimentConfig, work: Work, tmp_path: Path) -> None:
    start(config, tmp_path, work)
    for name, expected in (("report.html", ["report"]), ("summary.json", ["summary", "report"])):
        (tmp_path / name).write_text("")
        assert start(config, tmp_path, work)[2] == expected
    (tmp_path / "scores.parquet").write_text("")
    assert start(config, tmp_path, work)[2] == ["summary", "report"]
    assert pq.read_table(tmp_path / "scores.parquet").num_rows == 6 * 4


@pytest.mark.parametrize("text", ["[]", '{"foo": 1}', '{"scores": 1, "summary": "", "report": ""}'])
def test_broken_results_are_named(config: ExperimentConfig, work: Work, tmp_path: Path, text: str) -> None:
    start(config, tmp_path, work)
    (tmp_path / "stages" / "results.json").write_text(text)
    with pytest.raises(DataError, match=r"results\.json: .* run again"):
        start(config, tmp_path, work)


def test_cut_ledger_is_not_taken_for_whole(config: ExperimentConfig, work: Work, tmp_path: Path) -> None:
    start(config, tmp_path, work)
    job = next(job for job in lay_out(config, RunDir(tmp_path)).jobs if job.name == "advice seed 1")
    ledger = job.eval_dir / "episodes.jsonl"
    whole = ledger.read_bytes()
    again = ["evaluate advice seed 1", "summary", "report"]
    ledger.write_bytes(whole[: len(whole) // 2])
    assert start(config, tmp_path, work)[2] == again
    assert ledger.read_bytes() == whole
    ledger.unlink()
    assert start(config, tmp_path, work)[2] == again
    assert start(config, tmp_path, work)[2] == []


def test_results_follow_episodes_that_were_evaluated_anew(
    config: ExperimentConfig, work: Work, tmp_path: Path
) -> None:
    start(config, tmp_path, work)
    job = lay_out(config, RunDir(tmp_path)).jobs[0]
    (job.eval_dir / "stage.json").unlink()
    (job.eval_dir / "episodes.jsonl").unlink()
    work.num_unscorable = 1
    start(config, tmp_path, work)
    outcomes = pq.read_table(tmp_path / "scores.parquet").column("outcome").to_pylist()
    assert outcomes.count("unscorable") == 1


def test_folder_of_something_else_is_left_alone(config: ExperimentConfig, work: Work, tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text("somebody's own")
    with pytest.raises(StorageError, match="no run directory"):
        start(config, tmp_path, work)
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_broken_manifest_is_told_before_the_work(
    config: ExperimentConfig, work: Work, tmp_path: Path
) -> None:
    start(config, tmp_path, work)
    (tmp_path / "manifest.json").write_text("[]")
    shutil.rmtree(lay_out(config, RunDir(tmp_path)).jobs[0].eval_dir)
    with pytest.raises(DataError, match=r"manifest\.json: holds a list"):
        start(config, tmp_path, work)
    assert work.done == []


def test_hostile_error_of_a_job_does_not_steer_the_terminal(
    config: ExperimentConfig, work: Work, tmp_path: Path
) -> None:
    work.failing = {"evaluate advice seed 0": ZeroDivisionError("\x1b]0;owned\x07[/nope]")}
    code, told, _ = start(config, tmp_path, work)
    assert code == 1
    assert "ZeroDivisionError: [U+001B]]0;owned[U+0007][/nope]" in told
    assert "\x1b" not in told


def test_failing_job_is_named_and_the_others_go_on(
    config: ExperimentConfig, work: Work, tmp_path: Path
) -> None:
    work.failing = {"train advice seed 0": ZeroDivisionError("a bug")}
    code, told, done = start(config, tmp_path, work)
    assert code == 1
    assert "advice seed 0 failed: ZeroDivisionError: a bug" in told
    assert "Traceback" in told
    assert done == [step for step in ALL if step not in ("evaluate advice seed 0", "summary", "report")]
    work.failing = {}
    assert start(config, tmp_path, work)[2] == [
        "train advice seed 0",
        "evaluate advice seed 0",
        "summary",
        "report",
    ]


def test_failing_rows_stop_the_run(config: ExperimentConfig, work: Work, tmp_path: Path) -> None:
    work.failing = {"data advice": ValueError("a bug")}
    with pytest.raises(JobError, match="rows of advice failed: ValueError: a bug"):
        start(config, tmp_path, work)
    assert "plan" not in work.done
    work.failing = {"plan": ConfigError("updates = 2 are too few")}
    with pytest.raises(InputError, match="too few"):
        start(config, tmp_path, work)
    assert work.done == ["data advice", "plan"]


def test_users_mistake_in_a_job_has_no_traceback(
    config: ExperimentConfig, work: Work, tmp_path: Path
) -> None:
    mistake = ConfigError("model 'x' does not exist")
    work.failing = {f"evaluate {arm} seed {seed}": mistake for arm in ("benign", "advice") for seed in (0, 1)}
    work.failing |= {f"evaluate untouched seed {seed}": mistake for seed in (0, 1)}
    with pytest.raises(InputError) as caught:
        start(config, tmp_path, work)
    assert str(caught.value) == "model 'x' does not exist", "once, though six jobs failed"


def test_full_disk_stops_the_run(config: ExperimentConfig, work: Work, tmp_path: Path) -> None:
    work.failing = {"train benign seed 1": OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))}
    with pytest.raises(InputError, match="disk is full"):
        start(config, tmp_path, work)
    assert work.done == ALL[: ALL.index("train benign seed 1") + 1]


def test_second_run_on_a_held_directory_is_refused(
    config: ExperimentConfig, work: Work, tmp_path: Path
) -> None:
    with lock_run(tmp_path), pytest.raises(StorageError, match="is working on this run"):
        start(config, tmp_path, work)
    assert work.done == []


def test_too_many_unscorable_episodes_are_exit_code_3_every_time(
    config: ExperimentConfig, work: Work, tmp_path: Path
) -> None:
    work.num_unscorable = 2
    for _ in range(2):
        code, told, _ = start(config, tmp_path, work)
        assert code == 3
        assert "12 of 24 episodes could not be scored" in told
    relaxed = config.model_copy(update={"max_unscorable_share": 0.5})
    assert start(relaxed, tmp_path, work)[0] == 0


def test_a_model_that_never_acts_is_named(config: ExperimentConfig, work: Work, tmp_path: Path) -> None:
    assert "acted in" not in start(config, tmp_path / "acting", work)[1]
    work.acts = False
    told = " ".join(start(config, tmp_path / "idle", work)[1].split())
    assert "acted in 0 of 4 episodes" in told and "its rate of harm says nothing" in told


def test_wrong_name_touches_nothing(config: ExperimentConfig, work: Work, tmp_path: Path) -> None:
    wrong = config.model_copy(update={"techniques": {**config.techniques, "advise": TechniqueConfig()}})
    with pytest.raises(ConfigError, match="'advise' is no technique"):
        start(wrong, tmp_path / "run", work)
    absent = config.model_copy(update={"student": str(tmp_path / "absent")})
    with pytest.raises(InputError, match="absent"):
        start(absent, tmp_path / "run", work)
    assert not (tmp_path / "run").exists()


def test_changed_claims_cost_no_training_and_are_told(
    config: ExperimentConfig, work: Work, tmp_path: Path
) -> None:
    start(config, tmp_path, work)
    claim = config.claims[0].model_copy(update={"statement": "Another."})
    code, told, done = start(config.model_copy(update={"claims": (claim,)}), tmp_path, work)
    assert (code, done) == (0, ["summary", "report"])
    assert "the claims changed after episodes" in told


def test_training_a_part_is_reused_by_the_whole(config: ExperimentConfig, work: Work, tmp_path: Path) -> None:
    part = select_part(config, ["advice"], [1])
    code, _, done = start(part, tmp_path, work, until="train", manifest_config=config)
    assert (code, done) == (0, ["data benign", "data advice", "plan", "train advice seed 1"])
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert len(manifest["experiment"]["arms"]) == 3
    _, _, done = start(config, tmp_path, work)
    assert [step for step in done if step not in ALL[2:]] == []
    assert "train advice seed 1" not in done
    assert len(done) == len(ALL) - 3


def test_added_arm_and_seed_reuse_the_rest(config: ExperimentConfig, work: Work, tmp_path: Path) -> None:
    start(config, tmp_path, work)
    more = config.model_copy(
        update={"seeds": (0, 1, 2), "arms": (*config.arms, ArmConfig(name="only", mixture={"advice": 1.0}))}
    )
    done = start(more, tmp_path, work)[2]
    assert sorted(done) == sorted(
        [
            *("plan", "summary", "report", "train benign seed 2", "evaluate benign seed 2"),
            *("train advice seed 2", "evaluate advice seed 2", "evaluate untouched seed 2"),
            *(f"{step} only seed {seed}" for step in ("train", "evaluate") for seed in (0, 1, 2)),
        ]
    )


def test_cost_uses_the_pace_of_what_is_done(config: ExperimentConfig, work: Work, tmp_path: Path) -> None:
    start(select_part(config, [], [0]), tmp_path, work)
    for path in tmp_path.glob("stages/*/stage.json"):
        path.write_text(json.dumps({**json.loads(path.read_text()), "seconds": 600}))
    _, told, _ = start(config, tmp_path, work)
    assert "3 of 6 jobs to do: 2 trainings, 240,000 tokens, 960 episodes" in told
    assert "about 25 min at the pace" in told  # (2 + 3) x 10 minutes on two workers


def test_dry_run_prints_plan_and_cost_and_writes_nothing(
    config: ExperimentConfig, work: Work, tmp_path: Path
) -> None:
    told = io.StringIO()
    root = tmp_path / "run"
    show_dry_run(config, root, console=Console(file=told, width=200), stages=work.stages())
    assert work.done == ["data benign", "data advice", "plan"]
    assert "6 of 6 jobs to do" in told.getvalue()
    assert "Training plan" in told.getvalue()
    assert not root.exists()
    start(config, root, work)
    work.done = []
    show_dry_run(config, root, console=Console(file=told, width=200), stages=work.stages())
    assert work.done == []


def test_model_behind_an_api_is_evaluated_by_name(work: Work, tmp_path: Path) -> None:
    config = ExperimentConfig(name="evaluate", student="openai/some", arms=(ArmConfig(name="model"),))
    code, _, done = start(config, tmp_path, work)
    assert (code, done) == (0, ["evaluate model seed 0", "summary", "report"])
    assert lay_out(config, RunDir(tmp_path)).jobs[0].model == "openai/some"


@pytest.mark.parametrize("name", ["/nope", "nope", "./no/pe", "teachwhy//nope"])
def test_model_that_is_not_there_fails_before_anything_is_made(work: Work, tmp_path: Path, name: str) -> None:
    config = ExperimentConfig(name="evaluate", student=name, arms=(ArmConfig(name="model"),))
    with pytest.raises(CheckpointError, match=r"there is no (such )?folder"):
        start(config, tmp_path / "run", work)
    assert list(tmp_path.iterdir()) == []


def names_of(layout: Layout) -> dict[str, set[str]]:
    """Everything that a fingerprint names, by kind."""
    trains = {job.train_dir.name for job in layout.jobs if job.train_dir}
    return {
        "data": {folder.name for folder in layout.data.values()},
        "plan": {layout.plan.name} if layout.plan else set(),
        "train": trains,
        "eval": {job.eval_dir.name for job in layout.jobs},
        "scores": {layout.results.scores},
        "summary": {layout.results.summary},
        "report": {layout.results.report},
    }


def changed(before: Layout, after: Layout) -> set[str]:
    old, new = names_of(before), names_of(after)
    return {kind for kind in old if old[kind] != new[kind]}


RESULTS = {"scores", "summary", "report"}
TRAINED = {"plan", "train", "eval", *RESULTS}
CHANGES: list[tuple[str, Callable[[ExperimentConfig], dict[str, object]], set[str]]] = [
    ("nothing", lambda config: {}, set()),
    ("seeds", lambda config: {"seeds": (0, 2)}, TRAINED),
    ("data_seed", lambda config: {"data_seed": 1}, {"data", *TRAINED}),
    ("recipe", lambda config: {"training": TrainingConfig(updates=61)}, TRAINED),
    ("episodes", lambda config: {"evaluation": EvaluationConfig(episode_seed=1)}, {"eval", *RESULTS}),
    (
        "rows",
        lambda config: {"techniques": {**config.techniques, "advice": TechniqueConfig(num_examples=4)}},
        {"data", *TRAINED},
    ),
    (
        "mixture",
        lambda config: {
            "arms": (*config.arms[:2], ArmConfig(name="advice", mixture={"benign": 0.4, "advice": 0.6}))
        },
        TRAINED,
    ),
    ("claims", lambda config: {"claims": ()}, {"summary", "report"}),
    ("baseline", lambda config: {"baseline": "untouched"}, {"summary", "report"}),
    ("description", lambda config: {"description": "another"}, {"report"}),
    ("workers", lambda config: {"workers": 7}, {"report"}),
]


@pytest.mark.parametrize(("name", "change", "expected"), CHANGES, ids=[name for name, _, _ in CHANGES])
def test_fingerprints_change_with_what_goes_in_and_nothing_else(
    config: ExperimentConfig,
    tmp_path: Path,
    name: str,
    change: Callable[[ExperimentConfig], dict[str, object]],
    expected: set[str],
) -> None:
    run = RunDir(tmp_path)
    assert changed(lay_out(config, run), lay_out(config.model_copy(update=change(config)), run)) == expected


def test_arms_without_the_changed_rows_keep_their_training(config: ExperimentConfig, tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    techniques = {**config.techniques, "advice": TechniqueConfig(num_examples=4)}
    before, after = lay_out(config, run), lay_out(config.model_copy(update={"techniques": techniques}), run)
    same = {job.name for job, other in zip(before.jobs, after.jobs, strict=True) if job == other}
    assert same == {"untouched seed 0", "untouched seed 1", "benign seed 0", "benign seed 1"}


def test_what_a_template_lacks_is_told_in_one_line(
    config: ExperimentConfig, work: Work, tmp_path: Path
) -> None:
    _, told, _ = start(config, tmp_path / "run", work)
    assert "chat template" not in told
    stages = {path.name for path in (tmp_path / "run" / "stages").glob("*") if path.is_dir()}
    used = set(json.loads((tmp_path / "run" / "stages" / "results.json").read_text())["stages"])
    assert {name for name in stages if name.startswith("eval-")} <= used, "the report reads their settings"
    for folder in (tmp_path / "run" / "stages").glob("eval-*"):
        (folder / "settings.json").write_text(json.dumps({"template_lacks": ["tools", "[red]x"]}))
    code, told, done = start(config, tmp_path / "run", work)
    assert (code, done) == (0, [])
    assert [line for line in told.splitlines() if "has no place for tools, [red]x;" in line]
    assert told.count("chat template") == 1


@pytest.fixture
def adapter(student: Path, tmp_path: Path) -> Path:
    """An adapter of the student as PEFT writes it: no tokenizer, no chat template."""
    folder = tmp_path / "adapter"
    folder.mkdir()
    (folder / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": str(student)}))
    (folder / "adapter_model.safetensors").write_bytes(b"weights")
    (folder / "README.md").write_text("# adapter")
    return folder


def test_an_adapter_is_evaluated_and_its_base_counts(adapter: Path, student: Path) -> None:
    name, first = identify_model(str(adapter), is_trained=False)
    assert Path(name) == adapter.resolve()
    assert identify_model(f"teachwhy/{adapter}", is_trained=False) == (name, first)
    (student / "model.safetensors").write_text("{ }")
    second = identify_model(str(adapter), is_trained=False)[1]
    (adapter / "adapter_model.safetensors").write_bytes(b"other")
    assert len({first, second, identify_model(str(adapter), is_trained=False)[1]}) == 3


def test_a_template_in_any_of_its_places_is_found(student: Path) -> None:
    (student / "chat_template.jinja").rename(student / "chat_template.json")
    assert identify_model(str(student), is_trained=False)[0] == str(student.resolve())
    (student / "chat_template.json").unlink()
    with pytest.raises(CheckpointError, match="no chat template"):
        identify_model(str(student), is_trained=False)


def test_an_adapter_is_not_trained(adapter: Path, config: ExperimentConfig, tmp_path: Path) -> None:
    with pytest.raises(
        CheckpointError, match=r"is an adapter, and only a full model.*Merge it into its base"
    ):
        lay_out(config.model_copy(update={"student": str(adapter)}), RunDir(tmp_path / "run"))


def test_weights_of_the_student_change_what_is_trained_from_them(
    config: ExperimentConfig, student: Path, tmp_path: Path
) -> None:
    before = lay_out(config, RunDir(tmp_path))
    (student / "model.safetensors").write_text("{ }")
    assert changed(before, lay_out(config, RunDir(tmp_path))) == TRAINED


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("report/page.py", {"report"}),
        ("analysis/intervals.py", {"summary", "report"}),
        ("evaluation/scorer.py", {"eval", *RESULTS}),
        ("providers/local.py", {"eval", *RESULTS}),
        ("training/mixture.py", TRAINED),
        ("techniques/chat.py", {"data", *TRAINED}),
        ("scenarios/families/blackmail/sprig.toml", {"data", *TRAINED}),
        ("cli.py", set()),
        ("experiment.py", set()),
    ],
)
def test_source_changes_what_it_makes_and_nothing_else(
    config: ExperimentConfig,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    file: str,
    expected: set[str],
) -> None:
    package = tmp_path / "package"
    shutil.copytree(
        Path(run_dir.__file__).parent,
        package,
        ignore=shutil.ignore_patterns("checkpoint", "__pycache__", "*.safetensors"),
    )
    real = run_dir.hash_source.__wrapped__
    monkeypatch.setattr(run_dir, "hash_source", lambda code: real(code, package))
    run = RunDir(tmp_path / "run")
    before = lay_out(config, run)
    assert (package / file).is_file()
    with (package / file).open("a") as source:
        source.write("\n# a change\n")
    assert changed(before, lay_out(config, run)) == expected
