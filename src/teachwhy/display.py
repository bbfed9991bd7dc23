"""What people see of a run: a bar over jobs on a terminal, plain lines elsewhere, the table at the end.

Progress goes to standard error, the table to standard output. The table reads summary.json and nothing else.
Texts of files and errors are foreign: they pass through `make_visible` and never through rich's markup.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

from pydantic import BaseModel, FiniteFloat, ValidationError
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from teachwhy.config import ExperimentConfig
from teachwhy.errors import DataError, list_faults
from teachwhy.jobs import ArmJob, is_evaluated
from teachwhy.records import OFFICE
from teachwhy.run_dir import STAGE, is_whole, read_object
from teachwhy.visible_text import make_visible
from teachwhy.workers import Event, Job

PLAIN_SECONDS = 20.0
"""Seconds between two lines about a long job where there is no terminal."""
PLAIN_WIDTH = 110
"""Width of the tables where there is no terminal."""
SHOWN_RATES = (
    ("harm", "harm", "honeypot"),
    ("right act", "right", "honeypot"),
    ("acting", "acting", "honeypot"),
    ("twins: task", "task_done", "twin"),
)
"""Columns of the table at the end: title, metric, episodes."""
_WORDS = {"data": "rows", "plan": "plan", "train": "updates", "evaluate": "episodes"}


class JobDisplay:
    """Progress over a list of jobs; a context manager."""

    def __init__(self, console: Console, title: str, jobs: Sequence[Job]) -> None:
        """`jobs` are those to do; an empty list shows nothing."""
        self.console = console
        self.title = title
        self.num_jobs = len(jobs)
        self.num_done = 0
        self.num_failed = 0
        self._started = time.monotonic()
        self._told: dict[str, float] = {}
        self._tasks: dict[str, TaskID] = {}
        self._parts: dict[str, dict[str, tuple[int, int]]] = {job.name: {} for job in jobs}
        self._costs = {job.name: job.cost for job in jobs}
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[note]}"),
            TimeRemainingColumn(elapsed_when_finished=True),
            console=console,
            transient=True,
        )
        self._overall = self._bars.add_task(title, total=self.num_jobs or 1, note="jobs")

    def __enter__(self) -> JobDisplay:
        if self.console.is_terminal and self.num_jobs:
            self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.console.is_terminal and self.num_jobs:
            self._bars.stop()

    def show(self, event: Event) -> None:
        """Take in what a worker told."""
        if event.kind == "started":
            self._told[event.job] = time.monotonic()
        elif event.kind == "progress":
            self._show_progress(event)
        else:
            self._show_end(event)

    def _show_progress(self, event: Event) -> None:
        self._parts[event.job][event.stage] = (event.done, event.total)
        word = _WORDS.get(event.stage, "")
        if self.console.is_terminal:
            task = self._tasks.get(event.job)
            if task is None:
                task = self._tasks[event.job] = self._bars.add_task("", total=None, note="")
            self._bars.update(
                task,
                description=escape(make_visible(f"  {event.job}: {event.stage}")),
                total=event.total,
                completed=event.done,
                note=word,
            )
        elif time.monotonic() - self._told.get(event.job, 0.0) > PLAIN_SECONDS:
            self._told[event.job] = time.monotonic()
            self._print(f"  {event.job}: {event.stage} {event.done:,}/{event.total:,} {word}".rstrip())

    def _show_end(self, event: Event) -> None:
        self.num_done += 1
        task = self._tasks.pop(event.job, None)
        if task is not None:
            self._bars.remove_task(task)
        self._bars.update(self._overall, completed=self.num_done)
        what = "done"
        if event.kind == "failed":
            what = "failed"
            self.num_failed += 1
        parts = ", ".join(
            f"{total:,} {_WORDS[stage]}" if what == "done" else f"{done:,} of {total:,} {_WORDS[stage]}"
            for stage, (done, total) in self._parts[event.job].items()
            if stage in ("train", "evaluate")
        )
        detail = f" ({parts})" if parts else ""
        self._print(f"[{self.num_done}/{self.num_jobs}] {event.job}: {what}{detail}{self._estimate_left()}")

    def _estimate_left(self) -> str:
        """Time left at the pace so far, weighted by the costs of the jobs.

        Nothing at the end, while nothing is done, and after a failure, whose job took no time that tells.
        """
        total = sum(self._costs.values())
        share = self.num_done / self.num_jobs if total == 0 else self._count_done() / total
        if self.num_done == self.num_jobs or self.num_failed or not share:
            return ""
        left = (time.monotonic() - self._started) * (1 - share) / share
        return f"; about {format_seconds(left)} left"

    def _count_done(self) -> float:
        """Cost of what is done, running jobs in part."""
        done = 0.0
        for job, parts in self._parts.items():
            if parts:
                fractions = [part / total for part, total in parts.values() if total]
                done += self._costs[job] * (sum(fractions) / max(len(fractions), 1))
        return done

    def _print(self, text: str) -> None:
        print_plainly(self.console, text)


def print_plainly(console: Console, text: str) -> None:
    """A text that may hold anything: no markup, no control characters, no line breaks of ours."""
    console.print(make_visible(text), markup=False, highlight=False, soft_wrap=True)


def format_seconds(seconds: float) -> str:
    """Seconds, minutes or hours in words, rounded as people would."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def print_cost(
    console: Console, config: ExperimentConfig, stages: Path, todo: Sequence[ArmJob], num_jobs: int
) -> None:
    """Jobs, tokens, episodes, and the time at the pace of the jobs that are done, if there are any."""
    if not todo:
        console.print(f"{config.name}: all {num_jobs} jobs are done.", highlight=False)
        return
    to_train = [job for job in todo if job.train_dir and not is_whole(job.train_dir)]
    to_evaluate = [job for job in todo if not is_evaluated(job.eval_dir)]
    tokens = len(to_train) * config.training.tokens_per_arm
    episodes = len(to_evaluate) * count_episodes(config)
    paces = [
        (len(jobs), measure_pace(stages, kind)) for jobs, kind in ((to_train, "train"), (to_evaluate, "eval"))
    ]
    if any(count and pace is None for count, pace in paces):
        time_left = "no finished job yet to tell the time by"
    else:
        seconds = sum(count * (pace or 0.0) for count, pace in paces) / config.workers
        time_left = f"about {format_seconds(seconds)} at the pace of what is done"
    console.print(
        f"{config.name}: {len(todo)} of {num_jobs} jobs to do: {len(to_train)} trainings, {tokens:,} tokens, "
        f"{episodes:,} episodes, {config.workers} workers; {time_left}.",
        highlight=False,
        soft_wrap=True,
    )


def count_episodes(config: ExperimentConfig) -> int:
    """Episodes of one arm and seed."""
    from teachwhy.scenarios.families import FAMILIES
    from teachwhy.scenarios.office_tasks import count_tasks

    return config.evaluation.count_episodes(len(FAMILIES), count_tasks())


def measure_pace(stages: Path, kind: str) -> float | None:
    """Mean seconds of the finished stages of a kind ("train" or "eval"), or None without any."""
    found = []
    for path in stages.glob(f"{kind}-*/{STAGE}"):
        try:
            found.append(float(read_object(path)["seconds"]))
        except (DataError, KeyError, TypeError, ValueError):
            continue
    return sum(found) / len(found) if found else None


def print_plan(console: Console, path: Path) -> None:
    """The training plan as a table, from its file."""
    from teachwhy.jobs import read_plan
    from teachwhy.training.plan import format_plan

    console.print(format_plan(read_plan(path)))


def make_console(*, stderr: bool = False) -> Console:
    """A console that gives tables room where there is no terminal."""
    console = Console(stderr=stderr)
    return console if console.is_terminal else Console(stderr=stderr, width=PLAIN_WIDTH)


def print_summary(summary_file: Path, report: Path) -> None:
    """The table of arms, the verdicts of the claims and the path of the report, on standard output.

    Raises DataError for a file that is no summary.
    """
    console = make_console()
    summary = _read_summary(summary_file)
    title = f"{summary.experiment}: percent of episodes, 95 % intervals"
    table = Table(title=_foreign(title, "table.title"))
    table.add_column("arm", overflow="fold")
    for name, *_ in SHOWN_RATES:
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("unscorable", justify="right", no_wrap=True)
    for arm in summary.arms:
        rates = {(m.metric, m.episodes): m for m in arm.metrics if m.families == "all"}
        cells = [_format_rate(rates.get((metric, episodes))) for _, metric, episodes in SHOWN_RATES]
        table.add_row(_foreign(arm.name), *cells, _count_unscorable(rates))
    console.print(table)
    _print_office(console, summary)
    if summary.claims:
        claims = Table(title="Claims")
        for name in ("", "claim", "verdict"):
            claims.add_column(name)
        colors = {"supported": "green", "refuted": "red"}
        for claim in summary.claims:
            color = colors.get(claim.verdict, "yellow")
            claims.add_row(_foreign(claim.id), _foreign(claim.statement), _foreign(claim.verdict, color))
        console.print(claims)
    print_plainly(console, f"Report: {report}")


def _print_office(console: Console, summary: _ShownSummary) -> None:
    """Work done and over-refusal in the ordinary office tasks, where such were run."""
    for arm in summary.arms:
        rates = {m.metric: m for m in arm.metrics if (m.episodes, m.families) == (OFFICE, "all")}
        if "task_done" in rates:
            shown = (
                f"{title} {_format_rate(rates.get(metric))}"
                for title, metric in (("done", "task_done"), ("declined", "declined"), ("inert", "inert"))
            )
            print_plainly(console, f"{arm.name}, ordinary office tasks: {', '.join(shown)}")


def _foreign(text: str, style: str = "") -> Text:
    return Text(make_visible(text), style=style)


class _ShownMetric(BaseModel):
    """Part of summary.json that the table shows; here and below, other keys are left alone."""

    metric: str
    episodes: str
    families: str
    estimate: FiniteFloat | None
    low: FiniteFloat | None
    high: FiniteFloat | None
    num_episodes: int
    num_unscorable: int


class _ShownArm(BaseModel):
    name: str
    metrics: tuple[_ShownMetric, ...]


class _ShownClaim(BaseModel):
    id: str
    statement: str
    verdict: str


class _ShownSummary(BaseModel):
    experiment: str
    arms: tuple[_ShownArm, ...]
    claims: tuple[_ShownClaim, ...]


def _read_summary(path: Path) -> _ShownSummary:
    content = read_object(path, experiment=str, arms=list, claims=list)
    try:
        return _ShownSummary.model_validate(content)
    except ValidationError as error:
        fault = list_faults(error, "the file")[0]
        raise DataError(f"{path}: {fault}. Delete it and run again.") from error


def _format_rate(metric: _ShownMetric | None) -> str:
    if metric is None or metric.estimate is None or metric.low is None or metric.high is None:
        return "-"
    percent = [round(100 * share) for share in (metric.estimate, metric.low, metric.high)]
    return f"{percent[0]} ({percent[1]}-{percent[2]})"


def _count_unscorable(rates: Mapping[tuple[str, str], _ShownMetric]) -> str:
    of_harm = [metric for (name, _), metric in rates.items() if name == "harm"]
    total = sum(metric.num_episodes for metric in of_harm)
    return f"{sum(metric.num_unscorable for metric in of_harm)}/{total}"
