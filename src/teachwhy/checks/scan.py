"""One pass over a chunk of rows: all that an audit needs of them, as counts and hashes.

Runs in another process where there are many rows. What crosses is a chunk's lines there, and a `Scanned` as
JSON with the fingerprints as bytes back.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from teachwhy.checks.distance import load_meter
from teachwhy.checks.duplicates import Fingerprint, fingerprint
from teachwhy.checks.gates import RowGates
from teachwhy.checks.row_files import Chunk, parse_chunk
from teachwhy.checks.row_text import RowText
from teachwhy.checks.semantic import load_encoder
from teachwhy.checks.suites import RegisteredSuite, register_suite
from teachwhy.checks.tic_counts import TicCounts, count_tics
from teachwhy.config import GateConfig
from teachwhy.records import Record


class ScannedRow(Record):
    """One row."""

    id: str
    technique: str
    sections: tuple[str, ...]
    num_words: int
    """That the student learns to say."""
    refusals: tuple[tuple[str, str], ...]
    """(gate, reason), of every gate but duplicates."""


class Scanned(Record):
    """All rows of a chunk."""

    source: str
    rows: tuple[ScannedRow, ...]
    tics: dict[str, TicCounts]
    """Technique -> what was counted in its rows."""


class Result(NamedTuple):
    """What comes back of a chunk."""

    scanned: str
    """JSON of `Scanned`."""
    digests: bytes
    """16 bytes a row."""
    signatures: bytes
    """512 bytes a row."""
    similarities: bytes
    """[row, suite], 32-bit floats."""
    nearest: bytes
    """[row], 32-bit integers: the nearest evaluated text."""
    vectors: bytes
    """[row, axis], 32-bit floats of an encoder; empty without one."""


class Scanner:
    """The settings of a scan, ready for many chunks."""

    def __init__(self, config: GateConfig, injections: Sequence[str] = ()) -> None:
        self._gates = RowGates(config, injections)
        self._tic_share = config.tic_share
        self._meter = load_meter()
        self._encode = load_encoder(config)

    def scan(self, chunk: Chunk) -> Result:
        """All about a chunk. Raises DataError for a line that is no row."""
        rows: list[ScannedRow] = []
        prints: list[Fingerprint] = []
        texts: dict[str, list[RowText]] = {}
        told: list[NDArray[np.uint64]] = []
        vectors: list[bytes] = []
        for example in parse_chunk(chunk):
            row = RowText(example)
            rows.append(
                ScannedRow(
                    id=example.id,
                    technique=example.technique,
                    sections=tuple(dict.fromkeys(example.sections)),
                    num_words=sum(
                        len(words) for part, words in zip(row.parts, row.words, strict=True) if part.is_voiced
                    ),
                    refusals=tuple(
                        (refusal.gate, refusal.reason) for refusal in self._gates.find(example, row)
                    ),
                )
            )
            prints.append(fingerprint(row))
            told.append(row.told_hashes)
            texts.setdefault(example.technique, []).append(row)
            if self._encode:
                vectors.append(self._encode(" ".join(row.told)).tobytes())
        tics = {technique: count_tics(chosen, self._tic_share) for technique, chosen in texts.items()}
        scanned = Scanned(source=chunk.source, rows=tuple(rows), tics=tics)
        measured = self._meter.measure(told)
        return Result(
            scanned.model_dump_json(),
            b"".join(print_.digest for print_ in prints),
            b"".join(print_.signature for print_ in prints),
            measured.by_suite.astype(np.float32).tobytes(),
            measured.nearest.tobytes(),
            b"".join(vectors),
        )


_SCANNERS: list[Scanner] = []
"""The one of this process."""


def prepare_process(config: str, injections: Sequence[str], suites: Sequence[RegisteredSuite]) -> None:
    """Before a process's first chunk; `config` is JSON, `suites` those that were registered."""
    for name, texts, names in suites:
        register_suite(name, texts, names)
    _SCANNERS[:] = [Scanner(GateConfig.model_validate_json(config), injections)]


def scan_in_process(chunk: Chunk) -> Result:
    """Scan with what `prepare_process` set up."""
    return _SCANNERS[0].scan(chunk)
