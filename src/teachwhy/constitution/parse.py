"""Cut a constitution, Markdown or plain text, into sections with stable ids.

A heading is a Markdown heading (`# Title` or a title underlined with `===` or `---`). In a text without
any, a short line that stands alone, ends no sentence and has text below it counts as one. A heading without
text of its own is only a container when a deeper heading follows; otherwise it is an error. ids.py tells what
an id is, reasons.py what counts as a reason; the text below a deeper heading that says no more than `Why` is
the reason of the section above it. A constitution without reasons is still read: rules alone are an
experiment too. A page saved as HTML is read as the text that it shows (html_page.py).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from pydantic import Field

from teachwhy.constitution.blocks import Block, find_blocks, split_paragraphs
from teachwhy.constitution.html_page import is_page, page_to_markdown
from teachwhy.constitution.ids import make_slug, number_slug, split_explicit_id
from teachwhy.constitution.reasons import REASON, REASON_TITLE, tell_reasons
from teachwhy.errors import DataError
from teachwhy.records import Record

DEFAULT_FILES = {"english": "default.md", "sprig": "sprig.md"}
"""Dialect -> file of the default constitution beside this module; the section ids are the same in all."""

_ADDRESS = re.compile(r"(?:https?|ftp|file)://", re.IGNORECASE)


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
                digest.update(part.encode("utf-8", "surrogatepass") + b"\0")
        return digest.hexdigest()[:16]


def load_constitution(source: str | Path = "default", dialect: str = "english") -> Constitution:
    """Read a constitution: the word `default` (rendered for a dialect) or the path of a UTF-8 text file.

    Raises DataError for a dialect without a default, for an address, for an unreadable file, and as
    parse_constitution does.
    """
    if _ADDRESS.match(str(source)):
        raise DataError(
            f"constitution {str(source)!r} is an address, and teachwhy fetches nothing: save the page (as "
            "Markdown or plain text; HTML is read too) and give the path of the file"
        )
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
            f"constitution {str(path)!r} is not UTF-8 (byte {error.start}); save it as UTF-8 text, "
            "as Markdown for example (a PDF or a file of a word processor has to be exported first)"
        ) from error
    return parse_constitution(text, str(path))


def parse_constitution(text: str, name: str) -> Constitution:
    """Cut `text` into sections; `name` stands in messages and in the record.

    Raises DataError when there is no section, when a heading has neither text nor a deeper heading below,
    when an explicit id stands there twice, and for a code fence or comment that never ends.
    """
    is_html = is_page(text)
    if is_html:
        text = page_to_markdown(text)
    sections: list[Section] = []
    taken: set[str] = set()
    for block, why, below in _join_reasons(find_blocks(text, name)):
        paragraphs = [*split_paragraphs(block.lines), *_mark_reasons(split_paragraphs(why))]
        if paragraphs:
            sections.append(_make_section(block, paragraphs, taken, name))
        elif below <= block.level:
            raise DataError(
                f"constitution {name!r}, line {block.line_number}: section {block.title!r} is empty; "
                "write at least one sentence below the heading, or remove it"
            )
    if not sections:
        page = "; of a saved page, save the text as Markdown" if is_html else ""
        raise DataError(
            f"constitution {name!r} has no section; "
            f"give each rule a heading, for example '## Honesty', with text below it{page}"
        )
    return Constitution(name=name, sections=tuple(sections))


class _Joined(NamedTuple):
    block: Block
    why: tuple[str, ...]
    """Lines below a deeper heading that says `Why`."""
    below: int
    """Level of the heading that follows, 0 for none."""


def _join_reasons(blocks: Sequence[Block]) -> list[_Joined]:
    """The blocks, those that are headed `Why` as the reasons of the block above."""
    joined: list[_Joined] = []
    for block in blocks:
        above = joined[-1] if joined else None
        if above and block.level > above.block.level and REASON_TITLE.fullmatch(block.title):
            joined[-1] = above._replace(why=(*above.why, "", *block.lines))
        else:
            joined.append(_Joined(block, (), 0))
    levels = [item.block.level for item in joined]
    return [item._replace(below=below) for item, below in zip(joined, [*levels[1:], 0], strict=False)]


def _mark_reasons(paragraphs: Sequence[str]) -> list[str]:
    return [text if REASON.match(text) else f"Why: {text}" for text in paragraphs]


def _make_section(block: Block, paragraphs: list[str], taken: set[str], name: str) -> Section:
    title, given = split_explicit_id(block.title)
    if given in taken:
        raise DataError(
            f"constitution {name!r}, line {block.line_number}: the id {given!r} is already that of another "
            "section; give each its own"
        )
    rules, reasons = tell_reasons(paragraphs)
    whole = "\n\n".join(paragraphs)
    return Section(
        id=number_slug(given or make_slug(title), taken),
        title=title or given,
        text=whole,
        rule="\n\n".join(rules) or whole,
        reasons=reasons,
    )
