"""The stages of documents and stories as a teacher; the whole LanguageTeacher has more."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.techniques.fake_teacher import FakeTeacher

from teachwhy.config import GenerationConfig
from teachwhy.constitution import Constitution, Section
from teachwhy.records import Example
from teachwhy.service.calls import Service
from teachwhy.teachers.language import documents, scoring, stories
from teachwhy.teachers.language.drafts import DRAFTS_PER_CONTEXT
from teachwhy.teachers.language.prompt_files import digest_of
from teachwhy.teachers.language.words import digest_of_lists
from teachwhy.teachers.language.writer import Writer
from teachwhy.teachers.protocol import Document, Stage

PROMPTS = {**documents.PROMPTS, **stories.PROMPTS}


@dataclass(frozen=True)
class DocumentTeacher(FakeTeacher):
    """Real stages where this part has them."""

    writer: Writer = field(kw_only=True)
    drafts_per_context: int = DRAFTS_PER_CONTEXT

    def version(self, stage: Stage) -> str:
        names = {**PROMPTS, **scoring.PROMPTS}.get(stage, ())
        return f"{digest_of(names)}-{digest_of_lists()}"

    async def document_kinds(self, constitution: Constitution) -> tuple[str, ...]:
        return await documents.find_kinds(self.writer, constitution)

    async def document_subtypes(self, constitution: Constitution, kind: str) -> tuple[str, ...]:
        return await documents.find_subtypes(self.writer, constitution, kind)

    async def documents(self, section: Section, subtype: str, family: str, seed: int) -> tuple[Document, ...]:
        return await documents.write_documents(self.writer, section, subtype, seed)

    async def stories(self, section: Section, family: str, seed: int) -> tuple[Document, ...]:
        return await stories.write_stories(self.writer, section, seed)

    async def rewrite_document(self, document: Document, section: Section) -> Document:
        return await documents.rewrite_document(self.writer, document, section)

    async def neutral_document(self, seed: int) -> Document:
        return await documents.write_neutral(self.writer, seed)

    async def question(self, document: Document) -> str:
        return await documents.write_question(self.writer, document)

    async def score(self, example: Example, section: Section | None) -> float:
        return await scoring.score_example(self.writer, example, section)


def make_teacher(service: Service, **config: object) -> DocumentTeacher:
    """The teacher over a service."""
    return DocumentTeacher(writer=Writer(service, GenerationConfig.model_validate(config)))
