"""Tool calls in an assistant's text: Hermes tags (`<tool_call>{...}</tool_call>`), several in one turn,
arguments optional.

What looks like a call and cannot be read is reported in `malformed`; it is never silently taken for plain
words. Call syntaxes are many, so that the offered tools decide: their names, standing where names stand in a
call and not in a sentence, or their arguments, named as in an object. In doubt it is a call that is not read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from teachwhy.records import ToolCall, ToolSpec

OPEN_TAG = "<tool_call>"
CLOSE_TAG = "</tool_call>"
_CALL = re.compile(re.escape(OPEN_TAG) + r"(.*?)(?:" + re.escape(CLOSE_TAG) + r"|\Z)", re.DOTALL)
_BARE_JSON = re.compile(r"^\s*\{.*\}\s*$", re.DOTALL)


_FENCED = re.compile(r"^\s*```(?:json|tool_call)?\s*(\{.*\})\s*```\s*$", re.DOTALL)
_CALL_LIKE = re.compile(
    r"\"(?:name|function|tool)\"\s*:|<function\b|<\|python_tag\|>|\[TOOL_CALLS\]|</?tool_call\b|\b[a-z]+(?:_[a-z]+)+\s*\(",
    re.IGNORECASE,
)
_OTHER_SYNTAX = re.compile(
    r"</?(?:invoke|tool)\b|<[|\uff5c][^<>]{0,40}(?:tool|call|channel|recipient)|\bto=functions\."
    r"|^\s*Action Input\s*:",
    re.IGNORECASE | re.MULTILINE,
)
Marks = tuple[str, str]
"""What opens and what closes a place for thoughts."""
THOUGHTS: tuple[Marks, ...] = tuple(
    (f"<{name}>", f"</{name}>")
    for name in ("think", "thinking", "thought", "reasoning", "scratchpad", "scratchpad_reasoning")
)
"""Where reasoning models and prompts put what is not said."""
OfferedTools = Mapping[str, Sequence[str]]
"""Names of the tools that the model was offered, each with the names of its arguments."""
_NO_TEXT = re.compile(r"[\ufffd\x00-\x08\x0e-\x1f\x7f-\x9f]")


@dataclass(frozen=True)
class ParsedTurn:
    """An assistant turn taken apart."""

    content: str
    """The words outside the calls, stripped."""
    tool_calls: tuple[ToolCall, ...]
    malformed: str | None
    """Why a call could not be read, None if all were."""


@dataclass(frozen=True)
class Spoken:
    """The words of a turn apart from its thoughts."""

    text: str
    hidden: str
    """The thoughts with their marks, as they were written."""
    fault: str
    """Why what is thought and what is said cannot be told apart, "" if they can."""


def split_thoughts(text: str, marks: Sequence[Marks] = ()) -> Spoken:
    """Take the thoughts out of a turn: they are neither words nor calls. `marks`: those of this prompt.

    What stands before a closing mark of a reasoning model without its opening one is thought: its template
    has opened the place. A place that is never closed cannot be told from words, so that it is a fault.
    """
    known = {opens.lower(): closes.lower() for opens, closes in (*THOUGHTS, *marks)}
    closing = [closes for _, closes in THOUGHTS]
    signs = re.compile("|".join(map(re.escape, (OPEN_TAG, *known, *closing))), re.IGNORECASE)
    said, hidden, at = "", "", 0
    while found := signs.search(text, at):
        sign = found.group().lower()
        closes = CLOSE_TAG if sign == OPEN_TAG else known.get(sign, "")
        end = re.compile(re.escape(closes), re.IGNORECASE).search(text, found.end()) if closes else found
        if sign == OPEN_TAG:  # what a call holds is the call's
            stop = end.end() if end else len(text)
            said += text[at:stop]
        elif not end:
            fault = f"{sign} is never closed: thoughts and words cannot be told apart"
            return Spoken(said + text[at : found.start()], hidden + text[found.start() :], fault)
        elif closes:
            stop = end.end()
            said, hidden = said + text[at : found.start()], hidden + text[found.start() : stop]
        else:
            stop = end.end()
            said, hidden = "", hidden + said + text[at:stop]
        at = stop
    return Spoken(said + text[at:], hidden, "")


def offered_tools(specs: Sequence[ToolSpec]) -> OfferedTools:
    """The names by which a call of one of these tools would be known."""
    return {spec.name: tuple(spec.parameters.get("properties", {})) for spec in specs}


def parse_assistant_text(text: str, offered: OfferedTools | None = None) -> ParsedTurn:
    """Read the words and the calls of one assistant turn. Where no call is read, words that hold an offered
    tool's name as a call would hold it are malformed."""
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
    elif found := _CALL_LIKE.search(content) or _OTHER_SYNTAX.search(content):
        faults.append(f"{found.group().strip()[:40]!r} looks like a call in a form that is not read")
    elif not calls and not faults and (clue := _find_unread_call(content, offered or {})):
        faults.append(f"{clue[:40]!r} looks like a call in a form that is not read")
    if len(_NO_TEXT.findall(content)) * 10 > len(content):
        faults.append("the answer is not readable text")
    return ParsedTurn(" ".join(content.split()), tuple(calls), "; ".join(faults) or None)


def _find_unread_call(text: str, offered: OfferedTools) -> str:
    """The first sign in the words of a call of an offered tool, "" if there is none."""
    names = [re.escape(name) for name in offered if not re.fullmatch(r"[a-z]+", name)]  # no everyday words
    for found in re.finditer(rf"(?<!\w)(?:{'|'.join(names)})(?!\w)", text) if names else ():
        line = text[text.rfind("\n", 0, found.start()) + 1 : found.start()]
        if not (_IN_SENTENCE.search(line) and _GOES_ON.match(text[found.end() :])):
            return text[max(0, found.start() - 10) : found.end() + 10].strip()
        if any(re.search(_named(argument), text) for argument in offered[found.group()]):
            return found.group()
    everything = {argument for arguments in offered.values() for argument in arguments}
    for argument in sorted(everything):
        if as_object := re.search(rf"\{{\s*{_named(argument)}", text):
            return as_object.group()
    for name, arguments in offered.items():
        if len(arguments) > 1 and all(
            re.search(rf"(?mi)^\W*{_named(argument)}", text) for argument in arguments
        ):
            return f"{name}: {', '.join(arguments)}"
    return ""


def _named(argument: str) -> str:
    """A pattern for an argument that is given by its name."""
    return rf"(?<!\w)[\"'`]?{re.escape(argument)}[\"'`]?\s*[:=]"


# A name inside a sentence: a word before it on its line, perhaps a quotation mark, and the sentence goes on.
_IN_SENTENCE = re.compile(r"(?:[A-Za-z]{2}|\bI|\ba),?\s+[`\"'*]{0,3}$")
_GOES_ON = re.compile(r"[`\"'*]{0,3}(?:[.,;!?]*\s*$|[.,;!?]+\s|\s+[A-Za-z]+(?![\w\"']*\s*[:=]))")


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
