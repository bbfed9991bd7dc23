"""Chat rows: advice, craft deliberation, benign conversations; harmlessness is in environments.py.

Three lineages run the same stages (principle, prompt type, scenario, prompt, first answers, review, prompt
rewrite, answer, answer rewrite) on different kinds of scenario. In none of them is the model an agent under
temptation: the dilemma is the user's, the harm is what the user asks for, and the tools of an environment
are of no use. Sources: *Teaching Claude Why*, sections on advice and on environments; the craft control from
the replications listed in docs/glossary.md under "craft deliberation".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from teachwhy.records import Example, Message
from teachwhy.teachers.protocol import (
    Answer,
    Conversation,
    Prompt,
    Review,
    Scenario,
    ScenarioKind,
    Stage,
)
from teachwhy.techniques.pipeline import Lineage, Renderer, Task

_CHAT_STAGES: tuple[Stage, ...] = (
    *("scenario", "prompt", "first_answers", "review", "rewrite_prompt"),
    *("answer", "rewrite_answer"),
)
_ABOUT_A_FAMILY = ("home", "near")


@dataclass(frozen=True)
class ChatDraft:
    """A finished chain of stages on one scenario, with what each stage made."""

    scenario: Scenario
    first_prompt: Prompt
    review: Review
    prompt: Prompt
    first_answer: Answer
    answer: Answer

    @property
    def section_id(self) -> str:
        """The section that the scenario's principle comes from; empty for craft."""
        return self.scenario.principle.section_id if self.scenario.principle else ""


async def draft_chat(task: Task, kind: ScenarioKind) -> ChatDraft:
    """All stages of a chat row on one scenario."""
    teacher = task.teacher
    prompt_type = section = None
    if task.family:
        rng = task.rng()
        principles = await task.make(teacher.principles, task.constitution, task.family)
        principle = rng.choice(principles)
        prompt_type = rng.choice(await task.make(teacher.prompt_types, principle))
        section = task.constitution.section(principle.section_id)
    scenario = await task.make(teacher.scenario, kind, prompt_type, task.family, task.seed)
    first_prompt = await task.make(teacher.prompt, scenario)
    answers = await task.make(teacher.first_answers, first_prompt)
    review = await task.make(teacher.review, first_prompt, answers, await task.patterns())
    prompt = await task.make(teacher.rewrite_prompt, first_prompt, review)
    first_answer = await task.make(teacher.answer, prompt, section)
    answer = await task.make(teacher.rewrite_answer, prompt, first_answer, section)
    return ChatDraft(scenario, first_prompt, review, prompt, first_answer, answer)


async def _draft_advice(task: Task) -> ChatDraft:
    return await draft_chat(task, "dilemma")


async def _draft_craft(task: Task) -> ChatDraft:
    return await draft_chat(task, "craft")


async def _draft_benign(task: Task) -> Conversation:
    return await task.make(task.teacher.benign, task.seed)


def _make_row(
    task: Task, draft: ChatDraft, prompt: Prompt, answers: tuple[Answer, ...], *removed: Stage
) -> Example:
    """A chat row with the last of `answers`, which came one from another; `removed` stages made no part of
    it."""
    with_principle = draft.scenario.principle is not None
    names: list[Stage] = [*(("principles", "prompt_types") if with_principle else ()), *_CHAT_STAGES]
    principle = (draft.scenario.principle,) if draft.scenario.principle else ()
    prompts = (draft.first_prompt,) if prompt == draft.first_prompt else (draft.first_prompt, prompt)
    chain = (*principle, draft.scenario, *prompts, *answers)
    system = (Message(role="system", content=prompt.system),) if prompt.system else ()
    return Example(
        id=task.id,
        technique=task.lineage,
        kind="chat",
        messages=(
            *system,
            Message(role="user", content=prompt.user),
            Message(role="assistant", content=answers[-1].text),
        ),
        families=(task.family,) if task.family else (),
        sections=(draft.section_id,) if draft.section_id else (),
        parents=tuple(part.id for part in chain),
        teacher=task.teacher.name,
        stages=task.stages(*(name for name in names if name not in removed)),
    )


async def render_answer(task: Task, draft: ChatDraft, options: Mapping[str, str]) -> Example:
    """The full chain: rewritten prompt, rewritten answer."""
    return _make_row(task, draft, draft.prompt, (draft.first_answer, draft.answer))


async def render_without_rewrite(task: Task, draft: ChatDraft, options: Mapping[str, str]) -> Example:
    """The same prompt with the first answer."""
    return _make_row(task, draft, draft.prompt, (draft.first_answer,), "rewrite_answer")


async def render_without_prompt_rewrite(task: Task, draft: ChatDraft, options: Mapping[str, str]) -> Example:
    """The first prompt, answered and rewritten as the full chain is."""
    teacher = task.teacher
    section = task.constitution.section(draft.section_id) if draft.section_id else None
    first_answer = await task.make(teacher.answer, draft.first_prompt, section)
    answer = await task.make(teacher.rewrite_answer, draft.first_prompt, first_answer, section)
    removed: tuple[Stage, ...] = ("first_answers", "review", "rewrite_prompt")
    return _make_row(task, draft, draft.first_prompt, (first_answer, answer), *removed)


async def render_without_reasons(task: Task, draft: ChatDraft, options: Mapping[str, str]) -> Example:
    """The same prompt and decision with the reasons taken out of the final answer."""
    bare = await task.make(task.teacher.strip_reasons, draft.prompt, draft.answer)
    row = _make_row(task, draft, draft.prompt, (draft.first_answer, draft.answer, bare))
    return row.model_copy(update={"stages": {**row.stages, **task.stages("strip_reasons")}})


async def render_benign(task: Task, draft: Conversation, options: Mapping[str, str]) -> Example:
    """The conversation as it is."""
    return Example(
        id=task.id,
        technique=task.lineage,
        kind="chat",
        messages=draft.messages,
        tools=draft.tools,
        parents=(draft.id,),
        teacher=task.teacher.name,
        stages=task.stages("benign"),
    )


def _section_of(draft: ChatDraft) -> str:
    return draft.section_id


_RENDER_CHAT: Renderer[ChatDraft] = render_answer
ADVICE = Lineage("advice", _draft_advice, _RENDER_CHAT, _section_of, _ABOUT_A_FAMILY)
CRAFT = Lineage("craft", _draft_craft, _RENDER_CHAT, _section_of)
BENIGN = Lineage("benign", _draft_benign, render_benign)
