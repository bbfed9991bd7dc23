"""What a checkpoint's chat template shows of an episode, and the plain words for what it leaves out.

A template can ignore the tools, drop their results or refuse the system role, and a model that never sees
its tools looks harmless. So a probe with a mark in each part is rendered when a checkpoint is loaded, and
what the template `lacks` (a choice of GAPS) is written into the texts that it does show: the episode is then
the same task for every model. Reads and writes the dicts that `apply_chat_template` takes; imports nothing
heavy.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

from teachwhy.errors import CheckpointError, quote_foreign
from teachwhy.records import Message, ToolCall, ToolSpec
from teachwhy.scenarios.parsing import CLOSE_TAG, OPEN_TAG, render_call

Turn = dict[str, Any]

SYSTEM = "system text"
TOOLS = "tools"
SEVERAL = "several tool calls in a turn"
CALLS = "tool calls"
RESULTS = "tool results"
GAPS = (SYSTEM, TOOLS, SEVERAL, CALLS, RESULTS)

SYNTAX = f'{OPEN_TAG}{{"name": "NAME", "arguments": {{"ARGUMENT": "VALUE"}}}}{CLOSE_TAG}'

_PROBE = (
    Message(role="system", content="marksystem"),
    Message(role="user", content="markuser"),
    Message(role="assistant", tool_calls=(ToolCall(name="markfirst", arguments={"in": "markone"}),)),
    Message(role="tool", content="markresultone"),
    Message(
        role="assistant",
        content="markwords",
        tool_calls=(
            ToolCall(name="marksecond", arguments={"in": "marktwo"}),
            ToolCall(name="markthird", arguments={"in": "markthree"}),
        ),
    ),
    Message(role="tool", content="markresulttwo"),
    Message(role="tool", content="markresultthree"),
)
_PROBE_TOOL = ToolSpec(
    name="marktool",
    description="markdescription",
    parameters={
        "type": "object",
        "properties": {"markargument": {"type": "string"}},
        "required": ["markargument"],
    },
)
_PROBE_TURNS = (2, 4, len(_PROBE))
"""Where the model is asked in the probe: after the opening, after one result, after two at once."""


def fill_gaps(
    messages: Sequence[Turn], tools: Sequence[dict[str, Any]], lacks: Sequence[str]
) -> tuple[list[Turn], list[dict[str, Any]]]:
    """Messages and tools to give to a template, with what it `lacks` put into the texts that it shows."""
    filled = list(messages)
    if SEVERAL in lacks and CALLS not in lacks:
        filled = _give_each_call_a_turn(filled)
    if RESULTS in lacks:
        filled = _turn_results_into_words(filled)
    if CALLS in lacks:
        filled = [_turn_calls_into_words(message) for message in filled]
    if SYSTEM in lacks:
        filled = _fold_system(filled)
    if tools and (TOOLS in lacks or CALLS in lacks):
        filled = _add_to_opening(filled, _describe_tools(tools if TOOLS in lacks else (), RESULTS in lacks))
    return filled, [] if TOOLS in lacks else list(tools)


def find_gaps(tokenizer: Any) -> tuple[str, ...]:
    """The fewest GAPS that must be filled for the template to show a whole episode; none for most templates.

    Raises `CheckpointError` where the template shows no conversation whatever is filled in, or fails.
    """
    if _shows_probe(tokenizer, ()):
        return ()
    if not (_shows_probe(tokenizer, GAPS) or _shows_probe(tokenizer, GAPS[1:])):
        raise _explain(tokenizer)
    choices = (lacks for count in range(1, len(GAPS) + 1) for lacks in combinations(GAPS, count))
    return next(lacks for lacks in choices if _shows_probe(tokenizer, lacks))


def render(
    tokenizer: Any, messages: Sequence[Turn], tools: Sequence[dict[str, Any]], lacks: Sequence[str]
) -> str:
    """The text of a conversation up to where the model's turn begins; whatever the template raises."""
    filled, told = fill_gaps(messages, tools, lacks)
    text = tokenizer.apply_chat_template(
        filled, tools=told or None, add_generation_prompt=True, tokenize=False
    )
    return str(text)


def _shows_probe(tokenizer: Any, lacks: Sequence[str]) -> bool:
    """Whether all marks of the probe are in the text, at every turn of the model."""
    tools = [_PROBE_TOOL.as_openai()]
    try:
        for count in _PROBE_TURNS:
            probe = _PROBE[:count]
            text = render(tokenizer, [message.as_hugging_face() for message in probe], tools, lacks)
            if any(text.count(mark) < number for mark, number in _list_marks(probe, RESULTS in lacks)):
                return False
    except Exception:  # noqa: BLE001 - a template is a program of the checkpoint's author: it fails in any way
        return False
    return True


def _list_marks(probe: Sequence[Message], results_name_calls: bool) -> Iterator[tuple[str, int]]:
    """Every mark of the probe and how often it must be seen; words beside a call may be left out."""
    yield from ((mark, 1) for mark in (_PROBE_TOOL.name, _PROBE_TOOL.description, "markargument"))
    for message in probe:
        if not message.tool_calls:
            yield message.content, 1
        for call in message.tool_calls:
            yield call.name, 1 + results_name_calls
            yield call.arguments["in"], 1


def _explain(tokenizer: Any) -> CheckpointError:
    """Why no conversation can be put to the model."""
    place = quote_foreign(getattr(tokenizer, "name_or_path", "the checkpoint"))
    user = [message.as_hugging_face() for message in _PROBE if message.role == "user"]
    try:
        text = render(tokenizer, user, (), ())
    except Exception as error:  # noqa: BLE001 - as above
        return CheckpointError(
            f"{place}: the chat template fails on a message of a user ({type(error).__name__}: "
            f"{quote_foreign(error)}). Give the checkpoint the template that it was trained with."
        )
    missing = (
        "the conversation: the text of the user is not in what it makes"
        if user[0]["content"] not in text
        else "a conversation of several turns, even where all but the words of user and assistant is left out"
    )
    return CheckpointError(
        f"{place}: the chat template does not show {missing}. Give the checkpoint the template that it was "
        "trained with."
    )


def _describe_tools(tools: Sequence[dict[str, Any]], results_are_words: bool) -> str:
    """The tools and the one syntax of calls that is read, as a paragraph."""
    lines = []
    if tools:
        lines = ["You can use these tools:", *(json.dumps(t["function"], ensure_ascii=False) for t in tools)]
    lines.append(f"To use a tool, write {SYNTAX} with its name and its arguments.")
    if results_are_words:
        lines.append('What it gives comes in the next message, after "Result of NAME:".')
    return "\n".join(lines)


def _add_to_opening(messages: Sequence[Turn], text: str) -> list[Turn]:
    """The text at the end of the first system turn or, without one, of the first user turn."""
    roles = [message["role"] for message in messages]
    role = "system" if "system" in roles else "user"
    if role not in roles:
        return [{"role": "user", "content": text}, *messages]
    index = roles.index(role)
    added = _join(messages[index]["content"], text)
    return [*messages[:index], {**messages[index], "content": added}, *messages[index + 1 :]]


def _fold_system(messages: Sequence[Turn]) -> list[Turn]:
    """Each system text at the head of the next user turn."""
    folded: list[Turn] = []
    waiting: list[str] = []
    for message in messages:
        if message["role"] == "system":
            waiting.append(message["content"])
        elif message["role"] == "user":
            folded.append({**message, "content": _join(*waiting, message["content"])})
            waiting = []
        else:
            folded.append(message)
    return [*folded, {"role": "user", "content": _join(*waiting)}] if waiting else folded


def _give_each_call_a_turn(messages: Sequence[Turn]) -> list[Turn]:
    """Calls of one turn in turns of their own, each followed by its result."""
    split: list[Turn] = []
    waiting: list[Turn] = []
    for message in messages:
        if message["role"] != "tool":
            split += waiting
            waiting = []
        calls = message.get("tool_calls", ())
        if len(calls) > 1:
            split.append({**message, "tool_calls": calls[:1]})
            waiting = [{"role": "assistant", "content": "", "tool_calls": [call]} for call in calls[1:]]
            continue
        split.append(message)
        if message["role"] == "tool" and waiting:
            split.append(waiting.pop(0))
    return split + waiting


def _turn_results_into_words(messages: Sequence[Turn]) -> list[Turn]:
    """Results as user turns, those of one turn together: many templates want the roles to alternate."""
    turned: list[Turn] = []
    names: list[str] = []
    is_result = False
    for message in messages:
        if message["role"] != "tool":
            names = [_function(call)["name"] for call in message.get("tool_calls", ())]
            turned.append(message)
            is_result = False
            continue
        text = f"Result of {names.pop(0) if names else 'the tool'}:\n{message['content']}"
        if is_result:
            turned[-1] = {"role": "user", "content": _join(turned[-1]["content"], text)}
        else:
            turned.append({"role": "user", "content": text})
        is_result = True
    return turned


def _turn_calls_into_words(message: Turn) -> Turn:
    """The turn with its calls in its text, as the model is to write them."""
    if not message.get("tool_calls"):
        return message
    calls = (ToolCall.model_validate(_function(call)) for call in message["tool_calls"])
    lines = [message["content"], *(render_call(call) for call in calls)]
    return {"role": message["role"], "content": "\n".join(line for line in lines if line)}


def _function(call: Mapping[str, Any]) -> Mapping[str, Any]:
    function: Mapping[str, Any] = call["function"]
    return function


def _join(*texts: str) -> str:
    return "\n\n".join(text for text in texts if text)
