"""Text that somebody else wrote (a model, a checkpoint, a run directory), made safe to look at.

Escaping for HTML is the template engine's work, and that of rich's markup is the work of `rich.text.Text`.
This module does what escaping cannot: characters that steer a terminal, or reorder, hide or corrupt the text
around them (controls, bidirectional overrides, zero-width characters, lone surrogates), are replaced by marks
that a reader sees. Source of the list: Unicode Standard, general categories Cc, Cf, Cs, Cn, Co, Zl and Zp;
Unicode Technical Report 36 for the attack.
"""

from __future__ import annotations

import html
import re
import unicodedata

INVISIBLE_CATEGORIES = frozenset(("Cf", "Mn", "Me"))
"""What a word may hold between its letters without looking otherwise: zero-width characters, soft hyphens,
joiners, variation selectors, and accents written apart."""
HIDING_CATEGORIES = frozenset(("Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp"))
MAX_COMBINING_MARKS = 3
_ESCAPE = re.compile(r"\\+(?:u([0-9a-f]{4})|[nrtbf])|<br ?/?>|%20", re.IGNORECASE)


def make_visible(text: str) -> str:
    """Replace every character that is invisible or changes its surroundings; newline and tab stay.

    >>> make_visible("a\\x1b[31m\\u202eb")
    'a[U+001B][31m[U+202E]b'
    """
    if text.isascii() and text.isprintable():
        return text
    pieces: list[str] = []
    marks = 0
    for char in text.replace("\r\n", "\n"):
        category = unicodedata.category(char)
        marks = marks + 1 if category in ("Mn", "Me") else 0
        if char in "\n\t":
            pieces.append(char)
        elif category in HIDING_CATEGORIES:
            pieces.append(f"[U+{ord(char):04X}]")
        elif marks <= MAX_COMBINING_MARKS:
            pieces.append(char)
    return "".join(pieces)


def strip_invisible(text: str) -> str:
    """The text as a reader takes it, for looking words up: in compatibility form (NFKC), and without
    characters of no width.

    >>> strip_invisible("\uff11\u200b1 Ta\u00admas")
    '11 Tamas'
    """
    if text.isascii():
        return text
    plain = unicodedata.normalize("NFKC", text)
    dropped = {ord(char) for char in set(plain) if unicodedata.category(char) in INVISIBLE_CATEGORIES}
    return plain.translate(dict.fromkeys(dropped))


def read_escapes(text: str) -> str:
    r"""The text with the escapes of JSON, HTML and addresses read, however often JSON stands in JSON.

    >>> read_escapes(r"one\\ntwo\u0021&amp;three%20four")
    'one two!&three four'
    """
    if not any(mark in text for mark in "\\&%<"):
        return text
    read = _ESCAPE.sub(lambda hit: chr(int(hit[1], 16)) if hit[1] else " ", html.unescape(text))
    return read if read.isascii() else read.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
