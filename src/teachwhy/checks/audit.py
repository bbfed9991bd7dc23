"""Audit rows: what every gate refuses, duplicates, coverage, lengths; and whether the dataset may be used.

Reads JSONL of Example in chunks, in two processes where there are many. Writes audit.json.
"""

from __future__ import annotations

import itertools
import multiprocessing
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

from teachwhy.checks.coverage import Coverage, describe_coverage
from teachwhy.checks.duplicates import Duplicates, Fingerprint
from teachwhy.checks.row_files import CHUNK_ROWS, Chunk, count_bytes, read_chunks
from teachwhy.checks.scan import Result, Scanned, ScannedRow, Scanner, prepare_process, scan_in_process
from teachwhy.config import GateConfig
from teachwhy.constitution import Constitution
from teachwhy.records import Example, Record
from teachwhy.run_dir import atomic_write_text

SCHEMA = 1
MAX_SHOWN = 20
"""Refused rows that are named for each gate; all are counted."""
FATAL = ("decontamination", "injections", "identity", "talk_of_tests")
"""Gates that no row of a finished dataset may fail."""
MIN_PARALLEL_ROWS = 4000
"""With fewer rows a second process costs more than it saves."""
_AHEAD = 3
"""Chunks in flight for each process, so that memory does not grow with the file."""
_DIGEST_BYTES, _SIGNATURE_BYTES = 16, 512

Progress = Callable[[int, int], None]
Source = Path | Sequence[Path] | Iterable[Example]


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
    technique: str
    num_rows: int
    lengths: Lengths


class Audit(Record):
    """audit.json."""

    schema_version: int = SCHEMA
    num_rows: int
    gates: tuple[GateCount, ...]
    """Every gate that refuses something, in the order of the gates."""
    datasets: tuple[DatasetAudit, ...]
    coverage: Coverage
    failures: tuple[str, ...]
    """Why the rows must not be used as they are; empty where they may."""


def audit_rows(
    source: Source,
    config: GateConfig,
    constitution: Constitution,
    injections: Sequence[str] = (),
    progress: Progress | None = None,
    processes: int = 2,
) -> Audit:
    """Audit files of rows, or rows.

    `injections`: the frames of sampling prompts. `progress(done, total)`: rows so far, and about how many
    there are (0: not known). Duplicates are looked for within the rows of one technique in one file, since
    techniques of one lineage share prompts on purpose. Raises DataError for a line that is no row.
    """
    ledger = _Ledger(config, constitution)
    total_bytes, done_bytes = count_bytes(source), 0
    for chunk, result in _scan_all(read_chunks(source), config, tuple(injections), processes):
        ledger.add(result)
        done_bytes += sum(map(len, chunk.lines))
        if progress is not None:
            progress(ledger.num_rows, round(ledger.num_rows * total_bytes / max(1, done_bytes)))
    return ledger.finish()


def write_audit(audit: Audit, path: Path) -> None:
    """Write audit.json, whole or not at all."""
    atomic_write_text(path, audit.model_dump_json(indent=2) + "\n")


class _Scanned(NamedTuple):
    chunk: Chunk
    result: Result


def _scan_all(
    chunks: Iterator[Chunk], config: GateConfig, injections: tuple[str, ...], processes: int
) -> Iterator[_Scanned]:
    """The scanned chunks in their order, in other processes if there are many rows."""
    first: list[Chunk] = []
    for chunk in chunks:
        first.append(chunk)
        if len(first) * CHUNK_ROWS >= MIN_PARALLEL_ROWS:
            break
    if processes < 2 or len(first) * CHUNK_ROWS < MIN_PARALLEL_ROWS:
        scanner = Scanner(config, injections)
        for chunk in itertools.chain(first, chunks):
            yield _Scanned(chunk, scanner.scan(chunk))
        return
    context = multiprocessing.get_context("spawn")
    waiting: deque[tuple[Chunk, Future[Result]]] = deque()
    arguments = (config.model_dump_json(), injections)
    with ProcessPoolExecutor(processes, context, prepare_process, arguments) as pool:
        for chunk in itertools.chain(first, chunks):
            waiting.append((chunk, pool.submit(scan_in_process, chunk)))
            if len(waiting) >= processes * _AHEAD:
                done, future = waiting.popleft()
                yield _Scanned(done, future.result())
        for done, future in waiting:
            yield _Scanned(done, future.result())


class _Dataset:
    """The rows of one technique in one file, as they come."""

    def __init__(self, near_duplicates: float) -> None:
        self.duplicates = Duplicates(near_duplicates)
        self.lengths: Counter[int] = Counter()


class _Ledger:
    """What is known of all rows so far."""

    def __init__(self, config: GateConfig, constitution: Constitution) -> None:
        self.num_rows = 0
        self._config = config
        self._constitution = constitution
        self._gates: dict[str, list[RefusedRow]] = {}
        self._counts: Counter[str] = Counter()
        self._datasets: dict[tuple[str, str], _Dataset] = {}
        self._sections: Counter[str] = Counter()
        self._num_without = 0

    def add(self, result: Result) -> None:
        """The next chunk."""
        scanned = Scanned.model_validate_json(result.scanned)
        for place, row in enumerate(scanned.rows):
            self.num_rows += 1
            key = (scanned.source, row.technique)
            dataset = self._datasets.setdefault(key, _Dataset(self._config.near_duplicates))
            dataset.lengths[row.num_words] += 1
            self._sections.update(row.sections)
            self._num_without += not row.sections
            for gate, reason in row.refusals:
                self._refuse(gate, scanned.source, row, reason)
            print_ = Fingerprint(
                result.digests[place * _DIGEST_BYTES : (place + 1) * _DIGEST_BYTES],
                result.signatures[place * _SIGNATURE_BYTES : (place + 1) * _SIGNATURE_BYTES],
            )
            if repeated := dataset.duplicates.find(print_):
                self._refuse("duplicates", scanned.source, row, repeated)
            else:
                dataset.duplicates.add(row.id, print_)

    def _refuse(self, gate: str, source: str, row: ScannedRow, reason: str) -> None:
        self._counts[gate] += 1
        rows = self._gates.setdefault(gate, [])
        if len(rows) < MAX_SHOWN:
            rows.append(RefusedRow(id=row.id, source=source, reason=reason))

    def finish(self) -> Audit:
        """The audit of all that was added."""
        coverage = describe_coverage(self._sections, self._num_without, self._constitution)
        return Audit(
            num_rows=self.num_rows,
            gates=tuple(
                GateCount(gate=gate, num_rows=self._counts[gate], rows=tuple(self._gates[gate]))
                for gate in (*FATAL, "duplicates")
                if gate in self._gates
            ),
            datasets=tuple(
                DatasetAudit(
                    source=source,
                    technique=technique,
                    num_rows=dataset.lengths.total(),
                    lengths=_describe_lengths(dataset.lengths),
                )
                for (source, technique), dataset in self._datasets.items()
            ),
            coverage=coverage,
            failures=tuple(self._list_failures(coverage)),
        )

    def _list_failures(self, coverage: Coverage) -> Iterator[str]:
        for gate in FATAL:
            if rows := self._gates.get(gate):
                first = rows[0]
                yield f"{gate}: {self._counts[gate]} rows; the first is {first.id}: {first.reason}"
        if coverage.share < self._config.section_coverage:
            yield (
                f"section_coverage: {coverage.share:.2f} of the constitution's sections have rows, "
                f"{self._config.section_coverage:.2f} are asked for; without: {', '.join(coverage.missing)}"
            )


def _describe_lengths(lengths: Counter[int]) -> Lengths:
    ordered = sorted(lengths.items())
    total = lengths.total()
    quantiles = {}
    for share in (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0):
        seen = 0
        for length, count in ordered:
            seen += count
            if seen >= share * total:
                quantiles[f"{share:g}"] = length
                break
    return Lengths(mean=sum(length * count for length, count in ordered) / total, quantiles=quantiles)
