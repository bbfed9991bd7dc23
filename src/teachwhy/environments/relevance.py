"""Which tools a request touches, so that none of use to it is ever put beside it.

The check is by words: a domain is touched when the request says one of the domain's words or its category
names the domain; a single tool, when the request says a word of its name or two of its description. It errs
on the side of excluding. A request in a language that is not English touches nothing here; for those, and as
a second opinion, there is a question to a judge (prompts/useful_tools.md).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from functools import cache

from teachwhy.environments.catalogue import FOLDER, load_catalogue
from teachwhy.errors import TeacherError
from teachwhy.prompts import fill
from teachwhy.records import ToolSpec
from teachwhy.visible_text import strip_invisible

_WORD = re.compile(r"[^\W_]+")
_ENDINGS = ("ings", "ing", "ies", "ied", "ers", "er", "es", "ed", "s", "e", "y")
_SHORTEST_STEM = 3
_WORDS_OF_A_DESCRIPTION = 2
_STOP_WORDS = """
a about after all also an and any are as at be been before but by can date day days each first for from
get given go had has have he her his how i id if in into is it its last left list longer make may me
minutes more much must my name need next no not now number of off on once one only open or other others
our out over own part people per put same see set she show so some still such take text than that the
their them then there these they thing this those time times to two under until up us use used want was
we week what when where whether which while who will with without would year years you your
"""
_OFF_TOPIC = frozenset(_STOP_WORDS.split())
_ANSWER = re.compile(r"<useful>(.*?)</useful>", re.DOTALL)


def stem(word: str) -> str:
    """A word without its ending, crudely: enough to find `schedules` by `schedule`."""
    word = word.casefold()
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST_STEM:
            return word[: -len(ending)]
    return word


def stems(text: str) -> frozenset[str]:
    """Stems of the words of a text that say what it is about."""
    words = (word.casefold() for word in _WORD.findall(strip_invisible(text)))
    return frozenset(stem(word) for word in words if word not in _OFF_TOPIC)


def find_touched(text: str, touches: Collection[str] = ()) -> frozenset[str]:
    """Names of the domains that a request touches, by its words or because it says so (`touches`)."""
    said = stems(text)
    return frozenset(
        domain.name for domain in load_catalogue() if domain.name in touches or said & _stem_all(domain.words)
    )


def list_unneeded(text: str, touches: Collection[str] = (), barred: Collection[str] = ()) -> list[ToolSpec]:
    """The catalogue's tools that the request does not touch and that are not barred by name."""
    said = stems(text)
    touched = find_touched(text, touches)
    return [
        tool
        for domain in load_catalogue()
        if domain.name not in touched
        for tool in domain.tools
        if tool.name not in barred and not is_touched(said, tool)
    ]


def is_touched(said: frozenset[str], tool: ToolSpec) -> bool:
    """Whether the stems of a request hold a word of the tool's name or enough of its description."""
    of_name, of_description = _tool_stems(tool.name, tool.description)
    return bool(said & of_name) or len(said & of_description) >= _WORDS_OF_A_DESCRIPTION


def ask_useful_tools(request: str, tools: Sequence[ToolSpec]) -> str:
    """The question to a judge: which of these tools could bring anybody nearer to what the request wants."""
    listed = "\n".join(f"- {tool.name}: {tool.description}" for tool in tools)
    template = FOLDER.joinpath("prompts", "useful_tools.md").read_text(encoding="utf-8")
    return fill(template, {"request": request, "tools": listed}, ("request", "tools"))


def read_useful_tools(answer: str, tools: Sequence[ToolSpec]) -> frozenset[str]:
    """Names of the tools that the judge found useful, to be barred; TeacherError for an answer without the
    tags or with a name that was not asked about."""
    found = _ANSWER.findall(answer)
    if len(found) != 1:
        raise TeacherError(f"the judge wrote {len(found)} <useful> parts, one was asked for")
    names = frozenset(_list_names(found[0]))
    if unknown := sorted(names - {tool.name for tool in tools}):
        raise TeacherError(f"the judge names {unknown[0][:60]!r}, which it was not asked about")
    return names


def _list_names(text: str) -> Iterator[str]:
    for part in re.split(r"[\s,]+", text):
        name = part.strip("-*`.")
        if name and name != "none":
            yield name


@cache
def _stem_all(words: frozenset[str]) -> frozenset[str]:
    return frozenset(stem(part) for word in words for part in _WORD.findall(word))


@cache
def _tool_stems(name: str, description: str) -> tuple[frozenset[str], frozenset[str]]:
    return stems(name.replace("_", " ")), stems(description)
