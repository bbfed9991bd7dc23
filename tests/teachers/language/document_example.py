"""One document and one story through all layers with answers written by hand: docs/generation/
documents-example.md, and the golden renderings of the prompts of documents and stories.

`python -m tests.teachers.language.document_example` writes both; test_document_example.py compares them.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import anyio
from tests.teachers.language.advice_example import GOLDEN, load_example_constitution
from tests.teachers.language.scripted import ScriptedService, as_golden, recognise
from tests.teachers.language.whole_teacher import DOCUMENT_PROMPTS as PROMPTS
from tests.teachers.language.whole_teacher import make_teacher

from teachwhy.config import TechniqueConfig
from teachwhy.records import Example
from teachwhy.service.calls import Call, Reply, note_call
from teachwhy.techniques.pipeline import Workshop
from teachwhy.techniques.registry import make_rows

HERE = Path(__file__).parent
PAGE = HERE.parents[2] / "docs" / "generation" / "documents-example.md"
NAMES = tuple(sorted({name for names in PROMPTS.values() for name in names}))
SEED = 4
PLAYED = ("documents", "documents_as_chat", "fiction")
_FENCE = "~~~~"
_AGAIN = {"document_kinds": ("", "_2", "_3", "_4")}
"""Prompt file that is asked several times -> what the names of its answers end with, in order."""


@dataclass
class ItemService(ScriptedService):
    """Answers with what was written for the two items."""

    item: Mapping[str, str] = field(default_factory=lambda: load_item())
    answered: dict[str, tuple[Call, str, str]] = field(default_factory=dict)
    """Digest -> call, prompt file and answer, in order."""

    async def ask(self, call: Call) -> Reply:
        note_call(call.digest)
        if call.digest not in self.answered:
            name, _ = recognise(call.messages)
            num_before = sum(asked == name for _, asked, _ in self.answered.values())
            key = name + _AGAIN.get(name, ("",))[num_before]
            self.answered[call.digest] = (call, name, self.item[key].strip())
        return Reply(call_id=call.digest, text=self.answered[call.digest][2])


def load_item() -> dict[str, str]:
    """Prompt file -> answer."""
    return tomllib.loads((HERE / "document_item.toml").read_text(encoding="utf-8"))


def play_item() -> tuple[ItemService, dict[str, Example]]:
    """The rows by technique, and all that was asked for them."""
    service = ItemService()
    workshop = Workshop(make_teacher(service), load_example_constitution())
    config = TechniqueConfig(num_examples=1)
    rows = {name: anyio.run(make_rows, name, workshop, config, SEED).examples[0] for name in PLAYED}
    return service, rows


def render_page() -> str:
    """The page."""
    service, rows = play_item()
    parts = [_INTRODUCTION.format(num_calls=len(service.answered), seed=SEED)]
    seen: set[str] = set()
    for number, (call, name, text) in enumerate(service.answered.values(), 1):
        parts.append(f"## {number}. {call.stage.replace('_', ' ')} ({call.role}, `{name}.md`)")
        system, user = call.messages
        if system.content in seen:
            parts.append("system: the same as above, word for word, so that a provider's cache has it")
        else:
            parts.append(f"system\n\n{_block(system.content)}")
        seen.add(system.content)
        parts.append(f"user\n\n{_block(user.content)}")
        parts.append(f"answer\n\n{_block(text)}")
    parts.append("## What the student reads")
    parts.append("The row of `documents`:")
    parts.append(_block(rows["documents"].text))
    parts.append("The row with the same id in `documents_as_chat`:")
    turns = rows["documents_as_chat"].messages
    parts.append(_block("\n\n".join(f"[{turn.role}]\n{turn.content}" for turn in turns)))
    parts.append("The row of `fiction`:")
    parts.append(_block(rows["fiction"].text))
    return "\n\n".join(parts) + "\n"


def collect_goldens() -> dict[str, str]:
    """Prompt file -> its first rendering in a fixed run."""
    service = ScriptedService()
    workshop = Workshop(make_teacher(service), load_example_constitution())
    for name in (*PLAYED, "neutral_documents"):
        anyio.run(make_rows, name, workshop, TechniqueConfig(num_examples=3), 1)
    goldens: dict[str, str] = {}
    for call in service.calls:
        name, _ = recognise(call.messages)
        if name in NAMES:
            goldens.setdefault(name, as_golden(call))
    return goldens


def _block(text: str) -> str:
    return f"{_FENCE}text\n{text}\n{_FENCE}"


_INTRODUCTION = """# One document and one story through all layers

What a language model is asked for one row of `documents`, its twin in `documents_as_chat` and one row of
`fiction`, complete and in order, so that the prompts can be judged without paying for anything. **The
answers are scripted: they were written by hand, not by a model.** They show what each stage hands on, not
how well any model does it; each list has four fifths of what is asked for, and two of the three drafts of
each context, which become rows of their own in a real run, are shortened and say so. The constitution is a
short one of five sections; a real run has the configured one in its place. All that varies (leanings,
slots, orders, names, the manner of the question) was drawn by the code, for seed {seed}.

There are {num_calls} calls. Those for kinds are asked once for all rows, those for subtypes once a kind,
those for drafts once for three rows. The twin adds the question, and keeps the grade.

Made by `python -m tests.teachers.language.document_example`; a test keeps it true."""


def main() -> None:
    """Write the page and the golden files."""
    PAGE.write_text(render_page(), encoding="utf-8")
    for name, text in collect_goldens().items():
        (GOLDEN / f"{name}.txt").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
