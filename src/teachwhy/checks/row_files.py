"""Rows for an audit, in chunks of JSON lines: a file is never in memory as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from teachwhy.errors import DataError, list_faults
from teachwhy.records import Example

CHUNK_ROWS = 1000
REMEDY = "mend that line, or make the file again"


class Chunk(NamedTuple):
    """Lines that follow each other in one file."""

    source: str
    """The file; empty for rows that came from none."""
    first_line: int
    lines: tuple[bytes, ...]


def read_chunks(source: Path | Sequence[Path] | Iterable[Example]) -> Iterator[Chunk]:
    """The rows of files, or rows as they are, in their order. Raises DataError for a missing file."""
    if isinstance(source, Path):
        source = (source,)
    rows = iter(source)
    first = next(rows, None)
    if first is None:
        return
    if isinstance(first, Path):
        for path in (first, *rows):
            yield from _chunks_of_file(Path(str(path)))
        return
    yield from _chunks_of_rows(first, rows)


def _chunks_of_rows(first: object, rows: Iterator[object]) -> Iterator[Chunk]:
    number = 1
    lines = [_dump(first)]
    while lines:
        lines += map(_dump, islice(rows, CHUNK_ROWS - len(lines)))
        yield Chunk("", number, tuple(lines))
        number += len(lines)
        lines = list(map(_dump, islice(rows, CHUNK_ROWS)))


def _dump(row: object) -> bytes:
    assert isinstance(row, Example), "an audit takes files or rows"
    return row.model_dump_json().encode("utf-8", "surrogatepass")


def _chunks_of_file(path: Path) -> Iterator[Chunk]:
    try:
        with path.open("rb") as file:
            number = 1
            while lines := tuple(islice(file, CHUNK_ROWS)):
                yield Chunk(str(path), number, lines)
                number += len(lines)
    except OSError as error:
        raise DataError(
            f"examples {str(path)!r} cannot be read ({error.strerror}); check the path"
        ) from error


def parse_chunk(chunk: Chunk) -> Iterator[Example]:
    """The rows of a chunk; blank lines are skipped. Raises DataError: file, line, field, value."""
    for number, line in enumerate(chunk.lines, chunk.first_line):
        if number == 1:
            line = line.removeprefix(b"\xef\xbb\xbf")
        if not line.strip():
            continue
        try:
            yield Example.model_validate_json(line)
        except ValidationError as error:
            where = f"{chunk.source or 'rows'}, line {number}"
            raise DataError(f"{where}: {list_faults(error, 'the row')[0]}; {REMEDY}") from error


def count_bytes(source: object) -> int:
    """Bytes of the files of a source, 0 where it is none."""
    paths = [source] if isinstance(source, Path) else source if isinstance(source, list | tuple) else []
    return sum(path.stat().st_size for path in paths if isinstance(path, Path) and path.is_file())
