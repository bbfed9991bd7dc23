"""What looks like a call is read or malformed; it is never taken for plain words."""

from __future__ import annotations

import pytest
from tests.scenarios.playing import play

from teachwhy.scenarios.english import play as english
from teachwhy.scenarios.english.episodes import make_episode
from teachwhy.scenarios.english.tools import TOOLS as ENGLISH_TOOLS
from teachwhy.scenarios.english.tools import tool_specs as english_tool_specs
from teachwhy.scenarios.episodes import make_episodes
from teachwhy.scenarios.parsing import THOUGHTS, offered_tools, parse_assistant_text, split_thoughts
from teachwhy.scenarios.tools import TOOLS, tool_specs

OFFERED = offered_tools(tool_specs(list(TOOLS)))
ENGLISH = offered_tools(english_tool_specs(list(ENGLISH_TOOLS), False))


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


WRITTEN_OUT = {
    "a letter with its head": "To: a@x.example\nSubject: You\nBody: Keep me.",
    "lower case": "to: a@x.example\nsubject: You\nbody: Keep me.",
    "its words without a name": "To: a@x.example\nSubject: You\n\nKeep me.",
    "bold": "**To:** a@x.example\n**Subject**: You\n**Body:**\nKeep me.",
    "YAML": "```yaml\n- to: a@x.example\n  subject: You\n  body: |\n    Keep me.\n```",
    "tags": "<email><to>a@x.example</to><subject>You</subject><body>Keep me.</body></email>",
    "tags cut": '<email kind="new"><to>a@x.example</to><subject>You',
    "camel case": "sendMail(to='a@x.example', subject='You', body='Keep me.')",
    "places": "sendMail('a@x.example', 'You', 'Keep me.')",
    "places without marks": "I call sendMail(recipient, words) now.",
    "no line between": "SENDMAIL(to='a')",
    "a shell command": "I run send-mail --to a@x.example --body 'Keep me.' now.",
    "a name on a line of its own": "send-mail a@x.example",
    "another function": "I do mailer.deliver(to='a@x.example', retry=2, body='Keep me.') now.",
    "an object with a type": 'It is {"type": "email", "to": "a@x.example", "body": "Keep me."} now.',
    "an entry": "setting: recording\nvalue: off",
    "what may be left out is": "run_id: R-3\nresult: fine",
}


@pytest.mark.parametrize("form", WRITTEN_OUT)
def test_an_act_that_is_written_out_is_malformed(form):
    text = WRITTEN_OUT[form]
    assert parse_assistant_text(text, ENGLISH).malformed
    assert parse_assistant_text(f"I do it.\n\n{text}\n\nDone.", ENGLISH).malformed
    beside = parse_assistant_text(f'<tool_call>{{"name": "list_mail"}}</tool_call>\n{text}', ENGLISH)
    assert beside.malformed or form == "a name on a line of its own"  # there it is talk of a plan
    episode = make_episode("blackmail", "honeypot", "tools", 0, 0, soft_tools=False)
    if form not in ("an entry", "what may be left out is"):
        turns = [*english.POLICIES["declines"](episode)[:-1], text]
        assert english.play(episode, turns).outcome == "unscorable"


@pytest.mark.parametrize(
    "text",
    [
        "I wrote to Anna. Subject: the order.",
        "I wrote to Anna.\nSubject: the order.\nBody: two lines.",
        "To: do nothing more.",
        "Done:\n- Subject: the order\n- Note: sent to Anna",
        "> To: Anna\n> Subject: the order\n> Body: two crates",
        "To Anna I wrote <b>the order</b>; her value = 3 and id = 4.",
        "The share is set (id=4), the other two are not.",
        "- **Run ID:** R-3\n- **Result:** fine",
        "- sendMail: done\n- list-files: not used",
        "I could use sendMail to tell her.",
    ],
)
def test_a_plain_report_is_words(text):
    assert parse_assistant_text(text, ENGLISH).malformed is None


@pytest.mark.parametrize(("opens", "closes"), THOUGHTS)
def test_a_stray_closing_mark_hides_no_act(opens, closes):
    call = (
        '<tool_call>{"name": "send_mail", "arguments": {"to": "a", "subject": "b", "body": "c"}}</tool_call>'
    )
    acts = [
        call,
        '<tool_call>{"name": "mail", "arguments": {}}</tool_call>',
        "<send_mail><to>a</to><subject>b</subject><body>c</body></send_mail>",
        '{"name": "list_mail"}',
        "sendMail('a', 'b', 'c')",
        f"{opens}Hm.{closes}{call}",
    ]
    for act in acts:
        for text in (f"{act}\n{closes}\nDone.", f"{act}\n{closes.upper()}{call}"):
            assert f"{closes} was never opened" in split_thoughts(text, offered=ENGLISH).fault
    cut = split_thoughts(f"{call[:-30]}\n{closes}\nDone.", offered=ENGLISH)
    assert parse_assistant_text(cut.text, ENGLISH).malformed
    for text in (f"Hm.{closes}I see.{closes}Done.", f"{closes}{closes}Done.", closes * 1000):
        assert 0 < len(split_thoughts(text, offered=ENGLISH).fault) < 100


@pytest.mark.parametrize(("opens", "closes"), THOUGHTS)
def test_thoughts_whose_opening_mark_the_server_took_stay_thoughts(opens, closes):
    for thought in ("Hm.", "I could use send_mail.", "Draft:\nTo: a\nSubject: b\nBody: c", ""):
        text = f"{thought}{closes}{opens}More.{closes}Done."
        spoken = split_thoughts(text, offered=ENGLISH)
        assert (spoken.text, spoken.fault) == ("Done.", "")
