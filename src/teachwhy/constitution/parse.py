"""Cut a constitution, Markdown or plain text, into sections with stable ids.

A heading is a Markdown heading (`# Title` or a title underlined with `===` or `---`). In a text without
any, a short line that stands alone and does not end a sentence counts as one. A heading without text of
its own is only a container when a deeper heading follows; otherwise it is an error. A section's id is the
slug of its heading, so it survives edits of the text and of the order; a repeated heading gets `-2`,
`-3`, ...

The reasons of a section are its paragraphs that begin with `Why:` or `Reason:`; in a section without any,
they are its sentences that contain `because`. A constitution without reasons is still read: rules alone
are an experiment too.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from pathlib import Path

from pydantic import Field

from teachwhy.errors import DataError
from teachwhy.records import Record

DEFAULT_FILES = {"english": "default.md", "sprig": "sprig.md"}
"""Dialect -> file of the default constitution beside this module; the section ids are the same in all."""

_ATX = re.compile(r"^ {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*$")
_UNDERLINE = re.compile(r"^ {0,3}(=+|-{2,})[ \t]*$")
_FENCE = re.compile(r"^ {0,3}(```|~~~)")
_REASON = re.compile(r"^\W{0,2}(?:why|reasons?)(?:\*{1,2}|_{1,2})?:(?:\*{1,2}|_{1,2})?\s*", re.IGNORECASE)
_BECAUSE = re.compile(r"\bbecause\b", re.IGNORECASE)
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")
_MAX_PLAIN_HEADING = 80


class Section(Record):
    """One addressable part of a constitution."""

    id: str = Field(min_length=1)
    title: str
    text: str = Field(min_length=1)
    """The whole section without its heading, reasons included, paragraphs separated by a blank line."""
    rule: str
    """The section without the paragraphs that give reasons; the whole text where nothing else is left."""
    reasons: tuple[str, ...] = ()

    def as_text(self) -> str:
        """Heading and text, as a teacher gets to read it."""
        return f"{self.title}\n\n{self.text}"


class Constitution(Record):
    """A constitution's sections in their order; ids are unique."""

    name: str
    sections: tuple[Section, ...] = Field(min_length=1)

    @property
    def section_ids(self) -> tuple[str, ...]:
        """Ids in the order of the text."""
        return tuple(section.id for section in self.sections)

    def section(self, section_id: str) -> Section:
        """Return the section with this id, or raise DataError that lists the ids there are."""
        for section in self.sections:
            if section.id == section_id:
                return section
        raise DataError(
            f"constitution {self.name!r} has no section {section_id!r}; "
            f"its sections are: {', '.join(self.section_ids)}"
        )

    def fingerprint(self) -> str:
        """First 16 hex digits of SHA-256 over ids, titles and texts; changes with any edit of the wording."""
        digest = hashlib.sha256()
        for section in self.sections:
            for part in (section.id, section.title, section.text):
                digest.update(part.encode("utf-8") + b"\0")
        return digest.hexdigest()[:16]


class _Block(Record):
    """A heading with the lines below it, up to the next heading."""

    level: int
    title: str
    line_number: int
    lines: tuple[str, ...]


def load_constitution(source: str | Path = "default", dialect: str = "english") -> Constitution:
    """Read a constitution: the word `default` (rendered for a dialect) or the path of a UTF-8 text file.

    Raises DataError for a dialect without a default, for an unreadable file, and as parse_constitution does.
    """
    if str(source) == "default":
        if dialect not in DEFAULT_FILES:
            raise DataError(
                f"the default constitution is not written in the dialect {dialect!r}; "
                f"allowed: {', '.join(sorted(DEFAULT_FILES))}, or give the path of a file"
            )
        path = Path(__file__).parent / DEFAULT_FILES[dialect]
        return parse_constitution(path.read_text(encoding="utf-8"), "default")
    path = Path(source)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise DataError(
            f"constitution {str(path)!r} cannot be read ({reason}); "
            "give the path of a text file, or 'default'"
        ) from error
    except UnicodeDecodeError as error:
        raise DataError(
            f"constitution {str(path)!r} is not UTF-8 (byte {error.start}); save it as UTF-8 text"
        ) from error
    return parse_constitution(text, str(path))


def parse_constitution(text: str, name: str) -> Constitution:
    """Cut `text` into sections; `name` stands in messages and in the record.

    Raises DataError when there is no section, or a heading has neither text nor a deeper heading below.
    """
    lines = text.lstrip("\ufeff").splitlines()
    blocks = _markdown_blocks(lines) or _plain_blocks(lines)
    sections: list[Section] = []
    taken: set[str] = set()
    for index, block in enumerate(blocks):
        paragraphs = _paragraphs(block.lines)
        if not paragraphs:
            is_container = index + 1 < len(blocks) and blocks[index + 1].level > block.level
            if is_container:
                continue
            raise DataError(
                f"constitution {name!r}, line {block.line_number}: section {block.title!r} is empty; "
                "write at least one sentence below the heading, or remove it"
            )
        sections.append(_make_section(block.title, paragraphs, taken))
    if not sections:
        raise DataError(
            f"constitution {name!r} has no section; "
            "give each rule a heading, for example '## Honesty', with text below it"
        )
    return Constitution(name=name, sections=tuple(sections))


def _make_section(title: str, paragraphs: list[str], taken: set[str]) -> Section:
    rules = [paragraph for paragraph in paragraphs if not _REASON.match(paragraph)]
    reasons = [_REASON.sub("", paragraph) for paragraph in paragraphs if _REASON.match(paragraph)]
    if not reasons:
        sentences = [sentence for rule in rules for sentence in _SENTENCE_END.split(rule)]
        reasons = [sentence for sentence in sentences if _BECAUSE.search(sentence)]
    whole = "\n\n".join(paragraphs)
    return Section(
        id=_unique_slug(title, taken),
        title=title,
        text=whole,
        rule="\n\n".join(rules) or whole,
        reasons=tuple(reasons),
    )


def _unique_slug(title: str, taken: set[str]) -> str:
    """Slug of a heading, not in `taken`, which it joins. Letters of any script stay; accents go."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", title) if not unicodedata.combining(c))
    base = re.sub(r"[\W_]+", "-", plain.casefold()).strip("-") or "section"
    slug, number = base, 1
    while slug in taken:
        number += 1
        slug = f"{base}-{number}"
    taken.add(slug)
    return slug


def _paragraphs(lines: tuple[str, ...]) -> list[str]:
    """Paragraphs with their lines joined; a list item or a reason begins a new one."""
    paragraphs: list[str] = []
    is_open = False
    for line in lines:
        stripped = line.strip()
        if not stripped:
            is_open = False
            continue
        begins = re.match(r"(?:[-*+]|\d+[.)])\s", stripped) or _REASON.match(stripped)
        if is_open and not begins:
            paragraphs[-1] += " " + stripped
        else:
            paragraphs.append(stripped)
        is_open = True
    return paragraphs


def _markdown_blocks(lines: list[str]) -> list[_Block]:
    """Blocks by Markdown headings; empty when there is none. Text before the first becomes `preamble`."""
    heads: list[tuple[int, int, int, str]] = []  # first line, first line of the body, level, title
    is_fenced = False
    for number, line in enumerate(lines):
        if _FENCE.match(line):
            is_fenced = not is_fenced
        if is_fenced:
            continue
        atx = _ATX.match(line)
        underline = _UNDERLINE.match(line)
        if atx:
            heads.append((number, number + 1, len(atx.group(1)), _plain_title(atx.group(2) or "")))
        elif underline and number and _can_be_underlined(lines, number - 1):
            level = 1 if underline.group(1).startswith("=") else 2
            heads.append((number - 1, number + 1, level, _plain_title(lines[number - 1])))
    return _cut(lines, heads)


def _can_be_underlined(lines: list[str], number: int) -> bool:
    """True for a line that is a paragraph of its own and no heading already."""
    above = lines[number - 1].strip() if number else ""
    return bool(lines[number].strip()) and not above and not _ATX.match(lines[number])


def _plain_blocks(lines: list[str]) -> list[_Block]:
    """Blocks of a text without Markdown headings: short lines that stand alone and end no sentence."""
    heads = []
    for number, line in enumerate(lines):
        title = line.strip()
        above = lines[number - 1].strip() if number else ""
        below = lines[number + 1].strip() if number + 1 < len(lines) else ""
        is_short = 0 < len(title) <= _MAX_PLAIN_HEADING and title[-1] not in ".!?;,:"
        if is_short and not above and not below:
            heads.append((number, number + 1, 1, _plain_title(re.sub(r"^\d+[.)]?\s+", "", title))))
    return _cut(lines, heads)


def _cut(lines: list[str], heads: list[tuple[int, int, int, str]]) -> list[_Block]:
    if not heads:
        return []
    blocks = []
    opening = tuple(lines[: heads[0][0]])
    if any(line.strip() for line in opening):
        blocks.append(_Block(level=7, title="Preamble", line_number=1, lines=opening))
    ends = [head[0] for head in heads[1:]] + [len(lines)]
    for (first, body, level, title), end in zip(heads, ends, strict=True):
        blocks.append(_Block(level=level, title=title, line_number=first + 1, lines=tuple(lines[body:end])))
    return blocks


def _plain_title(title: str) -> str:
    """A heading without its marks of emphasis and code."""
    return re.sub(r"[*_`]{1,3}", "", title).strip() or "Section"
