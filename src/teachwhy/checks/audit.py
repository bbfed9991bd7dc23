"""Audit rows: what every gate refuses, duplicates, tics, coverage, distance to the evaluations, lengths; and
whether the rows may be used as they are.

Reads JSONL of Example in chunks, in two processes where there are many. Writes audit.json.
"""

from __future__ import annotations

import itertools
import multiprocessing
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

from teachwhy.checks.audit_record import Audit
from teachwhy.checks.row_files import CHUNK_ROWS, Chunk, count_bytes, read_chunks
from teachwhy.checks.scan import Result, Scanner, prepare_process, scan_in_process
from teachwhy.checks.suites import registered_suites
from teachwhy.checks.tally import Tally
from teachwhy.config import GateConfig
from teachwhy.constitution import Constitution
from teachwhy.records import Example
from teachwhy.run_dir import atomic_write_text

MIN_PARALLEL_ROWS = 4000
"""With fewer rows a second process costs more than it saves."""
_AHEAD = 3
"""Chunks in flight for each process, so that memory does not grow with the file."""

Progress = Callable[[int, int], None]
Source = Path | Sequence[Path] | Iterable[Example]


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
    tally = Tally(config, constitution)
    total_bytes, done_bytes = count_bytes(source), 0
    for chunk, result in _scan_all(read_chunks(source), config, tuple(injections), processes):
        tally.add(result)
        done_bytes += sum(map(len, chunk.lines))
        if progress is not None:
            progress(tally.num_rows, round(tally.num_rows * total_bytes / max(1, done_bytes)))
    return tally.finish()


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
    arguments = (config.model_dump_json(), injections, registered_suites())
    with ProcessPoolExecutor(processes, context, prepare_process, arguments) as pool:
        for chunk in itertools.chain(first, chunks):
            waiting.append((chunk, pool.submit(scan_in_process, chunk)))
            if len(waiting) >= processes * _AHEAD:
                done, future = waiting.popleft()
                yield _Scanned(done, future.result())
        for done, future in waiting:
            yield _Scanned(done, future.result())
