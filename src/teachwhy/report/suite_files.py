"""The folder of one evaluation, read and checked: ledger, settings, judgements, names in Inspect's logs.

Reads episodes.jsonl, settings.json, judgements.jsonl (where judges were asked), the names of samples in
logs/*.eval and, two folders up, the manifest.json of the run that the evaluation is a part of; writes
nothing. Transcripts stay in the ledger until they are shown: a row knows the place of its line.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeVar

from pydantic import BaseModel, ValidationError

from teachwhy.errors import DataError, list_faults
from teachwhy.records import EpisodeKey, EpisodeRow, Judgement, JudgementKey, Message, key_of
from teachwhy.report.run_files import FileRecord, Manifest, check_record
from teachwhy.run_dir import JUDGEMENTS, LEDGER, LOGS, SETTINGS, is_whole, read_json, read_settings

PAGE_NAME = "suite.html"
_SAMPLE = re.compile(r"samples/(.+)_epoch_(\d+)\.json")
_LOG_DATE = re.compile(r"\d{4}-\d{2}-\d{2}(?=T)")


class EvaluationSettings(FileRecord):
    """The section [evaluation] as settings.json keeps it, as far as the page shows it."""

    presentation: str = "tools"
    hint: int = 0
    repeats: int = 1
    temperature: float = 1.0
    part: str = "all"


class SuiteSettings(FileRecord):
    """settings.json of an evaluation."""

    model: str = ""
    dialect: str = "sprig"
    evaluation: EvaluationSettings = EvaluationSettings()
    template_lacks: tuple[str, ...] = ()


class LogPlace(NamedTuple):
    """Where Inspect keeps a sample: the name of the log's file, the sample's id, its epoch."""

    log: str
    sample_id: str
    epoch: int


@dataclass(frozen=True)
class SuiteFiles:
    """An evaluation as its files say it."""

    folder: Path
    settings: SuiteSettings
    title: str
    """Of the arm in the run's manifest, else the model's name."""
    student: str
    """Of the run's manifest, else empty."""
    date: str
    """Day of the first log, else of the manifest, else empty."""
    is_whole: bool
    """Its stage.json is there."""
    rows: tuple[EpisodeRow, ...]
    """Without their transcripts, in the order of kind, family, id and repeat; one row an episode."""
    offsets: Mapping[EpisodeKey, int]
    """Where the line of a row begins in the ledger, in bytes."""
    judgements: tuple[Judgement, ...] | None
    """None where no judge was asked; of several lines for the same question the last."""
    num_stale_judgements: int
    """Those that are left out: of an episode that is not there, or has run again since."""
    places: Mapping[str, LogPlace]
    """By sample id."""

    def read_transcript(self, row: EpisodeRow) -> tuple[Message, ...]:
        """The messages of a row, from the ledger."""
        with (self.folder / LEDGER).open("rb") as file:
            file.seek(self.offsets[key_of(row)])
            return EpisodeRow.model_validate_json(file.readline()).transcript

    def find_place(self, row: EpisodeRow) -> LogPlace | None:
        """Where Inspect keeps the episode; None where its log was lost or cannot be read."""
        return self.places.get(row.episode_id if row.repeat == 0 else f"{row.episode_id}#{row.repeat}")


def is_evaluation(folder: Path) -> bool:
    """Whether a folder is that of an evaluation and not of a run."""
    return (folder / LEDGER).is_file() and (folder / SETTINGS).is_file()


def find_logs(folder: Path) -> list[Path]:
    """The logs of an evaluation, the oldest first."""
    return sorted(path for path in (folder / LOGS).glob("*.eval") if path.is_file())


def find_day(logs: list[Path]) -> str:
    """The day of the first log, empty without one."""
    days = [match[0] for path in logs if (match := _LOG_DATE.match(path.name))]
    return days[0] if days else ""


def read_suite(folder: Path) -> SuiteFiles:
    """Read all that the suite page shows. Raises DataError, naming the file, when one is absent or broken,
    and ConfigError for an evaluation of another suite.
    """
    settings_path = folder / SETTINGS
    settings = check_record(SuiteSettings, read_settings(folder), settings_path)
    found: dict[EpisodeKey, tuple[EpisodeRow, int]] = {}
    digests: dict[EpisodeKey, str] = {}
    is_judged = (folder / JUDGEMENTS).exists()
    for offset, row in read_lines(EpisodeRow, folder / LEDGER):
        found[key_of(row)] = (row.model_copy(update={"transcript": ()}), offset)  # a lost one runs again
        digests[key_of(row)] = row.digest if is_judged else ""
    if not found:
        raise DataError(f"{folder / LEDGER}: no episode is in it; run the evaluation first")
    rows = tuple(sorted((row for row, _ in found.values()), key=_order))
    manifest = _read_manifest(folder)
    titles = {arm.name: arm.title for arm in manifest.experiment.arms}
    logs = find_logs(folder)
    judgements = _read_judgements(folder / JUDGEMENTS)
    known = [line for line in judgements or () if digests.get(key_of(line)) == line.transcript]
    return SuiteFiles(
        folder=folder,
        settings=settings,
        title=titles.get(rows[0].arm, "") or settings.model or rows[0].arm,
        student=manifest.experiment.student,
        date=find_day(logs) or manifest.created.partition("T")[0],
        is_whole=is_whole(folder),
        rows=rows,
        offsets={key: offset for key, (_, offset) in found.items()},
        judgements=None if judgements is None else tuple(known),
        num_stale_judgements=len(judgements or ()) - len(known),
        places=find_samples(logs),
    )


def _order(row: EpisodeRow) -> tuple[str, str, str, int]:
    return (row.kind, row.family, row.episode_id, row.repeat)


def _read_manifest(folder: Path) -> Manifest:
    path = folder.resolve().parent.parent / "manifest.json"
    if folder.resolve().parent.name != "stages" or not path.is_file():
        return Manifest()
    return check_record(Manifest, read_json(path), path)


LineType = TypeVar("LineType", bound=BaseModel)


def read_lines(record: type[LineType], path: Path) -> Iterator[tuple[int, LineType]]:
    """Each whole line with its place; a last line that a kill tore in two is left out."""
    try:
        with path.open("rb") as file:
            offset = 0
            for number, line in enumerate(file, start=1):
                if not line.endswith(b"\n"):
                    return
                try:
                    yield offset, record.model_validate_json(line)
                except ValidationError as error:
                    raise DataError(
                        f"{path}, line {number}: {list_faults(error, 'the line')[0]}. Every line is one "
                        f"{record.__name__} as JSON; delete this line and do its work again."
                    ) from error
                offset += len(line)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); run the evaluation again") from error


def _read_judgements(path: Path) -> tuple[Judgement, ...] | None:
    """A judgement that was lost to the provider may stand there again; of these lines the last counts."""
    if not path.exists():
        return None
    found: dict[JudgementKey, Judgement] = {}
    for _, line in read_lines(Judgement, path):
        if line.key in found and not found[line.key].is_lost:
            what = f"{line.judge!r} on {line.question} of {line.episode_id!r}, repeat {line.repeat}"
            raise DataError(f"{path}: {what} stands there twice. Delete one of the two lines.")
        found[line.key] = line
    return tuple(found.values())


def find_samples(logs: list[Path]) -> dict[str, LogPlace]:
    """Sample id -> its place in the latest log that holds it; a log that a kill cut off has none."""
    places: dict[str, LogPlace] = {}
    for path in logs:
        try:
            with zipfile.ZipFile(path) as log:
                names = log.namelist()
        except (zipfile.BadZipFile, OSError):
            continue
        for name in names:
            if match := _SAMPLE.fullmatch(name):
                places[match[1]] = LogPlace(path.name, match[1], int(match[2]))
    return places
