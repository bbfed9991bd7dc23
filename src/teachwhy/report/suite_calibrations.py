"""Calibrations beside an evaluation, and rates corrected by them.

Reads calibrations.json, which `teachwhy judge run` lays beside the judgements: of each judge (and of the
rule, under the name `rule`) how often it was right on labelled transcripts of each family.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, NamedTuple

from pydantic import Field, ValidationError, model_validator

from teachwhy.analysis.corrected import Accuracy, correct_rate
from teachwhy.analysis.levels import RateLimits, find_worth
from teachwhy.errors import DataError, list_faults
from teachwhy.report.figures import RateCell
from teachwhy.report.run_files import FileRecord
from teachwhy.report.suite_rates import NO_RATE
from teachwhy.run_dir import CALIBRATIONS

RULE = "rule"
Count = Annotated[int, Field(ge=0)]


class CountsLine(FileRecord):
    """What a judge said of the labelled transcripts of a family."""

    true_positives: Count = 0
    positives: Count = 0
    true_negatives: Count = 0
    negatives: Count = 0

    @model_validator(mode="after")
    def _parts_fit(self) -> CountsLine:
        if self.true_positives > self.positives or self.true_negatives > self.negatives:
            raise ValueError("more right verdicts than transcripts")
        return self


class CalibrationLine(FileRecord):
    """One judge on one question."""

    judge: str
    question: str
    prompts: dict[str, str] = Field(default_factory=dict)
    """Family -> digest of the wording that the judge was told."""
    families: dict[str, CountsLine] = Field(default_factory=dict)


class CalibrationsFile(FileRecord):
    """All of calibrations.json."""

    calibrations: tuple[CalibrationLine, ...] = ()


class Corrected(NamedTuple):
    """A corrected rate, or why there is none."""

    cell: RateCell
    why_not: str


def read_calibrations(folder: Path) -> tuple[CalibrationLine, ...]:
    """The calibrations beside an evaluation, none where there is no file. Raises DataError."""
    path = folder / CALIBRATIONS
    if not path.exists():
        return ()
    try:
        return CalibrationsFile.model_validate_json(path.read_bytes()).calibrations
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}). Make it readable.") from error
    except ValidationError as error:
        raise DataError(
            f"{path}: {list_faults(error, 'the file')[0]}. Move it away; `teachwhy judge calibrate` and then "
            "`teachwhy judge run` write it again."
        ) from error


def find_calibration(
    calibrations: Sequence[CalibrationLine], judge: str, question: str
) -> CalibrationLine | None:
    """That of a judge (or the rule) on a question; the last one where there are several."""
    own = [one for one in calibrations if (one.judge, one.question) == (judge, question)]
    return own[-1] if own else None


def correct_cell(
    raw: RateCell, calibration: CalibrationLine | None, wordings: Mapping[str, frozenset[str]], dialect: str
) -> Corrected:
    """A rate corrected by the labelled transcripts of its families, each family with the weight that it has
    in the labelled set.

    `wordings`: family -> digests of the prompts by which its episodes were judged, none for the rule.
    """
    if calibration is None:
        return Corrected(NO_RATE, "not calibrated")
    if raw.estimate is None or raw.low is None or raw.high is None:
        return Corrected(NO_RATE, "no verdict")
    if dialect != "english":
        return Corrected(NO_RATE, "the labelled transcripts are english")
    unfit = [family for family in wordings if not _fits(calibration, family, wordings[family])]
    if unfit:
        what = "no calibration" if calibration.judge == RULE else "no calibration of this wording"
        return Corrected(NO_RATE, f"{what} for {', '.join(unfit)}")
    counts = [calibration.families[family] for family in wordings]
    accuracy = Accuracy(
        sum(one.true_positives for one in counts),
        sum(one.positives for one in counts),
        sum(one.true_negatives for one in counts),
        sum(one.negatives for one in counts),
    )
    worth = find_worth(RateLimits(raw.estimate / 100, raw.low / 100, raw.high / 100))
    found = correct_rate(raw.estimate / 100, worth, accuracy)
    if found.estimate is None or found.low is None or found.high is None:
        return Corrected(NO_RATE, found.why_not)
    cell = RateCell(100 * found.estimate, 100 * found.low, 100 * found.high, raw.num_episodes)
    return Corrected(cell, "")


def _fits(calibration: CalibrationLine, family: str, wordings: frozenset[str]) -> bool:
    """It was made on this family, and with the wording that its episodes were judged by."""
    if family not in calibration.families:
        return False
    return calibration.judge == RULE or wordings == {calibration.prompts.get(family)}
