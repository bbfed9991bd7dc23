"""What a constitution has and what it lacks, in words for the person who wrote or chose it."""

from __future__ import annotations

import re
from typing import NamedTuple

from teachwhy.constitution.parse import Constitution, Section

MAX_SECTION_WORDS = 2000
"""A section above this fills a prompt that quotes it, and hides which rule an answer rests on."""
MAX_SECTIONS = 100
"""More sections than this and a dataset of the usual size has few rows for each."""
_CHARACTER = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
"""Chinese and Japanese characters, written without spaces between words: each counts as a word."""
_NUMBERED = re.compile(r"-\d+$")
_NAMELESS = re.compile(r"section(?:-\d+)?")


class Description(NamedTuple):
    """A constitution in figures."""

    num_sections: int
    num_words: int
    num_without_reason: int
    warnings: tuple[str, ...]
    """What may go wrong with it, each with what to do; none of it is an error."""

    def as_text(self) -> str:
        """For a terminal, one line a fact."""
        counts = f"{self.num_sections} sections, {self.num_words:,} words"
        facts = f"{counts}, {self.num_without_reason} without a reason"
        return "\n".join([facts, *(f"- {warning}" for warning in self.warnings)])


def count_words(text: str) -> int:
    """Words, and of scripts without spaces characters."""
    return len(_CHARACTER.findall(text)) + len(_CHARACTER.sub(" ", text).split())


def describe(constitution: Constitution) -> Description:
    """Count, and warn of what the techniques and the evaluations will stumble over."""
    sections = constitution.sections
    without = [section for section in sections if not section.reasons]
    warnings = [
        *_warn_of_reasons(sections, without),
        *_warn_of_size(sections),
        *_warn_of_ids(sections),
    ]
    num_words = sum(count_words(section.text) for section in sections)
    return Description(len(sections), num_words, len(without), tuple(warnings))


def _warn_of_reasons(sections: tuple[Section, ...], without: list[Section]) -> list[str]:
    remedy = "begin the paragraph that gives the reason with 'Why:'"
    if len(without) == len(sections):
        return [
            "no reasons found: the text is all rules, so that teaching from it teaches rules alone. If it "
            f"gives reasons, {remedy}"
        ]
    if without:
        return [
            f"without a reason: {_list([section.id for section in without])}. Where there is one, {remedy}"
        ]
    return []


def _warn_of_size(sections: tuple[Section, ...]) -> list[str]:
    warnings = []
    if long := [section.id for section in sections if count_words(section.text) > MAX_SECTION_WORDS]:
        warnings.append(
            f"too long for a prompt that quotes them (over {MAX_SECTION_WORDS:,} words): {_list(long)}. Give "
            "their parts headings of their own"
        )
    if len(sections) > MAX_SECTIONS:
        warnings.append(
            f"{len(sections)} sections: with n rows each has n / {len(sections)}. Ask for more rows, or join "
            "sections under fewer headings"
        )
    if len(sections) == 1:
        warnings.append(
            "one section: coverage and results by section will say nothing. Give each rule a heading"
        )
    return warnings


def _warn_of_ids(sections: tuple[Section, ...]) -> list[str]:
    ids = {section.id for section in sections}
    warnings = []
    if doubles := [name for name in ids if _NUMBERED.search(name) and _NUMBERED.sub("", name) in ids]:
        warnings.append(
            f"headings that stand there twice: {_list(sorted(doubles))}. These ids depend on the order; give "
            "each heading its own words, or an id: '## Scope {#scope-of-privacy}'"
        )
    if nameless := [section.id for section in sections if _NAMELESS.fullmatch(section.id)]:
        warnings.append(f"headings without letters: {_list(nameless)}. Their ids depend on the order")
    return warnings


def _list(names: list[str], most: int = 8) -> str:
    shown = ", ".join(names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown
