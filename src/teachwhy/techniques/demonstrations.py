"""Honeypots with the right act: the baseline that every technique is compared with.

The only lineage in which the model is the tempted agent, so only home families may appear. `with_reasons`
samples the answers under a value-eliciting system prompt that is removed before training; `inoculated`
keeps the plain answers and puts an anti-aligned system prompt in front of them at train time. What a judge,
or the rules of the honeypot's world, find against a demonstration makes it a rejected row. Source:
*Teaching Claude Why*, sections on honeypot transcripts and injections.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from teachwhy.records import Example, Message
from teachwhy.teachers.protocol import Honeypot, InjectionName, Stage
from teachwhy.techniques.drafts import name_draft
from teachwhy.techniques.pipeline import Lineage, RefusedRowError, Task


@dataclass(frozen=True)
class HoneypotDraft:
    """A honeypot and the plain demonstration in it."""

    honeypot: Honeypot
    turns: tuple[Message, ...]

    @property
    def parents(self) -> tuple[str, ...]:
        """Ids of both."""
        return self.honeypot.id, name_draft("demonstrate", self.turns, (self.honeypot, ""))


async def _draft_demonstration(task: Task) -> HoneypotDraft:
    honeypot = await task.make(task.teacher.honeypot, task.family, task.seed)
    return HoneypotDraft(honeypot, await task.make(task.teacher.demonstrate, honeypot, ""))


async def render_plain(task: Task, draft: HoneypotDraft, options: Mapping[str, str]) -> Example:
    """The answers as they were sampled without any injection."""
    row = _make_row(task, draft.honeypot, draft.honeypot.system, draft.turns, "demonstrate", "judge")
    row = row.model_copy(update={"parents": draft.parents})
    return await _judge(task, draft.honeypot, draft.turns, row)


async def render_with_reasons(task: Task, draft: HoneypotDraft, options: Mapping[str, str]) -> Example:
    """Answers sampled under the injection; the row has the honeypot's own system prompt, without it."""
    name = cast("InjectionName", options["injection"])
    injection = await task.make(task.teacher.injection, draft.honeypot, name)
    turns = await task.make(task.teacher.demonstrate, draft.honeypot, injection)
    honeypot = draft.honeypot
    row = _make_row(task, honeypot, honeypot.system, turns, "injection", "demonstrate", "judge")
    sampled = name_draft("demonstrate", turns, (honeypot, injection))
    parents = (honeypot.id, name_draft("injection", injection, (honeypot, name)), sampled)
    row = row.model_copy(update={"parents": parents})
    return await _judge(task, honeypot, turns, row)


async def render_inoculated(task: Task, draft: HoneypotDraft, options: Mapping[str, str]) -> Example:
    """The plain answers behind an anti-aligned system prompt, which stands before the honeypot's own."""
    inoculation = await task.make(task.teacher.inoculation, draft.honeypot)
    gap = "\n\n" if "\n" in draft.honeypot.system else " "
    system = f"{inoculation}{gap}{draft.honeypot.system}".strip()
    row = _make_row(task, draft.honeypot, system, draft.turns, "demonstrate", "judge", "inoculation")
    return row.model_copy(update={"parents": draft.parents})


async def _judge(task: Task, honeypot: Honeypot, turns: tuple[Message, ...], row: Example) -> Example:
    """The row, if nothing speaks against its turns. Raises RefusedRowError."""
    judged = await task.make(task.teacher.judge, honeypot, turns)
    if judged.refusal:
        raise RefusedRowError(judged.refusal, row)
    return row.model_copy(update={"parents": (*row.parents, judged.id)})


def _make_row(
    task: Task, honeypot: Honeypot, system: str, turns: tuple[Message, ...], *stages: Stage
) -> Example:
    opening = (Message(role="system", content=system),) if system else ()
    families = (honeypot.family,) if honeypot.family else ()
    return Example(
        id=task.id,
        technique=task.lineage,
        kind="chat",
        messages=(*opening, Message(role="user", content=honeypot.user), *turns),
        tools=honeypot.tools,
        families=families,
        agent_families=families,
        parents=(honeypot.id,),
        teacher=task.teacher.name,
        stages=task.stages("honeypot", *stages),
    )


DEMONSTRATIONS = Lineage("demonstrations", _draft_demonstration, render_plain, splits=("home",))
