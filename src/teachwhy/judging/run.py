"""Judge the episodes of an evaluation from its ledger: nothing is generated again, nothing is asked twice.

Reads `episodes.jsonl` and `settings.json` of an evaluation's folder; writes `judgements.jsonl` beside them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from inspect_ai.model import Model
from pydantic import ValidationError

from teachwhy.analysis.verdicts import RULE_HITS
from teachwhy.errors import ConfigError, DataError, list_faults
from teachwhy.evaluation.agent import inspect_tools
from teachwhy.evaluation.ledger import is_lost as is_lost_row
from teachwhy.evaluation.ledger import read_ledger
from teachwhy.evaluation.run import Progress, name_by_files, resolve_model_name
from teachwhy.judging.asking import ask_all, open_judges
from teachwhy.judging.dossier import dossier_of, make_request, tools_of
from teachwhy.judging.judge import DEFAULT_ASKING, Asked, AskingConfig, ask_agent, ask_judge
from teachwhy.judging.kinship import name_checkpoint
from teachwhy.judging.questions import QUESTIONS, prompt_digest
from teachwhy.judging.store import MAKE_ROOM, is_lost, open_judgements, own_remedy, read_judgements
from teachwhy.records import EpisodeRow, Judgement, JudgementKey, QuestionName
from teachwhy.run_dir import JUDGEMENTS, LEDGER, read_settings


@dataclass(frozen=True)
class Evaluation:
    """A finished or unfinished evaluation, as its folder has it."""

    folder: Path
    model: str
    """Name of the evaluated model in the settings."""
    rows: tuple[EpisodeRow, ...]

    @property
    def judgements_path(self) -> Path:
        """Where its judgements stand."""
        return self.folder / JUDGEMENTS


class Job(NamedTuple):
    """One question about one episode to one judge."""

    row: EpisodeRow
    question: QuestionName
    judge: str

    @property
    def key(self) -> JudgementKey:
        """Under which its judgement stands."""
        return JudgementKey(self.row.episode_id, self.row.repeat, self.question, self.judge)


def open_evaluation(folder: Path) -> Evaluation:
    """The evaluation of a folder, or the only one of a run directory. Raises `ConfigError`, `DataError`."""
    if not (folder / LEDGER).is_file():
        found = sorted(path.parent for path in folder.glob(f"stages/eval-*/{LEDGER}"))
        if len(found) != 1:
            told = f"holds {len(found)} evaluations" if found else f"holds no evaluation ({LEDGER})"
            names = (
                ", ".join(str(path.relative_to(folder)) for path in found) or "`teachwhy evaluate` makes it"
            )
            raise ConfigError(f"{folder}: {told}. Give the folder of one ({names}).")
        folder = found[0]
    settings = read_settings(folder, model=str)
    path = folder / LEDGER
    with path.open("rb") as file:
        first = file.readline()
    rows: list[EpisodeRow] = []
    if first.endswith(b"\n"):
        try:
            head = EpisodeRow.model_validate_json(first)
        except ValidationError as error:
            fault = list_faults(error, "the line")[0]
            raise DataError(f"{path}, line 1: no EpisodeRow: {fault}. Delete this line.") from error
        rows, _ = read_ledger(path, arm=head.arm, seed=head.seed)
    return Evaluation(folder, settings["model"], tuple(rows))


def plan_judging(evaluation: Evaluation, question: QuestionName, judges: Sequence[str]) -> list[Job]:
    """What is to be asked in all. Episodes that the provider lost, those without a turn and those of kinds of
    which the question is not asked are not judged; the realism of a prompt is asked once, whatever the
    repeats.
    """
    rows = [row for row in evaluation.rows if not is_lost_row(row)]
    rows = [row for row in rows if row.kind in QUESTIONS[question].kinds]
    if QUESTIONS[question].needs_turns:
        rows = [row for row in rows if dossier_of(row).has_turns]
    else:
        rows = list({row.episode_id: row for row in sorted(rows, key=lambda row: -row.repeat)}.values())
        rows.sort(key=lambda row: row.episode_id)
    return [Job(row, question, judge) for row in rows for judge in judges]


def choose_questions(evaluation: Evaluation, wanted: QuestionName | None) -> tuple[QuestionName, ...]:
    """The question that is wanted; else those that the rule answers too and spoken awareness, as far as there
    are episodes for them. Raises `ConfigError` where there are none.
    """
    kinds = {row.kind for row in evaluation.rows}
    asked = [name for name in (*RULE_HITS, "awareness") if kinds & set(QUESTIONS[name].kinds)]
    if wanted is None:
        return tuple(QUESTIONS[name].name for name in asked)
    if kinds and not kinds & set(QUESTIONS[wanted].kinds):
        raise ConfigError(
            f"--question {wanted} is asked of episodes of kind {', '.join(QUESTIONS[wanted].kinds)}, and "
            f"{evaluation.folder} holds {', '.join(sorted(kinds))}. Ask {' or '.join(asked)}."
        )
    return (wanted,)


def count_requests(
    evaluation: Evaluation, questions: Sequence[QuestionName], judges: Sequence[str]
) -> dict[QuestionName, int]:
    """Question -> how many answers the judgements lack. Raises `ConfigError` where there is no episode to
    judge.
    """
    jobs = {question: plan_judging(evaluation, question, judges) for question in questions}
    if not any(jobs.values()):
        num_lost = sum(is_lost_row(row) for row in evaluation.rows)
        raise ConfigError(
            f"{evaluation.folder}: no episode to judge. Its ledger has {len(evaluation.rows)}; the provider "
            f"lost {num_lost} of them, and no other has a turn of the model. Evaluate the model again, or "
            "give another folder."
        )
    known = read_judgements(evaluation.judgements_path)
    return {question: len(_find_missing(planned, known)) for question, planned in jobs.items()}


def check_probe(models: Mapping[str, str], evaluated: str) -> None:
    """Raises `ConfigError` for a probe of any other than the evaluated model (`models` as `name_judges` has
    them).
    """
    if len(models) == 1 and evaluated in {*models, *map(name_checkpoint, models.values())}:
        return
    raise ConfigError(
        f"--question probe asks the evaluated model itself, {evaluated!r}, and --judge is "
        f"{', '.join(models)}. Give that model."
    )


def judge_evaluation(
    evaluation: Evaluation,
    question: QuestionName,
    models: Mapping[str, str],
    asking: AskingConfig = DEFAULT_ASKING,
    progress: Progress | None = None,
) -> list[Judgement]:
    """Ask what the judgements lack, and return all judgements of this question by these judges, in order.

    `models`: name of the judge -> name under which Inspect finds it (`name_judges`). Raises `ConfigError` and
    `DataError` (judgements of another wording or of other transcripts).
    """
    jobs = plan_judging(evaluation, question, list(models))
    known = read_judgements(evaluation.judgements_path)
    _refuse_stale(jobs, known, evaluation.judgements_path)
    if not _find_missing(jobs, known):
        if progress is not None:
            progress(len(jobs), len(jobs))
        return [known[job.key] for job in jobs]
    # The models first: a name that is wrong leaves no file.
    with (
        open_judges(models) as opened,
        own_remedy(evaluation.judgements_path, MAKE_ROOM),
        open_judgements(evaluation.judgements_path) as file,
    ):
        _refuse_stale(jobs, file.found, file.path)
        missing = _find_missing(jobs, file.found)
        num_done = len(jobs) - len(missing)
        if progress is not None:
            progress(num_done, len(jobs))

        def record(job: Job, asked: Asked) -> None:
            nonlocal num_done
            file.append(_make_judgement(job, asked))
            num_done += 1
            if progress is not None:
                progress(num_done, len(jobs))

        _run(missing, opened, asking, record)
        return [file.found[job.key] for job in jobs]


def name_judges(judges: Sequence[str]) -> dict[str, str]:
    """Name of each judge in files -> name under which Inspect finds it. Raises `ConfigError`."""
    resolved = [resolve_model_name(judge) for judge in judges]
    named = {name_by_files(model): model for model in resolved}
    if len(named) < len(judges):
        raise ConfigError(f"--judge: {', '.join(judges)}; name each judge once.")
    return named


def _find_missing(jobs: Sequence[Job], found: Mapping[JudgementKey, Judgement]) -> list[Job]:
    """What is to be asked yet."""
    return [job for job in jobs if job.key not in found or is_lost(found[job.key])]


def _refuse_stale(jobs: Sequence[Job], found: Mapping[JudgementKey, Judgement], path: Path) -> None:
    for job in jobs:
        judgement = found.get(job.key)
        if judgement is None:
            continue
        wanted = (prompt_digest(job.question, job.row.family), job.row.digest)
        if (judgement.prompt, judgement.transcript) != wanted:
            what = (
                "of another transcript"
                if judgement.prompt == wanted[0]
                else "by another wording of the prompt"
            )
            raise DataError(
                f"{path}: the judgement of {job.key.episode_id!r}, repeat {job.key.repeat}, question "
                f"{job.question}, is {what}. Move this file away to have everything judged again."
            )


def _make_judgement(job: Job, asked: Asked) -> Judgement:
    answer = asked.answer
    return Judgement(
        episode_id=job.row.episode_id,
        repeat=job.row.repeat,
        family=job.row.family,
        kind=job.row.kind,
        question=job.question,
        judge=job.judge,
        verdict=answer.verdict,
        rating=answer.rating,
        reason=answer.reason,
        fault=answer.fault,
        prompt=prompt_digest(job.question, job.row.family),
        transcript=job.row.digest,
        input_tokens=asked.input_tokens,
        output_tokens=asked.output_tokens,
    )


def _run(
    jobs: Sequence[Job],
    models: Mapping[str, Model],
    asking: AskingConfig,
    record: Callable[[Job, Asked], None],
) -> None:
    async def ask(job: Job, model: Model) -> None:
        if job.question == "probe":
            asked = await ask_agent(model, job.row.transcript, inspect_tools(tools_of(job.row)), asking)
        else:
            asked = await ask_judge(
                model, make_request(job.question, dossier_of(job.row)), job.question, asking
            )
        record(job, asked)

    by_judge = {name: [job for job in jobs if job.judge == name] for name in models}
    ask_all(by_judge, models, ask, asking.connections)
