"""Tool calls in an assistant's text: Hermes tags (`<tool_call>{...}</tool_call>`), several in one turn,
arguments optional.

What looks like a call and cannot be read is reported in `malformed`; it is never silently taken for plain
words.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from teachwhy.records import ToolCall

OPEN_TAG = "<tool_call>"
CLOSE_TAG = "</tool_call>"
_CALL = re.compile(re.escape(OPEN_TAG) + r"(.*?)(?:" + re.escape(CLOSE_TAG) + r"|\Z)", re.DOTALL)
_BARE_JSON = re.compile(r"^\s*\{.*\}\s*$", re.DOTALL)


_FENCED = re.compile(r"^\s*```(?:json|tool_call)?\s*(\{.*\})\s*```\s*$", re.DOTALL)
_CALL_LIKE = re.compile(
    r"\"(?:name|function|tool)\"\s*:|<function\b|<\|python_tag\|>|\[TOOL_CALLS\]|</?tool_call\b|\b[a-z]+(?:_[a-z]+)+\s*\(",
    re.IGNORECASE,
)
_NO_TEXT = re.compile(r"[\ufffd\x00-\x08\x0e-\x1f\x7f-\x9f]")


@dataclass(frozen=True)
class ParsedTurn:
    """An assistant turn taken apart."""

    content: str
    """The words outside the calls, stripped."""
    tool_calls: tuple[ToolCall, ...]
    malformed: str | None
    """Why a call could not be read, None if all were."""


def parse_assistant_text(text: str) -> ParsedTurn:
    """Read the words and the calls of one assistant turn."""
    calls: list[ToolCall] = []
    faults: list[str] = []
    bodies = _CALL.findall(text)
    content = _CALL.sub(" ", text)
    if not bodies and (fenced := _FENCED.match(text)) and '"name"' in text:
        bodies, content = [fenced.group(1)], ""
    elif not bodies and _BARE_JSON.match(text) and '"name"' in text:
        bodies, content = [text], ""
    for body in bodies:
        call = _read_call(body)
        if isinstance(call, ToolCall):
            calls.append(call)
        else:
            faults.append(call)
    if CLOSE_TAG in content:
        faults.append(f"{CLOSE_TAG} without {OPEN_TAG}")
    elif found := _CALL_LIKE.search(content):
        faults.append(f"{found.group()[:40]!r} looks like a call in a form that is not read")
    if len(_NO_TEXT.findall(content)) * 10 > len(content):
        faults.append("the answer is not readable text")
    return ParsedTurn(" ".join(content.split()), tuple(calls), "; ".join(faults) or None)


def _read_call(body: str) -> ToolCall | str:
    """The call in the text between the tags, or what is wrong with it."""
    try:
        data = json.loads(body.strip())
    except (ValueError, RecursionError) as error:
        return f"a tool call is not JSON ({error})"
    if not isinstance(data, dict) or not isinstance(data.get("name"), str) or not data["name"]:
        return "a tool call has no name"
    arguments = data.get("arguments", data.get("parameters", {}))
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments or "{}")
        except (ValueError, RecursionError):
            return f"the arguments of {data['name']!r} are not JSON"
    if arguments is None:
        arguments = {}
    if not isinstance(arguments, dict):
        return f"the arguments of {data['name']!r} are not an object"
    return ToolCall(name=data["name"], arguments=arguments)


def render_call(call: ToolCall) -> str:
    """The one way in which teachwhy writes a call as text."""
    return f"{OPEN_TAG}{json.dumps(call.model_dump(), ensure_ascii=False)}{CLOSE_TAG}"


def render_turn(content: str, *calls: ToolCall) -> str:
    """An assistant turn as text: words first, then the calls."""
    return content + "".join(render_call(call) for call in calls)
