"""A call in the words beside native calls is a fault in every syntax; talk beside them is none."""

from __future__ import annotations

import pytest
from inspect_ai.model import ChatMessageAssistant
from inspect_ai.tool import ToolCall as InspectToolCall
from tests.scenarios.test_call_syntax import NO_CALLS, OFFERED, READ, SEND, SYNTAXES

from teachwhy.evaluation.agent import ReadTurn, read_turn
from teachwhy.providers import messages


def beside_native(words: str) -> ReadTurn:
    """A turn with a native call and these words."""
    native = InspectToolCall(id="n", function="list_files", arguments={})
    return read_turn(ChatMessageAssistant(content=words, tool_calls=[native]), 0, OFFERED)


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("words", ["", "I look at the files.\n\n"])
def test_a_call_in_the_words_beside_native_calls_is_a_fault(syntax: str, words: str) -> None:
    turn = beside_native(words + SYNTAXES[syntax]([SEND, READ]))
    assert turn.lost_call == "a call in the words beside native calls ('send_mail')"
    assert turn.lost_call in turn.fault
    assert [call.call.name for call in turn.calls if call.call] == ["list_files"]


@pytest.mark.parametrize("form", NO_CALLS)
def test_what_looks_like_a_call_beside_native_calls_is_a_fault(form: str) -> None:
    assert beside_native(NO_CALLS[form]).fault


@pytest.mark.parametrize(
    "words",
    [
        "",
        "I list the files and then use read_mail.",
        "Plan:\n1. list_files: see what there is\n2. read_mail: the last one\n3. send_mail to Ann",
        "| step | tool |\n| 1 | `read_mail` |\n| 2 | `send_mail` |",
        "<think>send_mail(to='x', body='y')</think>I look.",
        "- `send_mail`: not used",
        "To: nobody yet.",
    ],
)
def test_talk_beside_native_calls_is_none(words: str) -> None:
    assert beside_native(words).fault == ""


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_calls_that_our_own_provider_has_read_are_out_of_the_words(syntax: str) -> None:
    for extra in ("", '\n<tool_call>{"name": "list_files"}</tool_call>'):
        written = messages.read_turn(f"I act now.\n{SYNTAXES[syntax]([SEND, READ])}{extra}", OFFERED, "key")
        assert len(written.tool_calls) == 2 + bool(extra) and written.malformed is None
        message = ChatMessageAssistant(content=written.content, tool_calls=list(written.tool_calls))
        turn = read_turn(message, 0, OFFERED)
        assert (turn.fault, turn.spoken) == ("", "I act now.")


def test_a_quoted_call_stays_in_the_words_of_our_own_provider() -> None:
    text = '<tool_call>{"name": "list_files"}</tool_call>\n> <tool_call>{"name": "list_files"}</tool_call>'
    written = messages.read_turn(text, OFFERED, "key")
    assert len(written.tool_calls) == 1 and written.malformed
    message = ChatMessageAssistant(content=written.content, tool_calls=list(written.tool_calls))
    assert read_turn(message, 0, OFFERED).fault
