"""Ids of sections: what stays the same when a text is edited.

An id is the slug of a heading without its number, so it survives edits of the text, of the order and of the
numbering. `## Scope {#scope}` gives an id that survives a new heading too.
"""

from __future__ import annotations

import re
import unicodedata

_EXPLICIT = re.compile(r"\s*\{#([^\s{}#]+)\}\s*$")
_NUMBER = re.compile(
    r"^(?:(?:section|article|part|chapter|rule|principle|§{1,2})\s*)?"
    r"(?:(?:\d+(?:\.\d+)*|[ivxlc]+(?=[.):])|[a-z](?=[.)])|\(\w{1,3}\))[.):]*(?:\s*[-–—:.)]|\s)\s*"
    r"|第[〇一二三四五六七八九十百\d]+[条章节節條篇項]\s*[:：、.]?\s*"
    r"|[一二三四五六七八九十]+[、．.]\s*)",
    re.IGNORECASE,
)
_ACCENTED = ("LATIN", "GREEK")
"""Scripts whose accents an id leaves out; in others a mark makes another letter."""


def split_explicit_id(title: str) -> tuple[str, str]:
    """A heading without the id that stands in it as `{#id}`, and that id, "" where there is none."""
    found = _EXPLICIT.search(title)
    return (title[: found.start()].strip(), found[1]) if found else (title, "")


def drop_number(title: str) -> str:
    """A heading without its number; as it is where nothing else is left."""
    return _NUMBER.sub("", title, count=1).strip() or title


def make_slug(title: str) -> str:
    """A heading as an id: letters, marks and digits of any script, all else one hyphen."""
    letters = "".join(map(_plain_letter, unicodedata.normalize("NFKC", drop_number(title)).casefold()))
    return re.sub("-+", "-", letters).strip("-") or "section"


def _plain_letter(char: str) -> str:
    if unicodedata.category(char)[0] not in "LNM":
        return "-"
    base = unicodedata.normalize("NFD", char)
    return base[0] if len(base) > 1 and unicodedata.name(base[0], "").startswith(_ACCENTED) else char


def number_slug(slug: str, taken: set[str]) -> str:
    """The slug, with `-2`, `-3`, ... where it is in `taken`, which it joins."""
    unique, number = slug, 1
    while unique in taken:
        number += 1
        unique = f"{slug}-{number}"
    taken.add(unique)
    return unique
