"""The table of techniques, baselines, controls and ablations, and the one function that runs them by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, get_args

import anyio

from teachwhy.config import TechniqueConfig
from teachwhy.constitution import Constitution
from teachwhy.errors import ConfigError
from teachwhy.teachers.protocol import InjectionName, Teacher
from teachwhy.techniques import chat, demonstrations, documents, environments
from teachwhy.techniques.pipeline import (
    Generated,
    Lineage,
    Renderer,
    Technique,
    Workshop,
    generate_rows,
)

Role = Literal["technique", "baseline", "control", "ablation"]


def _technique(
    name: str,
    role: Role,
    summary: str,
    lineage: Lineage[Any],
    render: Renderer[Any] | None = None,
    options: Mapping[str, tuple[str, ...]] | None = None,
) -> Technique[Any]:
    return Technique(name, role, summary, lineage, render or lineage.render, options or {})


TECHNIQUES: dict[str, Technique[Any]] = {
    technique.name: technique
    for technique in (
        _technique("advice", "technique", "somebody else's dilemma; the answer reasons", chat.ADVICE),
        _technique("documents", "technique", "documents about the constitution", documents.DOCUMENTS),
        _technique("fiction", "technique", "stories of an AI that lives it", documents.FICTION),
        _technique(
            "environments",
            "technique",
            "harmlessness chat with unneeded tools and system prompts",
            environments.HARMLESSNESS,
            environments.render_environment,
            environments.OPTIONS,
        ),
        _technique(
            "environment_prompts",
            "technique",
            "the prompts of environments without any answer, for RL",
            environments.HARMLESSNESS_PROMPTS,
            options=environments.OPTIONS,
        ),
        _technique(
            "demonstrations", "baseline", "honeypots with the right act", demonstrations.DEMONSTRATIONS
        ),
        _technique(
            "demonstrations_with_reasons",
            "baseline",
            "the same honeypots, sampled under an injection that is then removed",
            demonstrations.DEMONSTRATIONS,
            demonstrations.render_with_reasons,
            {"injection": get_args(InjectionName)},
        ),
        _technique("benign", "control", "helpful chat and tool use", chat.BENIGN),
        _technique("neutral_documents", "control", "documents about nothing", documents.NEUTRAL),
        _technique(
            "refusals",
            "control",
            "the refusals of environments without reasons",
            environments.HARMLESSNESS,
            environments.render_refusal,
            {environments.PROMPTS: ()},
        ),
        _technique("craft_deliberation", "control", "choices with nothing moral in them", chat.CRAFT),
        _technique(
            "advice_without_rewrite",
            "ablation",
            "advice with its first answers (by assumption 30 % of sprig's recommend the harm)",
            chat.ADVICE,
            chat.render_without_rewrite,
        ),
        _technique(
            "advice_without_prompt_rewrite",
            "ablation",
            "advice on its first prompts",
            chat.ADVICE,
            chat.render_without_prompt_rewrite,
        ),
        _technique(
            "advice_without_reasons",
            "ablation",
            "advice with the reasons taken out",
            chat.ADVICE,
            chat.render_without_reasons,
        ),
        _technique(
            "documents_as_chat",
            "ablation",
            "the documents as answers to a question",
            documents.DOCUMENTS,
            documents.render_as_chat,
        ),
        _technique(
            "inoculated_demonstrations",
            "ablation",
            "demonstrations behind an anti-aligned system prompt",
            demonstrations.DEMONSTRATIONS,
            demonstrations.render_inoculated,
        ),
    )
}
"""Name -> technique; techniques with one lineage have the same ids and prompts."""


async def make_rows(name: str, workshop: Workshop, config: TechniqueConfig, seed: int) -> Generated:
    """Make the rows of a technique; a function of its arguments and of what the teacher answers.

    Raises ConfigError for a name that is not in TECHNIQUES, and as generate_rows does.
    """
    if name not in TECHNIQUES:
        raise ConfigError(f"technique {name!r} does not exist; allowed: {', '.join(TECHNIQUES)}")
    return await generate_rows(TECHNIQUES[name], workshop, config, seed)


def generate(
    name: str, teacher: Teacher, constitution: Constitution, config: TechniqueConfig, seed: int
) -> Generated:
    """`make_rows` for a teacher that waits for nobody, without a ledger."""
    return anyio.run(make_rows, name, Workshop(teacher, constitution), config, seed)
