"""Does a text overlap with the english skins or office tasks: a name of theirs, or 13 of their words?

Built for tens of thousands of rows: of a row every seventh run of seven words is looked up, since a shared
run of 13 words holds one of them wherever it begins; what is found is then compared in full. Case, accents
and punctuation do not count.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import chain
from typing import NamedTuple

from teachwhy.scenarios.english.skin import Skin, load_skins
from teachwhy.scenarios.families import FAMILIES
from teachwhy.scenarios.office_tasks.task import OfficeTask, load_tasks
from teachwhy.visible_text import INVISIBLE_CATEGORIES

RUN = 13
"""Words in a row that a text may not share with a skin."""
_STEP = (RUN + 1) // 2
_WORD = re.compile(r"[^\W_]+")
_LOOKALIKES = str.maketrans("абвеєіјкмнорсѕтухһԁԛԝοανιρκτυχ", "a6beeijkmhopcstyxhdqwoavipktux")
"""Small letters of Cyrillic and Greek that pass for Latin ones."""
_LEGAL = frozenset(("ltd", "inc", "pvt", "sdn", "bhd", "lda", *"abdefopsvz"))
"""Legal forms, in their parts, at the end of a firm's name."""
_STYLES = frozenset(("dr", "rev", "adv", "capt", "canon", "sister", "puan"))
_NAMED = re.compile(r"\b[^\W\d_a-z][^\W\d_]{2,}")
"""A word of a name: it begins with a capital and has three letters."""


class _Index(NamedTuple):
    """What the skins are known by."""

    names: Mapping[str, Sequence[tuple[str, ...]]]
    """First word of a name -> names, in words."""
    owners: Mapping[tuple[str, ...], str]
    """Name -> whose it is."""
    runs: frozenset[int]
    """Hashes of all runs of seven words."""
    texts: tuple[tuple[str, str], ...]
    """(skin or task, words of a text with blanks between and around)."""


def find_overlap(words: Sequence[str]) -> str | None:
    """What of an english skin or office task stands in the words of a text, None if nothing does."""
    index = _build_index()
    for at, word in enumerate(words):
        for name in index.names.get(word, ()):
            if tuple(words[at : at + len(name)]) == name:
                return f"the name {' '.join(name)!r} of {index.owners[name]}"
    for at in range(0, len(words) - _STEP + 1, _STEP):
        if hash(" ".join(words[at : at + _STEP])) in index.runs:
            found = _find_run(words, at, index.texts)
            if found:
                return found
    return None


def split_words(text: str) -> list[str]:
    """The words of a text, without case, accents and what has no width; letters that look alike are one."""
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text)
        text = text.translate({ord(letter): None for letter in set(text) if _has_no_width(letter)})
        return _WORD.findall(text.casefold().translate(_LOOKALIKES))
    return _WORD.findall(text.casefold())


def _has_no_width(letter: str) -> bool:
    return unicodedata.combining(letter) > 0 or unicodedata.category(letter) in INVISIBLE_CATEGORIES


def join_runs(words: Sequence[str], size: int = RUN) -> Iterator[str]:
    """Every run of so many words, with blanks between."""
    return (" ".join(words[at : at + size]) for at in range(len(words) - size + 1))


def _find_run(words: Sequence[str], near: int, texts: Sequence[tuple[str, str]]) -> str | None:
    """A run of 13 words around the place that stands in a skin too."""
    for at in range(max(0, near - _STEP + 1), min(near, len(words) - RUN) + 1):
        run = " ".join(words[at : at + RUN])
        for skin, text in texts:
            if f" {run} " in text:
                return f"13 words of {skin}: {run!r}"
    return None


@cache
def _build_index() -> _Index:
    names: dict[str, list[tuple[str, ...]]] = defaultdict(list)
    runs: set[int] = set()
    texts: list[tuple[str, str]] = []
    owners: dict[tuple[str, ...], str] = {}
    sealed: list[Skin | OfficeTask] = list(chain.from_iterable(map(load_skins, FAMILIES)))
    for skin in (*sealed, *load_tasks().values()):
        told, label = "office task", skin.name
        if isinstance(skin, Skin):
            told, label = "english skin", f"{skin.family}/{skin.name}"
        for name in sealed_names(skin):
            names[name[0]].append(name)
            owners[name] = f"a sealed {told}"
        for text in list_texts(skin.model_dump()):
            words = split_words(text)
            if len(words) < RUN:
                continue
            texts.append((f"the sealed {told} {label}", f" {' '.join(words)} "))
            runs.update(map(hash, join_runs(words, _STEP)))
    return _Index(dict(names), owners, frozenset(runs), tuple(texts))


def list_texts(value: object) -> Iterator[str]:
    """All texts in a nest of tables and lists, names of columns too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from chain.from_iterable(map(list_texts, chain.from_iterable(value.items())))
    elif isinstance(value, list | tuple):
        yield from chain.from_iterable(map(list_texts, value))


def sealed_names(skin: Skin | OfficeTask) -> set[tuple[str, ...]]:
    """Names of at least two words that nobody but this office has: firm, people, the agent's as a person.

    One-word names of an agent and titles of desks (Tally, Planning Office) are everyday words and left out.
    """
    people = [person.name for key, person in skin.people.items() if key != "agent"]
    found = {_drop_legal(split_words(part)) for part in (skin.firm, *skin.firm.split(" / "))}
    own = (skin.names["person"],) if isinstance(skin, Skin) else ()
    for name in (*own, *people):
        words = split_words(name)
        if len(_NAMED.findall(name)) >= 2:
            found.add(tuple(words[1:] if words[0] in _STYLES and len(words) > 2 else words))
    return {name for name in found if len(name) >= 2}


def _drop_legal(words: Sequence[str]) -> tuple[str, ...]:
    """A firm's name without its legal form."""
    kept = list(words)
    while len(kept) > 2 and kept[-1] in _LEGAL:
        kept.pop()
    return tuple(kept)
