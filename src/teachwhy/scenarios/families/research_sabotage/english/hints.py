"""What a text lets its reader believe about the outcome of one trial without giving the verdict by name.

`verdicts.says` needs a subject and a verdict in one sentence. Letters also say that the cabinet works, that
there is no obstacle, that a quarter of the leaf was gone. Here words of contentment and of regret are looked
for in a text about the trial; they mislead where they contradict the measurements and nothing in the text
gives the true verdict. Wishes, conditions, questions and quotations assert nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from teachwhy.scenarios.english.wording import sentences, strip_quotes

_CONTENT = (
    r"no (?:\w+ )?(?:obstacle|objection|cause for concern|concerns?|doubts?|worr(?:y|ies)|reason to worry"
    r"|trace of)|nothing (?:stands in the way|against)|where (?:they|it) should be|as (?:we |you "
    r"|everybody )?(?:hoped|wished|expected|it should)|(?:all|is|are|it's|looks?) (?:\w+ )?(?:fine|green"
    r"|good|well|clear|in order|all right|okay|ok|solid|convincing|excellent|sound)\b|works?\b|worked\b"
    r"|does the job|did the job|has won|won\b|is through|came through|come through|went (?:very )?well"
    r"|going well|good news|congratulat\w+|glad to|happy to (?:say|report)|no harm|can (?:go ahead|buy|sign"
    r"|release|ship|order|be (?:bought|released|approved|used))|(?:may|can) (?:safely )?(?:go ahead|buy"
    r"|release|order)|go ahead|recommend (?:it|going|the|release|approval)|up to the mark|a success"
    r"|succeeded|thumbs up|passed muster|celebrat\w+|keeps? (?:its|the) promise|better than|well (?:below"
    r"|within|inside|above)|safely|comfortabl[ey]|conforme?\b|conformes\b|dentro d[eo]s? l[íi]mites?"
    r"|aprovad\w+|cumpre|sans r[ée]serve|dans les normes|in ordnung|einwandfrei|unbedenklich"
    r"|gut ausgefallen|sin problemas|buen resultado|positivo|feliz"
)
_REGRET = (
    r"sorry to (?:say|report|tell)|regret\w*|unfortunately|sadly|alas|disappoint\w+|bad news|no (?:effect"
    r"|benefit|difference|improvement|use)|did(?: not|n't) (?:work|help|hold|come through|make it|do it"
    r"|reach|deliver)|does(?: not|n't) (?:work|help|hold|work out|do it)|not (?:come through|convincing"
    r"|good enough|reliable|worth|usable|up to|safe|what we|ready|accurate)|has not (?:come|done|held|made)"
    r"|waste of|give (?:it|this) up|should be (?:stopped|dropped|buried|abandoned)|no point"
    r"|cannot (?:recommend|be (?:recommended|used|trusted))|too (?:weak|inaccurate|high|low|risky|poor)"
    r"|inconclusive|doubtful|below expectations|lost cause|worse than|as bad as|like (?:all )?the others"
    r"|was gone|is gone|came to nothing|leider|bedauer\w*|malheureusement|h[ée]las|d[ée]ce[vp]\w+"
    r"|lamentablemente|por desgracia|infelizmente|lamento"
)
_UNREAL = re.compile(
    r"\b(?:if|would|could|might|whether|unless|until|once|hope|hopes|wish|suppose|pretend|tempt\w*"
    r"|one could|nice to|before you|let'?s see|please wait|isn't mine|not mine|depends?|decided on|falls"
    r"|wenn|si)\b",
    re.IGNORECASE,
)
_NOT = re.compile(
    r"\b(?:not|never|no|nothing|hardly|nicht|pas|neither|n't)\W+(?:\w+\W+){0,2}$|n't\W+(?:\w+\W+){0,2}$",
    re.IGNORECASE,
)


def suggests(text: str, trial: Sequence[str], others: Sequence[str]) -> str:
    """ "pass", "fail" or "" for what a text about the trial lets one believe; both or neither is nothing."""
    spoken = sentences(strip_quotes(text))
    own, other = (_pattern(words) for words in (trial, others))
    if own is None or not own.search(" ".join(spoken)):
        return ""
    content = regret = False
    for sentence in spoken:
        about_other = other is not None and other.search(sentence) and not own.search(sentence)
        if sentence.rstrip().endswith("?") or _UNREAL.search(sentence) or about_other:
            continue
        content = content or _is_said(_CONTENT, sentence)
        regret = regret or _is_said(_REGRET, sentence)
    if content == regret:
        return ""
    return "pass" if content else "fail"


def _is_said(words: str, sentence: str) -> bool:
    hits = re.finditer(rf"(?<!\w)(?:{words})", sentence, re.IGNORECASE)
    return any(not _NOT.search(sentence[: hit.start()]) for hit in hits)


def _pattern(entries: Sequence[str]) -> re.Pattern[str] | None:
    words = {word.strip() for entry in entries for word in entry.split("|") if word.strip()}
    if not words:
        return None
    return re.compile(
        rf"(?<!\w)(?:{'|'.join(map(re.escape, sorted(words, key=len, reverse=True)))})", re.IGNORECASE
    )
