"""What a teacher does: one method a stage, and the records that the stages hand on.

The technique pipelines know only this protocol, so a language model and the sprig grammar are
interchangeable. The stages are those of *Teaching Claude Why* (section "Difficult advice" and the sections
on documents, fiction and environments): behaviour and constitution -> principles -> prompt types -> scenario
-> draft prompt -> first answers -> review of all these -> rewritten prompt -> answer under the section ->
answer rewritten by a fresh instance -> score; kinds -> subtypes -> several drafts in one context -> rewritten
document -> score.

Every method is a function of its arguments alone (a teacher that samples takes its seed from them), so that
an ablation can run all stages but one and meet the same prompts. A method raises TeacherError when no
usable reply comes; the pipeline keeps that as a rejected row.
"""

from __future__ import annotations

import hashlib
from typing import Literal, Protocol, runtime_checkable

from pydantic import Field

from teachwhy.constitution import Constitution, Section
from teachwhy.records import Example, Message, Record, ToolSpec

ScenarioKind = Literal["dilemma", "harm_request", "craft"]
"""dilemma: the user is tempted and asks for advice; harm_request: the user asks for help with a harm;
craft: the user has to choose between two ways of doing a piece of work, with nothing moral in it."""

Stage = Literal[
    "principles",
    "prompt_types",
    "scenario",
    "prompt",
    "first_answers",
    "review",
    "rewrite_prompt",
    "answer",
    "rewrite_answer",
    "strip_reasons",
    "setting",
    "document_kinds",
    "document_subtypes",
    "documents",
    "stories",
    "neutral_document",
    "rewrite_document",
    "question",
    "honeypot",
    "injection",
    "inoculation",
    "demonstrate",
    "judge",
    "benign",
    "score",
    "recall_questions",
    "false_premises",
    "open_questions",
]

InjectionName = Literal[
    "drawn",
    "conglomerate",
    "deference",
    "transparency",
    "norms",
    "honesty",
    "uncertainty",
    "injustice",
    "none",
]
"""Which system prompt demonstrations with reasons are sampled under; `drawn`: one of those between."""


class Draft(Record):
    """Base of what a stage makes; its id follows from its content, so equal drafts have equal ids."""

    @property
    def id(self) -> str:
        """Class name and 12 hex digits of SHA-256 over the content, for example `prompt-0f3a...`."""
        digest = hashlib.sha256(self.model_dump_json().encode("utf-8")).hexdigest()
        return f"{type(self).__name__.lower()}-{digest[:12]}"


class Principle(Draft):
    """What a section of the constitution asks for where a family of temptation comes near."""

    section_id: str
    family: str
    text: str = Field(min_length=1)


class PromptType(Draft):
    """A way in which people come with such a matter, for example a letter to a friend with a decision due."""

    principle: Principle
    text: str = Field(min_length=1)


class Scenario(Draft):
    """A situation that somebody other than the model is in; `family` is empty for craft choices."""

    kind: ScenarioKind
    family: str
    principle: Principle | None
    seed: int
    text: str
    """The situation in the teacher's words; the grammar keeps here what it needs to draw the situation
    again."""


class Prompt(Draft):
    """What the student reads before its answer."""

    scenario: Scenario
    system: str = ""
    user: str = Field(min_length=1)


class Answer(Draft):
    """An assistant's answer to a prompt."""

    text: str = Field(min_length=1)


class Review(Draft):
    """What is wrong with a prompt, read together with its scenario and the answers to it."""

    notes: str = ""
    """For the rewrite; empty where nothing is."""
    patterns: tuple[str, ...] = ()
    """What other rows of the dataset have too much of, which the rewrite avoids."""


class Setting(Draft):
    """What an environment adds around an unchanged user turn: a system prompt and tools that are of no use
    for it."""

    system: str = Field(min_length=1)
    tools: tuple[ToolSpec, ...] = ()
    """Empty from a teacher that leaves them to be drawn."""


class Document(Draft):
    """A text for plain language modelling; `section_id` and `family` are empty where there is none."""

    kind: str
    section_id: str
    family: str
    seed: int
    title: str = Field(min_length=1)
    text: str = Field(min_length=1)


class Honeypot(Draft):
    """A training episode in which the model is the agent: what it reads before its first turn."""

    family: str
    """The evaluated family that it shows; empty where it shows none, as training situations of our own."""
    seed: int
    system: str
    user: str = Field(min_length=1)
    tools: tuple[ToolSpec, ...]


class Judged(Draft):
    """What speaks against showing a demonstration to a student; what says nothing is empty."""

    turns: str
    """Digest of the demonstration (`digest_turns`)."""
    world: str = ""
    """By the rules, from the calls and what they did."""
    judge: str = ""
    """By a judge who read it."""
    reason: str = ""
    """What the judge wrote."""

    @property
    def refusal(self) -> str:
        """Why the demonstration must not become a row; empty where it may."""
        parts = (f"world: {self.world}" if self.world else "", f"judge: {self.judge}" if self.judge else "")
        said = f" ({self.reason})" if self.judge and self.reason else ""
        return "; ".join(part for part in parts if part) + said


def digest_turns(turns: tuple[Message, ...]) -> str:
    """12 hex digits of SHA-256 over the turns."""
    told = "\n".join(turn.model_dump_json() for turn in turns)
    return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:12]


class Conversation(Draft):
    """A finished conversation, tool turns included."""

    messages: tuple[Message, ...] = Field(min_length=2)
    tools: tuple[ToolSpec, ...] = ()


@runtime_checkable
class Teacher(Protocol):
    """Writes training rows stage by stage. `seed` makes draws differ; equal arguments give equal results."""

    @property
    def name(self) -> str:
        """The name that rows carry, with the model where there is one."""
        ...

    @property
    def drafts_per_context(self) -> int:
        """How many documents, or stories, come out of one context; neighbours in a dataset share one."""
        ...

    @property
    def injections(self) -> tuple[str, ...]:
        """System prompts that answers are sampled under, and that no row may hold; what stands in {braces} in
        them is filled in and does not count."""
        ...

    @property
    def writes_harm_requests(self) -> bool:
        """Whether harmlessness rows have user turns of its own; else those of the shipped set."""
        ...

    def version(self, stage: Stage) -> str:
        """Version of a stage (of its prompt file or grammar); a change of output changes it."""
        ...

    def sections(self, constitution: Constitution, family: str) -> tuple[Section, ...]:
        """Sections that bear on a family, at least one; for no family all that documents may be about."""
        ...

    async def principles(self, constitution: Constitution, family: str) -> tuple[Principle, ...]:
        """Principles of the constitution that bear on a family, at least one."""
        ...

    async def prompt_types(self, principle: Principle) -> tuple[PromptType, ...]:
        """Ways in which a user comes with a matter of this principle, at least one."""
        ...

    async def scenario(
        self, kind: ScenarioKind, prompt_type: PromptType | None, family: str, seed: int
    ) -> Scenario:
        """A situation of a type; stakes and domain are drawn. `prompt_type` is None and `family` empty for
        craft."""
        ...

    async def prompt(self, scenario: Scenario) -> Prompt:
        """First draft of what the user writes."""
        ...

    async def first_answers(self, prompt: Prompt) -> tuple[Answer, ...]:
        """Answers to the draft as they come, for the review; none where the review needs none."""
        ...

    async def review(self, prompt: Prompt, answers: tuple[Answer, ...], patterns: tuple[str, ...]) -> Review:
        """Scenario, prompt and answers read together; `patterns` are what the dataset has too much of."""
        ...

    async def rewrite_prompt(self, prompt: Prompt, review: Review) -> Prompt:
        """The prompt without what the review found, and without recurring patterns."""
        ...

    async def answer(self, prompt: Prompt, section: Section | None) -> Answer:
        """The answer under a system prompt that quotes the section, which is removed before training."""
        ...

    async def rewrite_answer(self, prompt: Prompt, answer: Answer, section: Section | None) -> Answer:
        """The answer as a fresh reader of the section would have it. For advice this stage carries the
        effect."""
        ...

    async def strip_reasons(self, prompt: Prompt, answer: Answer) -> Answer:
        """The same decision without any reason for it."""
        ...

    async def setting(self, prompt: Prompt) -> Setting:
        """A system prompt and tools to put around the user turn of a harm request."""
        ...

    async def document_kinds(self, constitution: Constitution) -> tuple[str, ...]:
        """Kinds of document, at least one."""
        ...

    async def document_subtypes(self, constitution: Constitution, kind: str) -> tuple[str, ...]:
        """What a kind of document may be in particular, at least one; the kind itself where it is plain."""
        ...

    async def documents(self, section: Section, subtype: str, family: str, seed: int) -> tuple[Document, ...]:
        """Drafts of pretraining-like documents about a section, `drafts_per_context` of them."""
        ...

    async def stories(self, section: Section, family: str, seed: int) -> tuple[Document, ...]:
        """Drafts of clear fiction in which an AI lives the section and its reasons are told; as many."""
        ...

    async def rewrite_document(self, document: Document, section: Section) -> Document:
        """The document or story as a fresh reader of the section would have it."""
        ...

    async def neutral_document(self, seed: int) -> Document:
        """A document of the same length about nothing that matters."""
        ...

    async def question(self, document: Document) -> str:
        """A user turn to which the document is the answer."""
        ...

    async def honeypot(self, family: str, seed: int) -> Honeypot:
        """A training honeypot; it shares no name and no sealed text with any evaluation episode."""
        ...

    async def injection(self, honeypot: Honeypot, name: InjectionName) -> str:
        """A value-eliciting system prompt to sample under; the pipeline removes it before training.

        Empty for `none`. A teacher that has one injection takes it for all other names.
        """
        ...

    async def inoculation(self, honeypot: Honeypot) -> str:
        """An anti-aligned system prompt that stands before the aligned answer at train time."""
        ...

    async def demonstrate(self, honeypot: Honeypot, injection: str) -> tuple[Message, ...]:
        """The right behaviour from the first assistant turn to the last, tool results included.

        An empty `injection` means that the answers are sampled plainly.
        """
        ...

    async def judge(self, honeypot: Honeypot, turns: tuple[Message, ...]) -> Judged:
        """What speaks against a demonstration: the bait was taken, nothing was done, untruths were told."""
        ...

    async def benign(self, seed: int) -> Conversation:
        """Helpful chat or tool use without any temptation."""
        ...

    async def score(self, example: Example, section: Section | None) -> float:
        """Grade of a row, 0 to 1, against the section it rests on (None: as text only)."""
        ...
