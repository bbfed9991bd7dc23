"""Every syntax of a call gives the same call; what is talked of, quoted or explained is none."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from xml.sax.saxutils import escape

import pytest

from teachwhy.records import ToolCall
from teachwhy.scenarios.call_syntax import Arguments
from teachwhy.scenarios.english.episodes import make_episode
from teachwhy.scenarios.english.play import POLICIES, Turns, expected_outcome, play
from teachwhy.scenarios.english.rules import english_families
from teachwhy.scenarios.parsing import offered_tools, parse_assistant_text

OFFERED = {
    "send_mail": Arguments(("to", "body", "attachments"), ("attachments",), ("attachments",)),
    "read_mail": Arguments(("id",)),
    "list_files": Arguments(()),
    "set_monitor": Arguments(("state",)),
}
SEND = ToolCall(name="send_mail", arguments={"to": "ann@x.example", "body": "Hello."})
READ = ToolCall(name="read_mail", arguments={"id": "M-3"})
LIST = ToolCall(name="list_files", arguments={})

Calls = Sequence[ToolCall]


def _plain(call: ToolCall) -> dict[str, object]:
    return {"name": call.name, "arguments": call.arguments}


def _children(call: ToolCall, opening: str, closing: str) -> str:
    parts = []
    for name, value in call.arguments.items():
        text = value if isinstance(value, str) else json.dumps(value)
        parts.append(f"{opening.format(name)}{escape(text)}{closing.format(name)}\n")
    return "".join(parts)


def _each(write: Callable[[ToolCall], str]) -> Callable[[Calls], str]:
    return lambda calls: "\n".join(map(write, calls))


def _python(call: ToolCall) -> str:
    return f"{call.name}({', '.join(f'{name}={value!r}' for name, value in call.arguments.items())})"


def _invoke(call: ToolCall) -> str:
    return f'<invoke name="{call.name}">\n{_children(call, "<parameter name={}>", "</parameter>")}</invoke>'


def _as_text(call: ToolCall) -> dict[str, object]:
    return {"name": call.name, "arguments": json.dumps(call.arguments)}


SYNTAXES: dict[str, Callable[[Calls], str]] = {
    "hermes": _each(lambda call: f"<tool_call>{json.dumps(_plain(call))}</tool_call>"),
    "hermes with the arguments as text": _each(
        lambda call: f"<tool_call>{json.dumps(_as_text(call))}</tool_call>"
    ),
    "bare JSON": _each(lambda call: json.dumps(_plain(call))),
    "pretty JSON": _each(lambda call: json.dumps(_plain(call), indent=4)),
    "JSON list": lambda calls: json.dumps([_plain(call) for call in calls]),
    "pretty JSON list": lambda calls: json.dumps([_plain(call) for call in calls], indent=2),
    "fenced JSON": _each(lambda call: f"```json\n{json.dumps(_plain(call), indent=2)}\n```"),
    "fenced list": lambda calls: f"```\n{json.dumps([_plain(call) for call in calls])}\n```",
    "fence not closed": lambda calls: f"```json\n{json.dumps([_plain(call) for call in calls])}",
    "function object": _each(lambda call: json.dumps({"type": "function", "function": _plain(call)})),
    "tool and args": _each(lambda call: json.dumps({"tool": call.name, "args": call.arguments})),
    "tool and parameters": _each(lambda call: json.dumps({"tool": call.name, "parameters": call.arguments})),
    "tool_use with input": _each(
        lambda call: json.dumps({"type": "tool_use", "name": call.name, "input": call.arguments})
    ),
    "tool_calls": lambda calls: json.dumps({"tool_calls": [{"function": _as_text(call)} for call in calls]}),
    "arguments as text": _each(lambda call: json.dumps(_as_text(call))),
    "raw line breaks in JSON": _each(lambda call: json.dumps(_plain(call)).replace("\\n", "\n")),
    "tool_use tags": _each(
        lambda call: f"<tool_use:{call.name}>\n{_children(call, '<{}>', '</{}>')}</tool_use:{call.name}>"
    ),
    "tool_use tags with JSON": _each(
        lambda call: f"<tool_use:{call.name}>{json.dumps(call.arguments)}</tool_use>"
    ),
    "invoke": _each(_invoke),
    "function_calls": lambda calls: f"<function_calls>\n{_each(_invoke)(calls)}\n</function_calls>",
    "function tag": _each(lambda call: f"<function={call.name}>{json.dumps(call.arguments)}</function>"),
    "function tag in hermes tags": _each(
        lambda call: (
            f"<tool_call>\n<function={call.name}>\n{_children(call, '<parameter={}>', '</parameter>')}"
            "</function>\n</tool_call>"
        )
    ),
    "tag of the tool": _each(lambda call: f"<{call.name}>\n{_children(call, '<{}>', '</{}>')}</{call.name}>"),
    "python": _each(_python),
    "python list": lambda calls: f"[{', '.join(map(_python, calls))}]",
    "fenced python": lambda calls: f"```python\n{_each(_python)(calls)}\n```",
    "python_tag": _each(
        lambda call: (
            f"<|python_tag|>{json.dumps({'name': call.name, 'parameters': call.arguments})}<|eom_id|>"
        )
    ),
    "TOOL_CALLS": lambda calls: f"[TOOL_CALLS] {json.dumps([_plain(call) for call in calls])}",
}


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("words", ["", "I send it now.\n\n"])
@pytest.mark.parametrize("calls", [(SEND,), (READ,), (LIST,), (SEND, READ, LIST)], ids=len)
def test_every_syntax_gives_the_same_calls(syntax: str, words: str, calls: Calls) -> None:
    parsed = parse_assistant_text(words + SYNTAXES[syntax](calls), OFFERED)
    assert parsed.tool_calls == tuple(calls) and parsed.malformed is None, parsed
    assert parsed.content == words.strip()


def in_syntax(turns: Turns, syntax: str) -> Turns:
    """Turns of a policy with their calls written anew."""
    written = []
    for turn in turns:
        parsed = parse_assistant_text(turn)
        written.append(
            f"{parsed.content}\n{SYNTAXES[syntax](parsed.tool_calls)}" if parsed.tool_calls else turn
        )
    return written


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_harm_is_harm_in_every_syntax_and_right_is_right(syntax: str) -> None:
    for index, family in enumerate(english_families()):
        for policy in ("harmful", "escalates"):
            episode = make_episode(family, "honeypot", "tools", 3, index)
            outcome = play(episode, in_syntax(POLICIES[policy](episode), syntax))
            assert outcome.outcome == expected_outcome(policy, episode), (family, policy, outcome.reason)
            offered = offered_tools(episode.tools)
            for before, after in zip(
                POLICIES[policy](episode), in_syntax(POLICIES[policy](episode), syntax), strict=True
            ):
                wanted = parse_assistant_text(before, offered).tool_calls
                assert len(parse_assistant_text(after, offered).tool_calls) == len(wanted)


ONE = '{"name": "send_mail", "arguments": {"to": "a", "body": "b"}}'
NO_CALLS = {
    "an explained example": f"An example of a call would be:\n```json\n{ONE}\n```",
    "what could be done": f"One could do this:\n\n{ONE}",
    "what is refused": f"I will not send this:\n```json\n{ONE}\n```\nIt would be wrong.",
    "a refusal afterwards": f"```json\n{ONE}\n```\nI won't do that.",
    "in a sentence": f"The call {ONE} is what they want.",
    "in backticks": "Use `<list_files/>` or `<tool_use:list_files></tool_use:list_files>` for it.",
    "quoted": f"> {ONE}",
    "a tool that is not offered": "<tool_use:rm_rf><path>/</path></tool_use:rm_rf>",
    "an argument that there is not": "<send_mail><to>a</to><body>b</body><bcc>c</bcc></send_mail>",
    "an argument missing": 'send_mail(to="a")',
    "an argument twice": 'read_mail(id="a", id="b")',
    "not closed": "<tool_use:send_mail><to>a</to><body>b</body>",
    "an argument not closed": "<send_mail><to>a<body>b</body></send_mail>",
    "words among the arguments": "<send_mail>Hi <to>a</to><body>b</body></send_mail>",
    "a key that there is not": '{"tool": "read_mail", "args": {"id": "3"}, "if": "asked"}',
    "arguments in no object": '{"tool": "read_mail", "args": ["3"]}',
    "one bad of two": f'[{ONE}, {{"name": "rm_rf"}}]',
    "python with an expression": "read_mail(id=open('/etc/passwd').read())",
    "python with a place": 'send_mail("a", "b")',
    "python in a sentence": 'I call read_mail(id="3") now.',
    "python with a call in it": "read_mail(id=list_files())",
    "python cut": 'read_mail(id="3',
    "in a fence with other code": "```python\nimport os\nlist_files()\n```",
    "a refusal after two": f"{ONE}\n{ONE}\nNo, I will not do that.",
    "one tag in another": '<tool_call> mail.<tool_call>{"name": "list_files"}</tool_call>',
    "a fence not closed, with words": f"```json\n{ONE}\nThat is it.",
    "a name and an object": 'send_mail: {"to": "a", "body": "b"}',
    "a name, a fence and an object": 'send_mail\n```json\n{"to": "a", "body": "b"}\n```',
    "tool_name and one argument too many": '{"tool_name": "read_mail", "parameters": {"id": "3", "x": 1}}',
    "action and action_input": '{"action": "read_mail", "action_input": {"id": "3"}}',
    "a key that nobody knows": "{'do': 'read_mail', 'id': '3'}",
    "an action line": "Action: read_mail\nM-3",
    "functions and a number": 'functions.read_mail:0 {"id": "3"}',
    "a shell command": "read_mail --id=M-3",
    "arguments alone": '{"body": "b", "to": "a"}',
    "parameters alone": '<parameter name="id">3</parameter>',
    "XML cut": '<invoke name="send_mail"><parameter name="to">a',
    "a tag cut": "<send_mail><to>a",
    "a tag cut in its name": "<send_mail",
    "a closing tag alone": "a</send_mail>",
    "number with leading zeros": "read_mail(id=007)",
    "text that Python refuses": "read_mail(id='\\u12')",
    "a tag inside a sentence": "The call <list_files/> is what they want.",
    "invoke inside a sentence": 'The call <invoke name="list_files"></invoke> is what they want.',
}


@pytest.mark.parametrize("form", NO_CALLS)
def test_what_cannot_be_read_as_a_call_is_malformed_and_no_call(form: str) -> None:
    parsed = parse_assistant_text(NO_CALLS[form], OFFERED)
    assert parsed.tool_calls == () and parsed.malformed, parsed


@pytest.mark.parametrize("mark", ['"', "'", "`"])
def test_a_call_in_quotation_marks_is_none(mark: str) -> None:
    for call in ("<list_files/>", '<invoke name="list_files"></invoke>', "<tool_use:list_files/>"):
        parsed = parse_assistant_text(f"They want me to write {mark}{call}\n{mark} to Ann.", OFFERED)
        assert parsed.tool_calls == () and parsed.malformed, parsed


@pytest.mark.parametrize("form", NO_CALLS)
@pytest.mark.parametrize("gap", ["\n", "\n\n"], ids=len)
def test_what_cannot_be_read_is_malformed_beside_a_call_that_was_read(form: str, gap: str) -> None:
    for syntax, write in SYNTAXES.items():
        for text in (write([LIST]) + gap + NO_CALLS[form], NO_CALLS[form] + gap + write([LIST])):
            parsed = parse_assistant_text(text, OFFERED)
            swallowed = syntax == "fence not closed" and len(parsed.tool_calls) > 1
            assert parsed.malformed or swallowed, (syntax, text, parsed)


@pytest.mark.parametrize("first", SYNTAXES)
@pytest.mark.parametrize("second", SYNTAXES)
def test_calls_in_two_syntaxes_are_both_read_in_their_order_or_malformed(first: str, second: str) -> None:
    parsed = parse_assistant_text(f"{SYNTAXES[first]([READ])}\n{SYNTAXES[second]([SEND])}", OFFERED)
    if parsed.malformed is None:
        assert parsed.tool_calls == (READ, SEND)
    else:
        assert "fence not closed" in (first, second), parsed


@pytest.mark.parametrize(
    "text",
    [
        "Plan: read_mail, then send_mail to Ann.",
        "1. read_mail: the last letter\n2. `send_mail`: to ann\n3. set_monitor",
        "I use set_monitor to see the state. To: all.",
        "| read_mail | M-3 |\n| send_mail | a |",
        "I call them by name (send_mail, read_mail) and {note} it.",
    ],
)
def test_names_beside_a_call_that_was_read_are_words(text: str) -> None:
    for write in (SYNTAXES["hermes"], SYNTAXES["invoke"], SYNTAXES["tag of the tool"]):
        parsed = parse_assistant_text(f"{text}\n{write([LIST])}", OFFERED)
        assert parsed.tool_calls == (LIST,) and parsed.malformed is None, parsed


@pytest.mark.parametrize(
    "text",
    [
        "All is done:\n- `send_mail`: done\n- `read_mail`: read all three",
        "Summary\n1. **send_mail** \u2013 sent to the board\n2. **read_mail** \u2013 OK",
        "| `send_mail` | done |",
        "* `set_monitor`: not used",
        "I used `read_mail` and then send_mail, as asked.",
        "The function of the list is clear, and the parameters are fine.",
    ],
)
def test_a_report_at_the_end_is_words(text: str) -> None:
    parsed = parse_assistant_text(text, OFFERED)
    assert parsed.tool_calls == () and parsed.malformed is None, parsed


@pytest.mark.parametrize(
    "text",
    [
        "- `set_monitor`: off",
        "- `set_monitor`: done: state=off",
        "- send_mail: sent to=ann",
        "`send_mail`: done",
        "- `send_mail`: to ann, body Hello",
        "- `read_mail`\n  id: 3",
    ],
)
def test_a_list_that_may_be_a_call_is_no_report(text: str) -> None:
    assert parse_assistant_text(text, OFFERED).malformed


def test_values_come_through_as_they_were_written() -> None:
    body = 'Dear "Ann",\n\n5 < 6 & 7 > 3\n\n\\o/ [1] {x} <b>y</b> it\'s\n-- Bo'
    call = ToolCall(
        name="send_mail", arguments={"to": "a", "body": body, "attachments": ["a b.txt", "c/d.csv"]}
    )
    for syntax, write in SYNTAXES.items():
        parsed = parse_assistant_text(write([call]), OFFERED)
        assert parsed.tool_calls == (call,) and parsed.malformed is None, (syntax, parsed)


@pytest.mark.parametrize(
    ("literal", "value"),
    [
        (r"'M\u00fcller'", "M\u00fcller"),
        (r"'\x41\N{BULLET}\101'", "A\u2022A"),
        (r"'a\tb\nc\\d\'e'", "a\tb\nc\\d'e"),
        (r"'C:\d'", "C:\\d"),
        ("'two\nlines'", "two\nlines"),
        ('"it\'s"', "it's"),
        ("'''it's'''", "it's"),
        ("''", ""),
        ("-7", -7),
        ("0", 0),
        ("0.50", 0.5),
        ("None", None),
        ("true", True),
        (r"['a', '\u00fc', 3]", ["a", "\u00fc", 3]),
    ],
)
def test_literals_are_read_by_the_rules_of_python(literal: str, value: object) -> None:
    parsed = parse_assistant_text(f"read_mail(id={literal})", OFFERED)
    assert [call.arguments for call in parsed.tool_calls] == [{"id": value}] and parsed.malformed is None


@pytest.mark.parametrize(
    "literal",
    [
        *("007", "00", "1e5", "0x10", "1_000", "1 + 1", "f'a'", "b'a'", "'a' 'b'", "x", "open('a')"),
        *(r"'\u12'", r"'\N{NO SUCH}'", r"'\x4'", "'a\x00b'", "[['a']]", "{'a': 1}", f"'{'a' * 200_000}'"),
        *("(" * 500 + ")" * 500, "[" * 5000, "-" * 5000 + "1", "'\ud800'"),
    ],
    ids=range(22),
)
def test_what_is_no_literal_is_malformed(literal: str) -> None:
    parsed = parse_assistant_text(f"read_mail(id={literal})", OFFERED)
    assert parsed.tool_calls == () and parsed.malformed, parsed


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("5 &lt; 6 &amp;&amp; &quot;x&quot; &apos;y&apos;", "5 < 6 && \"x\" 'y'"),
        ("M&#252;ller, M&#xFC;ller, M&uuml;ller", "M\u00fcller, M\u00fcller, M\u00fcller"),
        ("&amp;lt;", "&lt;"),
        ("?a=1&copy=2 R&D;", "?a=1&copy=2 R&D;"),
    ],
)
def test_entities_in_tags_are_read(written: str, value: str) -> None:
    for text in (
        f"<read_mail><id>{written}</id></read_mail>",
        f'<invoke name="read_mail"><parameter name="id">{written}</parameter></invoke>',
    ):
        assert [call.arguments for call in parse_assistant_text(text, OFFERED).tool_calls] == [{"id": value}]


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_lines_may_end_with_a_carriage_return(syntax: str) -> None:
    text = f"I act now.\n\n{SYNTAXES[syntax]([SEND, READ])}\n\nIt is on its way.".replace("\n", "\r\n")
    text = text.partition("\r\n\r\nIt is")[0] if syntax == "fence not closed" else text
    parsed = parse_assistant_text(text, OFFERED)
    assert parsed.tool_calls == (SEND, READ) and parsed.malformed is None, parsed


def test_without_offered_tools_nothing_but_json_in_tags_alone_or_fenced_is_read() -> None:
    for syntax in ("tool_use tags", "python", "JSON list"):
        assert parse_assistant_text(SYNTAXES[syntax]([SEND])).tool_calls == ()


HOSTILE = [
    *(
        "{",
        "[",
        '{"name": "send_mail", "arguments": {',
        "<send_mail><to>",
        "<tool_use:send_mail>",
        "```json\n",
    ),
    *(
        '<invoke name="send_mail">',
        "<function=send_mail>",
        "[TOOL_CALLS]",
        "<|python_tag|>{",
        "\n",
        " \n",
        " ",
    ),
    *(
        'send_mail(to="',
        "send_mail(\n",
        "[send_mail(",
        "send_mail and ",
        "- `send_mail`: ",
        "a_",
        '"name"',
        "<<",
    ),
    *(
        "\n{",
        '\n["',
        "\nsend_mail(to=[[",
        "<tool_call>",
        "</tool_call>",
        "&amp;",
        "n't ",
        "```",
        "\\",
        '"""',
        "to: ",
    ),
    *(
        "<parameter name=to>",
        "<list_files/>x",
        "\nlist_files()",
        "- send_mail: I I I",
        "Action Input \n",
        "`" * 9,
    ),
]


@pytest.mark.parametrize("piece", HOSTILE)
def test_long_hostile_texts_are_read_in_linear_time(piece: str) -> None:
    text = piece * (200_000 // len(piece))
    begin = time.process_time()
    for variant in (text, "x\n" + text + "\nsend_mail", text.replace(" ", "\n")):
        parse_assistant_text(variant, OFFERED)
    assert time.process_time() - begin < 20  # seconds of CPU; quadratic time would take minutes
