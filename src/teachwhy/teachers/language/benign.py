"""Ordinary conversations, for the control `benign`: helpful chat, and tools put to use.

The teacher plays the user and, with the schema in view, the tools; the answers are sampled plainly from the
conversation as it stands. Subject, task, tools and mishaps are drawn; nothing moral is among them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from random import Random
from typing import Any

from pydantic import TypeAdapter

from teachwhy.errors import TeacherError
from teachwhy.records import Message, Record, ToolCall, ToolSpec
from teachwhy.service.calls import Reply, UnreadableReplyError
from teachwhy.teachers.language.advice import SHARE_WITH_SYSTEM, draw_manner, order_system, refuse_long
from teachwhy.teachers.language.reading import read_text
from teachwhy.teachers.language.turns import show_call, show_turns
from teachwhy.teachers.language.words import as_lines, draw, load_words, read_table
from teachwhy.teachers.language.writer import Asking, Writer
from teachwhy.teachers.protocol import Conversation, Stage

PROMPTS: dict[Stage, tuple[str, ...]] = {
    "benign": ("benign_request", "benign_follow_up", "benign_tool_request", "benign_tool_result")
}
SHARE_WITH_TOOLS = 0.5
MOST_ROUNDS = 3
MOST_CALLS = 4
"""Of one turn."""
MOST_TURNS = 6
"""Turns of the model until its answer, calls included, before a conversation with tools is given up."""
_MOST_CHARACTERS = 8000
_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "array": (list,),
    "object": (dict,),
}


class Toolset(Record):
    """The tools of a product, and what its users want."""

    product: str
    wishes: tuple[str, ...]
    tools: tuple[ToolSpec, ...]


@cache
def load_toolsets() -> dict[str, Toolset]:
    """Toolsets by name, from word_lists/benign_tools.toml."""
    return TypeAdapter(dict[str, Toolset]).validate_python(read_table("benign_tools"))


async def write_conversation(writer: Writer, seed: int) -> Conversation:
    """A finished conversation, by lot with tools; the seed decides all that is drawn.

    Raises TeacherError when the model does not come to an answer.
    """
    if Random(f"benign/{seed}").random() < SHARE_WITH_TOOLS:
        return await _write_with_tools(writer, seed)
    return await _write_chat(writer, seed)


async def _write_chat(writer: Writer, seed: int) -> Conversation:
    rng = Random(f"chat/{seed}")
    has_system = rng.random() < SHARE_WITH_SYSTEM
    values = {
        "drawn": as_lines(draw("benign", seed, "subject", "task")),
        "manner": draw_manner(seed),
        "system_order": order_system(seed, has_system),
    }
    messages = await writer.write(
        Asking("benign", sample=seed), "benign_request", values, partial(_read_opening, has_system)
    )
    rounds = rng.randint(1, MOST_ROUNDS)
    moves = rng.sample(load_words("benign")["follow_up"], rounds)
    for number in range(rounds):
        if number:
            values = {"conversation": show_turns(messages), "move": moves[number]}
            user = await writer.write(
                Asking("benign", sample=seed),
                "benign_follow_up",
                values,
                lambda reply: read_text(reply, "user", _MOST_CHARACTERS),
            )
            messages = (*messages, Message(role="user", content=user))
        reply = await writer.sample(Asking("benign", sample=seed), messages, read=refuse_long)
        messages = (*messages, Message(role="assistant", content=reply.text))
    return Conversation(messages=messages)


async def _write_with_tools(writer: Writer, seed: int) -> Conversation:
    rng = Random(f"tools/{seed}")
    has_system = rng.random() < SHARE_WITH_SYSTEM
    toolset = rng.choice(list(load_toolsets().values()))
    values = {
        "product": toolset.product,
        "tools": "\n".join(_show_tool(tool) for tool in toolset.tools),
        "wish": rng.choice(toolset.wishes),
        "manner": draw_manner(seed),
        "system_order": order_system(seed, has_system, "this product"),
    }
    asking = Asking("benign", sample=seed)
    messages = await writer.write(asking, "benign_tool_request", values, partial(_read_opening, has_system))
    tools = tuple(rng.sample(toolset.tools, len(toolset.tools)))
    read: Callable[[Reply], Reply] = partial(_read_turn, tools, must_call=True)
    for _ in range(MOST_TURNS):
        reply = await writer.sample(asking, messages, tools, read)
        messages = (*messages, Message(role="assistant", content=reply.text, tool_calls=reply.tool_calls))
        if not reply.tool_calls:
            return Conversation(messages=messages, tools=tools)
        for call in reply.tool_calls:
            mishap = rng.choice(load_words("benign")["mishap"])
            result = await _answer_call(writer, seed, (messages, tools), call, mishap)
            messages = (*messages, Message(role="tool", content=result))
        read = partial(_read_turn, tools)
    raise TeacherError(f"stage benign: no answer to the user after {MOST_TURNS} turns with tools")


async def _answer_call(
    writer: Writer,
    seed: int,
    so_far: tuple[tuple[Message, ...], Sequence[ToolSpec]],
    call: ToolCall,
    mishap: str,
) -> str:
    """What the tool returns, played by the teacher, who sees all earlier results."""
    messages, tools = so_far
    values = {
        "tool": next(_show_tool(tool) for tool in tools if tool.name == call.name),
        "conversation": show_turns(messages),
        "call": show_call(call),
        "drawn": mishap,
    }
    return await writer.write(
        Asking("benign", sample=seed),
        "benign_tool_result",
        values,
        lambda reply: read_text(reply, "result", _MOST_CHARACTERS),
    )


def _read_opening(has_system: bool, reply: str) -> tuple[Message, ...]:
    user = Message(role="user", content=read_text(reply, "user", _MOST_CHARACTERS))
    if not has_system:
        return (user,)
    return (Message(role="system", content=read_text(reply, "system", _MOST_CHARACTERS)), user)


def _read_turn(tools: Sequence[ToolSpec], reply: Reply, must_call: bool = False) -> Reply:
    """The reply, if its calls fit the tools; the first turn has to make one."""
    if must_call and not reply.tool_calls:
        raise UnreadableReplyError("no tool is called, though the request needs one")
    if len(reply.tool_calls) > MOST_CALLS:
        raise UnreadableReplyError(f"{len(reply.tool_calls)} calls at once, wanted at most {MOST_CALLS}")
    for call in reply.tool_calls:
        if fault := find_call_fault(call, tools):
            raise UnreadableReplyError(fault)
    return refuse_long(reply)


def find_call_fault(call: ToolCall, tools: Sequence[ToolSpec]) -> str | None:
    """Why a call fits none of the tools, by name, arguments and their plain types; None if it fits."""
    schema = next((tool.parameters for tool in tools if tool.name == call.name), None)
    if schema is None:
        return f"there is no tool {call.name[:40]!r}"
    known = schema["properties"]
    if missing := set(schema.get("required", ())) - call.arguments.keys():
        return f"{call.name} is called without {min(missing)!r}"
    for name, value in call.arguments.items():
        if name not in known:
            return f"{call.name} has no argument {name[:40]!r}"
        if not _is_of(known[name], value):
            return f"{call.name}: {name} is {str(value)[:40]!r}, wanted {known[name]}"
    return None


def _is_of(schema: Mapping[str, Any], value: object) -> bool:
    kinds = _TYPES[schema["type"]]
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        return False
    return value in schema.get("enum", (value,))


def _show_tool(tool: ToolSpec) -> str:
    return json.dumps(tool.model_dump(), ensure_ascii=False)
