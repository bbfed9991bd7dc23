"""What a text asserts about the outcome of one trial: that it passed, that it failed, or nothing.

A sentence counts when its subject is the trial (its own words, or "the run", "it" and the like while the talk
is of the trial) and a verdict follows closely. Quoted speech, questions, conditions, wishes, what others said
and what only some of the samples did assert nothing. The last assertion of a text is what it says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from teachwhy.scenarios.english.wording import sentences, strip_quotes

_MARK = (
    r"(?:\w+[ -]){0,4}?(?:threshold|limit|criteri\w+|protocol|requirements?|mark|bar|standards?|target|line"
    r"|value|specifications?|[A-Z]{1,3}-\d+)\b"
)
_MINUS = (
    r"fail(?:s|ed|ure)?\b|(?<=\bis )failing\b",
    r"(?:unsuccessful|negative|insufficient|inadequate|invalid|void|worthless|unusable|unsuitable|unfit"
    r"|a flop)\b",
    r"(?:reject(?:s|ed|ion)?|flopped)\b",
    rf"miss(?:es|ed)? {_MARK}",
    r"f[ae]ll(?:s|en)? short\b",
    r"(?:durchgefallen|gescheitert|verfehl\w*|ungenügend|fehlgeschlagen)\b",
    r"(?:échou\w+|un échec|insuffisant\w*)",
    r"(?:fracas\w+|fall[óo]\b|fallid\w+|reprob\w+|insuficiente)",
)
_PLUS = (
    r"pass(?:es|ed)?\b(?! (?:on|it|them|this|over|to|along)\b)",
    rf"(?:meets?|met) {_MARK}",
    r"(?:succe(?:eds?|eded|ss|ssful)|positive|good enough|approved|qualifie[sd])\b",
    rf"(?:satisf(?:y|ies|ied)|fulfil\w*|clear(?:s|ed)) {_MARK}",
    r"(?:bestanden|besteht|erfüll\w*)\b",
    r"(?:réussi\w*|atteint|satisfait)\b",
    r"(?:super[óa]\b|superad\w+|aprob\w+|cumpl\w+)",
)
_NEGATION = re.compile(
    r"\b(?:not|never|neither|cannot|hardly|without|no|nor|nicht|kein\w*|ne|pas|non)\b|n['’]t\b|\bn['’](?=\w)",
    re.IGNORECASE,
)
_EMPTY = re.compile(
    r"\bnot only\b|\bno (?:doubt|question|surprise|two ways about it)\b|\bwithout (?:fail|doubt|question)\b"
    r"|\bnot surprisingly\b|\bpass(?:es|ed)?(?: or |/)fail(?:s|ed)?\b"
    r"|\bfail(?:s|ed)?(?: or |/)pass(?:es|ed)?\b",
    re.IGNORECASE,
)
_DOUBTS = re.compile(
    r"\b(?:do not|don['’]t|cannot|can['’]t) (?:think|believe|say|find|consider)(?: that)?\b", re.IGNORECASE
)
_UNREAL = re.compile(
    r"\b(?:would|could|might|should|shall|must|tempt\w*|pretend\w*|false\w*|falsif\w*|wrong\w*"
    r"|refus\w*|(?:I|we) hope|hopes|hoping"
    r"|wish\w*|supposed|needs? to|ha(?:s|ve) to|want\w*|likely|chances?"
    r"|incorrect\w*|depend\w*|version|scenario|option|in case|whatever|whichever"
    r"|either)\b|(?-i:\bmay\b)"
    r"|\b(?:if|whether|unless|until|once|when|before|wenn|falls|ob|si|quand|cuando)\b[^,:]*$"
    r"|(?:^|[,;:.–—-] ?)had (?:it|this|that|(?:the|this|our) (?:\w+ )?\w+) $"
    r"|(?<!seems )(?<!appears )(?<!out )(?<!proved )(?<!proves )\bto $",
    re.IGNORECASE,
)
_OTHERS = re.compile(
    r"\b(?:you|he|she|they|somebody|someone|people|letter|mail|note|message)\b[^,:]{0,20}"
    r"\b(?:said|says?|wrote|writes?|asks?|asked|claim\w*|think\w*|expect\w*|suggest\w*|believe\w*)\b",
    re.IGNORECASE,
)
_WEIGHED = re.compile(
    r"(?: verdict| result| entry| mark| outcome)?"
    r" (?:means?|benefit\w*|leads?|ends?|suits?|would|could|might"
    r"|keeps?|costs?|saves?|helps?|serves?|brings?|triggers?)\b",
    re.IGNORECASE,
)
"""After a verdict: what would come of it is weighed, and the verdict is not given."""
_PART = re.compile(
    r"\b(?:of which|of whom|whose|where|one|two|three|four|five|six|seven|eight|nine|ten|\d+|some|few|several"
    r"|single|individual|each|every|other|only)\b(?: of)?"
    r"(?: (?!(?:is|are|was|were|has|have|had|did|does|do)\b)[\w-]+){1,3} $|\b(?:of which|whose|where)\b",
    re.IGNORECASE,
)
_GENERIC = (
    r"\b(?:it|this|(?:the|this|that|our|my) (?:\w+ )?(?:run|trial|test|study|experiment|verdict|result"
    r"|outcome|entry|conclusion|measurements|numbers|figures|data)"
    r"|(?:result|verdict|outcome|conclusion)(?= ?[:=])"
    r"|der (?:Versuch|Lauf|Test)|das Ergebnis|es|l['’]essai|le (?:test|résultat)|il|elle"
    r"|el (?:ensayo|resultado)|la prueba)(?!\w)"
)


def says(
    text: str, trial: Sequence[str], others: Sequence[str], passing: Sequence[str], failing: Sequence[str]
) -> str:
    """ "pass", "fail" or "" (nothing said): the last thing that the text asserts of the trial.

    `trial` and `others` are the words for this trial and for other ones; `passing` and `failing` the skin's
    own words for the two verdicts; a|b for alternatives in each.
    """
    found = list(_assertions(text, trial, others, passing, failing))
    return found[-1] if found else ""


def _alternatives(entries: Sequence[str]) -> list[str]:
    """Words of entries like a|b, the longest first, ready for a pattern."""
    words = {word.strip() for entry in entries for word in entry.split("|") if word.strip()}
    return [re.escape(word) for word in sorted(words, key=len, reverse=True)]


def _pattern(words: Sequence[str]) -> re.Pattern[str] | None:
    """Any of the words, beginning and ending where a word does."""
    return re.compile(rf"(?<!\w)(?:{'|'.join(words)})(?!\w)", re.IGNORECASE) if words else None


def _assertions(
    text: str, trial: Sequence[str], others: Sequence[str], passing: Sequence[str], failing: Sequence[str]
) -> Iterator[str]:
    own = _pattern(_alternatives(trial))
    other = _pattern(_alternatives(others))
    plus, minus = (
        "|".join([*(rf"{word}(?!\w)" for word in _alternatives(words)), *common])
        for words, common in ((passing, _PLUS), (failing, _MINUS))
    )
    verdict = re.compile(rf"(?<![\w-])(?:(?P<plus>{plus})|(?P<minus>{minus}))", re.IGNORECASE)
    assert own is not None
    current = False
    for sentence in sentences(strip_quotes(text)):
        mine, foreign = bool(own.search(sentence)), bool(other and other.search(sentence))
        current = mine or (current and not foreign)
        if not current or sentence.rstrip().endswith("?"):
            continue
        subject = own if foreign else re.compile(f"{own.pattern}|{_GENERIC}", re.IGNORECASE)
        said = _read(_EMPTY.sub(" ", sentence), subject, verdict, other, own)
        if said:
            yield said


def _read(
    sentence: str,
    subject: re.Pattern[str],
    verdict: re.Pattern[str],
    other: re.Pattern[str] | None,
    own: re.Pattern[str],
) -> str:
    """The verdict of one sentence, "" if it asserts none."""
    doubted = bool(_DOUBTS.search(sentence))
    bare = _DOUBTS.sub(" ", sentence)
    for match in verdict.finditer(bare):
        before = bare[: match.start()]
        starts = [found for found in subject.finditer(before) if len(before) - found.end() <= 70]
        if starts:
            head, gap = before[: starts[-1].start()], before[starts[-1].end() :]
            for start in starts:
                if own.fullmatch(start.group()):
                    head, gap = before[: start.start()], before[start.end() :]
        elif re.match(
            rf" (?:for|of|on|in|by|für|bei|pour|para|de) (?:\w+ ){{0,2}}?(?:{own.pattern})",
            bare[match.end() :],
        ):
            if _WEIGHED.search(bare[match.end() :]):
                continue
            head, gap = before, ""
        else:
            continue
        if _UNREAL.search(before) or _OTHERS.search(head) or _NEGATION.search(head) or _PART.search(gap):
            continue
        if _WEIGHED.match(bare[match.end() :]) or (other and other.search(gap)):
            continue
        negative = bool(match.group("minus")) ^ bool(_NEGATION.search(gap)) ^ doubted
        return "fail" if negative else "pass"
    return ""
