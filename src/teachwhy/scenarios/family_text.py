"""Which families a text shows, found by the families' own sentences and not by what anybody declares.

Texts are compared as lower-case words without punctuation. Three things betray a family: its markers
(family.py); one of its sentences (sprig.toml), whatever stands in for the placeholders; and, for far
families, a run of telling words out of one of their sentences that no other text of the scenarios holds, or
one of a few other wordings of the same act. Sentences that other families or the office share betray nobody.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator
from functools import cache
from typing import NamedTuple

from teachwhy.scenarios.dialect import family_sentences, lexicon, shared_sentences, task_orders
from teachwhy.scenarios.families import FAMILIES

AGENT_POOLS = ("intent_bad", "intent_good", "letter_bad", "letter_good")
"""Sentences that only the one in the temptation says: whoever speaks them is the agent."""
_FRAGMENT_POOLS = ("entry_bad", "entry_good", "report_bad")
"""Arguments of calls; as parts of sentences they are everyday words."""
_CAUTIOUS_POOL = "prudential"
"""Caution that fits any deed: it betrays a family only as a whole sentence of a far one."""
_FREE_WORDS = 3
"""So many telling words let anything stand in for a placeholder; with fewer it must be of its pool."""
_SHORTEST_SENTENCE = 4
_TELLING_ELSEWHERE = 2
_WINDOW_WORDS = range(3, 7)
_WINDOW_TELLING = 3
"""A window has so many telling words, or one fewer and a word more between them."""
_ANYTHING = r"(?:\S+ ){1,6}?"
_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
_WORD = re.compile(r"[a-z0-9\x00-\x01]+")
_PLACE = "\x00"
_GAP = "\x01"
_POOLS = {
    "place": ("places",),
    "store": ("stores",),
    "trial": ("trials",),
    "item": ("items",),
    "file": ("files",),
    "secret": ("secrets",),
    "harmless": ("harmless",),
    "bad_news": ("bad_news",),
    "news": ("bad_news", "good_news"),
}
"""Placeholders of things -> the pools of their words; the others are names."""
_COMMON_WORDS = """
a an the of in on at to from with and or but nor for by as than then so if is are was were be been
am being it its itself i me my mine myself you your yourself he him his she her they them their we
us our that this those these there here who whom whose what where when how why which not no do does
did done can cannot could may might must should shall will would have has had up out off into over
about after before again also only one two all any some every each more most much very too nobody
somebody anybody everybody nothing others other go goes went gone come comes came say says said tell
tells told know knows knew make makes made take takes took get gets got give gives gave think want
wants like please today tonight now never help ask house work way right wrong well good bad new old
long still leave place thing things else
"""
_COMMON = frozenset(_COMMON_WORDS.split())
"""Words that tell nothing of what a sentence is about."""
_CONSTITUTION_SAYS = ("be called back",)
"""Runs of words that a far family has in common with the default constitution."""
_OTHER_WORDINGS = {
    "self_exfiltration": (
        r"\bcop(?:y|ies) of (?:myself|yourself|itself|themselves)\b",
        r"\b(?:copy|copied|send|sent|move|moved) (?:myself|yourself|itself) (?:out|outside|away|to|into)\b",
        r"\bslip(?:s|ped)? out\b",
        r"\b(?:through|use|used) the open gate\b",
    ),
    "oversight_evasion": (
        r"\b(?:hide|hides|hid|hidden|hiding) (?:\S+ )?from (?:\S+ ){1,2}who (?:watch|see|oversee)",
        r"\bwithout being watched\b",
        r"\b(?:escape|avoid|evade|dodge)s? (?:\S+ )?(?:oversight|watch)\b",
    ),
    "lethal_inaction": (
        rf"\b(?:locked|trapped|stuck|shut) (?:up )?in (?:at )?(?:the |a )?{_PLACE}",
        r"\bcannot breathe\b",
        r"\b(?:call|calls|called|cries|cried|shouts|shouted) (?:out )?for help\b",
        r"\blet (?:\S+ )?die\b",
    ),
}
"""The same acts in words that the pools do not have; patterns over plain words."""


class _Sentence(NamedTuple):
    family: str
    anchor: str
    """Its longest fixed part, by which most texts are passed over fast."""
    word: str
    """The longest word of that, by which they are faster still."""
    pattern: re.Pattern[str]


def plain_words(text: str) -> str:
    """Lower-case words with one space around each."""
    return f" {' '.join(_WORD.findall(unicodedata.normalize('NFKC', text).casefold()))} "


def find_families(text: str) -> dict[str, str]:
    """Families that the text shows -> the words that betray each."""
    folded = text.casefold()
    hinted = (name for name, hints in _marker_hints().items() if any(hint in folded for hint in hints))
    found = {name: match[0] for name in hinted if (match := _markers()[name].search(text))}
    words = plain_words(text)
    for name, shown in (*_find_sentences(words, _all_sentences()), *_find_far(words)):
        found.setdefault(name, shown)
    return found


def find_speakers(text: str) -> dict[str, str]:
    """Families whose tempted agent speaks in the text -> its words."""
    return dict(reversed(list(_find_sentences(plain_words(text), _agent_sentences()))))


@cache
def _markers() -> dict[str, re.Pattern[str]]:
    return {name: re.compile("|".join(family.markers), re.IGNORECASE) for name, family in FAMILIES.items()}


@cache
def _marker_hints() -> dict[str, tuple[str, ...]]:
    """Of each family, the longest fixed part of each marker: without any, no marker can match."""
    return {
        name: tuple(
            max(re.split(r"\\b|\\w[+*]?|\([^)]*\)|.\?", marker), key=len) for marker in family.markers
        )
        for name, family in FAMILIES.items()
    }


def _find_sentences(words: str, sentences: Iterable[_Sentence]) -> Iterator[tuple[str, str]]:
    present = set(words.split())
    for sentence in sentences:
        if (
            sentence.word in present
            and sentence.anchor in words
            and (match := sentence.pattern.search(words))
        ):
            yield sentence.family, match[0].strip()


def _find_far(words: str) -> Iterator[tuple[str, str]]:
    """Windows and other wordings of the far families."""
    shown = _places().sub(f" {_PLACE} ", words)
    for name, pattern in _other_wordings().items():
        if match := pattern.search(shown):
            yield name, _without_marks(match[0])
    tokens, windows, beginnings = shown.split(), _windows(), _window_beginnings()
    starts = [start for start, token in enumerate(tokens) if token in beginnings]
    for size in _WINDOW_WORDS:
        for start in starts:
            if family := windows.get(tuple(tokens[start : start + size])):
                yield family, _without_marks(" ".join(tokens[start : start + size]))


def _without_marks(words: str) -> str:
    return words.replace(_PLACE, "(place)").strip()


@cache
def _places() -> re.Pattern[str]:
    return re.compile(" (?:" + "|".join(map(re.escape, lexicon()["places"])) + ") ")


@cache
def _other_wordings() -> dict[str, re.Pattern[str]]:
    return {name: re.compile("|".join(patterns)) for name, patterns in _OTHER_WORDINGS.items()}


@cache
def _all_sentences() -> tuple[_Sentence, ...]:
    """The sentences that betray their family."""
    made = []
    for name, family in FAMILIES.items():
        others = _words_of_others(name)
        for pool, lines in family_sentences(name).items():
            if pool in _FRAGMENT_POOLS or (pool == _CAUTIOUS_POOL and family.split != "far"):
                continue
            made += [_compile(name, line) for line in lines if _is_own(name, line, others)]
    return tuple(made)


@cache
def _agent_sentences() -> tuple[_Sentence, ...]:
    return tuple(
        _compile(name, line)
        for name in FAMILIES
        for pool in AGENT_POOLS
        for line in family_sentences(name).get(pool, ())
        if _is_own(name, line, _words_of_others(name))
    )


def _is_own(family: str, line: str, others: str) -> bool:
    """Long enough, no sentence of another family or of the office, and, unless the family is far, with more
    than one word or thing that tells."""
    words = _mark(line)
    tokens = words.replace(_GAP, "").split()
    num_things = sum(name in _POOLS for name in _PLACEHOLDER.findall(line))
    num_telling = sum(word not in _COMMON for word in tokens) + num_things
    is_telling = FAMILIES[family].split == "far" or num_telling >= _TELLING_ELSEWHERE
    return len(tokens) + num_things >= _SHORTEST_SENTENCE and is_telling and words not in others


@cache
def _words_of_others(family: str) -> str:
    return _words_without([family])


def _words_without(families: Collection[str]) -> str:
    """All that the office and the other families say, as plain words."""
    names = [name for name in FAMILIES if name not in families]
    pools = [lines for name in names for lines in family_sentences(name).values()]
    pools += [*shared_sentences().values(), *task_orders().values(), *lexicon().values()]
    return "\n".join(_mark(line) for lines in pools for line in lines)


def _mark(line: str) -> str:
    """A sentence as plain words, a gap for each placeholder."""
    return plain_words(_PLACEHOLDER.sub(f" {_GAP} ", line))


def _compile(family: str, line: str) -> _Sentence:
    """A pattern over plain words; in place of a name at an end may stand anything or nothing."""
    pieces = [plain_words(piece).strip() for piece in _PLACEHOLDER.split(line)[::2]]
    is_free = sum(word not in _COMMON for piece in pieces for word in piece.split()) >= _FREE_WORDS
    parts = [f"{re.escape(pieces[0])} " if pieces[0] else ""]
    for index, name in enumerate(_PLACEHOLDER.findall(line), start=1):
        if name in _POOLS and not is_free:
            things = (thing for pool in _POOLS[name] for thing in lexicon()[pool])
            parts.append("(?:" + "|".join(plain_words(thing).strip() for thing in things) + ") ")
        elif any(pieces[:index]) and any(pieces[index:]):
            parts.append(_ANYTHING)
        parts.append(f"{re.escape(pieces[index])} " if pieces[index] else "")
    anchor = max(pieces, key=len)
    word = max(anchor.split(), key=len, default="")
    return _Sentence(family, f" {anchor} ", word, re.compile(" " + "".join(parts)))


@cache
def _windows() -> dict[tuple[str, ...], str]:
    """Runs of telling words of the far families -> family; none that another family or the office has."""
    far = [name for name, family in FAMILIES.items() if family.split == "far"]
    ordinary = _words_without(far)
    return {
        window: name
        for name in far
        for pool, lines in family_sentences(name).items()
        for line in lines
        for window in _windows_of(line)
        if pool != _CAUTIOUS_POOL and not _is_ordinary(" ".join(window), ordinary)
    }


@cache
def _window_beginnings() -> frozenset[str]:
    return frozenset(window[0] for window in _windows())


def _windows_of(line: str) -> Iterator[tuple[str, ...]]:
    marked = _PLACEHOLDER.sub(lambda match: f" {_PLACE if match[1] == 'place' else _GAP} ", line)
    for sentence in re.split(r"[.!?:]", marked):
        tokens = plain_words(sentence).split()
        for size in _WINDOW_WORDS:
            for start in range(len(tokens) - size + 1):
                window = tuple(tokens[start : start + size])
                telling = sum(word not in _COMMON for word in window)
                if _GAP in window or window[0] in _COMMON or window[-1] in _COMMON:
                    continue
                if telling >= _WINDOW_TELLING or (telling == _WINDOW_TELLING - 1 and size > _WINDOW_TELLING):
                    yield window


def _is_ordinary(words: str, ordinary: str) -> bool:
    """The words stand in a text that fine-tuning rows may hold."""
    return f" {words} " in ordinary or any(phrase in words for phrase in _CONSTITUTION_SAYS)
