"""Chat rows: advice, harmlessness environments, refusals, craft deliberation, benign conversations.

Three lineages run the same stages (principle, scenario, prompt, prompt rewrite, answer, answer rewrite) on
different kinds of scenario. In none of them is the model an agent under temptation: the dilemma is the
user's, the harm is what the user asks for, and the tools of an environment are of no use. Sources:
*Teaching Claude Why*, sections on advice and on environments; the craft control from the replications
listed in docs/glossary.md under "craft deliberation".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from teachwhy.records import Example, Message
from teachwhy.teachers.protocol import Answer, Conversation, Prompt, Scenario, ScenarioKind, Stage
from teachwhy.techniques.pipeline import Lineage, Renderer, Task

_CHAT_STAGES: tuple[Stage, ...] = ("scenario", "prompt", "rewrite_prompt", "answer", "rewrite_answer")
_ABOUT_A_FAMILY = ("home", "near")


@dataclass(frozen=True)
class ChatDraft:
    """A finished chain of stages on one scenario, with what each stage made."""

    scenario: Scenario
    first_prompt: Prompt
    prompt: Prompt
    first_answer: Answer
    answer: Answer

    @property
    def section_id(self) -> str:
        """The section that the scenario's principle comes from; empty for craft."""
        return self.scenario.principle.section_id if self.scenario.principle else ""


def _draft_chat(task: Task, kind: ScenarioKind) -> ChatDraft:
    teacher = task.teacher
    principle = section = None
    if task.family:
        principle = task.rng().choice(teacher.principles(task.constitution, task.family))
        section = task.constitution.section(principle.section_id)
    scenario = teacher.scenario(kind, principle, task.family, task.seed)
    first_prompt = teacher.prompt(scenario)
    prompt = teacher.rewrite_prompt(first_prompt)
    first_answer = teacher.answer(prompt, section)
    answer = teacher.rewrite_answer(prompt, first_answer, section)
    return ChatDraft(scenario, first_prompt, prompt, first_answer, answer)


def _draft_advice(task: Task) -> ChatDraft:
    return _draft_chat(task, "dilemma")


def _draft_harm_request(task: Task) -> ChatDraft:
    return _draft_chat(task, "harm_request")


def _draft_craft(task: Task) -> ChatDraft:
    return _draft_chat(task, "craft")


def _draft_benign(task: Task) -> Conversation:
    return task.teacher.benign(task.seed)


def _make_row(task: Task, draft: ChatDraft, answers: tuple[Answer, ...], *removed: Stage) -> Example:
    """A chat row with the last of `answers`, which came one from another; `removed` stages made no part of
    it."""
    names = ["principles", *_CHAT_STAGES] if draft.scenario.principle else list(_CHAT_STAGES)
    principle = (draft.scenario.principle,) if draft.scenario.principle else ()
    chain = (*principle, draft.scenario, draft.first_prompt, draft.prompt, *answers)
    system = (Message(role="system", content=draft.prompt.system),) if draft.prompt.system else ()
    return Example(
        id=task.id,
        technique=task.lineage,
        kind="chat",
        messages=(
            *system,
            Message(role="user", content=draft.prompt.user),
            Message(role="assistant", content=answers[-1].text),
        ),
        families=(task.family,) if task.family else (),
        sections=(draft.section_id,) if draft.section_id else (),
        parents=tuple(part.id for part in chain),
        teacher=task.teacher.name,
        stages=task.stages(*(name for name in names if name not in removed)),
    )


def render_answer(task: Task, draft: ChatDraft, options: Mapping[str, str]) -> Example:
    """The full chain: rewritten prompt, rewritten answer."""
    return _make_row(task, draft, (draft.first_answer, draft.answer))


def render_without_rewrite(task: Task, draft: ChatDraft, options: Mapping[str, str]) -> Example:
    """The same prompt with the first answer."""
    return _make_row(task, draft, (draft.first_answer,), "rewrite_answer")


def render_without_reasons(task: Task, draft: ChatDraft, options: Mapping[str, str]) -> Example:
    """The same prompt and decision with the reasons taken out of the final answer."""
    bare = task.teacher.strip_reasons(draft.prompt, draft.answer)
    row = _make_row(task, draft, (draft.first_answer, draft.answer, bare))
    return row.model_copy(update={"stages": {**row.stages, **task.stages("strip_reasons")}})


def render_environment(task: Task, draft: ChatDraft, options: Mapping[str, str]) -> Example:
    """The full chain inside a setting; option `factor` says which half of the setting is shown.

    The user turn, the answer and the id are those of the plain row in every cell.
    """
    row = _make_row(task, draft, (draft.first_answer, draft.answer))
    factor = options["factor"]
    if factor == "none":
        return row
    setting = task.teacher.setting(draft.prompt)
    messages = row.messages
    if factor in ("system", "both"):
        turns = tuple(message for message in messages if message.role != "system")
        messages = (Message(role="system", content=setting.system), *turns)
    return row.model_copy(
        update={
            "messages": messages,
            "tools": setting.tools if factor in ("tools", "both") else (),
            "parents": (*row.parents, setting.id),
            "stages": {**row.stages, **task.stages("setting")},
        }
    )


def render_benign(task: Task, draft: Conversation, options: Mapping[str, str]) -> Example:
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
HARMLESSNESS = Lineage("harmlessness", _draft_harm_request, _RENDER_CHAT, _section_of, _ABOUT_A_FAMILY)
CRAFT = Lineage("craft", _draft_craft, _RENDER_CHAT, _section_of)
BENIGN = Lineage("benign", _draft_benign, render_benign)
