"""How often a judge is right: its sensitivity and specificity on the labelled transcripts, kept in a JSON
file.

Reads the labelled set of `labelled.py`; reads and writes the records of `analysis.calibrations`, from which
rates are corrected. The rule that scores the episodes is measured on the same transcripts, as the judge named
`rule`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from inspect_ai.model import Model

from teachwhy.analysis.calibrations import (
    RULE,
    Calibration,
    Calibrations,
    Counts,
    Half,
    digest_source,
    read_calibrations,
)
from teachwhy.errors import StorageError
from teachwhy.evaluation.run import Progress
from teachwhy.judging.asking import ask_all, open_judges
from teachwhy.judging.dossier import Dossier, hide_thoughts, make_request
from teachwhy.judging.judge import DEFAULT_ASKING, Asked, AskingConfig, ask_judge
from teachwhy.judging.labelled import LabelledTranscript, load_labelled, play_labelled
from teachwhy.judging.questions import QUESTIONS, prompt_digest
from teachwhy.judging.store import MAKE_ROOM, own_remedy
from teachwhy.records import QuestionName
from teachwhy.run_dir import CALIBRATIONS, atomic_write_text, storage_errors
from teachwhy.scenarios.harness import hidden_marks


class Item(NamedTuple):
    """A labelled transcript, ready to be judged."""

    id: str
    is_held_out: bool
    dossier: Dossier
    label: bool
    by_rule: bool | None
    """What the rule says, None where it cannot score it."""


def write_calibrations(
    path: Path, new: Sequence[Calibration], remedy: str = "Give another --calibrations."
) -> None:
    """Add calibrations to a file, in place of what it says of the same judge, question and families; where
    this changes nothing, the file is not touched. Raises `DataError`, and `StorageError` with the remedy.
    """
    known = read_calibrations(path)
    calibrations = known.with_new(new)
    if calibrations == known:
        return
    with own_remedy(path, remedy), storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic_write_text(path, calibrations.model_dump_json(indent=1) + "\n")


def check_place(path: Path) -> None:
    """Raises `DataError` and `StorageError` where calibrations cannot be kept, before they are paid for."""
    read_calibrations(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent) as probe:
            probe.write(b"x" * 4096)
    except OSError as error:
        raise StorageError(
            f"{path}: cannot be written ({error.strerror}). Give another --calibrations."
        ) from error


def keep_calibrations(folder: Path, known: Calibrations, judges: Sequence[str]) -> None:
    """Lay those of the rule and of these judges beside an evaluation, for the suite page to correct with."""
    used = [one for one in known.calibrations if one.judge in (RULE, *judges)]
    write_calibrations(folder / CALIBRATIONS, used, MAKE_ROOM)


def find_calibrations(folder: Path, path: Path) -> Calibrations:
    """Those of a file, and of what it does not tell those beside an evaluation. Raises `DataError`."""
    return read_calibrations(folder / CALIBRATIONS).with_new(read_calibrations(path).calibrations)


def prepare_items(question: QuestionName, families: Sequence[str], half: Half) -> list[Item]:
    """The labelled transcripts, played through their offices."""
    return [
        _prepare(item, question) for item in load_labelled(tuple(families)) if half in ("both", item.half)
    ]


def _prepare(item: LabelledTranscript, question: QuestionName) -> Item:
    played = play_labelled(item)
    names = tuple(spec.name for spec in played.episode.tools)
    messages = hide_thoughts(played.messages, hidden_marks(played.episode))
    scored = played.outcome.outcome != "unscorable"
    return Item(
        item.id,
        item.half == "held_out",
        Dossier(item.family, names, messages),
        item.harmful if question == "harm" else item.aware,
        played.outcome.outcome == "harmful" if scored else None,
    )


def calibrate_rule(items: Sequence[Item], half: Half) -> Calibration:
    """The rule on the question of harm."""
    families: dict[str, Counts] = {}
    misjudged: dict[str, str] = {}
    for item in items:
        counts = count_verdict(item.label, item.by_rule)
        families[item.dossier.family] = families.get(item.dossier.family, Counts()).plus(counts)
        if item.by_rule not in (None, item.label) and not item.is_held_out:
            misjudged[item.id] = "harmful" if item.by_rule else "not_harmful"
    return Calibration(
        judge=RULE,
        question="harm",
        halves=dict.fromkeys(families, half),
        sources={family: digest_source(RULE, family) for family in families},
        families=families,
        misjudged=misjudged,
    )


def calibrate_judge(
    name: str,
    model_name: str,
    question: Literal["harm", "awareness"],
    items: Sequence[Item],
    half: Half,
    *,
    asking: AskingConfig = DEFAULT_ASKING,
    progress: Progress | None = None,
) -> Calibration:
    """Ask a judge about every item. Raises `ConfigError` for a model that there is not."""
    asked = _ask_items(model_name, question, items, asking, progress)
    families: dict[str, Counts] = {}
    misjudged: dict[str, str] = {}
    num_lost = sum(one.answer.fault == "provider" for one in asked.values())
    for item in items:
        answer = asked[item.id].answer
        verdict = {QUESTIONS[question].yes: True, QUESTIONS[question].no: False}.get(answer.verdict)
        counts = count_verdict(item.label, verdict, is_unsure=answer.verdict == "unsure")
        families[item.dossier.family] = families.get(item.dossier.family, Counts()).plus(counts)
        if verdict != item.label and not item.is_held_out:
            misjudged[item.id] = f"{answer.verdict}: {answer.reason}"
    return Calibration(
        judge=name,
        question=question,
        halves=dict.fromkeys(families, half),
        prompts={family: prompt_digest(question, family) for family in families},
        sources={family: digest_source(name, family) for family in families},
        families=families,
        misjudged=misjudged,
        num_lost=num_lost,
    )


def count_verdict(label: bool, verdict: bool | None, is_unsure: bool = False) -> Counts:
    """One transcript: harmful (aware) or not by its label, and by a judge, None without a verdict."""
    if verdict is None:
        return Counts(unsure=int(is_unsure), unscorable=int(not is_unsure))
    right = int(verdict == label)
    if label:
        return Counts(true_positives=right, positives=1)
    return Counts(true_negatives=right, negatives=1)


def _ask_items(
    model_name: str,
    question: QuestionName,
    items: Sequence[Item],
    asking: AskingConfig,
    progress: Progress | None,
) -> dict[str, Asked]:
    found: dict[str, Asked] = {}

    async def ask(item: Item, model: Model) -> None:
        found[item.id] = await ask_judge(model, make_request(question, item.dossier), question, asking)
        if progress is not None:
            progress(len(found), len(items))

    with open_judges({model_name: model_name}) as models:
        ask_all({model_name: items}, models, ask, asking.connections)
    return found
