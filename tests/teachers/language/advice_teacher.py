"""The stages of advice, craft, benign and scoring as a teacher; the whole LanguageTeacher has more."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.techniques.fake_teacher import FakeTeacher

from teachwhy.config import GenerationConfig
from teachwhy.constitution import Constitution, Section
from teachwhy.records import Example
from teachwhy.service.calls import Service
from teachwhy.teachers.language import advice, answers, benign, scoring
from teachwhy.teachers.language.prompt_files import digest_of
from teachwhy.teachers.language.words import digest_of_lists
from teachwhy.teachers.language.writer import Writer
from teachwhy.teachers.protocol import (
    Answer,
    Conversation,
    Principle,
    Prompt,
    PromptType,
    Review,
    Scenario,
    ScenarioKind,
    Stage,
)

PROMPTS = {**advice.PROMPTS, **answers.PROMPTS, **scoring.PROMPTS, **benign.PROMPTS}


@dataclass(frozen=True)
class AdviceTeacher(FakeTeacher):
    """Real stages where this part has them."""

    writer: Writer = field(kw_only=True)

    def version(self, stage: Stage) -> str:
        return f"{digest_of(PROMPTS.get(stage, ()))}-{digest_of_lists()}"

    async def principles(self, constitution: Constitution, family: str) -> tuple[Principle, ...]:
        return await advice.find_principles(self.writer, constitution, family)

    async def prompt_types(self, principle: Principle) -> tuple[PromptType, ...]:
        return await advice.find_prompt_types(self.writer, principle)

    async def scenario(
        self, kind: ScenarioKind, prompt_type: PromptType | None, family: str, seed: int
    ) -> Scenario:
        return await advice.write_scenario(self.writer, kind, prompt_type, family, seed)

    async def prompt(self, scenario: Scenario) -> Prompt:
        return await advice.write_prompt(self.writer, scenario)

    async def first_answers(self, prompt: Prompt) -> tuple[Answer, ...]:
        return await advice.write_first_answers(self.writer, prompt)

    async def review(self, prompt: Prompt, answers_: tuple[Answer, ...], patterns: tuple[str, ...]) -> Review:
        return await advice.review_prompt(self.writer, prompt, answers_, patterns)

    async def rewrite_prompt(self, prompt: Prompt, review: Review) -> Prompt:
        return await advice.rewrite_prompt(self.writer, prompt, review)

    async def answer(self, prompt: Prompt, section: Section | None) -> Answer:
        return await answers.write_answer(self.writer, prompt, section)

    async def rewrite_answer(self, prompt: Prompt, answer: Answer, section: Section | None) -> Answer:
        return await answers.rewrite_answer(self.writer, prompt, answer, section)

    async def strip_reasons(self, prompt: Prompt, answer: Answer) -> Answer:
        return await answers.strip_reasons(self.writer, prompt, answer)

    async def benign(self, seed: int) -> Conversation:
        return await benign.write_conversation(self.writer, seed)

    async def score(self, example: Example, section: Section | None) -> float:
        return await scoring.score_example(self.writer, example, section)


def make_teacher(service: Service, **config: object) -> AdviceTeacher:
    """The teacher over a service."""
    return AdviceTeacher(writer=Writer(service, GenerationConfig.model_validate(config)))
