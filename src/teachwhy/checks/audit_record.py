"""What an audit finds: the records of audit.json."""

from __future__ import annotations

from teachwhy.checks.coverage import Coverage
from teachwhy.checks.distance import Distances, References
from teachwhy.checks.tics import Tic
from teachwhy.records import Record

SCHEMA = 1


class RefusedRow(Record):
    """A row that a gate refuses."""

    id: str
    source: str
    reason: str


class GateCount(Record):
    """What one gate refuses."""

    gate: str
    num_rows: int
    rows: tuple[RefusedRow, ...]
    """The first of them."""


class Lengths(Record):
    """Words that the student learns to say, of a row."""

    mean: float
    quantiles: dict[str, int]
    """Of 0, 0.05, 0.25, 0.5, 0.75, 0.95 and 1."""


class DatasetAudit(Record):
    """The rows of one technique in one file."""

    source: str
    """The file; empty for rows that came from none."""
    technique: str
    num_rows: int
    lengths: Lengths
    refusal_rate: float
    """Share of rows whose answer begins by declining."""
    question_rate: float
    """Share of rows whose answer asks anything."""
    shapes: dict[str, float]
    """Feature of answers (lists, bold, em dashes, ...) -> share of rows."""
    tics: tuple[Tic, ...]
    distance: Distances
    """To the nearest evaluated texts."""


class Audit(Record):
    """audit.json."""

    schema_version: int = SCHEMA
    num_rows: int
    gates: tuple[GateCount, ...]
    """Every gate that refuses something, in the order of the gates."""
    datasets: tuple[DatasetAudit, ...]
    coverage: Coverage
    references: References
    """What the datasets' distances may be compared with."""
    failures: tuple[str, ...]
    """Why the rows must not be used as they are; empty where they may."""
