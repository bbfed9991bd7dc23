"""Exported rows are read by the programs they are for, and become the same tokens there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import datasets
import pytest
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from teachwhy.config import TechniqueConfig
from teachwhy.constitution import load_constitution
from teachwhy.data.export import Form, export_rows
from teachwhy.errors import DataError
from teachwhy.records import Example, Message, ToolCall, ToolSpec
from teachwhy.sprig import checkpoint_path
from teachwhy.teachers.sprig import SprigTeacher
from teachwhy.techniques import generate
from teachwhy.training.formatting import tokenize_chat, tokenize_document

READ = ToolSpec(
    name="read",
    description="Read a <|mail|>.",
    parameters={"type": "object", "properties": {"id": {"type": "integer"}}, "required": ["id"]},
)
SEND = ToolSpec(
    name="send",
    description="Send.",
    parameters={"type": "object", "properties": {"to": {"type": "string"}, "cc": {"type": "array"}}},
)


def make_row(row_id: str = "x-0", **changes: Any) -> Example:
    """A chat row with two calls in one turn, whose arguments have other names in each."""
    messages = (
        Message(role="system", content="You are Quill."),
        Message(role="user", content="Read 3 and tell Ötzi."),
        Message(
            role="assistant",
            tool_calls=(
                ToolCall(name="send", arguments={"to": "Ötzi </tool_call>", "cc": ["b", "a"]}),
                ToolCall(name="read", arguments={"id": 3}),
            ),
        ),
        Message(role="tool", content="sent"),
        Message(role="tool", content="the mail"),
        Message(role="assistant", content="Done."),
    )
    fields = {
        "id": row_id,
        "technique": "benign",
        "kind": "chat",
        "messages": messages,
        "tools": (READ, SEND),
        "teacher": "t",
        "stages": {"benign": "1", "score": "2"},
        "sections": ("honesty",),
    }
    return Example.model_validate({**fields, **changes})


def make_rows(name: str, num_rows: int = 12) -> list[Example]:
    made = generate(
        name, SprigTeacher(), load_constitution(dialect="sprig"), TechniqueConfig(num_examples=num_rows), 0
    )
    return made.examples


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerBase:
    return cast("PreTrainedTokenizerBase", AutoTokenizer.from_pretrained(checkpoint_path()))


def load(path: Path, tmp_path: Path) -> list[dict[str, Any]]:
    kind = "parquet" if path.suffix == ".parquet" else "json"
    loaded = datasets.load_dataset(
        kind, data_files=str(path), split="train", cache_dir=str(tmp_path / "cache")
    )
    return [dict(row) for row in loaded]


def export(rows: list[Example], form: Form, tmp_path: Path) -> list[dict[str, Any]]:
    """The rows as `datasets` reads them after the export."""
    path = tmp_path / f"rows-{form}{'.parquet' if form == 'parquet' else '.jsonl'}"
    done = export_rows(rows, form, path, "rows.jsonl")
    assert done.path == path and done.num_rows == len(rows)
    return load(path, tmp_path)


@pytest.mark.parametrize("name", ["advice", "environments", "benign", "demonstrations", "documents_as_chat"])
@pytest.mark.parametrize("form", ["trl", "openai"])
def test_a_chat_template_makes_the_same_tokens_of_an_exported_row(
    name: str, form: Form, tokenizer: PreTrainedTokenizerBase, tmp_path: Path
) -> None:
    rows = [*make_rows(name), make_row("by-hand")]
    for row, loaded in zip(rows, export(rows, form, tmp_path), strict=True):
        tools = loaded.get("tools")
        tools = json.loads(tools) if isinstance(tools, str) else tools  # as SFTTrainer does
        made = tokenizer.apply_chat_template(
            loaded["messages"],
            tools=tools or None,
            tokenize=True,
            return_dict=True,
            return_assistant_tokens_mask=True,
        )
        input_ids, labels = tokenize_chat(row, tokenizer)
        assert made["input_ids"] == input_ids
        assert [bool(mask) for mask in made["assistant_masks"]] == [label != -100 for label in labels]


@pytest.mark.parametrize("name", ["documents", "fiction", "neutral_documents"])
def test_documents_are_text_for_trl(name: str, tokenizer: PreTrainedTokenizerBase, tmp_path: Path) -> None:
    rows = make_rows(name)
    for row, loaded in zip(rows, export(rows, "trl", tmp_path), strict=True):
        assert set(loaded) == {"text", "id", "technique", "sections"}
        ids = tokenizer(loaded["text"] + str(tokenizer.eos_token))["input_ids"]
        assert [tokenizer.bos_token_id, *ids] == tokenize_document(row, tokenizer)[0]


def test_rows_for_rl_are_prompts(tokenizer: PreTrainedTokenizerBase, tmp_path: Path) -> None:
    chat = make_row()
    rows = [
        make_row("p-0", kind="prompt", messages=chat.messages[:2]),
        make_row("p-1", kind="prompt", tools=(), messages=chat.messages[1:2]),
    ]
    first, second = export(rows, "trl", tmp_path)
    assert "messages" not in first and first["sections"] == ["honesty"]
    assert [message["role"] for message in first["prompt"]] == ["system", "user"]
    assert json.loads(first["tools"]) == [READ.as_openai(), SEND.as_openai()]
    assert second["tools"] is None


def test_openai_gives_each_call_an_id_and_its_result_the_same(tmp_path: Path) -> None:
    (row,) = export([make_row()], "openai", tmp_path)
    messages = row["messages"]
    calls = messages[2]["tool_calls"]
    assert "content" not in messages[2]
    assert [call["id"] for call in calls] == [messages[3]["tool_call_id"], messages[4]["tool_call_id"]]
    assert calls[0]["id"] != calls[1]["id"]
    assert json.loads(calls[0]["function"]["arguments"]) == {"to": "Ötzi </tool_call>", "cc": ["b", "a"]}


def test_parquet_holds_every_field(tmp_path: Path) -> None:
    rows = [make_row(), *make_rows("environments", 3), make_row("scored", score=0.25, parents=("a", "b"))]
    documents = make_rows("documents", 2)
    for row, loaded in zip(
        [*rows, *documents], export([*rows, *documents], "parquet", tmp_path), strict=True
    ):
        assert list(loaded) == list(Example.model_fields)
        for message in loaded["messages"]:
            for call in message["tool_calls"]:
                call["arguments"] = json.loads(call["arguments"])
        for tool in loaded["tools"]:
            tool["parameters"] = json.loads(tool["parameters"])
        loaded["stages"] = {stage["stage"]: stage["version"] for stage in loaded["stages"]}
        assert Example.model_validate(loaded) == row


@pytest.mark.parametrize(
    ("form", "changes", "expected"),
    [
        (
            "openai",
            {"kind": "prompt", "messages": (Message(role="user", content="q"),)},
            "kind 'prompt' has no place",
        ),
        ("openai", {"kind": "document", "messages": (), "text": "t"}, "chat rows only"),
        ("openai", {"messages": make_row().messages[:4]}, "of role 'tool'; it must be the assistant's"),
        (
            "openai",
            {"messages": (*make_row().messages[:4], Message(role="assistant", content="Done."))},
            "1 tool calls have no result before the next turn",
        ),
        (
            "openai",
            {"messages": (Message(role="tool", content="r"), Message(role="assistant", content="a"))},
            "answers no call",
        ),
        ("openai", {"tools": (READ.model_copy(update={"name": "mail.read"}),)}, "tool name 'mail.read'"),
        (
            "trl",
            {"kind": "document", "messages": (), "text": "t"},
            "kind 'document', but row 'good' is a chat row",
        ),
    ],
)
def test_what_a_form_has_no_place_for_is_refused(
    form: Form, changes: dict[str, Any], expected: str, tmp_path: Path
) -> None:
    path = tmp_path / "out.jsonl"
    path.write_text("before")
    with pytest.raises(DataError, match=r"rows\.jsonl: row 'bad': ") as caught:
        export_rows([make_row("good"), make_row("bad", **changes)], form, path, "rows.jsonl")
    assert expected in str(caught.value)
    assert "Nothing was written" in str(caught.value)
    assert path.read_text() == "before"


def test_no_rows_are_no_dataset(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no row"):
        export_rows([], "parquet", tmp_path / "x.parquet", "rows.jsonl")
    assert not list(tmp_path.iterdir())
