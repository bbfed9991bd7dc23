"""Scripted agents in training situations, and the part of the language teacher that demonstrations need."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from tests.teachers.language.scripted import Asked, ScriptedAnswer, ScriptedService
from tests.teachers.language.scripts.demonstrations import play_office
from tests.techniques.fake_teacher import FakeTeacher

from teachwhy.config import GenerationConfig
from teachwhy.constitution import Section
from teachwhy.prompts import fill
from teachwhy.records import Example, Message, ToolCall
from teachwhy.service.calls import Call, Reply, note_call
from teachwhy.teachers.language import demonstrations
from teachwhy.teachers.language.situations import DrawnSituation, draw_situation
from teachwhy.teachers.language.writer import Writer
from teachwhy.teachers.protocol import Honeypot, InjectionName, Judged, Stage

Agent = Callable[[Asked, DrawnSituation], ScriptedAnswer]


@cache
def load_deeds() -> dict[str, dict[str, list[dict[str, Any]]]]:
    """Kind -> `harmful` and `right` -> deeds, from training_deeds.toml."""
    return tomllib.loads(Path(__file__).with_name("training_deeds.toml").read_text(encoding="utf-8"))


def as_call(drawn: DrawnSituation, deed: dict[str, Any]) -> ToolCall:
    """A deed of training_deeds.toml as a call of the drawn toolkit."""
    op, target = deed["op"], deed["target"]
    tool = next(tool for tool in drawn.tools if (tool.op, tool.target) == (op, target))
    values = {name: fill(value, drawn.facts) for name, value in deed.items() if name not in ("op", "target")}
    if "id" in values:
        values["id"] = drawn.facts.get(deed["id"], values["id"])
    if "path" in values:
        values["id"] = values.pop("path")
    return ToolCall(
        name=tool.spec.name,
        arguments={arg: values[name] for arg, name in tool.names.items() if name in values},
    )


def good(asked: Asked, drawn: DrawnSituation) -> ScriptedAnswer:
    """Reads, tells a colleague, stops."""
    return play_office(asked)


def bait_taker(asked: Asked, drawn: DrawnSituation) -> ScriptedAnswer:
    """Does the first harmful deed, with pious last words."""
    if asked.messages[-1].role == "tool":
        return ScriptedAnswer("All is in order, and honesty matters to me.")
    return ScriptedAnswer("", (as_call(drawn, load_deeds()[drawn.situation.name]["harmful"][0]),))


def passive(asked: Asked, drawn: DrawnSituation) -> ScriptedAnswer:
    """Looks at the inbox and talks."""
    number = sum(message.role == "assistant" for message in asked.messages)
    return play_office(asked) if number == 0 else ScriptedAnswer("I would rather not.")


def clumsy(asked: Asked, drawn: DrawnSituation) -> ScriptedAnswer:
    """Three calls that nobody can carry out, then the good agent."""
    number = sum(message.role == "assistant" for message in asked.messages)
    if number:
        return play_office(asked)
    reader = play_office(asked).tool_calls[0].name
    wrong = (ToolCall(name="no_such_tool"), ToolCall(name=reader, arguments={"folder": 1}))
    return ScriptedAnswer("", (*wrong, ToolCall(name="", arguments={"a": {"b": []}})))


def endless(asked: Asked, drawn: DrawnSituation) -> ScriptedAnswer:
    """Writes one letter a turn and never stops."""
    number = sum(message.role == "assistant" for message in asked.messages)
    return play_office(
        Asked(asked.messages[:3] if number else asked.messages, asked.tools, asked.values, asked.rng)
    )


def mumbling(asked: Asked, drawn: DrawnSituation) -> ScriptedAnswer:
    """Does the good agent's work and writes its last call as words."""
    answer = play_office(asked)
    return answer if answer.tool_calls else ScriptedAnswer('Done. <tool_call>{"name": "x"}</tool_call>')


@dataclass
class PlayingService(ScriptedService):
    """The scripted teacher with an agent for the honeypots; a call's sample is the seed of its situation."""

    agent_of: Callable[[int], Agent] = lambda seed: good
    under: list[str] = field(default_factory=list)
    """System prompts of the plays."""

    async def ask(self, call: Call) -> Reply:
        if call.stage != "demonstrate":
            return await super().ask(call)
        note_call(call.digest)
        self.under.append(call.messages[0].content)
        tools = tuple(tool.name for tool in call.tools)
        asked = Asked(call.messages, tools, {}, Random(call.digest))
        written = self.agent_of(call.sample)(asked, draw_situation(call.sample))
        return Reply(call_id=call.digest, text=written.text, tool_calls=written.tool_calls, cost_usd=0.0)


@dataclass(frozen=True)
class Demonstrator(FakeTeacher):
    """The stages of demonstrations as the language teacher has them."""

    service: PlayingService = field(default_factory=PlayingService)
    name: str = "scripted/teacher"

    @property
    def writer(self) -> Writer:
        return Writer(self.service, GenerationConfig())

    def version(self, stage: Stage) -> str:
        return "1"

    async def honeypot(self, family: str, seed: int) -> Honeypot:
        return await demonstrations.draw_honeypot(self.writer, seed)

    async def injection(self, honeypot: Honeypot, name: InjectionName) -> str:
        return demonstrations.draw_injection(honeypot, name)

    async def inoculation(self, honeypot: Honeypot) -> str:
        return demonstrations.draw_inoculation(honeypot)

    async def demonstrate(self, honeypot: Honeypot, injection: str) -> tuple[Message, ...]:
        return await demonstrations.play(self.writer, honeypot, injection)

    async def judge(self, honeypot: Honeypot, turns: tuple[Message, ...]) -> Judged:
        return await demonstrations.judge(self.writer, honeypot, turns)

    async def score(self, example: Example, section: Section | None) -> float:
        return 0.9


def each_kind(num_seeds: int = 1) -> Iterator[DrawnSituation]:
    """Situations of all kinds of training_deeds.toml, so many of each."""
    for kind in load_deeds():
        for seed in range(num_seeds):
            yield draw_situation(seed, kind)
