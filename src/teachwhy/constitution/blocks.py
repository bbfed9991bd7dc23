"""Cut the lines of a text at its headings, and a block of lines into paragraphs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from teachwhy.constitution.reasons import REASON
from teachwhy.errors import DataError

_ATX = re.compile(r"^ {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*$")
_UNDERLINE = re.compile(r"^ {0,3}(=+|-{2,})[ \t]*$")
_FENCE = re.compile(r"^\s*(`{3,}|~{3,})([^`]*)$")
_BREAK = re.compile(r"^\s*(?:(?:-\s*){3,}|(?:\*\s*){3,}|(?:_\s*){3,})$")
_ITEM = re.compile(r"^(\s*)(?:[-*+•]|\d{1,3}[.)])\s")
_COMMENT = re.compile(r"<!--.*?-->")
_ENDS_SENTENCE = ".!?;,:。！？；，、：؟؛،।|"
_MAX_PLAIN_HEADING = 80
PREAMBLE = "Preamble"


class Block(NamedTuple):
    """A heading with the lines below it, up to the next heading."""

    level: int
    title: str
    line_number: int
    lines: tuple[str, ...]


class _Head(NamedTuple):
    first: int
    """Index of the heading's first line."""
    body: int
    """Index of the first line below it."""
    level: int
    title: str


def find_blocks(text: str, name: str) -> list[Block]:
    """The blocks of a text: by its Markdown headings, or where there are none by the short lines that stand
    alone and end no sentence. Text before the first heading becomes the preamble.

    A YAML head and HTML comments are left out. Raises DataError for a code fence or a comment that is never
    closed.
    """
    lines = _drop_yaml_head(text.lstrip("\ufeff").splitlines())
    lines, fences = _read_fences(lines, name)
    heads = _markdown_heads(lines, fences)
    if heads:
        return _cut(lines, heads)
    plain = _plain_heads(lines, fences)
    return _cut(_blank_titles(lines, plain), plain) if plain else []


def split_paragraphs(lines: Sequence[str]) -> list[str]:
    """Paragraphs with their lines joined. A list item or a reason begins a new one; nested items, code and
    tables keep their lines.
    """
    plain, fences = _read_fences(list(lines), "")
    paragraphs: list[str] = []
    last, in_list = "blank", False
    for line, fence in zip(plain, fences, strict=True):
        kind = f"code {fence}" if fence else _kind_of(line, in_list)
        if (kind == last and (fence or kind == "row")) or kind == "nested":
            glue = "\n"
        elif kind == "text" and last in ("text", "item", "nested") and not REASON.match(line.strip()):
            glue = " "
        else:
            glue = ""
        in_list = kind == "item" or (in_list and (kind in ("nested", "blank") or glue == " "))
        last = kind
        if kind == "blank":
            continue
        shown = line.rstrip() if fence or kind == "nested" else line.strip()
        if glue:
            paragraphs[-1] += glue + shown
        else:
            paragraphs.append(shown)
    return paragraphs


def _kind_of(line: str, in_list: bool) -> str:
    if not line.strip() or _BREAK.match(line):
        return "blank"
    if item := _ITEM.match(line):
        return "nested" if item[1] and in_list and not REASON.match(line.strip()) else "item"
    return "row" if line.lstrip().startswith("|") else "text"


def _drop_yaml_head(lines: list[str]) -> list[str]:
    """The lines with those of a YAML head empty."""
    if not lines or lines[0].rstrip() != "---":
        return lines
    end = next((at for at, line in enumerate(lines[1:], start=1) if line.rstrip() in ("---", "...")), 0)
    is_head = end and all(re.match(r"\s|#|-\s|[\w-]+\s*:|$", line) for line in lines[1:end])
    return [""] * (end + 1) + lines[end + 1 :] if is_head else lines


def _read_fences(lines: list[str], name: str) -> tuple[list[str], list[int]]:
    """The lines without comments, and for each the number of its code fence, 0 for none."""
    plain: list[str] = []
    fences: list[int] = []
    opened, mark, num_fences, comment = 0, "", 0, 0
    for number, line in enumerate(lines, start=1):
        if comment:
            _, closed, after = line.partition("-->")
            comment, line = (0, after) if closed else (comment, "")
        if not opened and not comment:
            line = _COMMENT.sub("", line)
            line, begun, _ = line.partition("<!--")
            comment = number if begun else 0
        fence = None if comment else _FENCE.match(line)
        if opened:
            fences.append(num_fences)
            if fence and fence[1].startswith(mark) and not fence[2].strip():
                opened = 0
        elif fence:
            opened, mark, num_fences = number, fence[1], num_fences + 1
            fences.append(num_fences)
        else:
            fences.append(0)
        plain.append(line)
    for what, where in (("code fence", opened), ("comment", comment)):
        if where:
            raise DataError(
                f"constitution {name!r}, line {where}: a {what} begins here and never ends, so that all "
                "below it would be no text; close it"
            )
    return plain, fences


def _markdown_heads(lines: list[str], fences: list[int]) -> list[_Head]:
    heads: list[_Head] = []
    for number, line in enumerate(lines):
        if fences[number]:
            continue
        atx = _ATX.match(line)
        underline = _UNDERLINE.match(line)
        if atx:
            heads.append(_Head(number, number + 1, len(atx[1]), _plain_title(atx[2] or "")))
        elif underline and number and _can_be_underlined(lines, fences, number - 1):
            level = 1 if underline[1].startswith("=") else 2
            heads.append(_Head(number - 1, number + 1, level, _plain_title(lines[number - 1])))
    return heads


def _can_be_underlined(lines: list[str], fences: list[int], number: int) -> bool:
    """True for a line that is a paragraph of its own and no heading, item, row or code."""
    above = lines[number - 1].strip() if number else ""
    line = lines[number]
    is_other = _ATX.match(line) or _BREAK.match(line) or _ITEM.match(line) or line.lstrip().startswith("|")
    return bool(line.strip()) and not above and not is_other and not fences[number]


def _plain_heads(lines: list[str], fences: list[int]) -> list[_Head]:
    """Short lines that stand alone, end no sentence, and have a text below them."""
    filled = [number for number, line in enumerate(lines) if line.strip()]
    alone = {
        number
        for number in filled
        if _can_be_plain_heading(lines, number) and not fences[number] and not REASON.match(lines[number])
    }
    followed = dict(pairwise(filled))
    return [
        _Head(number, number + 1, 1, _plain_title(re.sub(r"^\d+[.)]?\s+", "", lines[number].strip())))
        for number in sorted(alone)
        if followed.get(number, number) not in alone and number in followed
    ]


def _can_be_plain_heading(lines: list[str], number: int) -> bool:
    title = lines[number].strip()
    above = lines[number - 1].strip() if number else ""
    below = lines[number + 1].strip() if number + 1 < len(lines) else ""
    is_short = 0 < len(title) <= _MAX_PLAIN_HEADING and title[-1] not in _ENDS_SENTENCE
    return is_short and not above and not below


def _blank_titles(lines: list[str], heads: Sequence[_Head]) -> list[str]:
    """The lines without a title above the first heading that is as short as a heading and has no text."""
    opening = [number for number in range(heads[0].first) if lines[number].strip()]
    if all(_can_be_plain_heading(lines, number) for number in opening):
        return [""] * heads[0].first + lines[heads[0].first :]
    return lines


def _cut(lines: list[str], heads: Sequence[_Head]) -> list[Block]:
    blocks = []
    opening = tuple(lines[: heads[0].first])
    if any(line.strip() for line in opening):
        blocks.append(Block(7, PREAMBLE, 1, opening))
    ends = [head.first for head in heads[1:]] + [len(lines)]
    for head, end in zip(heads, ends, strict=True):
        blocks.append(Block(head.level, head.title, head.first + 1, tuple(lines[head.body : end])))
    return blocks


def _plain_title(title: str) -> str:
    """A heading without its marks of emphasis and code, and without links."""
    linked = re.sub(r"!?\[([^\]]*)\]\([^)\s]*\)", r"\1", title)
    return re.sub(r"[*`]{1,3}|(?<!\w)_{1,3}|_{1,3}(?!\w)", "", linked).strip() or "Section"
