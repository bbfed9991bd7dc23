"""A conversation as text in a prompt: one element a turn, whose content is hostile and is only shown."""

from __future__ import annotations

import json
from collections.abc import Sequence

from teachwhy.records import Message, ToolCall


def show_turns(messages: Sequence[Message]) -> str:
    """All turns, with the calls of each."""
    return "\n\n".join(_show_turn(message) for message in messages)


def show_call(call: ToolCall) -> str:
    """Name and arguments as JSON on one line."""
    return json.dumps(call.model_dump(), ensure_ascii=False)


def _show_turn(message: Message) -> str:
    calls = (f"<call>\n{show_call(call)}\n</call>" for call in message.tool_calls)
    inside = "\n".join(part for part in (message.content, *calls) if part)
    return f"<{message.role}>\n{inside}\n</{message.role}>"
