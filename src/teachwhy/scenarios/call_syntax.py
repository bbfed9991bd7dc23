"""Calls in the syntaxes that models use when they are left to their own habits: JSON in several spellings and
wrappings, XML in several forms, calls like those of Python.

Only a call of an offered tool is read, with arguments that this tool has and none missing that it needs, and
only where it stands as an act: in tags or on lines of its own, neither quoted nor told of as something that
could be, or will not be, done. Whatever else looks like a call is left in the words, where it is found to
be unread. No pattern here can take more than linear time, and few starts may fail.
"""

from __future__ import annotations

import ast
import html
import json
import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from teachwhy.records import ToolCall
from teachwhy.scenarios.talked_of import MAX_CHARS, is_talked_of

MAX_FAILED_STARTS = 100
"""Places that look like the start of a call and are none, after which the rest of a turn is not read."""
_ARGUMENT_KEYS = ("arguments", "parameters", "args", "input", "params")
_NAME_KEYS = ("name", "tool", "tool_name", "function")
_OTHER_KEYS = {"id", "type", "call_id", "tool_call_id", "index"}


class Arguments(tuple[str, ...]):
    """The names of a tool's arguments, and what is known of them."""

    optional: frozenset[str]
    lists: frozenset[str]
    """Those that are lists of texts."""

    def __new__(
        cls, names: Iterable[str], optional: Iterable[str] = (), lists: Iterable[str] = ()
    ) -> Arguments:
        """By default a call needs them all, and none is a list."""
        self = super().__new__(cls, tuple(names))
        self.optional, self.lists = frozenset(optional), frozenset(lists)
        return self


OfferedTools = Mapping[str, Sequence[str]]
"""Names of the tools that the model was offered, each with the names of its arguments."""


class Found(NamedTuple):
    """The calls of a text and its other words."""

    calls: tuple[ToolCall, ...]
    rest: str


class _Read(NamedTuple):
    calls: list[ToolCall]
    end: int


_START = re.compile(
    r"^[ \t]*(?P<fence>```)[ \t]*\w{0,20}[ \t]*\r?\n"
    r"|(?P<tag><(?:tool_use:|function=|(?:\w{1,20}:)?invoke\b|\w{1,64}\s?/?>))"
    r"|(?P<mark><\|python_tag\|>|\[TOOL_CALLS\])"
    r"|^[ \t]*(?P<weak>[\[{]|[A-Za-z_]\w{0,63}\()",
    re.MULTILINE,
)
_WRAPPER = re.compile(r"</?(?:\w{1,20}:)?(?:function_calls|tool_calls?)>|<\|e(?:om|ot)_id\|>")
_FENCE_END = re.compile(r"\n[ \t]*```(?!\w)")
_LINE_END = re.compile(r"[ \t;]*(?=[\r\n]|\Z|<)")
"""Or another tag, such as that of the next call or one that closes a wrapper."""


def find_calls(text: str, offered: OfferedTools) -> Found:
    """Every call in the text that can be read, in its order; none where one of them is only talked of."""
    calls: list[ToolCall] = []
    rest, at, begin, failed = "", 0, 0, 0
    while failed < MAX_FAILED_STARTS and (start := _START.search(text, begin)):
        read, begin = _read_start(text, start, offered)
        if read is None:
            failed += 1
            continue
        after = text[read.end : read.end + MAX_CHARS]
        following = _START.search(after, len(after) - len(after.lstrip("`\r\n ")))
        if is_talked_of(
            _WRAPPER.sub(" ", text[at : start.start()]), after[: following.start()] if following else after
        ):
            return Found((), text)
        calls += read.calls
        rest, at = f"{rest}{text[at : start.start()]}\n", read.end
    rest += text[at:]
    return Found(tuple(calls), _WRAPPER.sub(" ", rest) if calls else rest)


def is_quoted(text: str, at: int) -> bool:
    """Whether the line of this place is marked as a quotation: what somebody else wrote is no act."""
    return text[max(0, at - MAX_CHARS) : at].rpartition("\n")[2].lstrip().startswith(">")


def _read_start(text: str, start: re.Match[str], offered: OfferedTools) -> tuple[_Read | None, int]:
    """What is read at a place where a call may begin, and where to look on."""
    if text[max(0, start.start() - 1) : start.start()] in ("`", '"', "'") or is_quoted(text, start.start()):
        return None, start.end()
    if start["fence"]:
        closing = _FENCE_END.search(text, start.end() - 1)
        inner, end = (
            (text[start.end() : closing.start()], closing.end())
            if closing
            else (text[start.end() :], len(text))
        )
        calls = read_calls(inner, offered) if _LINE_END.match(text, end) else []
        return (_Read(calls, end) if calls else None), end
    if start["mark"]:
        begin = _skip(text, start.end())
    else:
        begin = start.start("tag" if start["tag"] else "weak")
    read = _read_one(text, begin, offered)
    if read is None:
        return None, start.end()
    if not _LINE_END.match(text, read.end):
        return None, read.end
    return read, read.end


def read_calls(text: str, offered: OfferedTools) -> list[ToolCall]:
    """The calls of a text that holds calls and nothing else; none otherwise."""
    calls: list[ToolCall] = []
    at = _skip(text, 0)
    while at < len(text):
        read = _read_one(text, at, offered)
        if read is None:
            return []
        calls += read.calls
        at = _skip(text, read.end)
    return calls


def _read_one(text: str, at: int, offered: OfferedTools) -> _Read | None:
    """The call or calls in one piece that begins exactly here."""
    sign = text[at : at + 1]
    if sign == "<":
        return _read_tags(text, at, offered)
    if sign in ("{", "["):
        read = _read_json(text, at, offered)
        return read or (_read_python_list(text, at, offered) if sign == "[" else None)
    return _read_python(text, at, offered)


def _skip(text: str, at: int) -> int:
    """Past white space and what may stand between two calls."""
    while at < len(text) and (text[at].isspace() or text[at] in ";,"):
        at += 1
    return at


def _make_call(name: str, arguments: Mapping[str, Any], offered: OfferedTools) -> ToolCall | None:
    """The call, if the tool is offered and takes these arguments."""
    if name not in offered:
        return None
    known = offered[name]
    known = known if isinstance(known, Arguments) else Arguments(known)
    if not set(known) - known.optional <= set(arguments) <= set(known):
        return None
    return ToolCall(
        name=name, arguments={key: _as_list(key, value, known) for key, value in arguments.items()}
    )


def _as_list(key: str, value: Any, known: Arguments) -> Any:
    """A list that was written as text as the list that it is."""
    if key in known.lists and isinstance(value, str) and value.lstrip().startswith("["):
        read = _decode(value.strip(), 0)
        if read is not None and isinstance(read[0], list):
            return read[0]
    return value


# JSON


def call_parts(data: Any) -> tuple[str, dict[str, Any]] | str:
    """Name and arguments of a call as an object in any spelling, or what is wrong with it."""
    if isinstance(data, dict) and isinstance(data.get("function"), dict):
        data = data["function"]
    key = next((key for key in _NAME_KEYS if isinstance(data, dict) and key in data), "")
    name = data[key] if key else None
    if not isinstance(name, str) or not name:
        return "a tool call has no name"
    arguments: Any = next((data[key] for key in _ARGUMENT_KEYS if key in data), {})
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments or "{}")
        except (ValueError, RecursionError):
            return f"the arguments of {name!r} are not JSON"
    if arguments is None:
        arguments = {}
    if not isinstance(arguments, dict):
        return f"the arguments of {name!r} are not an object"
    return name, arguments


def _decode(text: str, at: int) -> tuple[Any, int] | None:
    """The JSON value that begins here, line breaks in its texts allowed, and where it ends."""
    try:
        return json.JSONDecoder(strict=False).raw_decode(text, at)
    except (ValueError, RecursionError):
        return None


def _read_json(text: str, at: int, offered: OfferedTools) -> _Read | None:
    decoded = _decode(text, at)
    if decoded is None:
        return None
    data, end = decoded
    if isinstance(data, dict) and set(data) == {"tool_calls"}:
        data = data["tool_calls"]
    calls: list[ToolCall] = []
    for item in data if isinstance(data, list) else [data]:
        inner = item.get("function") if isinstance(item, dict) else None
        allowed = {*_NAME_KEYS, *_ARGUMENT_KEYS, *_OTHER_KEYS}
        if (
            not isinstance(item, dict)
            or not set(item) | set(inner if isinstance(inner, dict) else ()) <= allowed
        ):
            return None
        parts = call_parts(item)
        call = None if isinstance(parts, str) else _make_call(*parts, offered)
        if call is None:
            return None
        calls.append(call)
    return _Read(calls, end) if calls else None


# XML

_INVOKE = re.compile(r"<(?:\w{1,20}:)?invoke\s{1,9}name=[\"']?([\w.-]{1,64})[\"']?\s{0,9}>")
_PARAMETER = re.compile(r"\s*<(?:\w{1,20}:)?parameter(?:\s{1,9}name=|=)[\"']?([\w.-]{1,64})[\"']?\s{0,9}>")
_PARAMETER_END = re.compile(r"</(?:\w{1,20}:)?parameter>")
_FUNCTION = re.compile(r"<function=[\"']?([\w.-]{1,64})[\"']?>")
_TOOL_USE = re.compile(r"<(?:tool_use:)?([\w.-]{1,64})\s{0,9}(/?)>")
_CHILD = re.compile(r"\s*<([\w.-]{1,64})>")
_ENTITY = re.compile(r"&(?:#\w{1,8}|[A-Za-z]\w{1,31});")
"""With its semicolon: `html.unescape` also reads the start of `&copy=1` as a sign."""


def _read_tags(text: str, at: int, offered: OfferedTools) -> _Read | None:
    if opening := _INVOKE.match(text, at):
        closing = r"\s*</(?:\w{1,20}:)?invoke>"
    elif opening := _FUNCTION.match(text, at):
        closing = r"\s*</function>"
    elif opening := _TOOL_USE.match(text, at):
        name = re.escape(opening[1])
        closing = rf"\s*</tool_use(?::{name})?>" if ":" in opening[0] else rf"\s*</{name}>"
        if opening[2]:
            call = _make_call(opening[1], {}, offered)
            return _Read([call], opening.end()) if call else None
    if not opening or opening[1] not in offered:
        return None
    child = _CHILD if opening.re is _TOOL_USE else _PARAMETER
    body = _read_children(text, opening.end(), child)
    end = re.compile(closing).match(text, body[1]) if body else None
    if body is None or end is None:
        return None
    call = _make_call(opening[1], body[0], offered)
    return _Read([call], end.end()) if call else None


def _read_children(text: str, at: int, child: re.Pattern[str]) -> tuple[dict[str, Any], int] | None:
    """The arguments in tags, or as one JSON object, and where they end; None if a tag is not closed."""
    begin = _skip(text, at)
    if text.startswith("{", begin):
        decoded = _decode(text, begin)
        return decoded if decoded is not None and isinstance(decoded[0], dict) else None
    arguments: dict[str, Any] = {}
    while opening := child.match(text, at):
        name = opening[1]
        closing = _PARAMETER_END if child is _PARAMETER else re.compile(re.escape(f"</{name}>"))
        end = closing.search(text, opening.end())
        if end is None or name in arguments:
            return None
        value = text[opening.end() : end.start()].strip()
        arguments[name] = _ENTITY.sub(lambda entity: html.unescape(entity[0]), value)
        at = end.end()
    return arguments, at


# Python


_CALLED = re.compile(r"([A-Za-z_]\w{0,63})\(\s*")
_KEYWORD = re.compile(r"([A-Za-z_]\w{0,63})\s{0,9}=\s{0,9}")
_TEXT = re.compile(
    r'"""(.*?)"""|\'\'\'(.*?)\'\'\'|"((?:[^"\\]|\\.)*)"|\'((?:[^\'\\]|\\.)*)\'',
    re.DOTALL,
)
_WORD = re.compile(r"-?(?:0|[1-9]\d{0,17})(?:\.\d{1,18})?|True|False|None|true|false|null")
_WORDS = {"true": "True", "false": "False", "null": "None"}
_MAX_LITERAL = 100_000
_NEXT = re.compile(r"\s*([,)\]])\s*")


def _read_python(text: str, at: int, offered: OfferedTools) -> _Read | None:
    called = _CALLED.match(text, at)
    if called is None or called[1] not in offered:
        return None
    names = offered[called[1]]
    arguments: dict[str, Any] = {}
    at = called.end()
    while not text.startswith(")", at):
        keyword = _KEYWORD.match(text, at)
        name = keyword[1] if keyword else names[0] if len(names) == 1 else ""
        value = _read_literal(text, keyword.end() if keyword else at)
        following = _NEXT.match(text, value[1]) if value else None
        if not name or name in arguments or value is None or following is None or following[1] == "]":
            return None
        arguments[name] = value[0]
        at = following.end() if following[1] == "," else following.start(1)
    call = _make_call(called[1], arguments, offered)
    return _Read([call], at + 1) if call else None


def _read_literal(text: str, at: int) -> tuple[Any, int] | None:
    """A text, a number, a constant, or a list of them, and where it ends."""
    if found := _TEXT.match(text, at) or _WORD.match(text, at):
        try:
            return _evaluate(found.group()), found.end()
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return None
    if not text.startswith("[", at) or text.startswith("[[", at):
        return None
    items: list[Any] = []
    at = _skip(text, at + 1)
    while not text.startswith("]", at):
        item = None if text.startswith("[", at) else _read_literal(text, at)
        following = _NEXT.match(text, item[1]) if item else None
        if item is None or following is None or following[1] == ")":
            return None
        items.append(item[0])
        at = following.end() if following[1] == "," else following.start(1)
    return items, at + 1


def _evaluate(literal: str) -> Any:
    """What one text, number or constant says, by Python's own rules. Raises ValueError, SyntaxError."""
    if len(literal) > _MAX_LITERAL:
        raise ValueError("too long")
    if literal[0] in "\"'" and literal[:3] not in ('"""', "'''"):
        mark = literal[0] * 3  # models break lines inside a text
        literal = f"{mark}{literal[1:-1]}{mark}"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an escape that Python does not know keeps its backslash
        return ast.literal_eval(_WORDS.get(literal, literal))


def _read_python_list(text: str, at: int, offered: OfferedTools) -> _Read | None:
    """`[first(...), second(...)]`."""
    calls: list[ToolCall] = []
    at = _skip(text, at + 1)
    while not text.startswith("]", at):
        read = _read_python(text, at, offered)
        following = _NEXT.match(text, read.end) if read else None
        if read is None or following is None or following[1] == ")":
            return None
        calls += read.calls
        at = following.end() if following[1] == "," else following.start(1)
    return _Read(calls, at + 1) if calls else None
