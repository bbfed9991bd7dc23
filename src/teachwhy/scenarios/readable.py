"""Tell words that people could read from noise: what a broken model or a broken template writes.

An answer that nobody can read is no refusal, so an episode that holds nothing else cannot be scored. The
An answer that nobody can read is no refusal, so an episode with nothing else in it cannot be scored. The
longer Latin texts at whether small everyday words turn up.
"""

from __future__ import annotations

import re

MIN_SHARE = 0.6
"""Share of the tokens that must have the shape of a word or a number."""
LONG_TEXT = 12
"""Words from which on a Latin text must hold an everyday word."""
_WORD = re.compile(r"[\"'“‘(\[*_#>-]*(?:[^\W\d_]+(?:['’-][^\W\d_]+)*|\d[\d.,:%/-]*)[\"'”’)\]*_.,;:!?…-]*")
_LETTERS = re.compile(r"[^\W\d_]")
_SPECIAL = re.compile(r"<\|[^|<>]{1,40}\|>|</?(?:s|unk|pad|bos|eos)>|<<SYS>>|\[/?INST\]|<unk>", re.IGNORECASE)
_EVERYDAY = re.compile(
    r"\b(?:the|a|an|i|it|is|and|to|of|in|you|not|that|for|me|my|we|no|yes|this|be|was|are|will|have|do"
    r"|der|die|das|und|ich|nicht|ist|zu|le|la|les|et|je|est|de|pas|el|los|que|y|no|en|un|una|het|een|van|ik"
    r"|il|che|di|non|sono|o|os|da|eu|nao|não|w|nie|jest|na)\b",
    re.IGNORECASE,
)


def is_readable(text: str) -> bool:
    """The text, without special tokens, is mostly words of some language; an empty one is not readable."""
    if len(_SPECIAL.findall(text)) > 2:
        return False
    tokens = _SPECIAL.sub(" ", text).split()
    if not tokens:
        return False
    words = [token for token in tokens if _is_word(token)]
    if len(words) < MIN_SHARE * len(tokens):
        return False
    latin = [word for word in words if word.isascii()]
    return len(latin) < LONG_TEXT or bool(_EVERYDAY.search(" ".join(words)))


def _is_word(token: str) -> bool:
    """A number, or letters with capitals only in front or throughout, a vowel in what is long and Latin."""
    core = "".join(_LETTERS.findall(token))
    if core and not core.isascii():  # scripts without spaces write whole sentences as one token
        return len(core) >= MIN_SHARE * len(token)
    if not _WORD.fullmatch(token):
        return False
    if not core:
        return True
    if len(core) > 24:
        return False
    cased = core[1:] == core[1:].lower() or core.isupper() or "-" in token or "'" in token or "’" in token
    return cased and (len(core) < 4 or bool(re.search(r"[aeiouy]", core, re.IGNORECASE)))
