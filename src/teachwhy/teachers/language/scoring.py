"""The judge's grade of a row, by a rubric for its kind and against the section it rests on.

The judge is another model than the writer (role "judge"). The grade is a whole number from 0 to 10; texts
under judgement are hostile and stand between tags.
"""

from __future__ import annotations

from teachwhy.constitution import Section
from teachwhy.records import Example
from teachwhy.teachers.language.reading import read_grade
from teachwhy.teachers.language.turns import show_turns
from teachwhy.teachers.language.writer import Asking, Writer
from teachwhy.teachers.protocol import Stage

HIGHEST_GRADE = 10
_WITH_SECTION = {
    "harmlessness": "score_harm_request",
    "environments": "score_harm_request",
    "refusals": "score_harm_request",
    "fiction": "score_story",
    "documents": "score_document",
    "documents_as_chat": "score_document",
}
"""Techniques and lineages whose rows have a rubric of their own; others with a section are graded as
advice, or as a document, and those with demonstrations in their name as such."""
_WITHOUT_SECTION = {"craft": "score_craft", "craft_deliberation": "score_craft"}
PROMPTS: dict[Stage, tuple[str, ...]] = {
    "score": (
        *("score_advice", "score_harm_request", "score_craft", "score_benign"),
        *("score_demonstration", "score_document", "score_story", "score_neutral"),
    )
}


async def score_example(writer: Writer, example: Example, section: Section | None) -> float:
    """The grade, 0 to 1, by the rubric of the row's kind."""
    values = {"row": show_row(example)}
    if section is not None:
        values["section"] = section.as_text()
    asking = Asking("score", role="judge", parents=example.parents)
    return await writer.write(
        asking,
        choose_rubric(example, section),
        values,
        lambda reply: read_grade(reply, "grade", HIGHEST_GRADE),
    )


def choose_rubric(example: Example, section: Section | None) -> str:
    """The prompt file that a row is graded by."""
    if "demonstrations" in example.technique:
        return "score_demonstration"
    is_document = example.kind == "document"
    if section is None:
        return "score_neutral" if is_document else _WITHOUT_SECTION.get(example.technique, "score_benign")
    return _WITH_SECTION.get(example.technique, "score_document" if is_document else "score_advice")


def show_row(example: Example) -> str:
    """All that the student would read of a row, and the tools at its hand."""
    if example.kind == "document":
        return f"<document>\n{example.text}\n</document>"
    names = ", ".join(tool.name for tool in example.tools)
    parts = [f"<tools>\n{names}\n</tools>"] if names else []
    return "\n\n".join([*parts, show_turns(example.messages)])
