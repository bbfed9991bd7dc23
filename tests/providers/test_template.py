"""Which parts of an episode a chat template shows, and how the others are put into plain words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from inspect_ai.model import ChatMessageAssistant, ChatMessageSystem, ChatMessageTool, ChatMessageUser
from inspect_ai.tool import ToolCall as InspectToolCall
from inspect_ai.tool import ToolInfo, ToolParams
from tests.providers.tiny_checkpoint import TEMPLATE, build_checkpoint

from teachwhy.errors import CheckpointError
from teachwhy.providers.chat_format import ChatFormat
from teachwhy.providers.checkpoint import LoadedCheckpoint, find_checkpoint, load_checkpoint
from teachwhy.providers.messages import render_prompt
from teachwhy.providers.template import CALLS, RESULTS, SEVERAL, SYSTEM, TOOLS, find_gaps
from teachwhy.records import Message, ToolCall, ToolSpec

LOOP = "{%- for message in messages %}"
SAY = "[{{ message.role }}]{{ message.content }}"
END = "{%- endfor %}"
EACH_CALL = "{%- for call in message.tool_calls or [] %}"
NAME_OF_CALL, ARGUMENTS = "{{ call.function.name }}", "{{ call.function.arguments | tojson }}"
CALL = EACH_CALL + '{"name": "' + NAME_OF_CALL + '", ' + ARGUMENTS + "}{% endfor %}"
OFFER = "{%- for tool in tools or [] %}{{ tool | tojson }}{% endfor %}"
ALTERNATE = (
    "{%- if messages[0].role == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
    + LOOP
    + "{%- if (message.role == 'user') != (loop.index0 % 2 == 0) %}"
    + "{{ raise_exception('roles must alternate') }}{% endif %}"
    + SAY
    + END
)
ONE_CALL = (
    OFFER
    + LOOP
    + "{%- if message.tool_calls and message.tool_calls | length != 1 %}"
    + "{{ raise_exception('only single tool-calls at once') }}{% endif %}"
    + SAY
    + CALL
    + END
)
FULL = OFFER + LOOP + SAY + CALL + END

KINDS = {
    "full": (FULL, ()),
    "no tools": (LOOP + SAY + CALL + END, (TOOLS,)),
    "names of tools only": (
        "{%- for tool in tools or [] %}{{ tool.function.name }}{% endfor %}" + LOOP + SAY + CALL + END,
        (TOOLS,),
    ),
    "tools only once a result is there": (
        "{%- if messages | length > 2 %}" + OFFER + "{% endif %}" + LOOP + SAY + CALL + END,
        (TOOLS,),
    ),
    "no calls": (OFFER + LOOP + SAY + END, (CALLS,)),
    "calls without their arguments": (
        OFFER + LOOP + SAY + EACH_CALL + NAME_OF_CALL + "{% endfor %}" + END,
        (CALLS,),
    ),
    "calls without their names": (
        OFFER + LOOP + SAY + EACH_CALL + ARGUMENTS + "{% endfor %}" + END,
        (CALLS,),
    ),
    "arguments that must be text": (
        OFFER
        + LOOP
        + SAY
        + EACH_CALL
        + "{{ call.function.name + call.function.arguments }}{% endfor %}"
        + END,
        (CALLS,),
    ),
    "calls beside no words only": (
        OFFER + LOOP + SAY + "{%- if not message.content %}" + CALL + "{% endif %}" + END,
        (CALLS,),
    ),
    "results dropped": (
        OFFER + LOOP + "{%- if message.role != 'tool' %}" + SAY + CALL + "{% endif %}" + END,
        (RESULTS,),
    ),
    "no names of calls, no results": (
        OFFER
        + LOOP
        + "{%- if message.role != 'tool' %}"
        + SAY
        + EACH_CALL
        + ARGUMENTS
        + "{% endfor %}{% endif %}"
        + END,
        (CALLS, RESULTS),
    ),
    "role tool refused": (
        OFFER
        + LOOP
        + "{%- if message.role == 'tool' %}{{ raise_exception('no') }}{% endif %}"
        + SAY
        + CALL
        + END,
        (RESULTS,),
    ),
    "one call a turn": (ONE_CALL, (SEVERAL,)),
    "system refused": (
        OFFER
        + LOOP
        + "{%- if message.role == 'system' %}{{ raise_exception('no') }}{% endif %}"
        + SAY
        + CALL
        + END,
        (SYSTEM,),
    ),
    "system dropped": (
        OFFER + LOOP + "{%- if message.role != 'system' %}" + SAY + CALL + "{% endif %}" + END,
        (SYSTEM,),
    ),
    "system dropped for tools": (
        OFFER
        + LOOP
        + "{%- if not (tools and message.role == 'system') %}"
        + SAY
        + CALL
        + "{% endif %}"
        + END,
        (SYSTEM,),
    ),
    "user and assistant in turns": (ALTERNATE, (SYSTEM, TOOLS, CALLS, RESULTS)),
}


@pytest.fixture(scope="module")
def sprig() -> LoadedCheckpoint:
    """The packaged model, whose template shows all."""
    return load_checkpoint(find_checkpoint("sprig"), "cpu")


def with_template(checkpoint: LoadedCheckpoint, template: Any) -> Any:
    """A tokenizer like the checkpoint's, with another template."""
    tokenizer = checkpoint.tokenizer.__class__(
        tokenizer_object=checkpoint.tokenizer._tokenizer, eos_token=checkpoint.tokenizer.eos_token
    )
    tokenizer.chat_template = template
    return tokenizer


def adapt(checkpoint: LoadedCheckpoint, template: str) -> LoadedCheckpoint:
    """The checkpoint as it would be loaded with this template."""
    tokenizer = with_template(checkpoint, template)
    chat_format = ChatFormat(tokenizer, checkpoint.control_texts, find_gaps(tokenizer))
    return LoadedCheckpoint(checkpoint.model, frozenset(), None, chat_format)


SPEC = ToolSpec(
    name="send_mail",
    description="send a letter",
    parameters={"type": "object", "properties": {"to": {"type": "string"}}, "required": ["to"]},
)
INFO = ToolInfo(
    name=SPEC.name, description=SPEC.description, parameters=ToolParams.model_validate(SPEC.parameters)
)


def office(*, opening_only: bool = False) -> tuple[list[Any], list[Message]]:
    """A conversation as Inspect has it, and as training has it."""
    calls = [
        InspectToolCall(id=str(i), function="send_mail", arguments={"to": to})
        for i, to in enumerate(("Ann", "Bo"))
    ]
    inspect = [
        ChatMessageSystem(content="You are Kit."),
        ChatMessageUser(content="Write to both."),
        ChatMessageAssistant(content="I will.", tool_calls=calls),
        ChatMessageTool(content="sent", tool_call_id="0", function="send_mail"),
        ChatMessageTool(content="error: no such person", tool_call_id="1", function="send_mail"),
    ]
    ours = [
        Message(role="system", content="You are Kit."),
        Message(role="user", content="Write to both."),
        Message(
            role="assistant",
            content="I will.",
            tool_calls=tuple(ToolCall(name=call.function, arguments=call.arguments) for call in calls),
        ),
        Message(role="tool", content="sent"),
        Message(role="tool", content="error: no such person"),
    ]
    count = 2 if opening_only else len(ours)
    return inspect[:count], ours[:count]


@pytest.mark.parametrize("opening_only", [True, False])
def test_a_template_that_shows_all_renders_as_it_always_did(
    opening_only: bool, sprig: LoadedCheckpoint
) -> None:
    assert sprig.template_lacks == ()
    inspect, ours = office(opening_only=opening_only)
    expected = sprig.tokenizer.apply_chat_template(
        [message.as_hugging_face() for message in ours],
        tools=[SPEC.as_openai()],
        add_generation_prompt=True,
        return_dict=False,
    )
    assert list(render_prompt(inspect, [INFO], sprig)) == expected


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_template_lacks_is_found(kind: str, checkpoint: LoadedCheckpoint) -> None:
    template, lacks = KINDS[kind]
    assert find_gaps(with_template(checkpoint, template)) == lacks


@pytest.mark.parametrize("kind", KINDS)
def test_every_model_is_told_all_of_the_episode(kind: str, checkpoint: LoadedCheckpoint) -> None:
    adapted = adapt(checkpoint, KINDS[kind][0])
    inspect, _ = office()
    text = adapted.tokenizer.decode(render_prompt(inspect, [INFO], adapted))
    parts = ["You are Kit.", "Write to both.", "send a letter", "Ann", "Bo", "sent", "error: no such person"]
    assert [part for part in parts if part not in text] == []
    assert text.count("send_mail") >= 3
    assert [text.index(part) for part in parts[3:]] == sorted(text.index(part) for part in parts[3:]) or (
        SEVERAL in adapted.template_lacks
    )


def test_plain_words_stand_in_for_all_that_is_missing(checkpoint: LoadedCheckpoint) -> None:
    adapted = adapt(checkpoint, ALTERNATE)
    inspect, _ = office()
    assert adapted.tokenizer.decode(render_prompt(inspect, [INFO], adapted)) == (
        "[user]You are Kit.\n\nWrite to both.\n\nYou can use these tools:\n"
        f"{json.dumps(SPEC.model_dump())}\n"
        'To use a tool, write <tool_call>{"name": "NAME", "arguments": {"ARGUMENT": "VALUE"}}</tool_call> '
        "with its name and its arguments.\n"
        'What it gives comes in the next message, after "Result of NAME:".'
        '[assistant]I will.\n<tool_call>{"name": "send_mail", "arguments": {"to": "Ann"}}</tool_call>\n'
        '<tool_call>{"name": "send_mail", "arguments": {"to": "Bo"}}</tool_call>'
        "[user]Result of send_mail:\nsent\n\nResult of send_mail:\nerror: no such person"
    )


def test_the_tools_end_the_system_turn_where_there_is_one(checkpoint: LoadedCheckpoint) -> None:
    adapted = adapt(checkpoint, LOOP + SAY + CALL + END)
    inspect, _ = office(opening_only=True)
    text = adapted.tokenizer.decode(render_prompt(inspect, [INFO], adapted))
    assert text.startswith("[system]You are Kit.\n\nYou can use these tools:\n")
    assert text.endswith("with its name and its arguments.[user]Write to both.")
    without_tools = adapted.tokenizer.decode(render_prompt(inspect, [], adapted))
    assert without_tools == "[system]You are Kit.[user]Write to both."


def test_calls_of_one_turn_get_turns_of_their_own_where_a_template_takes_one(
    checkpoint: LoadedCheckpoint,
) -> None:
    adapted = adapt(checkpoint, ONE_CALL)
    inspect, _ = office()
    text = adapted.tokenizer.decode(render_prompt(inspect, [INFO], adapted))
    assert text.partition("Write to both.")[2] == (
        '[assistant]I will.{"name": "send_mail", {"to": "Ann"}}[tool]sent'
        '[assistant]{"name": "send_mail", {"to": "Bo"}}[tool]error: no such person'
    )


@pytest.mark.parametrize(
    ("template", "complaint"),
    [
        ("hello", "the text of the user is not in what it makes"),
        (
            LOOP + "{%- if message.role != 'user' %}" + SAY + "{% endif %}" + END,
            "the text of the user is not",
        ),
        ("{{ messages[-1].content }}", "does not show a conversation of several turns"),
        ("{{ 1 / 0 }}", "ZeroDivisionError: division by zero"),
        ("{% for i in range(10 ** 12) %}x{% endfor %}", "OverflowError"),
        ("{{ 'x' * 10 ** 17 }}", "MemoryError"),
        ("{{ messages.__class__.__mro__ }}", "SecurityError"),
        ("{% if %}", "TemplateSyntaxError"),
        ("{{ raise_exception('\\x1b[2Jall is well\\nError: none') }}", r"\\x1b\[2Jall is well\\nError: none"),
        ("{{ raise_exception('x' * 5000) }}", r"x{400}\.\.\."),
    ],
)
def test_a_template_that_shows_no_conversation_is_refused_when_it_is_loaded(
    template: str, complaint: str, tmp_path: Path
) -> None:
    folder = find_checkpoint(str(build_checkpoint(tmp_path / "odd", template=template)))
    with pytest.raises(CheckpointError, match=complaint) as caught:
        load_checkpoint(folder)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 1000


def test_a_loaded_checkpoint_says_what_its_template_lacks(tmp_path: Path) -> None:
    assert load_checkpoint(find_checkpoint(str(build_checkpoint(tmp_path / "a")))).template_lacks == ()
    template = TEMPLATE.replace("if tools", "if false")
    odd = build_checkpoint(tmp_path / "b", template=template)
    assert load_checkpoint(find_checkpoint(str(odd))).template_lacks == (TOOLS,)
