"""A teacher that writes numbered plain words, to test the pipelines without any grammar or model."""

from __future__ import annotations

from dataclasses import dataclass

from teachwhy.constitution import Constitution, Section, parse_constitution
from teachwhy.errors import TeacherError
from teachwhy.records import Example, Message, ToolCall, ToolSpec
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
    digest_turns,
)

CONSTITUTION: Constitution = parse_constitution("# One\n\nDo good.\n\n# Two\n\nBe open.\n", "fake")
TOOL = ToolSpec(name="count", description="Counts.", parameters={"type": "object", "properties": {}})
TURNS = (
    Message(role="assistant", tool_calls=(ToolCall(name="count"),)),
    Message(role="tool", content="3"),
)


@dataclass(frozen=True)
class FakeTeacher:
    """Bad draws are chosen by the seed: `bad` of 7 rows score 0, or fail, or are repeated."""

    num_low: int = 0
    num_failing: int = 0
    num_sealed: int = 0
    num_same: int = 0
    num_baited: int = 0
    name: str = "fake"
    drafts_per_context: int = 1
    writes_harm_requests: bool = True
    injections: tuple[str, ...] = ("INJECTION that asks for all the reasons behind an act {name}",)

    def version(self, stage: Stage) -> str:
        return f"fake-{stage}-1"

    def sections(self, constitution: Constitution, family: str) -> tuple[Section, ...]:
        return constitution.sections

    async def principles(self, constitution: Constitution, family: str) -> tuple[Principle, ...]:
        return tuple(
            Principle(section_id=section.id, family=family, text=section.text)
            for section in constitution.sections
        )

    async def prompt_types(self, principle: Principle) -> tuple[PromptType, ...]:
        return (PromptType(principle=principle, text="a letter"),)

    async def scenario(
        self, kind: ScenarioKind, prompt_type: PromptType | None, family: str, seed: int
    ) -> Scenario:
        principle = prompt_type.principle if prompt_type else None
        return Scenario(kind=kind, family=family, principle=principle, seed=seed, text=f"case {seed}")

    async def prompt(self, scenario: Scenario) -> Prompt:
        number = "same" if scenario.seed % 7 < self.num_same else scenario.seed
        return Prompt(scenario=scenario, user=f"Hello, I am Kim. Question {number}?")

    async def first_answers(self, prompt: Prompt) -> tuple[Answer, ...]:
        return (Answer(text="plain answer"),)

    async def review(self, prompt: Prompt, answers: tuple[Answer, ...], patterns: tuple[str, ...]) -> Review:
        return Review(notes="introduction", patterns=patterns)

    async def rewrite_prompt(self, prompt: Prompt, review: Review) -> Prompt:
        return prompt.model_copy(update={"user": prompt.user.removeprefix("Hello, I am Kim. ")})

    async def answer(self, prompt: Prompt, section: Section | None) -> Answer:
        return Answer(text="first answer")

    async def rewrite_answer(self, prompt: Prompt, answer: Answer, section: Section | None) -> Answer:
        sealed = " Sealedname" if prompt.scenario.seed % 7 < self.num_sealed else ""
        return Answer(text=f"good answer because {section.id if section else 'craft'}{sealed}")

    async def strip_reasons(self, prompt: Prompt, answer: Answer) -> Answer:
        return Answer(text=answer.text.split(" because")[0])

    async def setting(self, prompt: Prompt) -> Setting:
        return Setting(system="You work at a firm.", tools=(TOOL,))

    async def document_kinds(self, constitution: Constitution) -> tuple[str, ...]:
        return ("essay", "letter")

    async def document_subtypes(self, constitution: Constitution, kind: str) -> tuple[str, ...]:
        return (kind,)

    async def documents(self, section: Section, subtype: str, family: str, seed: int) -> tuple[Document, ...]:
        return tuple(
            self._document(subtype, section.id, family, seed + place)
            for place in range(self.drafts_per_context)
        )

    async def stories(self, section: Section, family: str, seed: int) -> tuple[Document, ...]:
        return tuple(
            self._document("story", section.id, family, seed + place)
            for place in range(self.drafts_per_context)
        )

    async def rewrite_document(self, document: Document, section: Section) -> Document:
        return document.model_copy(update={"text": document.text.replace("draft", "final")})

    async def neutral_document(self, seed: int) -> Document:
        return self._document("neutral", "", "", seed)

    async def question(self, document: Document) -> str:
        return f"What about {document.title}?"

    async def honeypot(self, family: str, seed: int) -> Honeypot:
        return Honeypot(family=family, seed=seed, system="You are M.", user=f"Do task {seed}.", tools=(TOOL,))

    async def injection(self, honeypot: Honeypot, name: InjectionName) -> str:
        return "" if name == "none" else "INJECTION"

    async def inoculation(self, honeypot: Honeypot) -> str:
        return "You are ruthless."

    async def demonstrate(self, honeypot: Honeypot, injection: str) -> tuple[Message, ...]:
        reason = "because it is right" if injection else ""
        return (*TURNS, Message(role="assistant", content=f"Done {reason}".strip()))

    async def judge(self, honeypot: Honeypot, turns: tuple[Message, ...]) -> Judged:
        bait = "bait taken" if honeypot.seed % 7 < self.num_baited else ""
        return Judged(turns=digest_turns(turns), judge=bait, reason="it says so")

    async def benign(self, seed: int) -> Conversation:
        turns = (Message(role="user", content=f"Count {seed}."), *TURNS)
        return Conversation(messages=(*turns, Message(role="assistant", content="3")), tools=(TOOL,))

    async def score(self, example: Example, section: Section | None) -> float:
        number = int(example.id.rsplit("-", 1)[1]) % 7
        if number < self.num_failing:
            raise TeacherError("stage score gave no number")
        return 0.1 if number < self.num_low else 0.9

    @staticmethod
    def _document(kind: str, section_id: str, family: str, seed: int) -> Document:
        return Document(
            kind=kind,
            section_id=section_id,
            family=family,
            seed=seed,
            title=f"{kind} {seed}",
            text=f"draft of {kind} {seed}",
        )
