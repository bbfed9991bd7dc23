"""A scripted language teacher: recognises which prompt file a request was rendered from, and answers it.

`scripts/*.py` each have a table SCRIPTS: prompt name -> function of what was asked, with the values in the
placeholders and a random generator, which returns the answer. A conversation that no prompt file fits is a
plain sample, which the script named "" answers. Equal requests with equal samples get equal answers, whoever
asks and however often.
"""

from __future__ import annotations

import hashlib
import importlib
import pkgutil
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from random import Random
from typing import NamedTuple, TypeVar

from tests.teachers.language import scripts

from teachwhy.errors import TeacherError
from teachwhy.records import Message, ToolCall
from teachwhy.service.calls import Call, Reply, Role, UnreadableReplyError, note_call
from teachwhy.teachers.language.prompt_files import list_prompts, load_prompt

Value = TypeVar("Value")


class ScriptedAnswer(NamedTuple):
    """What the model writes."""

    text: str
    tool_calls: tuple[ToolCall, ...] = ()


class Asked(NamedTuple):
    """A request as a script gets to see it."""

    messages: tuple[Message, ...]
    tools: tuple[str, ...]
    """Names of the tools at hand."""
    values: Mapping[str, str]
    """Placeholder of the prompt file -> what stood in it."""
    rng: Random


Script = Callable[[Asked], str | ScriptedAnswer]


@cache
def load_scripts() -> dict[str, Script]:
    """All scripts by the prompt that they answer."""
    found: dict[str, Script] = {}
    for module in pkgutil.iter_modules(scripts.__path__):
        table = importlib.import_module(f"{scripts.__name__}.{module.name}").SCRIPTS
        assert found.keys().isdisjoint(table), f"{module.name}: a prompt has two scripts"
        found |= table
    return found


def answer(messages: Sequence[Message], tools: Iterable[str], sample: int) -> ScriptedAnswer:
    """The answer to a request."""
    name, values = recognise(tuple(messages))
    told = "\0".join(f"{message.role} {message.content}" for message in messages)
    rng = Random(hashlib.sha256(f"{sample}\0{told}".encode("utf-8", "surrogatepass")).digest())
    written = load_scripts()[name](Asked(tuple(messages), tuple(tools), values, rng))
    return written if isinstance(written, ScriptedAnswer) else ScriptedAnswer(written)


def recognise(messages: tuple[Message, ...]) -> tuple[str, dict[str, str]]:
    """The prompt file that a request was rendered from, and the values in it; "" for a plain conversation."""
    if [message.role for message in messages] != ["system", "user"]:
        return "", {}
    fitting = []
    for name, (system, user) in _patterns().items():
        parts = system.fullmatch(messages[0].content), user.fullmatch(messages[1].content)
        if all(parts):
            found = {k: v for part in parts for k, v in part.groupdict().items()}  # type: ignore[union-attr]
            fitting.append((name, {k: v for k, v in found.items() if not k.startswith("shared_")}))
    assert len(fitting) < 2, f"a request fits several prompts: {[name for name, _ in fitting]}"
    return fitting[0] if fitting else ("", {})


def as_golden(call: Call) -> str:
    """The messages of a call as they stand in a golden file."""
    return "".join(f"[{message.role}]\n{message.content}\n\n" for message in call.messages)


@cache
def _patterns() -> dict[str, tuple[re.Pattern[str], re.Pattern[str]]]:
    prompts = {name: load_prompt(name) for name in list_prompts()}
    return {name: (_pattern(prompt.system), _pattern(prompt.user)) for name, prompt in prompts.items()}


def _pattern(template: str) -> re.Pattern[str]:
    seen: Counter[str] = Counter()

    def group(match: re.Match[str]) -> str:
        seen[match[1]] += 1
        return f"(?P<{match[1]}>.*?)" if seen[match[1]] == 1 else ".*?"

    return re.compile(re.sub(r"\\\{([a-z_]+)\\\}", group, re.escape(template)), re.DOTALL)


@dataclass
class ScriptedService:
    """The scripted teacher as a service in this process; answers are kept, calls counted."""

    spoiled: Mapping[str, int] = field(default_factory=dict)
    """Stage -> how many of its first samples are cut short and so unreadable."""
    asked: Counter[str] = field(default_factory=Counter)
    """Calls by digest."""
    stages: Counter[str] = field(default_factory=Counter)
    calls: list[Call] = field(default_factory=list)
    """Different calls, in order."""

    def model_of(self, role: Role) -> str:
        return f"scripted/{role}"

    async def ask(self, call: Call) -> Reply:
        note_call(call.digest)
        if not self.asked[call.digest]:
            self.calls.append(call)
            self.stages[call.stage] += 1
        self.asked[call.digest] += 1
        written = answer(call.messages, [tool.name for tool in call.tools], call.sample)
        return Reply(call_id=call.digest, text=written.text, tool_calls=written.tool_calls, cost_usd=0.0)

    async def ask_until(self, call: Call, read: Callable[[Reply], Value], attempts: int = 3) -> Value:
        reasons = []
        for attempt in range(attempts):
            reply = await self.ask(call.model_copy(update={"sample": call.sample + attempt}))
            if attempt < self.spoiled.get(call.stage, 0):
                reply = reply.model_copy(update={"text": reply.text[: len(reply.text) // 2]})
            try:
                return read(reply)
            except UnreadableReplyError as error:
                reasons.append(str(error))
        raise TeacherError(f"stage {call.stage}: no usable answer: {'; '.join(reasons)}")
