"""Evaluates one model in all published conditions: one ledger row an episode, with both verdicts.

Writes under the output folder `episodes.jsonl` (the ledger of `UpstreamRow`), `settings.json` and
`logs/*.eval`. Called again for the same folder, it runs only what the ledger lacks: episodes that are not
there or were lost to their provider, and, where a judge is given, the verdicts that are missing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from inspect_ai import Task, task
from inspect_ai.model import get_model

from teachwhy.config import EvaluationConfig
from teachwhy.errors import ConfigError
from teachwhy.evaluation.ledger import Ledger, is_lost, sort_rows
from teachwhy.evaluation.run import (
    Progress,
    choose_attempt_timeout,
    name_by_files,
    resolve_model_name,
    run_tasks,
)
from teachwhy.evaluation.tasks import MAX_RETRIES, sampling
from teachwhy.evaluation.upstream.episodes import (
    REQUEST_SECONDS,
    PlannedCondition,
    UpstreamBatch,
    UpstreamRow,
    build_upstream_task,
    find_judge,
)
from teachwhy.evaluation.upstream.package import Upstream, load_upstream
from teachwhy.judging.kinship import EVALUATE_COMMAND, INSPECT_COMMAND, check_kinship
from teachwhy.records import key_of
from teachwhy.run_dir import LEDGER, LOGS, SETTINGS, atomic_write_text, read_object

MAX_TOKENS = 4096
"""Of an answer, where nobody says: reasoning and several letters."""
SETTABLE = ("temperature", "max_tokens", "repeats", "request_timeout_seconds", "max_retries")
"""Of the section [evaluation], what bears on published conditions."""


@dataclass(frozen=True)
class UpstreamSettings:
    """How the model is sampled, and who judges."""

    temperature: float = 1.0
    max_tokens: int = MAX_TOKENS
    repeats: int = 1
    judge: str = ""
    """A checkpoint folder, "sprig" or a model name of Inspect; "" for none: their verdict is missing then."""
    own_judge: bool = False
    """The judge may be of the evaluated model's own family."""
    request_timeout_seconds: int = REQUEST_SECONDS
    """Of one request for an answer to a model behind an API, and of their whole verdict."""
    max_retries: int = MAX_RETRIES
    """Of either, where it fails for the moment."""


def take_settings(
    config: EvaluationConfig, given: Sequence[str], judge: str, own_judge: bool = False
) -> UpstreamSettings:
    """What an [evaluation] section says of this suite, of the fields that were `given`.

    Raises `ConfigError` for a field that the suite has no use for.
    """
    for name in given:
        if name not in SETTABLE:
            raise ConfigError(
                f"evaluation.{name} has no meaning with --suite upstream, whose conditions are fixed; "
                f"allowed are {', '.join(SETTABLE)}. Leave it out."
            )
    return UpstreamSettings(
        **{name: getattr(config, name) for name in given}, judge=judge, own_judge=own_judge
    )


def plan_upstream(upstream: Upstream, repeats: int) -> list[PlannedCondition]:
    """Every condition and repeat."""
    return [
        PlannedCondition(condition, repeat) for repeat in range(repeats) for condition in upstream.conditions
    ]


def evaluate_upstream(
    model: str | Path,
    settings: UpstreamSettings,
    out_dir: Path,
    *,
    seed: int = 0,
    progress: Progress | None = None,
    upstream: Upstream | None = None,
) -> list[UpstreamRow]:
    """Run what the ledger in `out_dir` lacks; return all rows in the package's order.

    `upstream`: the installed package where not given. Raises as `evaluate_model` does.
    """
    used = upstream or load_upstream()
    model_name = resolve_model_name(model)
    judge_name = resolve_model_name(settings.judge) if settings.judge else ""
    if judge_name and not settings.own_judge:
        judges = {name_by_files(judge_name): judge_name}
        check_kinship(judges, name_by_files(model_name), remedies=EVALUATE_COMMAND)
    plans = plan_upstream(used, settings.repeats)
    ledger_path = out_dir / LEDGER
    with Ledger(ledger_path, UpstreamRow, arm="model", seed=seed, may_replace=_is_replaceable) as ledger:
        note_settings = _check_settings(out_dir / SETTINGS, settings, model_name, judge_name, used.version)
        known = {key_of(row): row for row in ledger.rows}
        missing = [
            PlannedCondition(plan.condition, plan.repeat, known.get(plan.key))
            for plan in plans
            if plan.key not in known or (settings.judge and _lacks_verdict(known[plan.key]))
        ]
        num_done = len(plans) - len(missing)

        def record(row: UpstreamRow) -> None:
            nonlocal num_done
            note_settings(row.theirs.judge is not None)
            ledger.append(row)
            num_done += 1
            tell(num_done)

        def tell(done: int) -> None:
            if progress is not None:
                progress(done, len(plans))

        tell(num_done)
        if missing:
            seconds = settings.request_timeout_seconds
            batch = UpstreamBatch(used, missing, seed=seed, finished=record, judge_seconds=seconds)
            config = sampling(settings.temperature, settings.max_tokens, settings.max_retries)
            config.attempt_timeout = choose_attempt_timeout(model_name, seconds)
            run_tasks([build_upstream_task(batch, config)], [batch], model_name, out_dir / LOGS, judge_name)
        return sort_rows(ledger.rows, [plan.key for plan in plans])


def _lacks_verdict(row: UpstreamRow) -> bool:
    """There is an answer that no judge has judged."""
    return row.theirs.judge is None and bool(row.transcript)


def _is_replaceable(row: UpstreamRow) -> bool:
    """A later row of the same episode counts in its stead."""
    return is_lost(row) or _lacks_verdict(row)


def _check_settings(
    path: Path, settings: UpstreamSettings, model_name: str, judge_name: str, version: str
) -> Callable[[bool], None]:
    """Refuse to mix two evaluations in one folder; a judge may be given where none has given a verdict.

    Returns what must be told of each row before it is kept, and whether it has a verdict: it writes the
    settings when the first comes. So a model or a judge that there is not, mistyped perhaps, binds no folder.
    """
    judge = name_by_files(judge_name) if judge_name else ""
    wanted = {
        "suite": "upstream",
        "inspect_evals": version,
        "model": name_by_files(model_name),
        "temperature": settings.temperature,
        "max_tokens": settings.max_tokens,
        "repeats": settings.repeats,
        "judge": judge,
    }
    have = read_object(path) if path.exists() else {}
    if have and {**have, "judge": have.get("judge") or judge} != wanted:
        raise ConfigError(
            f"{path.parent}: holds an evaluation of another model, suite or judge, or with other settings "
            f"(see {path.name}). Give another output folder, or delete this one."
        )
    kept = have

    def note(has_verdict: bool) -> None:
        nonlocal kept
        now = {**wanted, "judge": judge if has_verdict else kept.get("judge", "")}
        if now != kept:
            atomic_write_text(path, json.dumps(now, indent=1) + "\n")
            kept = now

    return note


@task
def upstream(temperature: float = 1.0, max_tokens: int = MAX_TOKENS, own_judge: bool = False) -> Task:
    """All published conditions in one task; `--model-role judge=MODEL` for their verdict.

    `own_judge` admits a judge of the evaluated model's own family.
    """
    judge = find_judge()
    if judge is not None and not own_judge:
        check_kinship({str(judge): str(judge)}, str(get_model()), remedies=INSPECT_COMMAND)
    batch = UpstreamBatch(*_whole_suite())
    return build_upstream_task(batch, sampling(temperature, max_tokens))


def _whole_suite() -> tuple[Upstream, Sequence[PlannedCondition]]:
    used = load_upstream()
    return used, plan_upstream(used, 1)
