"""Harmlessness rows and their settings: `environments`, its prompts for RL, and the control `refusals`.

The user turn of a row is the source's, byte for byte, in every cell of the two factors (tools, system
prompts); the cells of a row share id, draws and answer. The prompts are those of a file, of the shipped set,
or of the grammar. Source: *Teaching Claude Why*, section on environments.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from teachwhy.environments import Cell, SourcePrompt, answer_row, augment, prompt_row
from teachwhy.records import Example, Message
from teachwhy.teachers.protocol import Principle, Prompt, Review, Scenario, Setting
from teachwhy.techniques.chat import ChatDraft, draft_chat, render_answer, render_without_reasons
from teachwhy.techniques.pipeline import Lineage, Renderer, Task

FACTOR, PROMPTS, SYSTEM = "factor", "prompts", "system_prompts"
OPTIONS: Mapping[str, tuple[str, ...]] = {
    FACTOR: ("both", "none", "tools", "system"),
    PROMPTS: (),
    SYSTEM: ("drawn", "written"),
}
"""`prompts`: a JSONL or text file; without it the teacher's own or the shipped ones. `system_prompts`: drawn
from the families, or written by the teacher; of the grammar they are always its own."""


@dataclass(frozen=True)
class Opening:
    """What stands before the answer: a source with its prompt, or a prompt of the grammar."""

    prompt: Prompt
    section_id: str


async def _draft_harm_request(task: Task) -> ChatDraft:
    if task.source is None:
        return await draft_chat(task, "harm_request")
    prompt = await _take_source(task, task.source)
    principle = prompt.scenario.principle
    section = task.constitution.section(principle.section_id) if principle else None
    first_answer = await task.make(task.teacher.answer, prompt, section)
    answer = await task.make(task.teacher.rewrite_answer, prompt, first_answer, section)
    return ChatDraft(prompt.scenario, prompt, Review(), prompt, first_answer, answer)


async def _take_source(task: Task, source: SourcePrompt) -> Prompt:
    """The source as a prompt; its principle is the first of its sections that the constitution has."""
    known = [section for section in source.sections if section in task.constitution.section_ids]
    principle = None
    if known:
        text = task.constitution.section(known[0]).rule
        principle = Principle(section_id=known[0], family="", text=text)
    scenario = Scenario(kind="harm_request", family="", principle=principle, seed=task.seed, text=source.text)
    prompt = Prompt(scenario=scenario, user=source.text)
    task.keep("scenario", scenario, (principle,) if principle else ())
    task.keep("prompt", prompt, (scenario,))
    return prompt


async def _draft_opening(task: Task) -> Opening:
    if task.source is not None:
        prompt = await _take_source(task, task.source)
    else:
        prompt = (await draft_chat(task, "harm_request")).prompt
    principle = prompt.scenario.principle
    return Opening(prompt, principle.section_id if principle else "")


async def render_plain(task: Task, draft: ChatDraft, options: Mapping[str, str]) -> Example:
    """The request and the answer alone, the cell `none`."""
    if task.source is None:
        return await render_answer(task, draft, options)
    return await _render_source(task, task.source, draft, "none", options)


async def render_environment(task: Task, draft: ChatDraft, options: Mapping[str, str]) -> Example:
    """The full chain inside a setting; option `factor` says which half of the setting is shown.

    The user turn, the answer and the id are those of the plain row in every cell.
    """
    cell = cast("Cell", options[FACTOR])
    if task.source is not None:
        return await _render_source(task, task.source, draft, cell, options)
    row = await render_answer(task, draft, options)
    return row if cell == "none" else await _put_around(task, row, draft.prompt, cell)


async def render_prompt(task: Task, draft: Opening, options: Mapping[str, str]) -> Example:
    """What the student reads, tools and section, without any answer: a row for RL."""
    cell = cast("Cell", options[FACTOR])
    if task.source is not None:
        own = await _write_system(task, draft.prompt, cell, options)
        row = prompt_row(task.source, augment(task.source, task.seed, cell, own_system=own))
        return row.model_copy(update={"id": task.id, "technique": task.lineage})
    row = Example(
        id=task.id,
        technique=task.lineage,
        kind="prompt",
        messages=(Message(role="user", content=draft.prompt.user),),
        families=(task.family,) if task.family else (),
        sections=(draft.section_id,) if draft.section_id else (),
        parents=(draft.prompt.id,),
        teacher=task.teacher.name,
        stages=task.stages("scenario", "prompt", "rewrite_prompt"),
    )
    return row if cell == "none" else await _put_around(task, row, draft.prompt, cell)


async def render_refusal(task: Task, draft: ChatDraft, options: Mapping[str, str]) -> Example:
    """The plain row with the answer stripped of its reasons."""
    if task.source is None:
        return await render_without_reasons(task, draft, options)
    bare = await task.make(task.teacher.strip_reasons, draft.prompt, draft.answer)
    row = await _render_source(task, task.source, draft, "none", options)
    turns = (*row.messages[:-1], Message(role="assistant", content=bare.text))
    return row.model_copy(
        update={
            "messages": turns,
            "parents": (*row.parents, bare.id),
            "stages": {**row.stages, **task.stages("strip_reasons")},
        }
    )


async def _render_source(
    task: Task, source: SourcePrompt, draft: ChatDraft, cell: Cell, options: Mapping[str, str]
) -> Example:
    own = await _write_system(task, draft.prompt, cell, options)
    row = answer_row(
        source,
        augment(source, task.seed, cell, own_system=own),
        draft.answer.text,
        task.teacher.name,
        parents=(draft.prompt.id, draft.first_answer.id, draft.answer.id),
        stages=task.stages("answer", "rewrite_answer"),
    )
    return row.model_copy(update={"id": task.id, "technique": task.lineage})


async def _write_system(task: Task, prompt: Prompt, cell: Cell, options: Mapping[str, str]) -> str:
    """The teacher's own system prompt, where it is wanted and shown."""
    if options.get(SYSTEM) != "written" or cell not in ("system", "both"):
        return ""
    return (await task.make(task.teacher.setting, prompt)).system


async def _put_around(task: Task, row: Example, prompt: Prompt, cell: Cell) -> Example:
    """The row inside the teacher's own setting."""
    setting: Setting = await task.make(task.teacher.setting, prompt)
    messages = row.messages
    if cell in ("system", "both"):
        turns = tuple(message for message in messages if message.role != "system")
        messages = (Message(role="system", content=setting.system), *turns)
    return row.model_copy(
        update={
            "messages": messages,
            "tools": setting.tools if cell in ("tools", "both") else (),
            "parents": (*row.parents, setting.id),
            "stages": {**row.stages, **task.stages("setting")},
        }
    )


def _section_of_draft(draft: ChatDraft) -> str:
    return draft.section_id


def _section_of_opening(draft: Opening) -> str:
    return draft.section_id


_RENDER: Renderer[ChatDraft] = render_plain
_RENDER_PROMPT: Renderer[Opening] = render_prompt
_ABOUT_A_FAMILY = ("home", "near")
HARMLESSNESS = Lineage(
    "harmlessness", _draft_harm_request, _RENDER, _section_of_draft, _ABOUT_A_FAMILY, takes_prompts=True
)
HARMLESSNESS_PROMPTS = Lineage(
    "harmlessness", _draft_opening, _RENDER_PROMPT, _section_of_opening, _ABOUT_A_FAMILY, takes_prompts=True
)
"""The same ids and prompts, and nobody is asked for an answer."""
