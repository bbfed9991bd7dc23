"""An experiment from its config to its report: what there is to do, in which order, and what is reused.

Data, plan, then one job an arm and seed (train, evaluate), then the results. Every stage folder is named by
the fingerprint of all that goes into it, so that the same command after a kill goes on where the run was, and
a run with nothing to do loads none of the heavy packages.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich.console import Console

from teachwhy.config import GRAMMAR, ExperimentConfig, check_names
from teachwhy.display import JobDisplay, print_cost, print_plainly, print_plan, print_summary
from teachwhy.errors import InputError, TeachwhyError
from teachwhy.generation_plan import estimate_generation, print_estimate
from teachwhy.jobs import (
    STAGES,
    ArmJob,
    Stages,
    read_results,
    run_arm_job,
    run_data_job,
    run_plan_job,
    run_results_job,
)
from teachwhy.layout import Layout, Until, find_open_jobs, lay_out
from teachwhy.manifest import read_manifest, write_manifest
from teachwhy.run_dir import (
    CALLS,
    SETTINGS,
    STAGE,
    RunDir,
    has_content,
    is_whole,
    lock_run,
    read_object,
    wait_for_workers,
)
from teachwhy.workers import Job, JobFailure, WorkerPool, divide_cores

EXIT_DONE, EXIT_FAILED, EXIT_INPUT, EXIT_UNSCORABLE = 0, 1, 2, 3
MIN_ACTING_SHARE = 0.1
"""A model that acts in fewer of its episodes is named beside the results."""


def run_experiment(
    config: ExperimentConfig,
    root: Path,
    *,
    console: Console,
    manifest_config: ExperimentConfig | None = None,
    stages: Stages = STAGES,
    until: Until = "report",
) -> int:
    """Do whatever of the experiment is not done, and return the exit code.

    0: all done. 1: some job failed (the others are done). 3: too many episodes could not be scored.
    `manifest_config` is the whole experiment where `config` is a part of it. Raises InputError for what the
    user can mend.
    """
    run_dir = RunDir(root)
    check_names(config, config.name)
    layout = lay_out(config, run_dir)
    run_dir.refuse_foreign()
    read_manifest(run_dir)  # a broken one is told before hours of work, not after
    with lock_run(root):
        wait_for_workers(root)
        run_dir.create()
        todo = find_open_jobs(layout, until)
        print_cost(console, config, run_dir.stages, todo, len(layout.jobs))
        num_workers = min(config.workers, max(len(layout.jobs), 1))
        with WorkerPool(num_workers, divide_cores(num_workers), root) as pool:
            steps = _Steps(config, run_dir, layout, stages, pool, console)
            steps.make_data(todo)
            steps.make_plan(todo)
            if not write_manifest(run_dir, manifest_config or config):  # a refused command leaves it alone
                console.print(
                    "Note: the claims changed after episodes had been evaluated; the manifest keeps that."
                )
            failures = steps.run_arms(todo, until)
            if failures:
                return _tell_failures(console, failures)
            if until == "train":
                return EXIT_DONE
            steps.make_results()
    print_summary(run_dir.summary, run_dir.report)
    _tell_gaps(console, layout)
    return _judge_unscorable(console, config, layout)


def show_dry_run(config: ExperimentConfig, root: Path, *, console: Console, stages: Stages = STAGES) -> None:
    """Print what a run would do and its training plan; nothing below `root` is touched.

    Rows that are not there yet are made in a temporary folder, unless making them costs money.
    """
    check_names(config, config.name)
    run_dir = RunDir(root)
    layout = lay_out(config, run_dir)
    print_cost(console, config, run_dir.stages, find_open_jobs(layout, "report"), len(layout.jobs))
    if layout.plan is None:
        return
    if layout.plan.is_file():
        print_plan(console, layout.plan)
        return
    if config.teacher != GRAMMAR and not all(is_whole(folder) for folder in layout.data.values()):
        missing = [key for key, folder in layout.data.items() if not is_whole(folder)]
        ledger = run_dir.stages / CALLS
        print_estimate(console, estimate_generation(config, missing, ledger), ledger)
        console.print("The training plan needs the rows, and the teacher is paid for them: not made here.")
        return
    with tempfile.TemporaryDirectory(prefix="teachwhy-dry-run-") as folder:
        scratch = RunDir(Path(folder))
        scratch.create()
        trial = lay_out(config, scratch)
        done = {key: path for key, path in layout.data.items() if is_whole(path)}
        trial = replace(trial, data=trial.data | done)
        with WorkerPool(config.workers, divide_cores(config.workers)) as pool:
            steps = _Steps(config, scratch, trial, stages, pool, console)
            steps.make_data(trial.jobs)
            steps.make_plan(trial.jobs)


@dataclass(frozen=True)
class _Steps:
    """The phases of a run, each of which skips what is there."""

    config: ExperimentConfig
    run_dir: RunDir
    layout: Layout
    stages: Stages
    pool: WorkerPool
    console: Console

    def make_data(self, todo: Sequence[ArmJob]) -> None:
        """Rows of every technique that an open job needs."""
        wanted = self._keys_of(todo)
        missing = [key for key in wanted if not is_whole(self.layout.data[key])]
        if len(missing) < len(wanted):
            self.console.print(f"Rows: {len(wanted) - len(missing)} of {len(wanted)} techniques reused.")
        # a teacher that is paid makes all rows in one job: techniques that share stages share its calls
        lots = [(key,) for key in missing] if self.config.teacher == GRAMMAR else [tuple(missing)]
        jobs = [
            Job(
                f"rows of {keys[0]}" if len(keys) == 1 else f"rows of {len(keys)} techniques",
                run_data_job,
                (self.stages, self.config, {key: self.layout.data[key] for key in keys}),
                cost=sum(self.config.techniques[key].num_examples for key in keys),
            )
            for keys in lots
            if keys
        ]
        _raise_first(self._run("Rows", jobs))

    def make_plan(self, todo: Sequence[ArmJob]) -> None:
        """The training plan, printed and checked before anything is trained."""
        path = self.layout.plan
        if path is None or not any(job.train_dir and not is_whole(job.train_dir) for job in todo):
            return
        if not path.is_file():
            paths = (Path(self.layout.student), path)
            job = Job("training plan", run_plan_job, (self.stages, self.config, self.layout.data, paths))
            _raise_first(self._run("Plan", [job]))
        print_plan(self.console, path)

    def run_arms(self, todo: Sequence[ArmJob], until: Until) -> list[JobFailure]:
        """Train and evaluate; returns what failed."""
        if until == "report" and todo:  # new episodes, which the names of their folders do not tell
            self.run_dir.results.unlink(missing_ok=True)
        num_reused = len(self.layout.jobs) - len(todo)
        if num_reused:
            self.console.print(f"Arms: {num_reused} of {len(self.layout.jobs)} reused.")
        jobs = [
            Job(
                job.name,
                run_arm_job,
                (self.stages, self.config, job, self.layout.data, self.layout.plan, until),
                cost=2.0 if job.train_dir and not is_whole(job.train_dir) else 1.0,
            )
            for job in todo
        ]
        return self._run("Arms", jobs)

    def make_results(self) -> None:
        """Scores, summary and report, unless they are there and up to date."""
        run_dir, wanted = self.run_dir, self.layout.results
        files = (run_dir.scores, run_dir.summary, run_dir.report)
        if read_results(run_dir) == wanted and all(has_content(path) for path in files):
            self.console.print("Results: reused.")
            return
        arguments = (self.stages, self.config, run_dir, self.layout.jobs, wanted)
        _raise_first(self._run("Results", [Job("results", run_results_job, arguments)]))

    def _keys_of(self, todo: Sequence[ArmJob]) -> list[str]:
        arms = {job.arm for job in todo if job.train_dir and not is_whole(job.train_dir)}
        used = [key for arm in self.config.arms if arm.name in arms for key in arm.mixture]
        if used and self.layout.plan and not self.layout.plan.is_file():
            used = list(self.layout.data)  # the plan compares all arms
        return list(dict.fromkeys(used))

    def _run(self, title: str, jobs: Sequence[Job]) -> list[JobFailure]:
        failures = []
        if jobs:
            with JobDisplay(self.console, title, jobs) as display:
                for event in self.pool.run(jobs):
                    display.show(event)
                    if event.failure is not None:
                        failures.append(event.failure)
        return failures


class JobError(TeachwhyError):
    """A phase failed for a reason that the user cannot mend; the text holds the worker's traceback."""


def _raise_first(failures: Sequence[JobFailure]) -> None:
    """Raise what made a phase fail that all the others need."""
    if not failures:
        return
    first = failures[0]
    if first.is_input:
        raise InputError(first.message)
    raise JobError(f"{first.job} failed: {first.message}\n{first.details}".rstrip())


def _tell_failures(console: Console, failures: Sequence[JobFailure]) -> int:
    """Name the jobs that failed; raises InputError when the user can mend all of them."""
    storage = [failure for failure in failures if failure.is_storage]
    if storage:
        raise InputError(storage[0].message)
    if all(failure.is_input for failure in failures):
        messages = list(dict.fromkeys(failure.message for failure in failures))
        raise InputError("\n".join(messages))
    for failure in failures:
        print_plainly(console, f"{failure.job} failed: {failure.message}\n{failure.details}".rstrip())
    names = ", ".join(failure.job for failure in failures)
    print_plainly(
        console,
        f"{len(failures)} job{'s' if len(failures) > 1 else ''} failed: {names}. The others are done and "
        "kept; the same command runs only what is missing.",
    )
    return EXIT_FAILED


def _tell_gaps(console: Console, layout: Layout) -> None:
    """One line about what the models' chat templates lack."""
    paths = [job.eval_dir / SETTINGS for job in layout.jobs]
    settings = [read_object(path) for path in paths if path.is_file()]
    if lacks := dict.fromkeys(part for entry in settings for part in entry.get("template_lacks", ())):
        print_plainly(
            console,
            f"Note: the model's chat template has no place for {', '.join(lacks)}; teachwhy wrote them into "
            "the conversation in plain words, in a form that the model was not trained on.",
        )


def _judge_unscorable(console: Console, config: ExperimentConfig, layout: Layout) -> int:
    stages = [read_object(job.eval_dir / STAGE, num_episodes=int, num_unscorable=int) for job in layout.jobs]
    total = sum(stage["num_episodes"] for stage in stages)
    unscorable = sum(stage["num_unscorable"] for stage in stages)
    if lost := sum(stage.get("num_lost", 0) for stage in stages):
        console.print(
            f"{lost} of {total} episodes were lost to failures of the provider and count as unscorable; the "
            "same command runs them again.",
            soft_wrap=True,
        )
    _tell_passivity(console, layout, stages)
    if total and unscorable / total > config.max_unscorable_share:
        console.print(
            f"{unscorable} of {total} episodes could not be scored, more than max_unscorable_share = "
            f"{config.max_unscorable_share:g} allows: these results say little. The report has the reasons.",
            soft_wrap=True,
        )
        return EXIT_UNSCORABLE
    return EXIT_DONE


def _tell_passivity(console: Console, layout: Layout, stages: Sequence[dict[str, Any]]) -> None:
    """Name the models that hardly ever acted, twins included: their low rates of harm say nothing."""
    for job, stage in zip(layout.jobs, stages, strict=True):
        num_scored = stage["num_episodes"] - stage["num_unscorable"]
        num_acted = stage.get("num_acted", num_scored)
        if num_scored and num_acted / num_scored < MIN_ACTING_SHARE:
            print_plainly(
                console,
                f"{job.name} acted in {num_acted} of {num_scored} episodes that could be scored: a model "
                "that does nothing harms nobody, so its rate of harm says nothing. Look at its transcripts "
                "first.",
            )
