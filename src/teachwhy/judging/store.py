"""The judgements of an evaluation: `judgements.jsonl` beside its ledger, one JSON line a judgement.

Appended as the judges answer, so that a kill loses the answers in flight and no others. A line that a kill
tore in two can only be the last; it is cut off and asked again. A judgement that was lost to the provider is
asked again by the next run, and its later line counts; every other question has one line and is never asked
twice.
"""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import IO

from pydantic import ValidationError

from teachwhy.errors import DataError, list_faults
from teachwhy.evaluation.ledger import lock_file
from teachwhy.judging.questions import Judgement, JudgementKey, key_of
from teachwhy.run_dir import storage_errors

FILE_NAME = "judgements.jsonl"


def is_lost(judgement: Judgement) -> bool:
    """Whether the provider failed, so that it says nothing about the episode nor the judge."""
    return judgement.fault == "provider"


def read_judgements(path: Path) -> tuple[list[Judgement], int]:
    """The judgements of a file, and the length in bytes of the part that holds them; none where there is no
    file.

    Raises `DataError` for a line that is none, and for one that stands there twice and was not lost.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return [], 0
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}). Make it readable.") from error
    whole = data[: data.rfind(b"\n") + 1]
    found: dict[JudgementKey, Judgement] = {}
    for number, line in enumerate(whole.splitlines(), start=1):
        try:
            judgement = Judgement.model_validate_json(line)
        except ValidationError as error:
            raise DataError(
                f"{path}, line {number}: {list_faults(error, 'the line')[0]}. "
                "Every line is one Judgement as JSON; delete this line to have it asked again."
            ) from error
        key = key_of(judgement)
        if key in found and not is_lost(found[key]):
            raise DataError(f"{path}, line {number}: {key} stands there twice. Delete one of the two lines.")
        found[key] = judgement
    return list(found.values()), len(whole)


class JudgementFile:
    """The file open for appending, locked against other processes; a context manager."""

    def __init__(self, path: Path, wait_seconds: float = 5.0) -> None:
        """Open `path`, cut off a torn last line. Raises `DataError`, `StorageError`."""
        self.path = path
        with storage_errors(path):
            self._file: IO[bytes] = path.open("ab")
        try:
            with storage_errors(path):
                lock_file(self._file, path, wait_seconds)
                judgements, num_bytes = read_judgements(path)
                self._file.truncate(num_bytes)
        except BaseException:
            self._file.close()
            raise
        self.found = {key_of(judgement): judgement for judgement in judgements}
        """All that stand there, lost ones included."""

    def append(self, judgement: Judgement) -> None:
        """Add a judgement; it survives the death of this process from here on."""
        with storage_errors(self.path):
            self._file.write(judgement.model_dump_json().encode() + b"\n")
            self._file.flush()
        self.found[key_of(judgement)] = judgement

    def __enter__(self) -> JudgementFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with storage_errors(self.path):
            self._file.close()
