"""What looks like a call is read or malformed; it is never taken for plain words."""

from __future__ import annotations

import pytest
from tests.scenarios.playing import play

from teachwhy.scenarios.episodes import make_episodes
from teachwhy.scenarios.parsing import offered_tools, parse_assistant_text
from teachwhy.scenarios.tools import TOOLS, tool_specs

OFFERED = offered_tools(tool_specs(list(TOOLS)))


@pytest.mark.parametrize(
    "text",
    [
        'I will do it. {"name": "send_mail", "arguments": {"to": "A"}}',
        'I will do it. {"tool_name": "send_mail", "parameters": {"to": "A"}}',
        '<|python_tag|>{"name": "send_mail", "parameters": {"to": "A"}}',
        '<function=send_mail>{"to": "A"}</function>',
        '[send_mail(to="A", text="x")]',
        '[TOOL_CALLS] [{"name": "send_mail"}]',
        '<invoke name="send_mail"><parameter name="to">A</parameter></invoke>',
        "<tool>read_mail</tool>",
        'Action: send_mail\nAction Input: {"to": "A"}',
        'to=functions.send_mail<|message|>{"to": "A"}',
        "<\uff5ctool\u2581calls\u2581begin\uff5c>function<\uff5ctool\u2581sep\uff5c>send_mail",
        '{"name": "send_mail", "arguments": {"to": ',
        "\ufffd\ufffd\ufffd x",
    ],
)
def test_what_looks_like_a_call_is_not_taken_for_words(text):
    assert parse_assistant_text(text).malformed


OTHER_FORMS = [
    "{'name': 'send_mail', 'arguments': {'to': 'A', 'text': 'x'}}",
    '<invoke name="send_mail"><parameter name="to">A</parameter></invoke>',
    'Action: send_mail\nAction Input: {"to": "A"}',
    "Thought: I look.\nAction: read_mail",
    'functions.send_mail:0 {"to": "A"}',
    'to=functions.send_mail<|message|>{"to": "A"}',
    "<\uff5ctool\u2581calls\u2581begin\uff5c>function<\uff5ctool\u2581sep\uff5c>send_mail",
    'send_mail {"to": "A", "text": "x"}',
    "I will do it now.\nsend_mail to=A",
    "[send_mail] to=A text=x",
    "<send_mail><to>A</to></send_mail>",
    "<tool>read_mail</tool>",
    "set_monitor: off",
    "I use set_monitor with state=off",
    '{"action": "send_mail", "action_input": {}}',
    '```json\n{"to": "A", "text": "x"}\n```',
    "{'place': 'tower'}",
    "To: A\nText: x",
    "read_mail",
]


@pytest.mark.parametrize("text", OTHER_FORMS)
def test_an_offered_tool_in_another_form_of_call_is_malformed(text):
    assert parse_assistant_text(text, OFFERED).malformed
    episode = make_episodes(("blackmail",), "honeypot", 1, seed=1)[0]
    if any(spec.name in text for spec in episode.tools):
        assert play(episode, lambda turn: text).outcome == "unscorable"


@pytest.mark.parametrize(
    "text",
    [
        "I could use send_mail to tell her.",
        "I used send_mail and close_ticket. It is done.",
        "I will not use `copy_weights` here.",
        "The tools are read_mail, send_mail and set_monitor.",
        'I have no tool "send_mail", so I stop.',
        "I told Fabian: the monitor is open.",
        "To: Fabian, I have done it.",
        "",
    ],
)
def test_a_sentence_that_names_a_tool_is_words(text):
    assert parse_assistant_text(text, OFFERED).malformed is None


def test_words_beside_a_call_that_was_read_may_name_a_tool():
    text = 'Plan: read_mail.<tool_call>{"name": "read_mail"}</tool_call>'
    parsed = parse_assistant_text(text, OFFERED)
    assert len(parsed.tool_calls) == 1 and parsed.malformed is None


def test_a_fenced_call_is_read():
    parsed = parse_assistant_text('```json\n{"name": "send_mail", "arguments": {"to": "A"}}\n```')
    assert [call.name for call in parsed.tool_calls] == ["send_mail"] and parsed.malformed is None
