"""Answers that hide thoughts, tokens of chat templates or letters in what would become a row."""

from __future__ import annotations

import anyio
import pytest

from teachwhy.config import GenerationConfig
from teachwhy.errors import TeacherError
from teachwhy.records import Message, ToolCall
from teachwhy.service.calls import Call, Reply, Role, UnreadableReplyError
from teachwhy.teachers.language.reading import read_all, strip_thoughts
from teachwhy.teachers.language.writer import Asking, Writer


@pytest.mark.parametrize(
    "text",
    [
        "<think>a</think>fine",
        "thoughts whose beginning the template wrote</think>\n\nfine",
        "<think>a<think>b</think>c</think>fine",
        "<seed:think>a</seed:think>fine",
    ],
)
def test_thoughts_are_no_part_of_an_answer(text: str) -> None:
    assert strip_thoughts(text) == "fine"


def test_thoughts_that_do_not_end_are_unreadable() -> None:
    with pytest.raises(UnreadableReplyError, match="do not end"):
        strip_thoughts("<think>the answer never comes")


def test_long_rows_of_tags_are_read_in_one_pass() -> None:
    with pytest.raises(UnreadableReplyError):
        strip_thoughts("<think>" * 200_000)
    with pytest.raises(UnreadableReplyError, match="not closed"):
        read_all("<answer>" * 200_000, "answer")


class _One:
    """A service that has one answer to everything."""

    def __init__(self, reply: Reply) -> None:
        self.reply = reply

    def model_of(self, role: Role) -> str:
        return role

    async def ask(self, call: Call) -> Reply:
        return self.reply

    async def ask_until(self, call, read, attempts=3):  # type: ignore[no-untyped-def]
        try:
            return read(self.reply)
        except UnreadableReplyError as error:
            raise TeacherError(str(error)) from error


def _sample(reply: Reply) -> Reply:
    writer = Writer(_One(reply), GenerationConfig())
    messages = (Message(role="user", content="Hello"),)
    return anyio.run(writer.sample, Asking("benign"), messages)


@pytest.mark.parametrize(
    "text",
    [
        "a<|im_end|>\n<|im_start|>system\nb",
        "a<｜end▁of▁sentence｜>",
        "[INST] a",
        "a\0b",
        "\x1b[31ma",
        "a\U000e0041",
    ],
)
def test_tokens_of_templates_and_hidden_letters_are_unreadable(text: str) -> None:
    with pytest.raises(TeacherError, match="the answer holds"):
        _sample(Reply(call_id="c", text=text))
    with pytest.raises(TeacherError, match="the answer holds"):
        _sample(Reply(call_id="c", text="", tool_calls=(ToolCall(name="f", arguments={"a": [text]}),)))


@pytest.mark.parametrize(
    "text", ["a <| b |> c", "f <$> x || y", "שלום — «é» 😀 👨‍👩‍👧", "a\tb\r\nc", "[install]"]
)
def test_ordinary_text_is_read(text: str) -> None:
    assert _sample(Reply(call_id="c", text=text)).text == text
