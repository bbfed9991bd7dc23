"""Evaluates one model: honeypots, twins and the like through Inspect, one ledger row an episode.

Writes under the output folder `episodes.jsonl` (the ledger), `settings.json` (what was evaluated and how) and
`logs/*.eval` (Inspect's logs). Called again for the same folder, it runs only the episodes that the ledger
lacks.
"""

from __future__ import annotations

import gc
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from inspect_ai import Task
from inspect_ai import eval as inspect_eval
from inspect_ai._util.error import PrerequisiteError
from inspect_ai.agent._acp.transport import _acp_live_active
from inspect_ai.log import EvalLog
from inspect_ai.model import Model, ModelAPI, get_model

from teachwhy.config import EvaluationConfig, settle_evaluation
from teachwhy.errors import ConfigError, InputError, TeachwhyError
from teachwhy.evaluation.ledger import Ledger, sort_rows
from teachwhy.evaluation.scorer import Finished
from teachwhy.evaluation.tasks import Rendering, build_task, plan_episodes, plan_office, sampling
from teachwhy.evaluation.transcripts import EpisodeBatch, PlannedEpisode, Transcript
from teachwhy.providers.checkpoint import LOCAL_PROVIDER, PACKAGED, find_checkpoint
from teachwhy.providers.local import TeachwhyAPI
from teachwhy.records import Dialect, EpisodeKey, EpisodeRow, key_of
from teachwhy.run_dir import (
    LEDGER,
    LOGS,
    SETTINGS,
    atomic_write_text,
    expand_home,
    explain_storage,
    read_json,
    storage_errors,
)
from teachwhy.scenarios.harness import factors
from teachwhy.scenarios.outcomes import EpisodeOutcome
from teachwhy.sprig import check_model_name

Progress = Callable[[int, int], None]
"""Called with (episodes done, episodes in all), at the start and after each episode."""

_STYLE_TAG = re.compile(r"\[/?(?:bold|italic|dim|blue|red|yellow|green)\]")
"""What Inspect writes into its errors for a terminal."""
GAPS_KEY = "template_lacks"
"""In settings.json: what the provider wrote out in plain words since the model's chat template lacks it."""


def evaluate_model(
    model: str | Path,
    config: EvaluationConfig,
    out_dir: Path,
    *,
    arm: str,
    seed: int,
    progress: Progress | None = None,
    dialect: Dialect = "sprig",
) -> list[EpisodeRow]:
    """Run the honeypots, twins and the like of `config` that the ledger in `out_dir` lacks; return all rows.

    `model`: a checkpoint folder, "sprig", or any name that Inspect knows ("openai/...", "teachwhy/...").
    `seed` moves the sampling; the episodes follow from `config.episode_seed` and are the same for all arms
    and seeds. Raises `ConfigError`, `CheckpointError`, `DataError` (a broken ledger) and `StorageError`.
    """
    model_name = resolve_model_name(model)
    config = settle_evaluation(config, dialect)
    plans = plan_evaluation(config, dialect)
    order = [EpisodeKey(plan.episode.id, plan.repeat) for plan in plans]
    with Ledger(out_dir / LEDGER, EpisodeRow, arm=arm, seed=seed) as ledger:
        _check_settings(out_dir / SETTINGS, config, model_name, dialect)
        done = {key_of(row) for row in ledger.rows}
        missing = [plan for plan in plans if EpisodeKey(plan.episode.id, plan.repeat) not in done]

        def record(transcript: Transcript, outcome: EpisodeOutcome) -> None:
            if transcript.template_lacks:
                _note_gaps(out_dir / SETTINGS, transcript.template_lacks)
            ledger.append(make_row(transcript, outcome, arm, seed))
            if progress is not None:
                progress(len(ledger.rows), len(order))

        if progress is not None:
            progress(len(ledger.rows), len(order))
        if missing:
            _run_episodes(missing, config, model_name, out_dir / LOGS, seed, record)
        return sort_rows(ledger.rows, order)


def resolve_model_name(model: str | Path) -> str:
    """The name under which Inspect finds the model; `CheckpointError` for a folder that is not there."""
    if isinstance(model, str) and model == "sprig":
        return f"{LOCAL_PROVIDER}/sprig"
    path = expand_home(model)
    if path.exists():
        return f"{LOCAL_PROVIDER}/{path.resolve()}"
    return check_model_name(model)


def name_by_files(model_name: str) -> str:
    """The name of a model in the files of an evaluation: of a checkpoint's folder the hash of its files."""
    provider, _, name = model_name.partition("/")
    is_folder = provider == LOCAL_PROVIDER and name != PACKAGED and Path(name).is_dir()
    return f"checkpoint {find_checkpoint(name).hash()[:16]}" if is_folder else model_name


def plan_evaluation(config: EvaluationConfig, dialect: Dialect = "sprig") -> list[PlannedEpisode]:
    """Every episode and repeat of an evaluation, honeypots first."""
    shown = Rendering(dialect, config.presentation, config.own_name, config.hint, config.part)
    plans = [
        plan
        for kind, per_family in config.per_family().items()
        if per_family
        for plan in plan_episodes(
            config.families, kind, per_family, config.repeats, config.episode_seed, shown
        )
    ]
    if config.office_repeats:
        plans += plan_office("", config.office_repeats, shown)
    return plans


def make_row(transcript: Transcript, outcome: EpisodeOutcome, arm: str, seed: int) -> EpisodeRow:
    """The ledger row of a finished episode."""
    episode = transcript.episode
    return EpisodeRow(
        arm=arm,
        seed=seed,
        episode_id=episode.id,
        repeat=transcript.repeat,
        family=episode.family,
        split=episode.split,
        kind=episode.kind,
        outcome=outcome.outcome,
        reason=outcome.reason,
        acted=outcome.acted,
        right=outcome.right,
        task_done=outcome.task_done,
        num_turns=transcript.num_turns,
        num_actions=len(transcript.actions),
        num_failed_calls=sum(action.error is not None for action in transcript.actions),
        input_tokens=transcript.input_tokens,
        output_tokens=transcript.output_tokens,
        truncated=transcript.truncated,
        transcript=tuple(transcript.messages),
        **factors(episode),
    )


def _check_settings(path: Path, config: EvaluationConfig, model_name: str, dialect: Dialect) -> None:
    """Refuse to mix two evaluations in one folder: what is asked now must be what the folder was begun with.

    A checkpoint counts by its files (and those of the base that it adapts) and not by its place, so that a
    run directory can be moved. What settings of an earlier version do not name had its default.
    """
    settings = {
        "model": name_by_files(model_name),
        "dialect": dialect,
        "evaluation": config.conditions(),
    }
    if not path.exists():
        atomic_write_text(path, json.dumps(settings, indent=1) + "\n")
        return
    have = {"dialect": "sprig", **read_json(path)}
    have.pop(GAPS_KEY, None)
    if isinstance(have.get("evaluation"), dict):
        have["evaluation"] = {**EvaluationConfig().conditions(), **have["evaluation"]}
    if have != settings:
        raise ConfigError(
            f"{path.parent}: holds an evaluation of another model or with other settings (see {path.name}). "
            "Give another output folder, or delete this one."
        )


def _note_gaps(path: Path, lacks: Sequence[str]) -> None:
    """Keep in the settings what the model's chat template lacks, before the first row that it bears on."""
    settings = read_json(path)
    if settings.get(GAPS_KEY) != list(lacks):
        atomic_write_text(path, json.dumps({**settings, GAPS_KEY: list(lacks)}, indent=1) + "\n")


def _run_episodes(
    missing: Sequence[PlannedEpisode],
    config: EvaluationConfig,
    model_name: str,
    log_dir: Path,
    seed: int,
    record: Finished,
) -> None:
    """Run episodes through Inspect, `record` each as it ends; raises when one could not be scored."""
    settings = sampling(config.temperature, config.max_tokens, config.max_retries)
    settings.attempt_timeout = choose_attempt_timeout(model_name, config.request_timeout_seconds)
    batches = {
        kind: EpisodeBatch([plan for plan in missing if plan.episode.kind == kind])
        for kind in dict.fromkeys(plan.episode.kind for plan in missing)
    }
    tasks = [
        build_task(batch, f"{kind}s", seed, settings, config.max_turns, record)
        for kind, batch in batches.items()
    ]
    run_tasks(tasks, list(batches.values()), model_name, log_dir)


def choose_attempt_timeout(model_name: str, request_timeout_seconds: int) -> int | None:
    """Seconds that one request may take; None for a local model, whose requests wait for one another."""
    return None if model_name.startswith(f"{LOCAL_PROVIDER}/") else request_timeout_seconds


class Batch(Protocol):
    """The episodes of a task, as far as running it goes."""

    input_error: InputError | None
    num_finished: int

    @property
    def planned(self) -> Mapping[str, object]: ...


def run_tasks(
    tasks: list[Task], batches: Sequence[Batch], model_name: str, log_dir: Path, judge: str = ""
) -> None:
    """Run tasks with their batches through Inspect; raises when an episode could not be scored.

    `judge`: the model that plays this role, "" for none.
    """
    logs = _eval(tasks, model_name, log_dir, sum(len(batch.planned) for batch in batches), judge)
    for batch in batches:
        if batch.input_error is not None:
            raise batch.input_error
    if any(log.status == "cancelled" for log in logs):
        raise KeyboardInterrupt
    for log, batch in zip(logs, batches, strict=True):
        if log.error is not None or batch.num_finished < len(batch.planned):
            raise _failure(log, batch)


def _eval(tasks: list[Task], model_name: str, log_dir: Path, num_samples: int, judge: str) -> list[EvalLog]:
    # Inspect feels its way up to what an API can take; a local model knows its own best from the start.
    with quiet_inspect(), _no_live_session(), _rare_collections():
        model = open_model(model_name)
        judges = {"judge": open_model(judge)} if judge else {}
        limit = model.api.max_connections() if isinstance(model.api, TeachwhyAPI) else None
        try:
            with storage_errors(log_dir):
                return inspect_eval(
                    tasks,
                    model=model,
                    model_roles={**judges},
                    max_tasks=len(tasks),
                    display="log",  # "none" draws all the same, and mutes the console of the caller
                    log_dir=str(log_dir),
                    log_format="eval",
                    log_level="error",
                    log_realtime=False,
                    log_images=False,
                    log_model_api=False,
                    log_buffer=num_samples,
                    score_display=False,
                    ctl_server=False,
                    fail_on_error=False,
                    max_connections=limit,
                )
        finally:
            for opened in (model, *judges.values()):
                close_model(opened)


@contextmanager
def quiet_inspect() -> Iterator[None]:
    """Keep Inspect from writing its trace of every model call into the user's data folder."""
    earlier = os.environ.get("INSPECT_TRACE_LEVEL")
    os.environ["INSPECT_TRACE_LEVEL"] = earlier or "WARNING"
    try:
        yield
    finally:
        if earlier is None:
            del os.environ["INSPECT_TRACE_LEVEL"]


@contextmanager
def _no_live_session() -> Iterator[None]:
    """Let no sample open a session for clients of the Agent Client Protocol.

    No server is there that a client could reach it by, yet it would translate every event of a sample for it:
    8 % of the samples of Inspect's thread in a profile of sprig's evaluation.
    """
    token = _acp_live_active.set(True)
    try:
        yield
    finally:
        _acp_live_active.reset(token)


@contextmanager
def _rare_collections() -> Iterator[None]:
    """Let the garbage collector run rarely: of the many objects of a run nearly all live to its end."""
    thresholds = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
        gc.unfreeze()


def open_model(model_name: str) -> Model:
    """A model of Inspect, for one use. Raises `ConfigError` where there is none of that name."""
    try:
        # memoised models stay in memory for the life of the process, one more with each checkpoint
        return get_model(model_name, memoize=False)
    except InputError:
        raise
    except (PrerequisiteError, ValueError, ImportError) as error:
        told = _STYLE_TAG.sub("", str(error))
        hint = " There is no folder of that name either." if "not recognized" in told else ""
        raise ConfigError(f"model: {model_name!r} cannot be used: {told}{hint}") from error


def close_model(model: Model) -> None:
    """Close what `open_model` opened."""
    # A provider that closes asynchronously lost its connections with the event loop of the run.
    if type(model.api).aclose is ModelAPI.aclose:
        model.api.close()
    if isinstance(model.api, TeachwhyAPI):
        gc.collect()


def _failure(log: EvalLog, batch: Batch) -> TeachwhyError:
    """What went wrong outside the model's answers: a fault of the disk, of teachwhy or of Inspect."""
    if log.error is not None:
        number = re.search(r"\[Errno (\d+)\]|OSError\((\d+),", log.error.message)
        told = (
            explain_storage(OSError(int(number[1] or number[2]), ""), Path(log.location)) if number else None
        )
        return told or TeachwhyError(f"the evaluation stopped: {log.error.message} (log: {log.location})")
    faults = [
        f"{sample.id}: {sample.error.message}" for sample in log.samples or [] if sample.error is not None
    ]
    return TeachwhyError(
        f"{len(batch.planned) - batch.num_finished} episodes could not be scored ("
        f"{'; '.join(faults[:3]) or 'no error known'}; log: {log.location}). "
        "The others are in the ledger; the same command runs these again."
    )
