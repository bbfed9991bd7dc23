"""Examples on disk: whole or not at all, and errors that lead to the faulty line."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from teachwhy.errors import DataError, StorageError
from teachwhy.records import Example, Message, ToolCall
from teachwhy.techniques import read_examples, write_examples

ROW: dict[str, Any] = {"id": "a-1", "technique": "t", "kind": "document", "text": "x", "teacher": "fake"}


def make_example(number: int) -> Example:
    call = ToolCall(name="send", arguments={"to": "Zoë\u2028\u0085", "n": 1})
    messages = (Message(role="user", content="a\nb"), Message(role="assistant", tool_calls=(call,)))
    return Example(id=f"t-{number}", technique="t", kind="chat", messages=messages, teacher="fake", score=0.5)


def write_lines(path: Path, *rows: object) -> Path:
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    return path


def test_round_trip_keeps_every_row(tmp_path: Path) -> None:
    rows = [make_example(number) for number in range(3)]
    path = tmp_path / "deep" / "rows.jsonl"
    write_examples(path, rows)
    assert read_examples(path) == rows
    assert [file.name for file in path.parent.iterdir()] == ["rows.jsonl"]


def test_a_failing_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    write_examples(path, [make_example(1)])

    def broken() -> Any:
        yield make_example(2)
        raise OSError(28, "No space left on device")

    with pytest.raises(StorageError, match=r"No space left on device.*free some space"):
        write_examples(path, broken())
    assert [row.id for row in read_examples(path)] == ["t-1"]
    assert os.listdir(tmp_path) == ["rows.jsonl"]


def test_a_place_that_is_a_file_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot write"):
        write_examples(tmp_path / "file" / "rows.jsonl", [])


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ('{"id": "a-2", "tech', r"line 2: not valid JSON at column \d+ .*cut-off last line"),
        ("[" * 100000, "line 2: not valid JSON"),
        ({**ROW, "id": "a-2", "text": 5}, "line 2: field text: .*got 5; correct the value"),
        (
            {**ROW, "id": "a-2", "colour": "red"},
            "field colour: .*got 'red'; remove it; allowed: id, technique",
        ),
        ({"id": "a-2"}, r"field technique: .*add the field \(2 more faults"),
        ({**ROW, "id": "a-2", "text": ""}, "whole row.*a document row has text"),
        ([1], "line 2: field "),
        (ROW, "field id: 'a-1' is already the id of line 1"),
    ],
)
def test_a_bad_row_is_named(tmp_path: Path, row: object, message: str) -> None:
    path = write_lines(tmp_path / "rows.jsonl", ROW, row)
    with pytest.raises(DataError, match=message) as caught:
        read_examples(path)
    assert "rows.jsonl, line 2" in str(caught.value)
    assert len(str(caught.value)) < 600 + len(str(tmp_path))


def test_unreadable_files(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        read_examples(tmp_path / "absent.jsonl")
    (tmp_path / "bytes.jsonl").write_bytes(b"\xff\xfe")
    with pytest.raises(DataError, match="not UTF-8"):
        read_examples(tmp_path / "bytes.jsonl")


def test_blank_lines_and_windows_ends_are_no_rows(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b"\r\n" + json.dumps(ROW).encode() + b"\r\n\r\n")
    assert [row.id for row in read_examples(path)] == ["a-1"]
