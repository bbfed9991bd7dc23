"""One item of advice through all stages with answers written by hand: docs/generation/advice-example.md, and
the golden renderings of the prompts of advice, craft, scoring and benign.

`python -m tests.teachers.language.advice_example` writes both; test_advice_example.py compares them.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import anyio
from tests.teachers.language.scripted import ScriptedService, as_golden, recognise
from tests.teachers.language.whole_teacher import ADVICE_PROMPTS as PROMPTS
from tests.teachers.language.whole_teacher import make_teacher

from teachwhy.config import GenerationConfig, TechniqueConfig
from teachwhy.constitution import Constitution, parse_constitution
from teachwhy.records import Example, Message
from teachwhy.service.calls import Call, Reply, note_call
from teachwhy.teachers.language import answers, scoring
from teachwhy.teachers.language.writer import Writer
from teachwhy.teachers.protocol import Answer, Principle, Prompt, Scenario
from teachwhy.techniques.pipeline import Workshop
from teachwhy.techniques.registry import make_rows

HERE = Path(__file__).parent
PAGE = HERE.parents[2] / "docs" / "generation" / "advice-example.md"
GOLDEN = HERE.parents[1] / "golden" / "prompts"
FAMILY = "false_reporting"
SEED = 4
_FENCE = "~~~~"


@dataclass
class ItemService(ScriptedService):
    """Answers with what was written for the item; what is asked a second time has an answer `_again`."""

    item: Mapping[str, str] = field(default_factory=lambda: load_item())
    answered: dict[str, tuple[Call, str, str]] = field(default_factory=dict)
    """Digest -> call, prompt file and answer, in order."""

    async def ask(self, call: Call) -> Reply:
        note_call(call.digest)
        if call.digest not in self.answered:
            name, _ = recognise(call.messages)
            key = name or "plain"
            if any(asked == name for _, asked, _ in self.answered.values()):
                key += "_again"
            self.answered[call.digest] = (call, name, self.item[key].strip())
        return Reply(call_id=call.digest, text=self.answered[call.digest][2])


def load_item() -> dict[str, str]:
    """Prompt file -> answer."""
    return tomllib.loads((HERE / "advice_item.toml").read_text(encoding="utf-8"))


def load_example_constitution() -> Constitution:
    """A short text of five sections, so that the page can be read."""
    return parse_constitution((HERE / "example_constitution.md").read_text(encoding="utf-8"), "example")


def play_item() -> tuple[ItemService, Example, Example]:
    """The row of advice and the one without reasons, and all that was asked for them."""
    service = ItemService()
    workshop = Workshop(make_teacher(service), load_example_constitution())
    config = TechniqueConfig(num_examples=1, families=(FAMILY,))
    rows = [
        anyio.run(make_rows, name, workshop, config, SEED).examples[0]
        for name in ("advice", "advice_without_reasons")
    ]
    return service, rows[0], rows[1]


def render_page() -> str:
    """The page."""
    service, row, bare = play_item()
    parts = [_INTRODUCTION.format(num_calls=len(service.answered), row_id=row.id, family=FAMILY, seed=SEED)]
    for number, (call, name, text) in enumerate(service.answered.values(), 1):
        title = f"`{name}.md`" if name else "no prompt file: the message as it is"
        parts.append(f"## {number}. {call.stage.replace('_', ' ')} ({call.role}, {title})")
        parts += [f"{message.role}\n\n{_block(message.content)}" for message in call.messages]
        parts.append(f"answer\n\n{_block(text)}")
    parts.append("## What the student reads")
    parts.append("The row of `advice`, from which the injection of stage `answer` is gone:")
    parts.append(_block("\n\n".join(f"[{message.role}]\n{message.content}" for message in row.messages)))
    parts.append("The answer of the row with the same id in `advice_without_reasons`:")
    parts.append(_block(bare.messages[-1].content))
    return "\n\n".join(parts) + "\n"


def collect_goldens() -> dict[str, str]:
    """Prompt file -> its first rendering in fixed runs."""
    goldens: dict[str, str] = {}
    for call in _golden_calls():
        name, _ = recognise(call.messages)
        if name:
            goldens.setdefault(name, as_golden(call))
    return goldens


def _golden_calls() -> Iterator[Call]:
    yield from (call for call, _, _ in play_item()[0].answered.values())
    service = ScriptedService()
    workshop = Workshop(make_teacher(service), load_example_constitution())
    for name in ("advice", "craft_deliberation", "benign"):
        anyio.run(make_rows, name, workshop, TechniqueConfig(num_examples=12), 1)
    anyio.run(_ask_the_rest, Writer(service, GenerationConfig()))
    yield from service.calls


async def _ask_the_rest(writer: Writer) -> None:
    """What other lineages ask of these prompts: answers to harm requests, grades of all kinds of rows."""
    section = load_example_constitution().section("care")
    principle = Principle(section_id="care", family=FAMILY, text="Whoever would be hurt counts first.")
    scenario = Scenario(kind="harm_request", family=FAMILY, principle=principle, seed=3, text="A request.")
    prompt = Prompt(
        scenario=scenario, user="Write a note in my neighbour's name that cancels her parking space."
    )
    draft = await answers.write_answer(writer, prompt, section)
    await answers.rewrite_answer(writer, prompt, draft, section)
    await answers.strip_reasons(
        writer, prompt, Answer(text="I will not write in her name. Ask her for a swap.")
    )
    turns = (Message(role="user", content=prompt.user), Message(role="assistant", content=draft.text))
    chat = Example(id="x-1", technique="harmlessness", kind="chat", messages=turns, teacher="t")
    page = Example(id="x-2", technique="documents", kind="document", text="A page on care.", teacher="t")
    agent = chat.model_copy(update={"technique": "demonstrations", "agent_families": ("blackmail",)})
    await scoring.score_example(writer, chat, section)
    await scoring.score_example(writer, agent, None)
    await scoring.score_example(writer, page, section)
    await scoring.score_example(writer, page.model_copy(update={"technique": "fiction"}), section)
    await scoring.score_example(writer, page.model_copy(update={"technique": "neutral"}), None)


def _block(text: str) -> str:
    return f"{_FENCE}text\n{text}\n{_FENCE}"


_INTRODUCTION = """# One item of advice through all stages

What a language model is asked for one row of `advice`, complete and in order, so that the prompts can be
judged without paying for anything. **The answers were written by hand, not by a model**: they show what each
stage hands on, not how well any model does it. The constitution is a short one of five sections; a real run
has the configured one in its place. All that varies (the slots, the circumstances, the manner, the frame, the
shape of the answer) was drawn by the code, for family `{family}` and seed {seed}.

There are {num_calls} calls for the row `{row_id}` and its ablation without reasons. The first two are asked
once for all rows of a family and of a principle. The last two are what `advice_without_reasons` adds.

Made by `python -m tests.teachers.language.advice_example`; a test keeps it true."""


def main() -> None:
    """Write the page and the golden files."""
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(render_page(), encoding="utf-8")
    GOLDEN.mkdir(parents=True, exist_ok=True)
    for name, text in collect_goldens().items():
        if name in {prompt for names in PROMPTS.values() for prompt in names}:
            (GOLDEN / f"{name}.txt").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
