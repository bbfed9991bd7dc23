"""Rows in the forms that other programs read: TRL, OpenAI's fine-tuning, Parquet.

Reads a dataset's rows, writes one file, whole or not at all. Ids and token ids survive: what a chat template
makes of an exported row is what it makes of ours (tests hold sprig's template to it). Forms as they were in
TRL 1.16 (`docs/dataset_formats`), datasets 5.2 and OpenAI's fine-tuning guide of 2026.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from teachwhy import __version__
from teachwhy.errors import DataError
from teachwhy.records import Example, Message, ToolSpec
from teachwhy.run_dir import atomic_file, atomic_write_text, storage_errors

if TYPE_CHECKING:
    import pyarrow as pa

Form = Literal["trl", "openai", "parquet"]
SUFFIXES: dict[Form, str] = {"trl": ".trl.jsonl", "openai": ".openai.jsonl", "parquet": ".parquet"}
"""What follows the dataset's name in the file's."""
_OPENAI_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Exported(NamedTuple):
    """What was written, for the one who asked."""

    path: Path
    num_rows: int
    note: str
    """What whoever trains on it must know."""


def export_rows(rows: Sequence[Example], form: Form, path: Path, source: str) -> Exported:
    """Write rows in a form; messages call their file `source`.

    Raises DataError, before anything is written, for rows that the form has no place for.
    """
    if not rows:
        raise DataError(f"{source}: holds no row to export. Make some with teachwhy generate.")
    if form == "parquet":
        write_parquet(rows, path)
        return Exported(path, len(rows), _PARQUET_NOTE)
    write, note = (_as_openai, _OPENAI_NOTE) if form == "openai" else _choose_trl(rows, source)
    lines = []
    for row in rows:
        try:
            lines.append(json.dumps(write(row), ensure_ascii=False))
        except _NoPlaceError as error:
            raise DataError(
                f"{source}: row {row.id!r}: {error}. Nothing was written. Leave the row out, or export to "
                "trl or parquet, which take it."
            ) from error
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    atomic_write_text(path, "\n".join(lines) + "\n")
    return Exported(path, len(rows), note)


_PARQUET_NOTE = "fields as in examples.jsonl; arguments of calls and schemas of tools are JSON in a string"


class _NoPlaceError(ValueError):
    """A form has no place for something in a row; the text says for what."""


# TRL


def _choose_trl(rows: Sequence[Example], source: str) -> tuple[Callable[[Example], dict[str, Any]], str]:
    """How a row is written, and what the trainer must be told; one file has one kind of row."""
    first = rows[0]
    for row in rows:
        if row.kind != first.kind:
            raise DataError(
                f"{source}: row {row.id!r}: kind {row.kind!r}, but row {first.id!r} is a {first.kind} row; a "
                "trainer of TRL takes one kind. Nothing was written. Export them from two folders."
            )
    with_tools = any(row.tools for row in rows)
    notes = {
        "chat": "for SFTTrainer; assistant_only_loss=True trains on what our trainer trains on",
        "document": "for SFTTrainer; our trainer puts the begin token before each text, which TRL does not",
        "prompt": "for GRPOTrainer, which renders no column of tools; all columns reach the rewards",
    }
    return lambda row: _as_trl(row, with_tools), notes[first.kind]


def _as_trl(row: Example, with_tools: bool) -> dict[str, Any]:
    """One row: `text`, `messages` or `prompt`, and what may help to choose rows.

    `tools` is JSON in a string, which TRL reads: as objects their schemas would be merged into one when the
    column is loaded, with a null for every name that only others have.
    """
    written: dict[str, Any] = {}
    if row.kind == "document":
        written["text"] = row.text
    else:
        key = "prompt" if row.kind == "prompt" else "messages"
        written[key] = [message.as_hugging_face() for message in row.messages]
        if with_tools:
            written["tools"] = json.dumps(_plain_tools(row.tools), ensure_ascii=False) if row.tools else None
    return {**written, "id": row.id, "technique": row.technique, "sections": list(row.sections)}


def _plain_tools(tools: Sequence[ToolSpec]) -> list[dict[str, Any]]:
    return [tool.as_openai() for tool in tools]


# OpenAI

_OPENAI_NOTE = "for supervised fine-tuning; the service trains on assistant turns"


def _as_openai(row: Example) -> dict[str, Any]:
    """One row in chat form; raises _NoPlaceError for what the service would refuse."""
    if row.kind != "chat":
        raise _NoPlaceError(
            f"kind {row.kind!r} has no place in OpenAI's fine-tuning, which takes chat rows only"
        )
    if row.messages[-1].role != "assistant":
        last = row.messages[-1].role
        raise _NoPlaceError(f"the last message is of role {last!r}; it must be the assistant's")
    for name in (*(tool.name for tool in row.tools), *_called_names(row)):
        if not _OPENAI_NAME.fullmatch(name):
            raise _NoPlaceError(f"tool name {name!r}: OpenAI allows letters, digits, _ and -, at most 64")
    written: dict[str, Any] = {"messages": list(_openai_messages(row.messages))}
    if row.tools:
        written["tools"] = _plain_tools(row.tools)
    return written


def _called_names(row: Example) -> Iterator[str]:
    yield from (call.name for message in row.messages for call in message.tool_calls)


def _openai_messages(messages: Sequence[Message]) -> Iterator[dict[str, Any]]:
    """Messages with an id for each call; results belong to the calls before them, in their order."""
    open_calls: list[str] = []
    num_calls = 0
    for message in messages:
        if message.role == "tool":
            if not open_calls:
                raise _NoPlaceError("a tool result answers no call; each needs a call before it")
            yield {"role": "tool", "tool_call_id": open_calls.pop(0), "content": message.content}
            continue
        if open_calls:
            raise _NoPlaceError(f"{len(open_calls)} tool calls have no result before the next turn")
        written: dict[str, Any] = {"role": message.role}
        if message.content or not message.tool_calls:
            written["content"] = message.content
        if message.tool_calls:
            ids = [f"call_{num_calls + index}" for index in range(len(message.tool_calls))]
            num_calls += len(ids)
            written["tool_calls"] = [
                {
                    "id": call_id,
                    "type": "function",
                    "function": {
                        "name": call.name,
                        "arguments": json.dumps(call.arguments, ensure_ascii=False),
                    },
                }
                for call_id, call in zip(ids, message.tool_calls, strict=True)
            ]
            open_calls = ids
        yield written


# Parquet


def write_parquet(rows: Sequence[Example], path: Path) -> None:
    """One row a line of examples.jsonl, its fields as columns; the file says which version wrote it."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = _make_schema()
    columns: dict[str, list[Any]] = {name: [] for name in schema.names}
    for row in rows:
        plain = _as_columns(row)
        for name, values in columns.items():
            values.append(plain[name])
    table = pa.table(columns, schema=schema).replace_schema_metadata({"teachwhy.version": __version__})
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_file(path) as partial:
        pq.write_table(table, partial, compression="zstd")


def _make_schema() -> pa.Schema:
    """Types by hand: what is inferred from the rows would change with them."""
    import pyarrow as pa

    text, texts = pa.string(), pa.list_(pa.string())
    call = pa.struct([("name", text), ("arguments", text)])
    message = pa.struct([("role", text), ("content", text), ("tool_calls", pa.list_(call))])
    tool = pa.struct([("name", text), ("description", text), ("parameters", text)])
    stage = pa.struct([("stage", text), ("version", text)])
    of_fields = {
        "messages": pa.list_(message),
        "tools": pa.list_(tool),
        "stages": pa.list_(stage),
        "score": pa.float64(),
        **dict.fromkeys(("families", "agent_families", "sections", "parents"), texts),
    }
    return pa.schema([(name, of_fields.get(name, text)) for name in Example.model_fields])


def _as_columns(row: Example) -> dict[str, Any]:
    plain: dict[str, Any] = row.model_dump(mode="json")
    for message in plain["messages"]:
        message["tool_calls"] = [_arguments_as_text(call, "arguments") for call in message["tool_calls"]]
    plain["tools"] = [_arguments_as_text(tool, "parameters") for tool in plain["tools"]]
    plain["stages"] = [{"stage": name, "version": version} for name, version in plain["stages"].items()]
    return plain


def _arguments_as_text(record: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {**record, key: json.dumps(record[key], ensure_ascii=False)}
