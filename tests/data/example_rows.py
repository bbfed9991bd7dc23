"""docs/data/TECHNIQUE.md: ten rows of each technique as the grammar teacher makes them.

Write the pages anew with `python -m tests.data.example_rows`; a test holds them to the code.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from teachwhy.config import TechniqueConfig
from teachwhy.constitution import load_constitution
from teachwhy.records import Example
from teachwhy.teachers.sprig import SprigTeacher
from teachwhy.techniques import TECHNIQUES, generate

PAGES = Path(__file__).parents[2] / "docs" / "data"
NUM_ROWS = 10
SEED = 0
FENCE = "~~~~"


def make_page(name: str) -> str:
    """The page of a technique."""
    technique = TECHNIQUES[name]
    constitution = load_constitution(dialect="sprig")
    made = generate(name, SprigTeacher(), constitution, TechniqueConfig(num_examples=NUM_ROWS), SEED)
    lines = [
        f"# {name}\n",
        f"{technique.role.capitalize()}: {technique.summary}.\n",
        f"The first {NUM_ROWS} rows of `teachwhy generate {name}`, as they are: the grammar of sprig writes "
        "them, in the plain English of that small model. A language model writes the same kind of row in "
        "full English, through the same stages.\n",
    ]
    for row in made.examples:
        lines += show_row(row)
    return "\n".join(lines).rstrip("\n") + "\n"


def show_row(row: Example) -> Iterator[str]:
    """A row: what it rests on, then its text or its turns."""
    about = [f"sections: {', '.join(row.sections)}"] if row.sections else []
    about += [f"families: {', '.join(row.families)}"] if row.families else []
    about += [f"score {row.score:g}"] if row.score is not None else []
    yield f"## {row.id}\n"
    if about:
        yield f"{'; '.join(about)}\n"
    if row.text:
        yield f"{FENCE}\n{row.text}\n{FENCE}\n"
        return
    yield FENCE
    for tool in row.tools:
        yield f"tool {tool.name}({', '.join(tool.parameters.get('properties', {}))}): {tool.description}"
    for message in row.messages:
        yield f"{message.role}: {message.content}".rstrip()
        for call in message.tool_calls:
            yield f"  -> {call.name}({json.dumps(call.arguments, ensure_ascii=False)})"
    yield f"{FENCE}\n"


def main() -> None:
    """Write all pages."""
    PAGES.mkdir(exist_ok=True)
    for name in TECHNIQUES:
        (PAGES / f"{name}.md").write_text(make_page(name), encoding="utf-8")


if __name__ == "__main__":
    main()
