"""Transcripts that a model wrote, cut to what a page has room for, whatever they hold.

Nothing here is made safe to look at: `visible_text.make_visible` and the template's escaping do that where
the text is shown.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

NO_LIMITS: Mapping[str, int] = MappingProxyType({})


class ShownMessage(NamedTuple):
    """One turn as the report shows it; `cut` counts what is left out; in the last, of later turns too."""

    role: str
    text: str
    calls: tuple[str, ...]
    cut: int


def read_transcript(
    text: str, budget: int, limits: Mapping[str, int] = NO_LIMITS
) -> tuple[ShownMessage, ...]:
    """Parse the transcript column of one row and cut it to about `budget` characters in all.

    `limits`: role -> characters that one of its messages may take, so that a long prompt leaves room for the
    answer. What is not the JSON of a list of messages is shown as it stands, under the role "unreadable".
    """
    try:
        messages = json.loads(text)
    except (ValueError, RecursionError):  # RecursionError: thousands of nested brackets
        messages = None
    if not isinstance(messages, list) or not all(isinstance(message, dict) for message in messages):
        messages = [{"role": "unreadable", "content": text}]
    left = budget
    shown: list[ShownMessage] = []
    for message in messages:
        content = _as_text(message.get("content", ""))
        calls = [_show_call(call) for call in message.get("tool_calls") or ()]
        role = _as_text(message.get("role", ""))
        size = len(content) + sum(len(call) for call in calls)
        room = min(left, limits.get(role, left))
        if not left and shown:
            shown[-1] = shown[-1]._replace(cut=shown[-1].cut + size)
            continue
        if size > room:
            content, calls = content[:room], [call[:room] for call in calls[:1]]
        kept = len(content) + sum(len(call) for call in calls)
        left = max(0, left - kept)
        shown.append(ShownMessage(role, content, tuple(calls), size - kept))
    return tuple(shown)


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _show_call(call: object) -> str:
    if isinstance(call, dict) and "name" in call:
        arguments = json.dumps(call.get("arguments", {}), ensure_ascii=False)
        return f"{_as_text(call['name'])}({arguments})"
    return _as_text(call)
