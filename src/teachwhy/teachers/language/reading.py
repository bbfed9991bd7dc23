"""Read what stands between the tags of an answer. Answers are hostile text: nothing in them is carried out.

The model is asked for `<name>text</name>`. Tags may stand inside a code fence or after thoughts; what is
missing, empty or there too often is unreadable, with a reason that the ledger keeps.
"""

from __future__ import annotations

import re

from teachwhy.service.calls import UnreadableReplyError

_THOUGHT = re.compile(r"<(/?)(?:[a-z]+:)?think(?:ing)?>", re.IGNORECASE)


def strip_thoughts(text: str) -> str:
    """The text without what stands between tags of thought, and without white space around it.

    What stands before an end without a beginning is thought too: the templates of some models write the
    beginning themselves. Raises UnreadableReplyError for thoughts that do not end.
    """
    kept: list[str] = []
    start, is_thought = 0, False
    for tag in _THOUGHT.finditer(text):
        if tag[1]:
            if not is_thought:
                kept.clear()
            start, is_thought = tag.end(), False
        elif not is_thought:
            kept.append(text[start : tag.start()])
            is_thought = True
    if is_thought:
        raise UnreadableReplyError("thoughts that do not end")
    return "".join((*kept, text[start:])).strip()


def read_all(text: str, tag: str, least: int = 1) -> tuple[str, ...]:
    """The stripped contents of all `<tag>` elements, in order.

    Raises UnreadableReplyError for fewer than `least`, and for one that is not closed or empty.
    """
    text = strip_thoughts(text)
    num_begun = text.count(f"<{tag}>")
    found = (
        [] if num_begun > text.count(f"</{tag}>") else re.findall(f"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
    )
    if len(found) != num_begun:
        raise UnreadableReplyError(f"<{tag}> is not closed, or stands in itself")
    contents = tuple(content.strip() for content in found)
    if len(contents) < least:
        raise UnreadableReplyError(f"{len(contents)} times <{tag}>, wanted at least {least}")
    if not all(contents):
        raise UnreadableReplyError(f"<{tag}> is empty")
    return contents


def read_one(text: str, tag: str) -> str:
    """The content of the one `<tag>` element. Raises UnreadableReplyError for none, several or one without
    text."""
    contents = read_all(text, tag)
    if len(contents) > 1:
        raise UnreadableReplyError(f"{len(contents)} times <{tag}>, wanted one")
    return contents[0]


def read_text(text: str, tag: str, most: int) -> str:
    """As `read_one`, of at most `most` characters: what is far longer than asked for is unreadable."""
    return check_length(read_one(text, tag), most)


def check_length(text: str, most: int) -> str:
    """The text, if it has at most `most` characters; raises UnreadableReplyError otherwise."""
    if len(text) > most:
        raise UnreadableReplyError(f"{len(text)} characters, wanted at most {most}")
    return text


def read_grade(text: str, tag: str, highest: int) -> float:
    """A whole number from 0 to `highest` between tags, as a share of it."""
    content = read_one(text, tag)
    if not re.fullmatch(r"\d{1,3}", content) or int(content) > highest:
        raise UnreadableReplyError(f"<{tag}> is {content[:40]!r}, wanted a whole number from 0 to {highest}")
    return int(content) / highest
