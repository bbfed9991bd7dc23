"""The report as Markdown, for a repository or an issue: the claims, their evidence, all tables and limits.

No transcripts. Texts of the run's files are escaped, so that none becomes markup where it is shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from teachwhy.report.page import Page
from teachwhy.report.tables import Cell, Table
from teachwhy.visible_text import make_visible

_MARKUP = re.compile(r"([\\`*_\[\]<>|#~$&])")


def render_markdown(page: Page) -> str:
    """The whole file."""
    return "\n".join(_lines(page)).rstrip() + "\n"


def _lines(page: Page) -> Iterator[str]:
    yield f"# {_escape(page.title)}"
    yield from ("", _escape(page.description), "", " ".join(_escape(text) for text in page.lead))
    if page.claims:
        yield from ("", "## Claims", "", "| | claim | verdict |", "| --- | --- | --- |")
        for claim in page.claims:
            yield f"| {_escape(claim.id)} | {_escape(claim.statement)} | **{_escape(claim.verdict)}** |"
        yield from ("", "What each verdict rests on:", "")
        for claim in page.claims:
            evidence = " ".join(_escape(line) for line in claim.evidence)
            yield f"- ({_escape(claim.id)}) {_escape(claim.verdict)}: {evidence}"
        if page.claims_changed:
            yield from ("", "**The claims were changed after episodes had been evaluated.**")
    yield from ("", "## Rates")
    tables = (*page.rate_tables, page.twin_table, page.contrasts, page.other_contrasts)
    for table in (*tables, page.unscorable, page.training):
        if table is not None and table.rows:
            yield from _table(table)
    yield from ("", "## What this does not show", "")
    for limit in page.limits:
        yield f"- {_escape(limit.title)}: {_escape(limit.text)}"
    for note in page.notes:
        yield f"- {_escape(note)}"
    yield from ("", f"Versions: {_escape(page.versions)}. Claims: sha256 {_escape(page.claims_sha256)}.")


def _table(table: Table) -> Iterator[str]:
    yield from ("", f"**{_escape(table.caption)}**", "")
    yield f"| | {' | '.join(_escape(head) for head in table.heads)} |"
    yield f"| --- |{' ---: |' * len(table.heads)}"
    for title, cells in table.rows:
        yield f"| {_escape(title)} | {' | '.join(_cell(cell) for cell in cells)} |"


def _cell(cell: Cell) -> str:
    text = _escape(cell.text)
    text = f"**{text}**" if cell.strong else text
    return f"{text} ({_escape(cell.small)})" if cell.small else text


def _escape(text: str) -> str:
    return _MARKUP.sub(r"\\\1", " ".join(make_visible(text).split()))
