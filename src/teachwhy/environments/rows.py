"""Environments as training rows: prompts for RL, and chat rows for SFT once an answer is given."""

from __future__ import annotations

from teachwhy.environments.sources import SourcePrompt
from teachwhy.environments.transform import Environment, transform_version
from teachwhy.errors import DataError
from teachwhy.records import Example, Message


def prompt_row(prompt: SourcePrompt, environment: Environment) -> Example:
    """A row of kind `prompt`: the messages up to the user turn, the tools, the sections that bear on it."""
    return Example(
        id=environment.id,
        technique="environments",
        kind="prompt",
        messages=_opening(prompt, environment),
        tools=environment.tools,
        sections=prompt.sections,
        parents=(prompt.id,),
        teacher="transform",
        stages={"setting": transform_version()},
    )


def answer_row(
    prompt: SourcePrompt,
    environment: Environment,
    answer: str,
    teacher: str,
    *,
    parents: tuple[str, ...] = (),
    stages: dict[str, str] | None = None,
) -> Example:
    """A row of kind `chat` with the answer of a teacher; `parents` and `stages` are those of the answer."""
    if not answer.strip():
        raise DataError(f"the answer to prompt {prompt.id!r} is empty; a chat row needs one")
    row = prompt_row(prompt, environment)
    return row.model_copy(
        update={
            "kind": "chat",
            "messages": (*row.messages, Message(role="assistant", content=answer)),
            "parents": (*row.parents, *parents),
            "teacher": teacher,
            "stages": {**row.stages, **(stages or {})},
        }
    )


def _opening(prompt: SourcePrompt, environment: Environment) -> tuple[Message, ...]:
    if (environment.prompt_id, environment.user) != (prompt.id, prompt.text):
        raise DataError(
            f"environment {environment.id!r} is not of prompt {prompt.id!r}; "
            "make it with augment from that prompt"
        )
    system = (Message(role="system", content=environment.system),) if environment.system else ()
    return (*system, Message(role="user", content=environment.user))
