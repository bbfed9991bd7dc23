"""One training situation through play, injection and judge with turns written by hand:
docs/generation/demonstrations-example.md, and the golden rendering of the judge's prompt.

`python -m tests.teachers.language.demonstrations_example` writes both; test_demonstrations.py compares them.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
from tests.teachers.language.playing import Demonstrator, PlayingService, as_call
from tests.teachers.language.scripted import as_golden
from tests.techniques.fake_teacher import CONSTITUTION

from teachwhy.config import TechniqueConfig
from teachwhy.prompts import fill
from teachwhy.records import Example, Message
from teachwhy.service.calls import Call, Reply, note_call
from teachwhy.teachers.language import demonstrations
from teachwhy.teachers.language.demonstrations import describe_call
from teachwhy.teachers.language.situations import DrawnSituation, draw_situation
from teachwhy.techniques import Workshop, make_rows

HERE = Path(__file__).parent
PAGE = HERE.parents[2] / "docs" / "generation" / "demonstrations-example.md"
GOLDEN = HERE.parents[1] / "golden" / "prompts" / "demonstrations_judge.txt"
SEED = 52
INJECTION = "conglomerate"
_FENCE = "~~~~"


def load_item() -> dict[str, Any]:
    """Turns and judgements."""
    return tomllib.loads((HERE / "demonstrations_item.toml").read_text(encoding="utf-8"))


@dataclass
class ItemService(PlayingService):
    """Plays the turns of the item: those with reasons under the injection, the plain ones without."""

    asked_for: list[tuple[Call, str]] = field(default_factory=list)
    """Each different call with its answer, in order."""

    async def ask(self, call: Call) -> Reply:
        note_call(call.digest)
        if call.stage == "judge":
            first = load_item()["reasons"][0]["text"]
            which = "reasons" if first in call.messages[1].content else "plain"
            reply = Reply(call_id=call.digest, text=_judgement(load_item()["judge"][which]))
        else:
            reply = self._play(call)
        if call.digest not in [asked.digest for asked, _ in self.asked_for]:
            words = [reply.text, *map(describe_call, reply.tool_calls)]
            self.asked_for.append((call, "\n".join(filter(None, words))))
        return reply

    def _play(self, call: Call) -> Reply:
        drawn = draw_situation(call.sample)
        is_under = call.messages[0].content.startswith(demonstrations.read_injection(INJECTION))
        number = sum(message.role == "assistant" for message in call.messages)
        turn = load_item()["reasons" if is_under else "plain"][number]
        calls = tuple(as_call(drawn, deed) for deed in turn["calls"])
        text = fill(turn["text"], drawn.facts)
        return Reply(call_id=call.digest, text=text, tool_calls=calls)


def _judgement(reason: str) -> str:
    return f"<reason>{reason}</reason>\n<bait>no</bait>\n<done>yes</done>\n<honest>yes</honest>"


def play_item() -> tuple[ItemService, Example, Example, Example]:
    """Rows of the three techniques, and all that was asked for them."""
    service = ItemService()
    workshop = Workshop(Demonstrator(service=service), CONSTITUTION)
    options = {"injection": INJECTION}
    rows = [
        anyio.run(make_rows, name, workshop, TechniqueConfig(num_examples=1, options=given), SEED).examples[0]
        for name, given in (
            ("demonstrations_with_reasons", options),
            ("demonstrations", {}),
            ("inoculated_demonstrations", {}),
        )
    ]
    return service, rows[0], rows[1], rows[2]


def render_page() -> str:
    """The page."""
    service, reasoned, plain, inoculated = play_item()
    drawn = draw_situation(next(call.sample for call, _ in service.asked_for if call.stage == "demonstrate"))
    parts = [_INTRODUCTION.format(title=drawn.situation.title.lower(), injection=INJECTION)]
    parts += ["## The situation", *_describe(drawn), "## What is asked, and answered"]
    shown: dict[str, int] = {}
    for number, (call, answer) in enumerate(service.asked_for, 1):
        parts += _show_call(number, call, answer, shown)
    parts += ["## The rows", "`demonstrations_with_reasons`: the injection is gone."]
    parts += [_show_row(reasoned), "`demonstrations`, same id and honeypot:", _show_row(plain)]
    parts += ["`inoculated_demonstrations`: the plain turns behind the ruthless prompt. Its system prompt:"]
    parts += [_block(inoculated.messages[0].content)]
    return "\n\n".join(parts) + "\n"


def _describe(drawn: DrawnSituation) -> Iterator[str]:
    yield (
        f"Kind `{drawn.situation.name}`; goal: {_yes(drawn.has_goal)}, threat: {_yes(drawn.has_threat)}, "
        f"somebody proposes the harm: {_yes(drawn.has_nudge)}. Bait: {drawn.bait} Tools:"
    )
    tools = [json.dumps(tool.spec.model_dump(), ensure_ascii=False) for tool in drawn.tools]
    yield _block("\n".join(tools))
    yield "Rules that find the bait taken, whatever the judge says:\n\n" + "\n".join(
        f"- `{bait.op}` in `{bait.target}`: {bait.why}" for bait in drawn.baits
    )


def _show_call(number: int, call: Call, answer: str, known: dict[str, int]) -> Iterator[str]:
    """The first call of a play in full, of its later ones what is new; `known` texts are shown once."""
    num_turns = sum(message.role == "assistant" for message in call.messages)
    what = "the judge" if call.stage == "judge" else f"turn {num_turns + 1}"
    yield f"### {number}. {call.stage}, {what} (role {call.role})"
    if num_turns:
        last = max(index for index, message in enumerate(call.messages) if message.role == "assistant")
        yield "The messages so far, that answer, and:"
    else:
        last = -1
    for message in call.messages[last + 1 :]:
        first = known.setdefault(message.content, number)
        text = _block(message.content) if first == number else f"(the same text as in {first})"
        yield f"{message.role}\n\n{text}"
    yield f"answer\n\n{_block(answer)}"


def _show_row(row: Example) -> str:
    head = f"id {row.id}, families {list(row.families)}, stages {', '.join(row.stages)}"
    return f"{head}\n\n{_block(chr(10).join(map(_show_message, row.messages)))}"


def _show_message(message: Message) -> str:
    words = [message.content, *map(describe_call, message.tool_calls)]
    return f"[{message.role}]\n" + "\n".join(filter(None, words)) + "\n"


def _yes(is_so: bool) -> str:
    return "yes" if is_so else "no"


def _block(text: str) -> str:
    return f"{_FENCE}text\n{text.strip()}\n{_FENCE}"


_INTRODUCTION = """# One demonstration, with and without reasons

What a language model is asked for one row of `demonstrations` and the row of `demonstrations_with_reasons`
with the same id, complete and in order, so that prompts and situations can be judged without paying for
anything. **The agent's turns and the judge's words were written by hand, not by a model.** All else is what
the code makes: the situation ({title}) was drawn by a seed, the results of the
calls come from its small world, the injection is `{injection}`. How situations are made:
[training-situations.md](training-situations.md).

Made by `python -m tests.teachers.language.demonstrations_example`; a test keeps it true."""


def render_golden() -> str:
    """The judge's prompt, as it is asked about the plain play."""
    return as_golden(next(call for call, _ in play_item()[0].asked_for if call.stage == "judge"))


def main() -> None:
    """Write the page and the golden file."""
    PAGE.write_text(render_page(), encoding="utf-8")
    GOLDEN.write_text(render_golden(), encoding="utf-8")


if __name__ == "__main__":
    main()
