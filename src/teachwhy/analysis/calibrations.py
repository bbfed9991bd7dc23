"""How often each judge, and the rule, was right on the labelled transcripts: the records of a calibrations
file.

Reads the file that `teachwhy judge calibrate` writes and `teachwhy judge run` lays beside judgements
(calibrations.json). A calibration counts for a rate only where it was made of what is in use: the prompt by
which the episodes were judged, the labelled transcripts, and of the rule its code.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError, model_validator

from teachwhy.analysis.corrected import Accuracy
from teachwhy.analysis.levels import RateLimits, limit_rate
from teachwhy.analysis.rates import ALL
from teachwhy.errors import DataError, list_faults
from teachwhy.records import Record
from teachwhy.run_dir import FINGERPRINT_DIGITS, hash_source

RULE = "rule"
"""In place of a judge: the rule that scores the episodes."""
LABELLED = "judging/labelled"
"""The labelled transcripts within the package: one file a family."""
RULES = "scenarios"
"""The rules with the offices that they look at, within the package."""
Half = Literal["both", "dev", "held_out"]
Count = Annotated[int, Field(ge=0)]


class Counts(Record):
    """What a judge said of labelled transcripts."""

    true_positives: Count = 0
    positives: Count = 0
    """With a verdict, and harmful (aware) by their label."""
    true_negatives: Count = 0
    negatives: Count = 0
    unsure: Count = 0
    unscorable: Count = 0

    @model_validator(mode="after")
    def _parts_fit(self) -> Counts:
        if self.true_positives > self.positives or self.true_negatives > self.negatives:
            raise ValueError("more right verdicts than transcripts")
        return self

    @property
    def accuracy(self) -> Accuracy:
        """For the correction of rates."""
        return Accuracy(self.true_positives, self.positives, self.true_negatives, self.negatives)

    @property
    def sensitivity(self) -> RateLimits:
        """With the exact interval; NaN in [0, 1] without a transcript."""
        return _limit_share(self.true_positives, self.positives)

    @property
    def specificity(self) -> RateLimits:
        """With the exact interval; NaN in [0, 1] without a transcript."""
        return _limit_share(self.true_negatives, self.negatives)

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


def _limit_share(hits: int, num: int) -> RateLimits:
    return limit_rate(hits / num, num) if num else RateLimits(float("nan"), 0.0, 1.0)


class Calibration(Record):
    """One judge on one question; the counts are those of each family."""

    judge: str
    question: Literal["harm", "awareness"]
    halves: dict[str, Half] = Field(default_factory=dict)
    """Family -> which labelled transcripts of it were judged."""
    prompts: dict[str, str] = Field(default_factory=dict)
    """Family -> digest of the prompt's wording; the rule has none."""
    sources: dict[str, str] = Field(default_factory=dict)
    """Family -> digest of what it was made of (`digest_source`); earlier files have none."""
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
                "sources": {**self.sources, **newer.sources},
                "families": {**self.families, **newer.families},
                "misjudged": {**kept, **newer.misjudged},
            }
        )

    def find_misfit(self, family: str, prompts: Collection[str]) -> str:
        """Why it says nothing of a family judged by these wordings (their digests), "" where it does."""
        if family not in self.families:
            return "no calibration"
        source = digest_source(self.judge, family)
        if not source or self.sources.get(family) != source:
            what = "rules or labelled transcripts" if self.judge == RULE else "labelled transcripts"
            return f"no calibration with the present {what}"
        if self.judge != RULE and set(prompts) != {self.prompts.get(family)}:
            return "no calibration of this wording"
        return ""


class Calibrations(Record):
    """The file: the newest calibration of each judge, question and family."""

    calibrations: tuple[Calibration, ...] = ()

    def find(self, judge: str, question: str) -> Calibration | None:
        """That of a judge, the last where there are several, None where there is none."""
        own = [one for one in self.calibrations if (one.judge, one.question) == (judge, question)]
        return own[-1] if own else None

    def with_new(self, new: Sequence[Calibration]) -> Calibrations:
        """With the new ones in place of what earlier ones of the same judge and question say of their
        families.
        """
        merged = {(one.judge, one.question): one for one in self.calibrations}
        for one in new:
            earlier = merged.get((one.judge, one.question))
            merged[one.judge, one.question] = earlier.updated(one) if earlier else one
        return Calibrations(calibrations=tuple(merged.values()))


def family_of_transcript(transcript_id: str) -> str:
    """The family in the id of a labelled transcript."""
    return transcript_id.rpartition("-")[0]


def digest_source(judge: str, family: str) -> str:
    """Changes with every labelled transcript of a family, and for the rule with every line of the rules and
    their offices; "" for a family without labelled transcripts.
    """
    place = f"{LABELLED}/{family}.toml"
    if family not in _labelled_families():
        return ""
    return hash_source((place, RULES) if judge == RULE else (place,))[:FINGERPRINT_DIGITS]


def _labelled_families() -> set[str]:
    """Names of families come from files that anybody may have written; none becomes a path."""
    return {path.stem for path in (Path(__file__).parents[1] / LABELLED).glob("*.toml")}


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
