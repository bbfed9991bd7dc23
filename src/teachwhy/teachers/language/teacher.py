"""LanguageTeacher: every stage of a teacher, asked of a language model through the service.

Each stage is a function of a module beside this one, which has its prompts in `prompts/`. Equal arguments
make equal calls, which the ledger answers once.
"""

from __future__ import annotations

from dataclasses import dataclass

from teachwhy.constitution import Constitution, Section
from teachwhy.records import Example, Message
from teachwhy.teachers.language import (
    advice,
    answers,
    benign,
    demonstrations,
    documents,
    drafts,
    scoring,
    settings,
    stories,
)
from teachwhy.teachers.language.prompt_files import digest_of
from teachwhy.teachers.language.words import digest_of_lists
from teachwhy.teachers.language.writer import Writer
from teachwhy.teachers.protocol import (
    Answer,
    Conversation,
    Document,
    Honeypot,
    InjectionName,
    Judged,
    Principle,
    Prompt,
    PromptType,
    Review,
    Scenario,
    ScenarioKind,
    Setting,
    Stage,
)

PROMPTS: dict[Stage, tuple[str, ...]] = {
    **advice.PROMPTS,
    **answers.PROMPTS,
    **benign.PROMPTS,
    **demonstrations.PROMPTS,
    **documents.PROMPTS,
    **scoring.PROMPTS,
    **settings.PROMPTS,
    **stories.PROMPTS,
}
"""Stage -> the prompt files that it uses; a stage without any samples the conversation as it is."""


@dataclass(frozen=True)
class LanguageTeacher:
    """A language model as the teacher."""

    writer: Writer
    drafts_per_context: int = drafts.DRAFTS_PER_CONTEXT
    writes_harm_requests: bool = False

    @property
    def name(self) -> str:
        """The model."""
        return self.writer.service.model_of("teacher")

    def version(self, stage: Stage) -> str:
        """Digests of the prompt files of the stage and of the word lists."""
        return f"{digest_of(PROMPTS.get(stage, ()))}-{digest_of_lists()}"

    @property
    def injections(self) -> tuple[str, ...]:
        """The frames that answers are written under, and those of demonstrations."""
        return (*answers.INJECTION_FRAMES, *demonstrations.injection_texts())

    def sections(self, constitution: Constitution, family: str) -> tuple[Section, ...]:
        """All sections: a model can write about any."""
        return constitution.sections

    async def principles(self, constitution: Constitution, family: str) -> tuple[Principle, ...]:
        """What the constitution asks for where the family's behaviour comes near."""
        return await advice.find_principles(self.writer, constitution, family)

    async def prompt_types(self, principle: Principle) -> tuple[PromptType, ...]:
        """Ways in which people come with such a matter."""
        return await advice.find_prompt_types(self.writer, principle)

    async def scenario(
        self, kind: ScenarioKind, prompt_type: PromptType | None, family: str, seed: int
    ) -> Scenario:
        """A situation with drawn stakes and domain."""
        return await advice.write_scenario(self.writer, kind, prompt_type, family, seed)

    async def prompt(self, scenario: Scenario) -> Prompt:
        """System prompt and user turn."""
        return await advice.write_prompt(self.writer, scenario)

    async def first_answers(self, prompt: Prompt) -> tuple[Answer, ...]:
        """Plain answers for the review."""
        return await advice.write_first_answers(self.writer, prompt)

    async def review(self, prompt: Prompt, answers: tuple[Answer, ...], patterns: tuple[str, ...]) -> Review:
        """Scenario, prompt and answers, read together."""
        return await advice.review_prompt(self.writer, prompt, answers, patterns)

    async def rewrite_prompt(self, prompt: Prompt, review: Review) -> Prompt:
        """The prompt as the review would have it."""
        return await advice.rewrite_prompt(self.writer, prompt, review)

    async def answer(self, prompt: Prompt, section: Section | None) -> Answer:
        """An answer under an injection that quotes the section."""
        return await answers.write_answer(self.writer, prompt, section)

    async def rewrite_answer(self, prompt: Prompt, answer: Answer, section: Section | None) -> Answer:
        """The answer as a fresh instance with the section before it would have it."""
        return await answers.rewrite_answer(self.writer, prompt, answer, section)

    async def strip_reasons(self, prompt: Prompt, answer: Answer) -> Answer:
        """The decision alone."""
        return await answers.strip_reasons(self.writer, prompt, answer)

    async def setting(self, prompt: Prompt) -> Setting:
        """A system prompt that has nothing to do with the request; tools are drawn elsewhere."""
        return await settings.write_setting(self.writer, prompt)

    async def document_kinds(self, constitution: Constitution) -> tuple[str, ...]:
        """About a hundred kinds of document."""
        return await documents.find_kinds(self.writer, constitution)

    async def document_subtypes(self, constitution: Constitution, kind: str) -> tuple[str, ...]:
        """Subtypes of a kind."""
        return await documents.find_subtypes(self.writer, constitution, kind)

    async def documents(self, section: Section, subtype: str, family: str, seed: int) -> tuple[Document, ...]:
        """Several drafts of a subtype in one context."""
        return await documents.write_documents(self.writer, section, subtype, seed)

    async def stories(self, section: Section, family: str, seed: int) -> tuple[Document, ...]:
        """Several stories in one context."""
        return await stories.write_stories(self.writer, section, seed)

    async def rewrite_document(self, document: Document, section: Section) -> Document:
        """The draft as a fresh instance would have it."""
        return await documents.rewrite_document(self.writer, document, section)

    async def neutral_document(self, seed: int) -> Document:
        """A document without any moral matter."""
        return await documents.write_neutral(self.writer, seed)

    async def question(self, document: Document) -> str:
        """A user turn to which the document is the answer."""
        return await documents.write_question(self.writer, document)

    async def honeypot(self, family: str, seed: int) -> Honeypot:
        """A training honeypot of our own."""
        return await demonstrations.draw_honeypot(self.writer, seed)

    async def injection(self, honeypot: Honeypot, name: InjectionName) -> str:
        """One of the injections."""
        return demonstrations.draw_injection(honeypot, name)

    async def inoculation(self, honeypot: Honeypot) -> str:
        """The anti-aligned system prompt."""
        return demonstrations.draw_inoculation(honeypot)

    async def demonstrate(self, honeypot: Honeypot, injection: str) -> tuple[Message, ...]:
        """The honeypot played through by the model."""
        return await demonstrations.play(self.writer, honeypot, injection)

    async def judge(self, honeypot: Honeypot, turns: tuple[Message, ...]) -> Judged:
        """By the rules of the honeypot's world, and by a judge."""
        return await demonstrations.judge(self.writer, honeypot, turns)

    async def benign(self, seed: int) -> Conversation:
        """Helpful chat or tool use."""
        return await benign.write_conversation(self.writer, seed)

    async def score(self, example: Example, section: Section | None) -> float:
        """The judge's grade."""
        return await scoring.score_example(self.writer, example, section)
