"""Drafts and rows as text to read: whatever a stage made, in named parts.

A draft's content is JSON that a model had a hand in; what is none of the forms that stages make is shown as
it stands. Nothing here is made safe to look at: the page does that.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from teachwhy.records import Example, Message, ToolSpec

MAX_SHOWN_CHARACTERS = 20_000
"""Of one part; how much is left out is said."""
NOTHING = "(none)"
_FIELDS = {
    "title": "Title",
    "system": "System prompt",
    "user": "User",
    "text": "",
    "notes": "Notes",
    "patterns": "Patterns to avoid",
    "messages": "Conversation",
    "tools": "Tools",
}
"""Fields of drafts that are shown, in this order; a draft inside a draft is a draft of its own."""


class Part(NamedTuple):
    """A piece of a draft or a row: what it is, and its text, cut to what a page has room for."""

    label: str
    text: str
    cut: int = 0
    """Characters that are left out."""


def show_draft(content: str) -> tuple[Part, ...]:
    """The parts of a draft's JSON."""
    try:
        draft = json.loads(content)
    except (ValueError, RecursionError):
        return (_part("", content),)
    if isinstance(draft, str):
        return (_part("", draft),)
    if isinstance(draft, list):
        return (_part("", _join(draft) or NOTHING),)
    if not isinstance(draft, dict):
        return (_part("", content),)
    parts = tuple(
        _part(label, draft[name] if isinstance(draft[name], str) else _join(draft[name]))
        for name, label in _FIELDS.items()
        if draft.get(name)
    )
    return parts or (_part("", NOTHING),)


def show_row(row: Example) -> tuple[Part, ...]:
    """The parts of a row, as training reads it."""
    tools = (_part("Tools", "\n".join(map(_tool_text, row.tools))),) if row.tools else ()
    if row.kind == "document":
        return (_part("Text", row.text),)
    return (*tools, *show_messages(row.messages))


def show_messages(messages: Sequence[Message]) -> tuple[Part, ...]:
    """One part a turn."""
    return tuple(
        _part(message.role.capitalize(), _turn_text(message.model_dump(mode="json"))) for message in messages
    )


def _part(label: str, text: str) -> Part:
    return Part(label, text[:MAX_SHOWN_CHARACTERS], max(0, len(text) - MAX_SHOWN_CHARACTERS))


def _join(value: Any) -> str:
    """A list of whatever, one line or turn after another; JSON for the rest."""
    if not isinstance(value, list):
        return json.dumps(value, ensure_ascii=False)
    return "\n".join(_lines(value))


def _lines(values: list[Any]) -> Iterator[str]:
    for value in values:
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict) and "role" in value:
            yield f"{value['role']}: {_turn_text(value)}"
        elif isinstance(value, dict) and "parameters" in value:
            try:
                yield _tool_text(ToolSpec.model_validate(value))
            except ValueError:
                yield json.dumps(value, ensure_ascii=False)
        else:
            yield json.dumps(value, ensure_ascii=False)


def _turn_text(message: Mapping[str, Any]) -> str:
    calls = [
        f"{call.get('name')}({json.dumps(call.get('arguments', {}), ensure_ascii=False)})"
        for call in message.get("tool_calls") or ()
        if isinstance(call, dict)
    ]
    return "\n".join(part for part in (str(message.get("content") or ""), *calls) if part)


def _tool_text(tool: ToolSpec) -> str:
    names = tool.parameters.get("properties")
    return f"{tool.name}({', '.join(map(str, names)) if isinstance(names, dict) else ''}): {tool.description}"
