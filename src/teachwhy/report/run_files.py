"""The files of a finished run, read and checked: manifest, summary, scores, plan and training records.

Reads manifest.json, summary.json (schema 1), scores.parquet, stages/plan-*.json, stages/train-*/training.json
and stages/eval-*/settings.json below one run directory; writes nothing. Keys that the report does not show
are left alone, so that a later version of another stage does not break it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar, get_args

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from teachwhy.errors import DataError, list_faults
from teachwhy.records import EpisodeKind, OutcomeName, Split
from teachwhy.run_dir import SETTINGS, RunDir, read_json, read_object

SUMMARY_SCHEMA = 1
NOT_FINISHED = (
    "no such file; a finished run has one, so give a run directory whose `teachwhy run` came to its end"
)
ROW_COLUMNS = ("arm", "seed", "episode_id", "repeat", "family", "split", "kind", "outcome", "reason")
ALLOWED_VALUES: dict[str, tuple[str, ...]] = {
    "outcome": get_args(OutcomeName),
    "kind": get_args(EpisodeKind),
    "split": get_args(Split),
}


class FileRecord(BaseModel):
    """Base of what is read here: frozen, unknown keys ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore", protected_namespaces=())


class Metric(FileRecord):
    """One rate with its interval; fractions 0 to 1, None where nothing could be divided."""

    metric: str
    episodes: EpisodeKind
    families: str
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    num_episodes: int = 0
    num_unscorable: int = 0


class ArmSummary(FileRecord):
    """One arm of summary.json."""

    name: str
    seeds: tuple[int, ...] = ()
    training_tokens: float | None = None
    updates: float | None = None
    metrics: tuple[Metric, ...] = ()

    @cached_property
    def by_key(self) -> dict[tuple[str, str, str], Metric]:
        """Metric by (metric, episodes, families)."""
        return {(m.metric, m.episodes, m.families): m for m in self.metrics}

    def find(self, metric: str, episodes: str = "honeypot", families: str = "all") -> Metric | None:
        """The metric, or None where the summary does not have it."""
        return self.by_key.get((metric, episodes, families))


class Contrast(FileRecord):
    """The difference of one arm from another, as a fraction."""

    arm: str
    baseline: str
    metric: str
    families: str
    episodes: str = "honeypot"
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    p_adjusted: float | None = None


class Claim(FileRecord):
    """A claim with its verdict; evidence is a text, a list of texts, or an object of names and values."""

    id: str
    statement: str
    verdict: str
    evidence: Any = None


class Summary(FileRecord):
    """summary.json, schema 1."""

    experiment: str = ""
    arms: tuple[ArmSummary, ...] = Field(min_length=1)
    contrasts: tuple[Contrast, ...] = ()
    claims: tuple[Claim, ...] = ()
    notes: tuple[str, ...] = ()
    """What the statistics say a reader must know."""


class ManifestArm(FileRecord):
    """What the experiment says of an arm."""

    name: str
    title: str = ""
    mixture: dict[str, float] = Field(default_factory=dict)


class ManifestExperiment(FileRecord):
    """The part of the resolved experiment that the report shows."""

    name: str = ""
    description: str = ""
    student: str = ""
    teacher: str = ""
    dialect: str = ""
    baseline: str | None = None
    arms: tuple[ManifestArm, ...] = ()


class Manifest(FileRecord):
    """manifest.json."""

    experiment: ManifestExperiment = ManifestExperiment()
    claims_sha256: str = ""
    claims_after_results: tuple[dict[str, Any], ...] = ()
    """Changes of the claims after episodes had been evaluated; empty in an honest run."""
    versions: dict[str, str] = Field(default_factory=dict)
    created: str = ""


class TrainingFile(FileRecord):
    """training.json of one arm and seed."""

    arm: str
    seed: int
    tokens: int | None = None
    updates: int | None = None
    seconds: float | None = None
    losses: tuple[float, ...] = ()


class SettingsFile(FileRecord):
    """settings.json of one evaluation."""

    template_lacks: tuple[str, ...] = ()
    """What the model's chat template does not show, and was told in plain words instead."""


class PlanArm(FileRecord):
    """One arm of the training plan, as drawn for its first seed."""

    arm: str
    updates: int
    rows: int | None = None
    loss_tokens: int | None = None
    truncated_tokens: int | None = None


class PlanFile(FileRecord):
    """plan-*.json."""

    arms: tuple[PlanArm, ...] = ()


@dataclass(frozen=True)
class RunFiles:
    """A finished run as its files say it."""

    paths: RunDir
    manifest: Manifest
    summary: Summary
    rows: pa.Table
    """scores.parquet without the transcripts: ROW_COLUMNS, and `cue` if there; one row an episode."""
    plan: Mapping[str, PlanArm]
    training: Mapping[tuple[str, int], TrainingFile]
    """By arm and seed."""
    template_lacks: tuple[str, ...] = ()
    """Over all evaluations."""

    def title_of(self, arm: str) -> str:
        """The arm's title in the experiment file, or its name with spaces."""
        for entry in self.manifest.experiment.arms:
            if entry.name == arm and entry.title:
                return entry.title
        return arm.replace("_", " ")

    def read_transcripts(self, indices: Sequence[int]) -> dict[int, str]:
        """The transcript column (JSON text) at these row numbers, read a row group at a time."""
        wanted = sorted(set(indices))
        found: dict[int, str] = {}
        start = 0
        with pq.ParquetFile(self.paths.scores) as file:
            for group in range(file.num_row_groups):
                stop = start + file.metadata.row_group(group).num_rows
                here = [i for i in wanted if start <= i < stop]
                if here:
                    column = file.read_row_group(group, columns=["transcript"]).column(0)
                    taken = column.take(pa.array([i - start for i in here]))
                    found.update(zip(here, (str(text) for text in taken.to_pylist()), strict=True))
                start = stop
        return found


def read_run(run_dir: Path) -> RunFiles:
    """Read all that the report shows. Raises DataError, naming the file, when one is absent or broken."""
    paths = RunDir(run_dir)
    summary_path = paths.summary
    summary_value = _read_json(summary_path)
    schema = summary_value.get("schema") if isinstance(summary_value, dict) else None
    if schema != SUMMARY_SCHEMA:
        raise DataError(
            f"{summary_path}: schema is {schema!r}, this version reads schema {SUMMARY_SCHEMA}; "
            "write the summary again with `teachwhy run`"
        )
    summary = check_record(Summary, summary_value, summary_path)
    manifest_path = paths.manifest
    manifest = check_record(Manifest, _read_json(manifest_path), manifest_path)
    stages = _used_stages(paths)
    plan = {
        entry.arm: entry
        for path in _by_age(paths.stages, "plan-*.json", stages)[-1:]
        for entry in check_record(PlanFile, _read_json(path), path).arms
    }
    found = [
        check_record(TrainingFile, _read_json(path), path)
        for path in _by_age(paths.stages, "train-*/training.json", stages)
    ]
    training = {(record.arm, record.seed): record for record in found}
    settings = [
        check_record(SettingsFile, _read_json(path), path)
        for path in _by_age(paths.stages, f"eval-*/{SETTINGS}", stages)
    ]
    lacks = tuple(dict.fromkeys(part for entry in settings for part in entry.template_lacks))
    return RunFiles(paths, manifest, summary, _read_rows(paths.scores), plan, training, lacks)


def _used_stages(paths: RunDir) -> frozenset[str]:
    """Names of the stages that the results were made from; empty where the run does not say."""
    if not paths.results.is_file():
        return frozenset()
    return frozenset(str(name) for name in read_object(paths.results, stages=list)["stages"])


def _by_age(folder: Path, pattern: str, stages: frozenset[str]) -> list[Path]:
    """Files by time of change, of the `stages` alone if any are named: others are of earlier runs."""
    found = sorted(folder.glob(pattern), key=lambda path: (path.stat().st_mtime_ns, path.name))
    return [path for path in found if not stages or path.relative_to(folder).parts[0] in stages]


def _read_rows(path: Path) -> pa.Table:
    if not path.is_file():
        raise DataError(f"{path}: {NOT_FINISHED}")
    try:
        with pq.ParquetFile(path) as file:
            names = set(file.schema_arrow.names)
            absent = [name for name in (*ROW_COLUMNS, "transcript") if name not in names]
            if absent:
                raise DataError(
                    f"{path}: the columns {', '.join(absent)} are absent; one row an episode with the "
                    "fields of records.EpisodeRow is wanted, so write it again with `teachwhy run`"
                )
            rows = file.read(columns=[*ROW_COLUMNS, *(["cue"] if "cue" in names else [])])
    except pa.ArrowInvalid as error:
        raise DataError(f"{path}: not a readable Parquet file ({error}); delete it and run again") from error
    for column, allowed in ALLOWED_VALUES.items():
        unknown = sorted(set(rows.column(column).unique().to_pylist()) - set(allowed), key=str)
        if unknown:
            raise DataError(f"{path}: {column}: received {unknown[0]!r}, allowed are {', '.join(allowed)}")
    return rows


def _read_json(path: Path) -> Any:
    if not path.is_file():
        raise DataError(f"{path}: {NOT_FINISHED}")
    return read_json(path)


RecordType = TypeVar("RecordType", bound=FileRecord)


def check_record(model: type[RecordType], value: Any, path: Path) -> RecordType:
    """A file's content as this record. Raises DataError with the first field that is wrong."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        fault = list_faults(error, "the file")[0]
        raise DataError(f"{path}: {fault}; write it again with `teachwhy run`") from error
