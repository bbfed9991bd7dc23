"""What is known of all rows that an audit has seen so far.

Grows by half a kilobyte a row, for the signatures that later rows are compared with.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterator

import numpy as np

from teachwhy.checks.audit_record import Audit, DatasetAudit, GateCount, Lengths, RefusedRow
from teachwhy.checks.coverage import Coverage, describe_coverage
from teachwhy.checks.distance import NUM_NEAREST, Floats, NearestPair, describe_distances, load_meter
from teachwhy.checks.duplicates import Duplicates, Fingerprint
from teachwhy.checks.scan import Result, Scanned, ScannedRow
from teachwhy.checks.semantic import SemanticDuplicates
from teachwhy.checks.tic_counts import TicCounts, add_counts
from teachwhy.checks.tics import judge_tics
from teachwhy.config import GateConfig
from teachwhy.constitution import Constitution

MAX_SHOWN = 20
"""Refused rows that are named for each gate; all are counted."""
FATAL = ("decontamination", "identity", "injections", "talk_of_tests")
"""Gates that no row of a finished dataset may fail."""
_DIGEST_BYTES, _SIGNATURE_BYTES = 16, 512
_QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)


class _Dataset:
    """The rows of one technique in one file."""

    def __init__(self, config: GateConfig) -> None:
        self.duplicates = Duplicates(config.near_duplicates)
        self.semantic = SemanticDuplicates(config.semantic_duplicates)
        self.lengths: Counter[int] = Counter()
        self.tics = TicCounts()
        self.similarities: list[Floats] = []
        self.nearest: list[tuple[float, str, int]] = []
        """The ten nearest: (similarity, row, evaluated text)."""

    def add_distance(self, row_id: str, similar: Floats, item: int) -> None:
        """How near the next row is to each suite, and which text of all is nearest."""
        self.similarities.append(similar)
        entry = (float(similar.max()), row_id, item)
        if len(self.nearest) < NUM_NEAREST:
            heapq.heappush(self.nearest, entry)
        else:
            heapq.heappushpop(self.nearest, entry)


class Tally:
    """The counts of an audit."""

    def __init__(self, config: GateConfig, constitution: Constitution) -> None:
        self.num_rows = 0
        self._config = config
        self._constitution = constitution
        self._meter = load_meter()
        self._refused: dict[str, list[RefusedRow]] = {}
        self._counts: Counter[str] = Counter()
        self._datasets: dict[tuple[str, str], _Dataset] = {}
        self._sections: Counter[str] = Counter()
        self._num_without = 0

    def add(self, result: Result) -> None:
        """The next chunk."""
        scanned = Scanned.model_validate_json(result.scanned)
        num_rows = len(scanned.rows)
        similarities = np.frombuffer(result.similarities, dtype=np.float32).reshape(
            num_rows, len(self._meter.suites)
        )
        nearest = np.frombuffer(result.nearest, dtype=np.int32)
        vectors = np.frombuffer(result.vectors, dtype=np.float32).reshape(max(1, num_rows), -1)
        for place, row in enumerate(scanned.rows):
            self.num_rows += 1
            dataset = self._dataset(scanned.source, row.technique)
            dataset.lengths[row.num_words] += 1
            dataset.add_distance(row.id, similarities[place], int(nearest[place]))
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
            elif result.vectors and (repeated := dataset.semantic.find(vectors[place])):
                self._refuse("semantic", scanned.source, row, repeated)
            else:
                dataset.duplicates.add(row.id, print_)
                if result.vectors:
                    dataset.semantic.add(row.id, vectors[place])
        for technique, tics in scanned.tics.items():
            dataset = self._dataset(scanned.source, technique)
            dataset.tics = add_counts(dataset.tics, tics)

    def _dataset(self, source: str, technique: str) -> _Dataset:
        key = (source, technique)
        if key not in self._datasets:
            self._datasets[key] = _Dataset(self._config)
        return self._datasets[key]

    def _refuse(self, gate: str, source: str, row: ScannedRow, reason: str) -> None:
        self._counts[gate] += 1
        rows = self._refused.setdefault(gate, [])
        if len(rows) < MAX_SHOWN:
            rows.append(RefusedRow(id=row.id, source=source, reason=reason))

    def finish(self) -> Audit:
        """The audit of all that was added."""
        coverage = describe_coverage(self._sections, self._num_without, self._constitution)
        datasets = tuple(
            self._describe(source, technique, dataset)
            for (source, technique), dataset in self._datasets.items()
        )
        return Audit(
            num_rows=self.num_rows,
            gates=tuple(
                GateCount(gate=gate, num_rows=self._counts[gate], rows=tuple(self._refused[gate]))
                for gate in (*FATAL, "duplicates", "semantic")
                if gate in self._refused
            ),
            datasets=datasets,
            coverage=coverage,
            references=self._meter.measure_references(),
            failures=tuple(self._list_failures(coverage, datasets)),
        )

    def _describe(self, source: str, technique: str, dataset: _Dataset) -> DatasetAudit:
        counts = dataset.tics
        pairs = [
            NearestPair(
                row=row,
                suite=self._meter.items[item][0],
                item=self._meter.items[item][1],
                distance=round(1 - similar, 4),
            )
            for similar, row, item in sorted(dataset.nearest, key=lambda entry: (-entry[0], entry[1]))
        ]
        return DatasetAudit(
            source=source,
            technique=technique,
            num_rows=counts.num_rows,
            lengths=_describe_lengths(dataset.lengths),
            refusal_rate=counts.num_refusals / counts.num_rows,
            question_rate=counts.num_questions / counts.num_rows,
            shapes={
                name: count / counts.num_rows
                for name, count in counts.shapes.items()
                if not name.startswith("shape: ")
            },
            tics=tuple(judge_tics(counts, self._config.tic_share)),
            distance=describe_distances(self._meter, np.stack(dataset.similarities), pairs),
        )

    def _list_failures(self, coverage: Coverage, datasets: tuple[DatasetAudit, ...]) -> Iterator[str]:
        for gate in FATAL:
            if rows := self._refused.get(gate):
                first = rows[0]
                yield f"{gate}: {self._counts[gate]} rows; the first is {first.id}: {first.reason}"
        for dataset in datasets:
            if self._config.max_tics is not None and len(dataset.tics) > self._config.max_tics:
                told = "; ".join(f"{tic.kind} {tic.text!r}" for tic in dataset.tics[:3])
                yield (
                    f"max_tics: {dataset.technique} has {len(dataset.tics)} tics, "
                    f"{self._config.max_tics} are allowed; the commonest: {told}"
                )
        if coverage.share < self._config.section_coverage:
            yield (
                f"section_coverage: {coverage.share:.2f} of the constitution's sections have rows, "
                f"{self._config.section_coverage:.2f} are asked for; without: {', '.join(coverage.missing)}"
            )


def _describe_lengths(lengths: Counter[int]) -> Lengths:
    ordered = sorted(lengths.items())
    total = lengths.total()
    quantiles = {}
    for share in _QUANTILES:
        seen = 0
        for length, count in ordered:
            seen += count
            if seen >= share * total:
                quantiles[f"{share:g}"] = length
                break
    return Lengths(mean=sum(length * count for length, count in ordered) / total, quantiles=quantiles)
