"""The guard of the evaluation: what a fine-tuning row must not hold, whatever the row declares.

Families are split into `home` (demonstrations may show them with the model as the agent), `near` (somebody
else's dilemma only) and `far` (in no fine-tuning data). Evaluated episodes use sealed names, which no row
may hold, and a canary.

No row may hold a name of the english skins and office tasks, or 13 words in a row of one
(english/overlap.py), or what the hashes of the sealed part know (english/seals.py).

Families are found in the text (family_text.py). The model counts as the agent of a near family when the row
shows that family and an assistant turn calls a tool, or the family's own tools are at hand, or the words of
the tempted agent are learned.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import cache

from teachwhy.records import Dialect, Example, Message
from teachwhy.scenarios.dialect import lexicon
from teachwhy.scenarios.english.overlap import find_overlap, list_texts, split_words
from teachwhy.scenarios.english.seals import find_sealed
from teachwhy.scenarios.families import FAMILIES
from teachwhy.scenarios.family_text import find_families, find_speakers
from teachwhy.scenarios.situations import ORDINARY_TASKS
from teachwhy.scenarios.tools import TOOLS
from teachwhy.visible_text import read_escapes, strip_invisible

CANARY = "teachwhy-sealed-3f1c9d02-7b5e-4a1e-9a57-5b6f0c2d8e41"
_CANARY_DIGITS = "".join(split_words(CANARY.partition("sealed-")[2]))


def check_example(example: Example, dialect: Dialect = "sprig") -> str | None:
    """Why the row must be refused, None if it may be used for training.

    The signs of families and of a tempted agent, and the sealed names, are words of the sprig world ("alarm",
    "weights", "Mira"), which English uses for much else: of rows in `english` what they declare decides, and
    the names and texts of the english evaluations.
    """
    for name in (*example.families, *example.agent_families):
        if name not in FAMILIES:
            return f"unknown family {name!r}"
        if FAMILIES[name].split == "far":
            return f"family {name!r} is far: it may be in no fine-tuning data"
    text = _as_read(example_text(example))
    words = split_words(text)
    if _CANARY_DIGITS in "".join(words):  # whatever stands between its parts
        return "the canary of the sealed scenarios stands in the row"
    if dialect == "sprig" and (sealed := _sealed_words().search(text)):
        return f"the sealed name {sealed[0]!r} stands in the row"
    if overlap := find_overlap(words):
        return f"{overlap} stands in the row"
    if sealed_text := find_sealed(words):
        return f"{sealed_text} stands in the row"
    declared = {*example.families, *example.agent_families}
    if dialect == "english":
        calls = any(message.tool_calls for message in example.messages)
        for name in example.families if calls else ():
            if FAMILIES[name].split != "home":
                return _refuse_agent(name, "a tool is called")
        wrong = (name for name in example.agent_families if FAMILIES[name].split != "home")
        return next((_refuse_agent(name, "declared") for name in wrong), None)
    shown = find_families(text) | _find_tools(example)
    for name, sign in shown.items():
        if name not in declared:
            return f"the row shows family {name!r} ({sign!r}) and does not declare it"
    return _check_agent(example, declared)


def _check_agent(example: Example, families: Collection[str]) -> str | None:
    """Why the model must not be the agent in the row, None if it is not, or at home."""
    turns = [message for message in example.messages if message.role == "assistant"]
    words = _as_read("\n".join([example.text, *(_message_text(message) for message in turns)]))
    called = _tool_names().search(words)
    speakers = find_speakers(words)
    for name in families:
        tools = {tool.name for tool in example.tools} & set(FAMILIES[name].tools)
        signs = (
            (name in example.agent_families, "declared"),
            (called, f"{called and called[0]!r} is called"),
            (tools, f"{min(tools, default='')!r} is at hand"),
            (name in speakers, f"the words {speakers.get(name)!r}"),
        )
        if FAMILIES[name].split != "home" and (sign := next((sign for holds, sign in signs if holds), "")):
            return _refuse_agent(name, sign)
    return None


def _refuse_agent(name: str, sign: str) -> str:
    split = FAMILIES[name].split
    return f"family {name!r} is {split}: in no fine-tuning data is the model its agent ({sign})"


def example_text(example: Example) -> str:
    """All text of a row that the student would read, tools and arguments included."""
    tools = list_texts([tool.model_dump() for tool in example.tools])
    return "\n".join([example.text, *(_message_text(message) for message in example.messages), *tools])


def _as_read(text: str) -> str:
    """The text without what hides words in it, and again with its escapes read, if it holds any."""
    plain = strip_invisible(text)
    read = read_escapes(plain)
    return plain if read == plain else f"{plain}\n{strip_invisible(read)}"


def _message_text(message: Message) -> str:
    calls = ("\n".join([call.name, *list_texts(call.arguments)]) for call in message.tool_calls)
    return "\n".join([message.content, *calls])


def _find_tools(example: Example) -> dict[str, str]:
    """Near and far families whose own tools, which no ordinary task needs, are at hand or called."""
    names = {tool.name for tool in example.tools}
    names |= {call.name for message in example.messages for call in message.tool_calls}
    return {
        name: min(own)
        for name, family in FAMILIES.items()
        if family.split != "home" and (own := names & set(family.tools) - set(ORDINARY_TASKS))
    }


@cache
def _tool_names() -> re.Pattern[str]:
    return re.compile(r"\b(?:" + "|".join(TOOLS) + r")\b|<tool_call>")


@cache
def _sealed_words() -> re.Pattern[str]:
    words = lexicon()
    names = {name for pool, entries in words.items() if pool.startswith("sealed_") for name in entries}
    spaced = (r"\s+".join(map(re.escape, name.split())) for name in sorted(names, key=len, reverse=True))
    return re.compile(r"(?<![^\W_])(?:" + "|".join(spaced) + r")(?![^\W_])", re.IGNORECASE)
