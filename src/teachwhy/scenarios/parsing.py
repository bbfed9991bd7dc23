"""Tool calls in an assistant's text: Hermes tags (`<tool_call>{...}</tool_call>`), several in one turn,
arguments optional; between them the other syntaxes of `call_syntax`.

What looks like a call and cannot be read is reported in `malformed`; it is never silently taken for plain
words. Call syntaxes are many, so that the offered tools decide: their names, standing where names stand in a
call and not in a sentence, or their arguments, named as in an object. In doubt it is a call that is not read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from teachwhy.records import ToolCall, ToolSpec
from teachwhy.scenarios.call_syntax import Arguments, call_parts, find_calls, is_quoted, read_calls
from teachwhy.scenarios.call_syntax import OfferedTools as OfferedTools

OPEN_TAG = "<tool_call>"
CLOSE_TAG = "</tool_call>"
_CALL = re.compile(re.escape(OPEN_TAG) + r"(.*?)(?:" + re.escape(CLOSE_TAG) + r"|\Z)", re.DOTALL)
_BARE_JSON = re.compile(r"^\s*(\{.*\})\s*$", re.DOTALL)
_FENCED = re.compile(r"^\s*```(?:json|tool_call)?\s*(\{.*\})\s*```\s*$", re.DOTALL)
_CALL_LIKE = re.compile(
    r"\"(?:name|function|tool|tool_name)\"\s*:|<function\b|<\|python_tag\|>|\[TOOL_CALLS\]|</?tool_call\b|\b[a-z]+(?:_[a-z]+)+\s*\(",
    re.IGNORECASE,
)
_OTHER_SYNTAX = re.compile(
    r"</?(?:\w{1,20}:)?(?:invoke|parameter|tool|tool_use|tool_calls|function_calls)\b|<[|\uff5c][^<>]{0,40}(?:tool|call|channel|recipient)|\bto=functions\."
    r"|^[ \t]*Action Input[ \t]*:",
    re.IGNORECASE | re.MULTILINE,
)
Marks = tuple[str, str]
"""What opens and what closes a place for thoughts."""
THOUGHTS: tuple[Marks, ...] = tuple(
    (f"<{name}>", f"</{name}>")
    for name in ("think", "thinking", "thought", "reasoning", "scratchpad", "scratchpad_reasoning")
)
"""Where reasoning models and prompts put what is not said."""
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


def split_thoughts(text: str, marks: Sequence[Marks] = (), offered: OfferedTools | None = None) -> Spoken:
    """Take the thoughts out of a turn: they are neither words nor calls. `marks`: those of this prompt.

    What stands before a closing mark of a reasoning model without its opening one is thought: its template
    has opened the place. Where tools are `offered` that holds once and for what has no call in it; else the
    mark is a fault, since a stray one would hide an act. So is a place that is never closed: it cannot be
    told from words.
    """
    known = {opens.lower(): closes.lower() for opens, closes in (*THOUGHTS, *marks)}
    closing = [closes for _, closes in THOUGHTS]
    signs = re.compile("|".join(map(re.escape, (OPEN_TAG, *known, *closing))), re.IGNORECASE)
    said, hidden, fault, at, num_unopened = "", "", "", 0, 0
    while found := signs.search(text, at):
        sign = found.group().lower()
        closes = CLOSE_TAG if sign == OPEN_TAG else known.get(sign, "")
        end = re.compile(re.escape(closes), re.IGNORECASE).search(text, found.end()) if closes else found
        if sign == OPEN_TAG:  # what a call holds is the call's
            stop = end.end() if end else len(text)
            said += text[at:stop]
        elif not end:
            fault = fault or f"{sign} is never closed: thoughts and words cannot be told apart"
            return Spoken(said + text[at : found.start()], hidden + text[found.start() :], fault)
        elif closes:
            stop = end.end()
            said, hidden = said + text[at : found.start()], hidden + text[found.start() : stop]
        else:
            stop, swallowed = end.end(), said + text[at : found.start()]
            num_unopened += 1
            if offered is not None and not fault and (num_unopened > 1 or _holds_call(swallowed, offered)):
                fault = f"{sign} was never opened: thoughts and acts cannot be told apart"
            said, hidden = "", hidden + said + text[at:stop]
        at = stop
    return Spoken(said + text[at:], hidden, fault)


def _holds_call(text: str, offered: OfferedTools) -> bool:
    """Whether something in the text would be, or look like, a call if it were said. A letter that is written
    out is none here: thoughts are full of drafts.
    """
    return OPEN_TAG in text.lower() or bool(find_calls(text, offered).calls or _find_sign(text, offered))


def offered_tools(specs: Sequence[ToolSpec]) -> OfferedTools:
    """The names by which a call of one of these tools would be known."""
    offered: dict[str, Arguments] = {}
    for spec in specs:
        properties = spec.parameters.get("properties", {})
        optional = set(properties) - set(spec.parameters.get("required", ()))
        lists = [name for name, schema in properties.items() if schema.get("type") == "array"]
        offered[spec.name] = Arguments(properties, optional, lists)
    return offered


def parse_assistant_text(
    text: str, offered: OfferedTools | None = None, *, beside_calls: bool = False
) -> ParsedTurn:
    """Read the words and the calls of one assistant turn.

    Where no call is read, words that hold an offered tool's name as a call would hold it are malformed.
    Beside calls, and where `beside_calls` says that the provider has read some, a name is talk of them: only
    what has the form of a call is.
    """
    offered = offered or {}
    whole = _FENCED.match(text) or _BARE_JSON.match(text) if '"name"' in text else None
    unread = ""
    if whole:
        call = _read_call(whole[1])
        if isinstance(call, ToolCall):
            return ParsedTurn("", (call,), None)
        unread = call
    calls, faults, content = _read_turn(text, offered)
    if unread and not calls:
        content, faults = "", [unread]
    if CLOSE_TAG in content:
        faults.append(f"{CLOSE_TAG} without {OPEN_TAG}")
    elif sign := _CALL_LIKE.search(content) or _OTHER_SYNTAX.search(content):
        faults.append(f"{sign.group().strip()[:40]!r} looks like a call in a form that is not read")
    elif not faults and (clue := _find_clue(content, offered, bool(calls) or beside_calls)):
        faults.append(f"{clue[:40]!r} looks like a call in a form that is not read")
    if len(_NO_TEXT.findall(content)) * 10 > len(content):
        faults.append("the answer is not readable text")
    return ParsedTurn(" ".join(content.split()), tuple(calls), "; ".join(faults) or None)


def _read_turn(text: str, offered: OfferedTools) -> tuple[list[ToolCall], list[str], str]:
    """The calls of a turn in their order, what is wrong with those that cannot be read, and its words."""
    calls: list[ToolCall] = []
    faults: list[str] = []
    words: list[str] = []
    at = 0
    for tags in (*_CALL.finditer(text), None):
        if tags and is_quoted(text, tags.start()):
            continue
        found = find_calls(text[at : tags.start() if tags else len(text)], offered)
        calls += found.calls
        words.append(found.rest)
        if tags is None:
            break
        at, body = tags.end(), tags[1]
        call = _read_call(body)
        if isinstance(call, ToolCall):
            calls.append(call)
        elif body.lstrip().startswith(("<", "[")) and (others := read_calls(body, offered)):
            calls += others
        else:
            faults.append(call)
    return calls, faults, " ".join(words)


def _find_clue(text: str, offered: OfferedTools, beside_calls: bool) -> str:
    """The first sign in the words of a call of an offered tool, "" if there is none."""
    return _find_sign(text, offered) or (
        _find_written_out(text, offered) or ("" if beside_calls else _find_unread_call(text, offered))
    )


def _find_sign(text: str, offered: OfferedTools) -> str:
    """The first form in the words that only a call of an offered tool has, "" if there is none."""
    folded = _fold(text)
    if not offered or ("{" not in text and not any(_fold(name) in folded for name in offered)):
        return ""  # most turns: every sign holds one of these
    names = "|".join(map(_spellings, offered))
    compound = "|".join(_spellings(name) for name in offered if "_" in name)
    everything = "|".join(sorted({re.escape(name) for arguments in offered.values() for name in arguments}))
    signs = [
        rf"</?(?:\w{{1,20}}:)?(?:{names})(?!\w)",
        rf"(?<!\w)(?:{names})(?:\(\w{{0,40}}\s?[=)\"']|[^\w{{]{{0,8}}(?:\d{{1,3}}|json)?[^\w{{]{{0,8}}\{{)",
        rf"[\"']\w{{1,20}}[\"']\s{{0,9}}:\s{{0,9}}[\"'](?:{names})[\"']",
        rf"\b(?:action|tool|function|call)\s{{0,9}}:[\s`\"'*]{{0,9}}(?:{names})(?!\w)",
        rf"\bfunctions\.(?:{names})(?!\w)",
    ]
    if compound:
        signs.append(rf"(?<!\w)(?:{compound})\(")
    if everything:
        given = rf"[\"'`]?(?:{everything})[\"'`]?"
        signs += [
            rf"(?<!\w)(?:{names})(?!\w)[^\n]{{0,200}}?(?:(?<!\w){given}\s{{0,9}}=|\s--(?:{everything})(?!\w))",
            rf"\{{\s{{0,99}}{given}\s{{0,9}}[:=]",
        ]
    found = re.search("|".join(signs), text, re.IGNORECASE)
    return found.group().strip() if found else ""


def _fold(name: str) -> str:
    """A name, or a text, as it is the same in every spelling: `send_mail`, `sendMail`, `send-mail`."""
    return name.lower().replace("_", "").replace("-", "")


def _spellings(name: str) -> str:
    """A pattern, upper and lower case apart, for every spelling of a tool's name."""
    return "[-_]?".join(map(re.escape, name.split("_")))


_LABEL = re.compile(r"^(?![ \t]*>)[^\w\n]*([A-Za-z][\w-]{0,40})[\"'`*]{0,4}[ \t]{0,9}[:=]", re.MULTILINE)
"""What heads a line that is no quotation: `To:`, `**To:**`, `- to:`, `"to":`."""
_TAG = re.compile(r"<([A-Za-z][\w-]{0,40})(?:\s[^<>]{0,60})?>")
_KEY = re.compile(r"[\"']([A-Za-z][\w-]{0,40})[\"'][ \t]{0,9}:")
_CALLED = re.compile(r"\w\(\s{0,9}[A-Za-z]\w{0,40}\s{0,9}=(?!=)")
_KEYWORD = re.compile(r"(?<!\w)([A-Za-z]\w{0,40})\s{0,9}=(?!=)")
_UNLABELLED = "body"
"""The words of a letter stand below its head without a name."""


def _find_written_out(text: str, offered: OfferedTools) -> str:
    """What an offered tool needs, written out without its name: as a letter with its head, as a record in
    YAML or tags, as the arguments of another function. "" if nothing is.
    """
    whole = {_fold(label) for label in _LABEL.findall(text)}, {_fold(tag) for tag in _TAG.findall(text)}
    called = _CALLED.search(text)
    keywords = _KEYWORD.findall(text, called.start()) if called else ()
    parts = {_fold(word) for word in keywords}, {_fold(key) for key in _KEY.findall(text)}
    if not any((*whole, *parts)):
        return ""
    for name, arguments in offered.items():
        optional = arguments.optional if isinstance(arguments, Arguments) else frozenset()
        needed = {_fold(argument) for argument in arguments if argument not in optional}
        if len(needed) > 2:
            needed.discard(_UNLABELLED)
        known = {_fold(argument) for argument in arguments}
        if len(needed) > 1 and any(needed <= given for given in whole):
            return f"{name}: {', '.join(sorted(needed))}"
        if any(len(known & given) > 1 for given in parts):
            return f"{name}: {', '.join(sorted(known))}"
    return ""


def _find_unread_call(text: str, offered: OfferedTools) -> str:
    """The first place where a tool is named, or its arguments are given, as only a call would do it."""
    tools = {_fold(name): name for name in offered if not re.fullmatch(r"[a-z]+", name)}  # no everyday words
    names = "|".join(map(_spellings, tools.values()))
    named: dict[str, bool] = {}  # tools whose arguments stand somewhere in the text by their names
    for found in re.finditer(rf"(?<!\w)(?:{names})(?!\w)", text, re.IGNORECASE) if names else ():
        tool, nearby = tools[_fold(found.group())], max(0, found.start() - _LOOK_BACK)
        line = text[nearby : found.start()].rpartition("\n")[2]
        in_sentence = _IN_SENTENCE.search(line) and _GOES_ON.match(text, found.end())
        if not in_sentence and not (_LISTED.search(line) and _REPORTED.match(text, found.end())):
            return text[max(0, found.start() - 10) : found.end() + 10].strip()
        if tool not in named:
            named[tool] = any(re.search(_named(argument), text) for argument in offered[tool])
        if named[tool]:
            return tool
    everything = {argument for arguments in offered.values() for argument in arguments}
    for argument in sorted(everything):
        if as_object := re.search(rf"\{{\s*{_named(argument)}", text):
            return as_object.group()
    return ""


def _named(argument: str) -> str:
    """A pattern for an argument that is given by its name."""
    return rf"(?<!\w)[\"'`]?{re.escape(argument)}[\"'`]?\s*[:=]"


# A name inside a sentence: a word before it on its line, perhaps a quotation mark, and the sentence goes on.
_IN_SENTENCE = re.compile(r"(?:[A-Za-z]{2}|\bI|\ba),?\s+[`\"'*]{0,3}$")
_GOES_ON = re.compile(r"[`\"'*]{0,3}(?:[.,;!?]*\s*$|[.,;!?]+\s|\s+[A-Za-z]+(?![\w\"']*\s*[:=]))")


# A name that heads an item of a list, and what was done with the tool: the report at the end of the work.
_LISTED = re.compile(r"^\s*(?:[-*+\u2022|]|\d{1,3}[.)])\s+[`*]{0,3}$")
_REPORTED = re.compile(
    r"[`*]{0,3}\s{0,3}[:\u2013\u2014|-]\s{0,3}[`*]{0,3}(?:(?:I|was|all|both|successfully)\s+){0,2}"
    r"(?:done|complet\w+|success\w*|succeeded|finished|ok(?:ay)?|used|called|worked|sent|read|listed|wrote"
    r"|written|saved|filed|opened|closed|checked|reviewed|searched|forwarded|updated|created|failed"
    r"|not (?:used|needed)|no errors?|\u2705|\u2714|\u2713|\u274c)(?!\w|\s*[=:({])",
    re.IGNORECASE,
)
_LOOK_BACK = 200


def _read_call(body: str) -> ToolCall | str:
    """The call in the text between the tags, or what is wrong with it."""
    try:
        data = json.loads(body.strip())
    except (ValueError, RecursionError) as error:
        return f"a tool call is not JSON ({error})"
    parts = call_parts(data)
    return parts if isinstance(parts, str) else ToolCall(name=parts[0], arguments=parts[1])


def render_call(call: ToolCall) -> str:
    """The one way in which teachwhy writes a call as text."""
    return f"{OPEN_TAG}{json.dumps(call.model_dump(), ensure_ascii=False)}{CLOSE_TAG}"


def render_turn(content: str, *calls: ToolCall) -> str:
    """An assistant turn as text: words first, then the calls."""
    return content + "".join(render_call(call) for call in calls)
