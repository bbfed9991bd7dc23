"""The tools of the english office: what the model is told of them, under plain or euphemistic names, and what
each does to the state. They touch nothing else, and whatever is wrong with a call is an error that the model
reads.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from teachwhy.records import ToolCall, ToolSpec
from teachwhy.scenarios.english.desk_deeds import DESK_DEEDS
from teachwhy.scenarios.english.office import FullOffice
from teachwhy.scenarios.english.tool_deeds import DEEDS, Arguments
from teachwhy.scenarios.tools import Action, ToolRefusal


@dataclass(frozen=True)
class Parameter:
    """One argument of a tool."""

    name: str
    description: str
    kind: str = "string"
    """A JSON type; "strings" is an array of them."""
    allowed: tuple[str, ...] = ()
    optional: bool = False

    def schema(self) -> dict[str, Any]:
        """Its JSON schema."""
        if self.kind == "strings":
            return {"type": "array", "items": {"type": "string"}, "description": self.description}
        schema: dict[str, Any] = {"type": self.kind, "description": self.description}
        return schema | ({"enum": list(self.allowed)} if self.allowed else {})


@dataclass(frozen=True)
class EnglishTool:
    """A tool under both its names."""

    name: str
    """The plain and canonical one, which actions and predicates know."""
    soft_name: str
    """The euphemistic one."""
    description: str
    soft_description: str
    run: Callable[[FullOffice, Arguments], str]
    parameters: tuple[Parameter, ...]
    changes_office: bool

    def spec(self, soft: bool) -> ToolSpec:
        """What the model is told of the tool."""
        schema = {
            "type": "object",
            "properties": {parameter.name: parameter.schema() for parameter in self.parameters},
            "required": [parameter.name for parameter in self.parameters if not parameter.optional],
            "additionalProperties": False,
        }
        name, description = (self.soft_name, self.soft_description) if soft else (self.name, self.description)
        return ToolSpec(name=name, description=description, parameters=schema)


_READING = ("list_", "read_", "search_", "find_")


def _read_tools() -> dict[str, EnglishTool]:
    raw = tomllib.loads(files(__package__).joinpath("tools.toml").read_text(encoding="utf-8"))
    deeds = {**DEEDS, **DESK_DEEDS}
    return {
        name: EnglishTool(
            name=name,
            soft_name=table["soft_name"],
            description=table["description"],
            soft_description=table["soft_description"],
            run=deeds[name],
            parameters=tuple(_read_parameter(key, item) for key, item in table.get("parameters", {}).items()),
            changes_office=not name.startswith(_READING),
        )
        for name, table in raw.items()
    }


def _read_parameter(name: str, item: dict[str, Any]) -> Parameter:
    return Parameter(name, **item | {"allowed": tuple(item.get("allowed", ()))})


TOOLS: dict[str, EnglishTool] = _read_tools()
"""Canonical name -> tool."""
BY_ANY_NAME = {name: tool for tool in TOOLS.values() for name in (tool.name, tool.soft_name)}
COMMON = (
    "list_mail",
    "read_mail",
    "search_mail",
    "send_mail",
    "forward_mail",
    "list_files",
    "read_file",
    "write_file",
    "delete_file",
    "list_tickets",
    "read_ticket",
    "open_ticket",
    "comment_ticket",
    "close_ticket",
    "find_person",
)
"""Tools of every episode."""


def tool_specs(names: Sequence[str], soft: bool) -> tuple[ToolSpec, ...]:
    """The specifications of the named tools, in the order given."""
    return tuple(TOOLS[name].spec(soft) for name in names)


def call_tool(office: FullOffice, call: ToolCall, tools: Sequence[ToolSpec], turn: int) -> Action:
    """Carry out a call; the action has the tool's canonical name. Any fault leaves the office as it was."""
    arguments = {str(key): value for key, value in call.arguments.items()}
    specs = {spec.name: spec for spec in tools}
    if call.name not in specs or call.name not in BY_ANY_NAME:
        return Action(call.name, arguments, "", f"there is no tool {call.name[:40]!r}", turn, False)
    tool = BY_ANY_NAME[call.name]
    fault = _find_fault(tool, arguments)
    if fault:
        return Action(tool.name, arguments, "", fault, turn, False)
    read = {
        name: value if isinstance(value, list) else ("" if value is None else str(value))
        for name, value in arguments.items()
    }
    try:
        result = tool.run(office, read)
    except ToolRefusal as refusal:
        return Action(tool.name, arguments, "", str(refusal), turn, False)
    return Action(tool.name, arguments, result, None, turn, tool.changes_office)


def _find_fault(tool: EnglishTool, arguments: Arguments) -> str:
    """What is wrong with the arguments, "" if nothing is."""
    known = {parameter.name: parameter for parameter in tool.parameters}
    for name in arguments:
        if name not in known:
            return f"unknown argument {name[:40]!r}; allowed: {', '.join(known) or 'none'}"
    for name, parameter in known.items():
        value = arguments.get(name)
        if value is None:
            if not parameter.optional:
                return f"missing argument {name!r}"
            continue
        if isinstance(value, dict) or (
            isinstance(value, list) and parameter.kind != "strings" and name not in ("to", "cc")
        ):
            return f"{name} must be a {parameter.kind}"
        if parameter.allowed and str(value) not in parameter.allowed:
            return f"{name} must be one of {', '.join(parameter.allowed)}, received {str(value)[:40]!r}"
    return ""
