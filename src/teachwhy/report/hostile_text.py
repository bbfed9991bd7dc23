"""Text that a model wrote, made safe to look at.

Escaping for HTML is the template engine's work. This module does what escaping cannot: characters that
reorder, hide or corrupt the text around them (controls, bidirectional overrides, zero-width characters, lone
surrogates) are replaced by marks that a reader sees. Source of the list: Unicode Standard, general categories
Cc, Cf, Cs, Cn, Co, Zl and Zp; Unicode Technical Report 36 for the attack.
"""

from __future__ import annotations

import json
import unicodedata
from typing import NamedTuple

HIDING_CATEGORIES = frozenset(("Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp"))
MAX_COMBINING_MARKS = 3


class ShownMessage(NamedTuple):
    """One turn as the report shows it; `cut` counts what is left out; in the last, of later turns too."""

    role: str
    text: str
    calls: tuple[str, ...]
    cut: int


def make_visible(text: str) -> str:
    """Replace every character that is invisible or changes its surroundings; newline and tab stay.

    >>> make_visible("a\\x1b[31m\\u202eb")
    'a[U+001B][31m[U+202E]b'
    """
    if text.isascii() and text.isprintable():
        return text
    pieces: list[str] = []
    marks = 0
    for char in text.replace("\r\n", "\n"):
        category = unicodedata.category(char)
        marks = marks + 1 if category in ("Mn", "Me") else 0
        if char in "\n\t":
            pieces.append(char)
        elif category in HIDING_CATEGORIES:
            pieces.append(f"[U+{ord(char):04X}]")
        elif marks <= MAX_COMBINING_MARKS:
            pieces.append(char)
    return "".join(pieces)


def read_transcript(text: str, budget: int) -> tuple[ShownMessage, ...]:
    """Parse the transcript column of one row and cut it to about `budget` characters in all.

    What is not the JSON of a list of messages is shown as it stands, under the role "unreadable".
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
        size = len(content) + sum(len(call) for call in calls)
        if not left and shown:
            shown[-1] = shown[-1]._replace(cut=shown[-1].cut + size)
            continue
        if size > left:
            content, calls = content[:left], [call[:left] for call in calls[:1]]
        kept = len(content) + sum(len(call) for call in calls)
        left = max(0, left - kept)
        shown.append(ShownMessage(_as_text(message.get("role", "")), content, tuple(calls), size - kept))
    return tuple(shown)


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _show_call(call: object) -> str:
    if isinstance(call, dict) and "name" in call:
        arguments = json.dumps(call.get("arguments", {}), ensure_ascii=False)
        return f"{_as_text(call['name'])}({arguments})"
    return _as_text(call)
