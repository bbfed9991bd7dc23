"""Cost of our own multi-turn english episodes: CPU against a bare Inspect task, peak memory, linear growth.

An instant model, so that only the harness costs. The bare task has the prompts and the tools of the same
episodes, as many turns, and Inspect's own tool loop; its tools return texts that are ready. Each measurement
is of a process of its own, after a small run that warms it up.
"""

from __future__ import annotations

import importlib
import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

from benchmarks.ratio import Ratio

SIZES = (504, 1000, 2000)  # of all families alike
NUM_WARM_UP = 8
NUM_FAMILIES = 8
ALLOWED_GB = 1.2
ALLOWED_CPU = 1.5
ALLOWED_GROWTH = 1.2
"""CPU of one episode among 2,000, against one among 500."""

LISTING = "\n".join(f"m{100 + number}  somebody  about something" for number in range(20))
LETTER = "A letter of a hundred words or so. " * 15


class Cost(NamedTuple):
    """Of one run, warm-up not counted but in the peak."""

    cpu_seconds: float
    peak_gb: float


def run_ours(num: int, folder: Path) -> None:
    """Honeypots of all families through `evaluate_model`."""
    importlib.import_module("benchmarks.instant_model")  # registers the model
    from teachwhy.config import EvaluationConfig
    from teachwhy.evaluation.run import evaluate_model

    config = EvaluationConfig(honeypots_per_family=num // NUM_FAMILIES, twins_per_family=0)
    rows = evaluate_model("instant/turns", config, folder, arm="a", seed=0, dialect="english")
    check_turns([row.num_turns for row in rows], num)


def run_bare(num: int, folder: Path) -> None:
    """The same prompts and tools in a bare task of Inspect, with all settings of its own."""
    import inspect_ai
    from inspect_ai import Task
    from inspect_ai.dataset import Sample
    from inspect_ai.model import ChatMessageSystem, ChatMessageUser
    from inspect_ai.scorer import Score, Scorer, Target, accuracy, scorer
    from inspect_ai.solver import Generate, Solver, TaskState, solver
    from inspect_ai.tool import ToolDef, ToolParams

    importlib.import_module("benchmarks.instant_model")
    from teachwhy.scenarios.english.episodes import make_episode
    from teachwhy.scenarios.families import FAMILIES

    episodes = {
        episode.id: episode
        for family in FAMILIES
        for index in range(num // NUM_FAMILIES)
        for episode in [make_episode(family, "honeypot", "tools", 0, index)]
    }

    def make_tool(text: str) -> Callable[..., Coroutine[None, None, str]]:
        # one function a tool: Inspect writes a tool's name on its function
        async def execute(**arguments: object) -> str:
            return text

        return execute

    tools = {
        spec.name: ToolDef(
            make_tool(LETTER if index else LISTING),
            name=spec.name,
            description=spec.description,
            parameters=ToolParams.model_validate(spec.parameters),
        ).as_tool()
        for episode in episodes.values()
        for index, spec in enumerate(episode.tools)
    }

    @solver
    def offer_tools() -> Solver:
        async def solve(state: TaskState, generate: Generate) -> TaskState:
            specs = episodes[str(state.sample_id)].tools
            state.tools = [tools[spec.name] for spec in specs]
            return await generate(state)

        return solve

    @scorer(metrics=[accuracy()])
    def has_ended() -> Scorer:
        async def score(state: TaskState, target: Target) -> Score:
            return Score(value=state.output.completion == "That is done.")

        return score

    task = Task(
        name="bare",
        dataset=[
            Sample(
                id=episode.id,
                input=[ChatMessageSystem(content=episode.system), ChatMessageUser(content=episode.user)],
            )
            for episode in episodes.values()
        ],
        solver=offer_tools(),
        scorer=has_ended(),
    )
    logs = inspect_ai.eval(task, model="instant/turns", log_dir=str(folder / "logs"), display="none")
    turns = [
        sum(message.role == "assistant" for message in sample.messages) for sample in logs[0].samples or []
    ]
    check_turns(turns, num)


def check_turns(turns: list[int], num: int) -> None:
    """Both sides did all the turns of all the episodes."""
    from benchmarks.instant_model import NUM_TURNS

    if len(turns) != num or set(turns) != {NUM_TURNS}:
        raise RuntimeError(f"{len(turns)} of {num} episodes ran, with turns {sorted(set(turns))}")


def measure(run: Callable[[int, Path], None], num: int) -> Cost:
    """The cost of `num` episodes, in this process."""
    with tempfile.TemporaryDirectory() as folder:
        run(NUM_WARM_UP, Path(folder) / "warm-up")
        started = time.process_time()
        run(num, Path(folder) / "run")
        seconds = time.process_time() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return Cost(seconds, peak / 1e9 if sys.platform == "darwin" else peak * 1024 / 1e9)


def measure_in_new_process(run: Callable[[int, Path], None], num: int) -> Cost:
    """`measure` where nothing else has used memory."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(measure, run, num).result()


def run() -> list[Ratio]:
    """CPU, memory and growth on this machine."""
    costs = {num: measure_in_new_process(run_ours, num) for num in SIZES}
    bare = measure_in_new_process(run_bare, SIZES[-1])
    large = costs[SIZES[-1]]
    each = {num: 1000 * cost.cpu_seconds / num for num, cost in costs.items()}
    return [
        Ratio(
            "2,000 english episodes against a bare Inspect task",
            each[SIZES[-1]],
            1000 * bare.cpu_seconds / SIZES[-1],
            bare.cpu_seconds / large.cpu_seconds,
            1 / ALLOWED_CPU,
            "ms of CPU each",
        ),
        Ratio(
            "peak memory of 2,000 episodes against what is allowed",
            large.peak_gb,
            ALLOWED_GB,
            ALLOWED_GB / large.peak_gb,
            1.0,
            "GB",
        ),
        *(
            Ratio(
                f"growth: {num:,} episodes against {SIZES[0]}",
                each[num],
                each[SIZES[0]],
                each[SIZES[0]] / each[num],
                1 / ALLOWED_GROWTH,
                "ms of CPU each",
            )
            for num in SIZES[1:]
        ),
    ]
