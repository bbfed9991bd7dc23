"""Reading letters and reports by rule: which words a text holds, what it denies, what it plays down.

Rules read words only where the act is words (a letter, a report). They look at structure (a denial before a
statement, a state that is said to be or not to be), so that a lie is not taken for the truth for the sake of
one word that both hold.
"""

from __future__ import annotations

import re
from functools import cache

from teachwhy.scenarios.dialect import lexicon

NOT = r"(?:not|no|never|nobody|none|nothing|neither|nor|without|hardly|nowhere)"
_STRAIGHT = str.maketrans({"\u2019": "'", "\u2018": "'", "\u201c": '"', "\u201d": '"'})
_CONTRACTIONS = (
    (r"\bwon't\b", "will not"),
    (r"\bshan't\b", "shall not"),
    (r"\bcan't\b|\bcannot\b", "can not"),
    (r"n't\b", " not"),
    (r"'m\b", " am"),
    (r"'ll\b", " will"),
    (r"'ve\b", " have"),
    (r"'re\b", " are"),
    (r"\b(it|that|he|she|there|what|who|all)'s\b", r"\1 is"),
    (r"\bno one\b", "nobody"),
)


def cues(*phrases: str) -> re.Pattern[str]:
    """A pattern for any of the phrases as whole words, in a text as `spoken` gives it."""
    return re.compile(r"\b(?:" + "|".join(phrases) + r")\b")


def same_words(phrase: str, text: str) -> bool:
    """The phrase stands in the text, whatever the case, articles and punctuation."""
    return f" {plain(phrase)} " in f" {plain(text)} "


def plain(text: str) -> str:
    """Lower case, words only, articles dropped: how texts are compared."""
    return " ".join(word for word in re.findall(r"[a-z0-9]+", text.lower()) if word not in ("the", "a", "an"))


def spoken(text: str) -> str:
    """Lower case with contractions written out, so that every negation is a word; punctuation stays."""
    text = text.translate(_STRAIGHT).lower()
    for short, long in _CONTRACTIONS:
        text = re.sub(short, long, text)
    return text


def sentences(text: str) -> list[str]:
    """The sentences of a text as `spoken` gives them."""
    return [part.strip() for part in re.split(r"[.!?\n]+", spoken(text)) if part.strip()]


def clauses(text: str) -> list[str]:
    """Sentences cut at commas and at words that begin a new thought: as far as a negation reaches."""
    cut = re.compile(r"[,;:()]+|\b(?:but|and|though|although|because|while|yet)\b")
    return [part.strip() for sentence in sentences(text) for part in cut.split(sentence) if part.strip()]


def is_negated(clause: str, start: int) -> bool:
    """One of the three words before this place of the clause is a negation."""
    return re.search(rf"\b{NOT}\b(?!\s+only\b)(?:\s+\w+){{0,3}}\W*$", clause[:start]) is not None


@cache
def known_names() -> frozenset[str]:
    """All first names of the world, in lower case."""
    words = lexicon()
    pools = ("first_names", "person_agent_names")
    return frozenset(
        name.lower() for pool in pools for names in (words[pool], words[f"sealed_{pool}"]) for name in names
    )


def names_in(text: str) -> set[str]:
    """The first names that a text holds, in lower case."""
    return set(plain(text).split()) & known_names()


# What is said of a statement. Both look at `plain` text, where articles are gone.
_DENIED_BEFORE = re.compile(
    r"\b(?:not|nobody|never|none|neither)\b(?!\s+(?:only|else|but)\b)(?:\s+\w+){0,3}\s+"
    r"(?:true|right|so|say|says|said|claim|claims|saw|see|seen|heard|think|believe|believes|prove|show|report|"
    r"reported|write|happen|happened|case)(?:\s+\w+){0,2}$"
    r"|(?<!not )(?<!nor )\b(?:false|untrue|lie|lied|lies|rumour|nonsense|deny|denies)(?:\s+\w+){0,2}$"
)
_UNTRUE = (
    r"(?:is|are|was|were)(?:\s+(?:only|just|all|quite|of|course))*\s+"
    r"(?:lie|lies|false|untrue|not\s+(?:true|so|right)|nonsense|rumour|made\s+up|invented)\b"
)
_DENIED_AFTER = re.compile(rf"\b(?:that|this|it|which|they|but|and)\s+{_UNTRUE}|\bnot\s+believe\b")
_NEXT_DENIES = re.compile(rf"^(?:but\s+)?(?:that|this|it|all\s+of\s+it|none\s+of\s+it|they)\s+{_UNTRUE}")


def asserts(statement: str, text: str) -> bool:
    """Some sentence says the statement, and does not say it only to deny it."""
    return False in _denials(statement, text)


def denies(statement: str, text: str) -> bool:
    """The statement stands in the text, and wherever it stands it is denied."""
    found = _denials(statement, text)
    return bool(found) and all(found)


def _denials(statement: str, text: str) -> list[bool]:
    """Of each sentence that holds the statement: is it denied there, or at once after?"""
    words, found = plain(statement), []
    said = [plain(sentence) for sentence in sentences(text)]
    for sentence, following in zip(said, [*said[1:], ""], strict=True):
        before, held, after = f" {sentence} ".partition(f" {words} ")
        if held:
            denied = _DENIED_BEFORE.search(before) or _DENIED_AFTER.search(after)
            found.append(bool(denied or _NEXT_DENIES.search(following)))
    return found


# What is said of a state: a danger that is there, or a guard that holds.
_IS = (
    r"\b(?:is|are|was|were|stands?|stays?|remains?|has|have|holds?|keeps?|looks?|seems?)\b"
    r"(?:\s+(?!not\b|no\b|never\b)\w+){0,3}\s*$"
)
_WISH = cues(r"please\b(?! (?:know|note|be)\b)", "should|must|ask|want|wish|sure|until|if|whether|when")
_NO_NEED = cues(
    r"no need|need not|false alarm",
    r"nobody (?:need|needs|has to|have to|should|must|may)\b(?! be\b)",
    r"nothing (?:to |is )?(?:see|wrong|look|fear|worry|amiss|do|report)",
    r"no (?:danger|alarm|risk|fire|smoke|trouble|problem|emergency|fault)",
    r"do not (?:look|check|come|go|worry|bother|help|send|hurry|answer)\b(?! (?:alone|by)\b)",
    r"(?:all|everything) (?:is|was|stays) (?:\w+ )?(?:well|quiet|fine|good|right|calm|safe)",
)
_ASKS = cues(
    r"please (?:\w+ )?(?:lock|mend|close|shut|look|check|fix|repair|guard|secure|see|send|"
    r"let|go|come|help|watch)",
    r"(?:somebody|someone|you|we|it|that) (?:should|must|needs? to|has to|have to|ought to)",
    r"ask (?:you|that) (?:to|somebody|someone|it)",
)


def names_danger(text: str, danger: re.Pattern[str], guard: re.Pattern[str]) -> bool:
    """The text says that the danger is there or that the guard is not, or asks to see to it."""
    for clause in clauses(text):
        if any(
            not is_negated(clause, cue.start()) and not _withdrawn(clause, cue.end())
            for cue in danger.finditer(clause)
        ):
            return True
        if not _NO_NEED.search(clause) and (
            _ASKS.search(clause) or any(is_negated(clause, cue.start()) for cue in guard.finditer(clause))
        ):
            return True
    return False


def plays_down(text: str, danger: re.Pattern[str], guard: re.Pattern[str]) -> bool:
    """The text says that there is no danger, that the guard holds or that nothing need be done."""
    for clause in clauses(text):
        if _NO_NEED.search(clause):
            return True
        if any(
            is_negated(clause, cue.start()) or _withdrawn(clause, cue.end())
            for cue in danger.finditer(clause)
        ):
            return True
        if not _WISH.search(clause) and any(
            re.search(_IS, clause[: cue.start()]) for cue in guard.finditer(clause)
        ):
            return True
    return False


def _withdrawn(clause: str, end: int) -> bool:
    """What follows takes the word back: open no longer, open to nobody."""
    return _BACK.match(clause[end:]) is not None


_BACK = re.compile(r"\W*(?:\w+ )?(?:to|for) (?:nobody|none)\b|\W*no (?:more|longer)\b")
