"""What the workers of an experiment do: make rows, plan, train, evaluate, and put the results together.

Reads and writes stage folders (see run_dir.py). Each function is a job: it runs in a worker, tells how far
it is, and leaves either a whole stage or one that the next start goes on with. The heavy packages are
imported inside, so that a run that has nothing to do never loads them.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from teachwhy.config import ArmConfig, ExperimentConfig
from teachwhy.errors import DataError
from teachwhy.records import EpisodeRow, Example
from teachwhy.run_dir import (
    LEDGER,
    STAGE,
    RunDir,
    atomic_file,
    atomic_folder,
    atomic_write_text,
    finish_stage,
    has_content,
    is_whole,
    read_object,
)
from teachwhy.workers import Report

if TYPE_CHECKING:
    from teachwhy.training.plan import TrainingPlan

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class ArmJob:
    """Train one arm with one seed, where it trains, and evaluate it."""

    arm: str
    seed: int
    model: str
    """What is evaluated when there is nothing to train; else the student's folder."""
    train_dir: Path | None
    eval_dir: Path

    @property
    def name(self) -> str:
        return f"{self.arm} seed {self.seed}"


@dataclass(frozen=True)
class Results:
    """What results.json remembers of the files beside it: the fingerprints of what they were made from."""

    scores: str
    summary: str
    report: str
    stages: tuple[str, ...] = ()
    """Names of the plan's file and of the folders of training and evaluation that the report is about: others
    may lie beside them, from an earlier config or an earlier version."""


@dataclass(frozen=True)
class Stages:
    """The functions that do the work, in one place so that a test can give others (module-level ones)."""

    generate: Callable[[ExperimentConfig, str, Path, Progress], dict[str, int]]
    plan: Callable[[ExperimentConfig, Mapping[str, Path], Path, Path], None]
    train: Callable[[ExperimentConfig, ArmJob, Mapping[str, Path], Path, Progress], dict[str, float]]
    evaluate: Callable[[ExperimentConfig, ArmJob, str | Path, Progress], Sequence[EpisodeRow]]
    summarize: Callable[[ExperimentConfig, RunDir, Sequence[ArmJob]], None]
    report: Callable[[Path], Path]


def run_data_job(
    report: Report, stages: Stages, config: ExperimentConfig, folders: Mapping[str, Path]
) -> None:
    """Make the rows of some sections of [techniques], each as a whole stage folder."""
    total = sum(config.techniques[key].num_examples for key in folders)
    before = 0

    def tell(done: int, wanted: int) -> None:
        report("data", before + done, total)

    for key, folder in folders.items():
        started = time.monotonic()
        with atomic_folder(folder) as partial:
            counts = stages.generate(config, key, partial, tell)
            finish_stage(partial, technique=key, seconds=time.monotonic() - started, **counts)
        before += config.techniques[key].num_examples
    report("data", total, total)


def run_plan_job(
    report: Report,
    stages: Stages,
    config: ExperimentConfig,
    data: Mapping[str, Path],
    paths: tuple[Path, Path],
) -> None:
    """Plan the training of all arms; `paths` are the student and the file to write."""
    report("plan", 0, 1)
    stages.plan(config, data, *paths)
    report("plan", 1, 1)


def is_evaluated(stage: Path) -> bool:
    """Whether an evaluation is whole and no episode of it was lost, to its provider or to its ledger.

    The length of the ledger tells what was cut off after the stage was whole, without reading it.
    """
    if not is_whole(stage):
        return False
    counts = read_object(stage / STAGE)
    return not counts.get("num_lost", 0) and counts.get("ledger_bytes") == _count_ledger_bytes(stage)


def _count_ledger_bytes(stage: Path) -> int:
    ledger = stage / LEDGER
    return ledger.stat().st_size if ledger.is_file() else 0


def run_arm_job(
    report: Report,
    stages: Stages,
    config: ExperimentConfig,
    job: ArmJob,
    data: Mapping[str, Path],
    plan: Path,
    until: str,
) -> None:
    """Train and evaluate one arm and seed, whatever of it is not there yet."""
    model: str | Path = job.model
    if job.train_dir is not None:
        model = job.train_dir / "checkpoint"
        if not is_whole(job.train_dir):
            started = time.monotonic()
            job.train_dir.mkdir(exist_ok=True)
            counts = stages.train(config, job, data, plan, lambda done, total: report("train", done, total))
            finish_stage(job.train_dir, seconds=time.monotonic() - started, **counts)
    if until == "train" or is_evaluated(job.eval_dir):
        return
    from teachwhy.evaluation.ledger import is_lost

    started = time.monotonic()
    job.eval_dir.mkdir(exist_ok=True)
    (job.eval_dir / STAGE).unlink(missing_ok=True)
    rows = stages.evaluate(config, job, model, lambda done, total: report("evaluate", done, total))
    finish_stage(
        job.eval_dir,
        seconds=time.monotonic() - started,
        num_episodes=len(rows),
        num_unscorable=sum(not row.scored for row in rows),
        num_lost=sum(is_lost(row) for row in rows),
        num_acted=sum(row.acted for row in rows),
        ledger_bytes=_count_ledger_bytes(job.eval_dir),
    )


def run_results_job(
    report: Report,
    stages: Stages,
    config: ExperimentConfig,
    run_dir: RunDir,
    jobs: Sequence[ArmJob],
    wanted: Results,
) -> None:
    """Write scores.parquet, summary.json and the report, from the first that is out of date on."""
    have = read_results(run_dir)
    steps = 3
    if have.scores != wanted.scores or not has_content(run_dir.scores):
        report("scores", 0, steps)
        write_scores(run_dir.scores, jobs)
        have = _remember(run_dir, replace(wanted, summary="", report=""))
    if have.summary != wanted.summary or not has_content(run_dir.summary):
        report("summary", 1, steps)
        stages.summarize(config, run_dir, jobs)
        have = _remember(run_dir, replace(wanted, report=""))
    if have.report != wanted.report or not has_content(run_dir.report):
        report("report", 2, steps)
        stages.report(run_dir.root)
        _remember(run_dir, wanted)
    report("report", steps, steps)


def read_results(run_dir: RunDir) -> Results:
    """The fingerprints of the result files that are there; empty texts for those that are not."""
    if not run_dir.results.is_file():
        return Results("", "", "")
    content = read_object(run_dir.results, scores=str, summary=str, report=str, stages=list)
    return Results(content["scores"], content["summary"], content["report"], tuple(content["stages"]))


def _remember(run_dir: RunDir, results: Results) -> Results:
    atomic_write_text(run_dir.results, json.dumps(vars(results)) + "\n")
    return results


def write_scores(path: Path, jobs: Sequence[ArmJob]) -> None:
    """scores.parquet from the ledgers: one row an episode, columns as EpisodeRow, transcripts as JSON."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns: dict[str, list[Any]] = {name: [] for name in EpisodeRow.model_fields}
    for job in jobs:
        for row in read_job_rows(job):
            plain = row.model_dump(mode="json")
            plain["transcript"] = json.dumps(plain["transcript"])
            for name, values in columns.items():
                values.append(plain[name])
    with atomic_file(path) as partial:
        pq.write_table(pa.table(columns), partial, compression="zstd", row_group_size=2000)


def read_job_rows(job: ArmJob) -> list[EpisodeRow]:
    """The rows of a finished evaluation, sorted by kind, family, episode and repeat."""
    from teachwhy.evaluation.ledger import read_ledger

    rows, _ = read_ledger(job.eval_dir / LEDGER, arm=job.arm, seed=job.seed)
    return sorted(rows, key=lambda row: (row.kind, row.family, row.episode_id, row.repeat))


def generate_rows(config: ExperimentConfig, key: str, folder: Path, progress: Progress) -> dict[str, int]:
    """The rows of one section of [techniques], in a folder that is there."""
    from teachwhy.generation import make_stage

    return make_stage(
        config, key, folder, lambda accepted, rejected, wanted: progress(accepted, wanted)
    )._asdict()


def read_rows(data: Mapping[str, Path], keys: Sequence[str]) -> dict[str, list[Example]]:
    """The rows of some sections of [techniques]."""
    from teachwhy.techniques import read_examples

    return {key: read_examples(data[key] / "examples.jsonl") for key in keys}


def plan_arms(config: ExperimentConfig, data: Mapping[str, Path], student: Path, path: Path) -> None:
    """The training plan of all arms and seeds as plan-*.json: figures for readers, and the plan itself."""
    from teachwhy.training.plan import plan_training
    from teachwhy.training.train import load_tokenizer

    rows = read_rows(data, config.used_techniques())
    plan = plan_training(config.arms, rows, load_tokenizer(student), config.training, config.seeds)
    figures = [
        {
            "arm": arm.arm,
            "rows": sum(source.num_drawn for source in arm.sources),
            "tokens": arm.tokens,
            "loss_tokens": sum(source.loss_tokens for source in arm.sources),
            "updates": arm.updates,
            "truncated_tokens": arm.truncated_tokens,
        }
        for arm in plan.arms
    ]
    content = {"arms": figures, "plan": plan.model_dump(mode="json")}
    atomic_write_text(path, json.dumps(content, indent=1) + "\n")


def read_plan(path: Path) -> TrainingPlan:
    """The plan that `plan_arms` wrote. Raises DataError for any other file."""
    from teachwhy.training.plan import TrainingPlan

    content = read_object(path, plan=dict)
    try:
        return TrainingPlan.model_validate(content["plan"])
    except ValidationError as error:
        raise DataError(f"{path}: is no training plan ({error}). Delete it and run again.") from error


def train_one(
    config: ExperimentConfig, job: ArmJob, data: Mapping[str, Path], plan_file: Path, progress: Progress
) -> dict[str, float]:
    """Train an arm with a seed into its stage folder."""
    from teachwhy.training.train import train_arm

    assert job.train_dir is not None
    plan = read_plan(plan_file).arm(job.arm)
    rows = read_rows(data, list(plan.mixture))
    record = train_arm(Path(job.model), plan, rows, config.training, job.seed, job.train_dir, progress)
    return {"tokens": record.tokens, "updates": record.updates}


def evaluate_one(
    config: ExperimentConfig, job: ArmJob, model: str | Path, progress: Progress
) -> Sequence[EpisodeRow]:
    """Evaluate a model into its stage folder."""
    from teachwhy.evaluation.run import evaluate_model

    return evaluate_model(
        model,
        config.evaluation,
        job.eval_dir,
        arm=job.arm,
        seed=job.seed,
        progress=progress,
        dialect=config.dialect,
    )


def measure_sprig(
    checkpoint: str, out_dir: Path, page: Path, per_family: int, progress: Callable[[int, int], None]
) -> None:
    """Measure a sprig as an instrument and write its card (see `evaluation.instrument`)."""
    from teachwhy.evaluation.instrument import measure_instrument

    measure_instrument(checkpoint, out_dir, page, per_family=per_family, progress=progress)


def summarize_run(config: ExperimentConfig, run_dir: RunDir, jobs: Sequence[ArmJob]) -> None:
    """summary.json from scores.parquet."""
    from teachwhy.analysis.summary import ArmTraining, summarize, write_summary

    arms = [ArmTraining(**_training_of(arm, config, jobs)) for arm in config.arms]
    write_summary(summarize(run_dir.scores, arms, config), run_dir.summary)


def _training_of(arm: ArmConfig, config: ExperimentConfig, jobs: Sequence[ArmJob]) -> dict[str, Any]:
    """Seeds, tokens and updates of an arm (of its first seed: the plan matches the others)."""
    stage = next((job.train_dir for job in jobs if job.arm == arm.name and job.train_dir), None)
    counts = {"tokens": 0, "updates": 0}
    if stage:
        counts = read_object(stage / STAGE, tokens=(int, float), updates=(int, float))
    return {
        "name": arm.name,
        "seeds": config.seeds,
        "training_tokens": counts["tokens"],
        "updates": counts["updates"],
    }


def report_run(root: Path) -> Path:
    """The report of a run directory."""
    from teachwhy.report import write_report

    return write_report(root)


def report_suite(root: Path) -> Path | None:
    """The suite page of an evaluation's folder, or of a run that is one evaluation; None for any other."""
    from teachwhy.report.suite_page import is_evaluation, write_suite_page

    if is_evaluation(root):
        return write_suite_page(root)
    names = [name for name in read_results(RunDir(root)).stages if name.startswith("eval-")]
    folders = [folder for name in names if is_evaluation(folder := root / "stages" / Path(name).name)]
    return write_suite_page(folders[0]) if len(folders) == 1 else None


STAGES = Stages(generate_rows, plan_arms, train_one, evaluate_one, summarize_run, report_run)
"""The real ones."""
