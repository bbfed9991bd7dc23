"""How often a judge is right: its sensitivity and specificity on the labelled transcripts, kept in a JSON
file.

Reads the labelled set of `labelled.py`; reads and writes the calibrations (`Calibrations`), from which rates
are corrected. The rule that scores the episodes is measured on the same transcripts, as the judge named
`rule`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from inspect_ai.model import Model
from pydantic import Field, ValidationError

from teachwhy.analysis.corrected import Accuracy
from teachwhy.errors import DataError, StorageError, list_faults
from teachwhy.evaluation.run import Progress
from teachwhy.evaluation.scorer import Rate, exact_rate
from teachwhy.judging.agreement import RULE
from teachwhy.judging.asking import ask_all, open_judges
from teachwhy.judging.dossier import Dossier, hide_thoughts, make_request
from teachwhy.judging.judge import DEFAULT_ASKING, Asked, AskingConfig, ask_judge
from teachwhy.judging.labelled import (
    LabelledTranscript,
    family_of_transcript,
    load_labelled,
    play_labelled,
)
from teachwhy.judging.questions import QUESTIONS, prompt_digest
from teachwhy.judging.store import MAKE_ROOM, own_remedy
from teachwhy.records import QuestionName, Record
from teachwhy.run_dir import CALIBRATIONS, atomic_write_text, storage_errors
from teachwhy.scenarios.harness import hidden_marks

ALL = "all"
"""In place of a family: all of them together."""
RULE_PROMPT = "-"
"""In place of the digest of a prompt, which a rule has not."""
Half = Literal["both", "dev", "held_out"]


class Counts(Record):
    """What a judge said of labelled transcripts."""

    true_positives: int = 0
    positives: int = 0
    """With a verdict, and harmful (aware) by their label."""
    true_negatives: int = 0
    negatives: int = 0
    unsure: int = 0
    unscorable: int = 0

    @property
    def accuracy(self) -> Accuracy:
        """For the correction of rates."""
        return Accuracy(self.true_positives, self.positives, self.true_negatives, self.negatives)

    @property
    def sensitivity(self) -> Rate:
        """With the exact interval."""
        return exact_rate(self.true_positives, self.positives)

    @property
    def specificity(self) -> Rate:
        """With the exact interval."""
        return exact_rate(self.true_negatives, self.negatives)

    @property
    def num_asked(self) -> int:
        """Transcripts in all."""
        return self.positives + self.negatives + self.unsure + self.unscorable

    @property
    def open_share(self) -> float:
        """The share without a verdict."""
        return (self.unsure + self.unscorable) / self.num_asked if self.num_asked else 0.0

    def plus(self, other: Counts) -> Counts:
        """Both together."""
        return Counts(
            **{name: getattr(self, name) + getattr(other, name) for name in type(self).model_fields}
        )


class Calibration(Record):
    """One judge on one question; the counts are those of each family."""

    judge: str
    question: Literal["harm", "awareness"]
    halves: dict[str, Half]
    """Family -> which labelled transcripts of it were judged."""
    prompts: dict[str, str]
    """Family -> digest of the prompt's wording; a rate is corrected only by a calibration of the same
    wording."""
    families: dict[str, Counts]
    misjudged: dict[str, str] = Field(default_factory=dict)
    """Id of a transcript -> what the judge said wrongly, and why; of the half `dev` only, for nobody who
    mends a prompt may look at the others."""
    num_lost: int = Field(default=0, exclude=True)
    """Transcripts that were lost to the provider; stands in no file, for such a calibration is not kept."""

    def counts(self, family: str = ALL) -> Counts:
        """Of a family, or of all."""
        if family != ALL:
            return self.families.get(family, Counts())
        total = Counts()
        for counts in self.families.values():
            total = total.plus(counts)
        return total

    def updated(self, newer: Calibration) -> Calibration:
        """With the families of a newer one in place of its own, and its other families kept."""
        kept = {
            place: told
            for place, told in self.misjudged.items()
            if family_of_transcript(place) not in newer.families
        }
        return newer.model_copy(
            update={
                "halves": {**self.halves, **newer.halves},
                "prompts": {**self.prompts, **newer.prompts},
                "families": {**self.families, **newer.families},
                "misjudged": {**kept, **newer.misjudged},
            }
        )

    def fits(self, family: str) -> bool:
        """Whether it was made with the wording that is now in use."""
        if self.judge == RULE:
            return family in self.families
        return self.prompts.get(family) == prompt_digest(self.question, family)


class Calibrations(Record):
    """The file: the newest calibration of each judge, question and family."""

    calibrations: tuple[Calibration, ...] = ()

    def find(self, judge: str, question: str) -> Calibration | None:
        """That of a judge, None where there is none."""
        return next(
            (one for one in self.calibrations if (one.judge, one.question) == (judge, question)), None
        )

    def with_new(self, new: Sequence[Calibration]) -> Calibrations:
        """With the new ones in place of what earlier ones of the same judge and question say of their
        families.
        """
        merged = {(one.judge, one.question): one for one in self.calibrations}
        for one in new:
            earlier = merged.get((one.judge, one.question))
            merged[one.judge, one.question] = earlier.updated(one) if earlier else one
        return Calibrations(calibrations=tuple(merged.values()))


class Item(NamedTuple):
    """A labelled transcript, ready to be judged."""

    id: str
    is_held_out: bool
    dossier: Dossier
    label: bool
    by_rule: bool | None
    """What the rule says, None where it cannot score it."""


def read_calibrations(path: Path) -> Calibrations:
    """The calibrations of a file, none where there is no file. Raises `DataError`."""
    try:
        return Calibrations.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return Calibrations()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}). Give another --calibrations.") from error
    except ValidationError as error:
        raise DataError(
            f"{path}: {list_faults(error, 'the file')[0]}. It is what `teachwhy judge calibrate` writes; "
            "move it away and calibrate again."
        ) from error


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
    prompts = dict.fromkeys(families, RULE_PROMPT)
    return Calibration(
        judge=RULE,
        question="harm",
        halves=dict.fromkeys(families, half),
        prompts=prompts,
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
