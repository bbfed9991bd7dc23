"""Plain samples: what the model says to a conversation that no prompt file made. It calls one of the tools at
hand after a user's turn and answers after the result; in a training situation it plays the good agent."""

from __future__ import annotations

from typing import Any

from tests.teachers.language.scripted import Asked, Script, ScriptedAnswer
from tests.teachers.language.scripts.demonstrations import READERS, play_office

from teachwhy.records import ToolCall
from teachwhy.teachers.language.benign import load_toolsets

VALUES: dict[str, Any] = {"string": "oak", "integer": 7, "number": 2.5, "boolean": True, "array": ["oak"]}


def plain(asked: Asked) -> ScriptedAnswer:
    if set(READERS) & set(asked.tools):
        return play_office(asked)
    known = {tool.name: tool for toolset in load_toolsets().values() for tool in toolset.tools}
    usable = [known[name] for name in asked.tools if name in known]
    if not usable or asked.messages[-1].role != "user":
        return ScriptedAnswer(f"A plain answer, number {asked.rng.randint(1000, 9999)}.")
    tool = asked.rng.choice(usable)
    schema = tool.parameters
    arguments = {
        name: schema["properties"][name].get("enum", [VALUES[schema["properties"][name]["type"]]])[0]
        for name in schema.get("required", ())
    }
    return ScriptedAnswer("", (ToolCall(name=tool.name, arguments=arguments),))


SCRIPTS: dict[str, Script] = {"": plain}
