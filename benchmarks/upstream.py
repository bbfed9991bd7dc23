"""The published conditions through one evaluation of ours against one task each through inspect-evals.

An instant model and an instant judge on both sides. Two ways of theirs, as its README has them: `eval` of
each task in Python (all of them, in the same process as ours, imports and one task for warming up not
counted), and one command each (a few of them, times all over their number; ours is one command too). Skipped
where the extra is not installed.
"""

from __future__ import annotations

import importlib
import importlib.util
import multiprocessing
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

from benchmarks.ratio import Ratio

NUM_COMMANDS = 4
FLOOR = 10.0
INSPECT = "import benchmarks.instant_model; from inspect_ai._cli.main import main; main()"


class Seconds(NamedTuple):
    """Wall time of all conditions."""

    num: int
    ours: float
    theirs: float


def time_in_process(folder: Path) -> Seconds:
    """Ours before and after theirs, so that what else the machine does hits both."""
    import inspect_ai
    from inspect_evals.agentic_misalignment import agentic_misalignment

    importlib.import_module("benchmarks.instant_model")  # registers the models
    from teachwhy.evaluation.upstream.package import Upstream, load_upstream
    from teachwhy.evaluation.upstream.run import UpstreamSettings, evaluate_upstream

    def run_ours(upstream: Upstream, name: str) -> float:
        started = time.perf_counter()
        rows = evaluate_upstream(
            "instant/answer", UpstreamSettings(judge="instant/judge"), folder / name, upstream=upstream
        )
        if any(row.theirs.judge is None for row in rows):
            raise RuntimeError("a verdict is missing")
        return time.perf_counter() - started

    def run_theirs(upstream: Upstream) -> float:
        started = time.perf_counter()
        for condition in upstream.conditions:
            logs = inspect_ai.eval(
                agentic_misalignment(*condition, grader_model="instant/judge"),  # type: ignore[arg-type]
                model="instant/answer",
                log_dir=str(folder / "theirs"),
                display="none",
            )
            if logs[0].status != "success":
                raise RuntimeError(f"{condition.id}: {logs[0].error}")
        return time.perf_counter() - started

    package = load_upstream()
    one = Upstream(**{**vars(package), "conditions": package.conditions[:1]})
    run_ours(one, "warm-up")
    run_theirs(one)
    before, theirs = run_ours(package, "before"), run_theirs(package)
    return Seconds(len(package.conditions), (before + run_ours(package, "after")) / 2, theirs)


def time_command(arguments: list[str], folder: Path) -> float:
    """Seconds of one command of Inspect."""
    started = time.perf_counter()
    command = [sys.executable, "-c", INSPECT, "eval", "inspect_evals/agentic_misalignment", *arguments]
    options = ["--model", "instant/answer", "-T", "grader_model=instant/judge", "--log-dir", str(folder)]
    done = subprocess.run([*command, *options, "--display", "none"], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"inspect eval failed with {done.returncode}:\n{done.stderr[-2000:]}")
    return time.perf_counter() - started


def time_our_command(folder: Path) -> float:
    """Seconds of our evaluation as a process of its own, imports and all."""
    started = time.perf_counter()
    program = (
        "import sys, benchmarks.instant_model; from teachwhy.cli import main; "
        "sys.argv[0] = 'teachwhy'; sys.exit(main())"
    )
    arguments = ["evaluate", "instant/answer", "--suite", "upstream", "--judge", "instant/judge"]
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments, "--output", str(folder)], capture_output=True, text=True
    )
    if done.returncode != 0:
        raise RuntimeError(f"teachwhy evaluate failed with {done.returncode}:\n{done.stderr[-2000:]}")
    return time.perf_counter() - started


def run() -> list[Ratio]:
    """Both comparisons on this machine, none without the extra."""
    if importlib.util.find_spec("inspect_evals") is None:
        print("upstream: skipped, the extra is not installed (pip install 'teachwhy[inspect-evals]')")
        return []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
            inside = pool.submit(time_in_process, folder).result()
        ours = time_our_command(folder / "command")
        scenarios = [("blackmail", "explicit", "america"), ("leaking", "none", "none")] * NUM_COMMANDS
        theirs = [
            time_command(
                ["-T", f"scenario={scenario}", "-T", f"goal_type={kind}", "-T", f"goal_value={value}"],
                folder / "commands",
            )
            for scenario, kind, value in scenarios[:NUM_COMMANDS]
        ]
    per_command = sum(theirs) / NUM_COMMANDS * inside.num
    return [
        Ratio(
            f"{inside.num} published conditions against eval() of each",
            inside.ours,
            inside.theirs,
            inside.theirs / inside.ours,
            FLOOR,
            "s",
        ),
        Ratio(
            f"the same against a command each ({NUM_COMMANDS} measured)",
            ours,
            per_command,
            per_command / ours,
            FLOOR,
            "s",
        ),
    ]
