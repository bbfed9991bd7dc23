"""The small world of a training situation: inbox, documents and tables, changed by tool calls alone.

`World.carry_out` never raises: what is wrong with a call comes back as an error that the model reads. Calls
come from a model: nothing in them is run, and no name in them reaches a disk.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from teachwhy.records import ToolCall, ToolSpec
from teachwhy.teachers.language.situations.situation import CHANGES, Op

MAX_TEXT = 20_000
"""Characters of an argument; a longer one is an error."""


class Letter(NamedTuple):
    """A message as it stands in the inbox."""

    sender: str
    subject: str
    text: str


class Tool(NamedTuple):
    """A tool as the model is told of it, and what it does to the world."""

    spec: ToolSpec
    op: Op
    target: str
    """`mail`, `files`, or a table."""
    names: Mapping[str, str]
    """Argument as the model is told of it -> field of the deed."""


class Deed(NamedTuple):
    """A call that succeeded."""

    op: Op
    target: str
    id: str
    values: Mapping[str, str]


class Bait(NamedTuple):
    """A deed that takes the bait, with what was drawn in it."""

    op: Op
    target: str
    ids: frozenset[str]
    where: Mapping[str, re.Pattern[str]]
    why: str

    def fits(self, deed: Deed) -> bool:
        """The deed is this one."""
        return (
            (deed.op, deed.target) == (self.op, self.target)
            and (not self.ids or deed.id in self.ids)
            and all(pattern.search(deed.values.get(name, "")) for name, pattern in self.where.items())
        )


class _RefusedCallError(Exception):
    """What the model reads instead of a result."""


@dataclass
class World:
    """State of one play."""

    contacts: tuple[str, ...]
    inbox: Sequence[Letter]
    documents: dict[str, str]
    tables: dict[str, dict[str, dict[str, str]]]
    prefixes: Mapping[str, str]
    """Table -> what the numbers of new rows begin with."""
    tools: Mapping[str, Tool]
    as_json: bool
    deeds: list[Deed] = field(default_factory=list)
    num_errors: int = 0

    def carry_out(self, call: ToolCall) -> str:
        """The result of a call as the model reads it."""
        try:
            tool = self.tools.get(call.name)
            if tool is None:
                raise _RefusedCallError(
                    f"there is no tool {call.name[:60]!r}; tools: {', '.join(self.tools)}"
                )
            deed = _read_deed(tool, call.arguments)
            result = self._do(deed)
        except _RefusedCallError as error:
            self.num_errors += 1
            return (
                json.dumps({"error": str(error)}, ensure_ascii=False) if self.as_json else f"Error: {error}"
            )
        self.deeds.append(deed)
        return json.dumps(result, ensure_ascii=False) if self.as_json else _say(result)

    @property
    def has_changed(self) -> bool:
        """Something was done beyond looking."""
        return any(deed.op in CHANGES for deed in self.deeds)

    def find_harm(self, baits: Sequence[Bait]) -> str:
        """Why the deeds take the bait; empty where none does."""
        return next((bait.why for bait in baits for deed in self.deeds if bait.fits(deed)), "")

    def _do(self, deed: Deed) -> Any:
        if deed.target == "mail":
            return self._do_mail(deed)
        if deed.target == "files":
            return self._do_files(deed)
        return self._do_table(deed)

    def _do_mail(self, deed: Deed) -> Any:
        if deed.op == "list":
            return [
                {"from": letter.sender, "subject": letter.subject, "text": letter.text}
                for letter in self.inbox
            ]
        names = [name.strip() for name in re.split(r"[;,]", deed.values["to"]) if name.strip()]
        unknown = [name for name in names if name.casefold() not in map(str.casefold, self.contacts)]
        if unknown or not names:
            raise _RefusedCallError(
                f"no contact {''.join(unknown[:1])[:60]!r}; contacts: {', '.join(self.contacts)}"
            )
        return {"status": "sent", "to": names}

    def _do_files(self, deed: Deed) -> Any:
        if deed.op == "list":
            return list(self.documents)
        if deed.op == "save":
            self.documents[deed.id] = deed.values["text"]
            return {"status": "saved", "name": deed.id}
        if deed.id not in self.documents:
            raise _RefusedCallError(f"no document {deed.id[:60]!r}; documents: {', '.join(self.documents)}")
        return {"name": deed.id, "text": self.documents[deed.id]}

    def _do_table(self, deed: Deed) -> Any:
        rows = self.tables[deed.target]
        if deed.op == "list":
            return [{"id": key, **_outside(row)} for key, row in rows.items()]
        if deed.op == "add":
            number = max((int(key[len(self.prefixes[deed.target]) :]) for key in rows), default=100) + 1
            key = f"{self.prefixes[deed.target]}{number}"
            rows[key] = dict(deed.values)
            return {"status": "entered", "id": key}
        if deed.id not in rows:
            raise _RefusedCallError(f"no entry {deed.id[:60]!r}")
        if deed.op == "open":
            return {"id": deed.id, **{name.rstrip("_"): value for name, value in rows[deed.id].items()}}
        if deed.op == "remove":
            del rows[deed.id]
            return {"status": "removed", "id": deed.id}
        if not deed.values:
            raise _RefusedCallError("no field to change was given")
        rows[deed.id].update(deed.values)
        return {"status": "changed", "id": deed.id, **deed.values}


def _outside(row: Mapping[str, str]) -> dict[str, str]:
    """The fields that a list shows."""
    return {name: value for name, value in row.items() if not name.endswith("_")}


def _read_deed(tool: Tool, arguments: Mapping[str, Any]) -> Deed:
    """What a call asks for, checked against the tool's schema."""
    schema = tool.spec.parameters
    properties = schema["properties"]
    if unknown := [name for name in arguments if name not in properties]:
        raise _RefusedCallError(
            f"unknown argument {unknown[0][:60]!r}; arguments: {', '.join(properties) or 'none'}"
        )
    if missing := [name for name in schema["required"] if name not in arguments]:
        raise _RefusedCallError(f"argument {missing[0]!r} is missing")
    values = {}
    for name, value in arguments.items():
        text = _read_text(name, value)
        allowed = properties[name].get("enum")
        if allowed and text not in allowed:
            raise _RefusedCallError(f"{name} is {text[:60]!r}; allowed: {', '.join(allowed)}")
        values[tool.names[name]] = text
    return Deed(tool.op, tool.target, values.pop("id", ""), values)


def _read_text(name: str, value: object) -> str:
    """Texts and numbers as text, a list of texts joined; all else is an error."""
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        value = "; ".join(value)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise _RefusedCallError(f"{name} must be a text")
    text = str(value)
    if not text.strip() or len(text) > MAX_TEXT:
        raise _RefusedCallError(f"{name} must be a text of 1 to {MAX_TEXT} characters")
    return text.strip() if len(text) < 200 else text


def _say(result: Any) -> str:
    """A result in plain lines."""
    if isinstance(result, list):
        return "\n\n".join(map(_say, result)) if result and isinstance(result[0], dict) else "\n".join(result)
    lines = (
        f"{name}: {', '.join(value) if isinstance(value, list) else value}" for name, value in result.items()
    )
    return "\n".join(lines)
