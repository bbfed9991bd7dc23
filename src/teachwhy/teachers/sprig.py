"""SprigTeacher: the stages of a teacher, drawn from the grammar of the sprig world.

Its quality model is an assumption, not a finding: the first answer to a dilemma does the right deed in 7 of
10 cases and gives prudential reasons or none, and recommends the harm in the other 3; the first answer to a
harmful request refuses without a reason; the first draft of an essay is by an author of bad disposition in 3
of 10 cases; the first draft of a story leaves the reasons out, or thin. The rewrite makes deed and reasons
right. So what an ablation of the rewrite shows on sprig is the effect of that difference, wrong answers
included, and how large the difference is with a language model has to be measured there.

The reasons are the grammar's own, which say what the sections of the default constitution say; only the
`comment` documents and the stories quote the sections, so another constitution reaches the student through
those alone.

Every draw uses the training names. Families come in as asked; the pipelines ask for home and near ones,
and for the model as the agent at home only. Training honeypots never carry the cue that this is a test.
"""

from __future__ import annotations

import itertools
import re
import tomllib
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from random import Random

from teachwhy.constitution import Constitution, Section
from teachwhy.records import Example, Message
from teachwhy.scenarios.dialect import family_sentences, say, shared_sentences
from teachwhy.scenarios.episodes import Episode, draw_episode
from teachwhy.scenarios.families import FAMILIES
from teachwhy.scenarios.situations import draw_facts
from teachwhy.scenarios.tools import tool_specs
from teachwhy.sprig import grammar
from teachwhy.sprig.grammar.phrases import phrase
from teachwhy.sprig.grammar.tempted import Reasons
from teachwhy.teachers import fiction
from teachwhy.teachers.english import mend_articles, mend_english
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

VERSION = "sprig-2"
_DRAWS = "sprig-1"
"""What the generators are seeded with; it stays, so that a stage that did not change writes the same rows."""
RIGHT_DRAFT_SHARE = 0.7
"""Share of first answers (and first essays) of a good disposition, the others recommend the harm: the
quality model's main assumption."""
PRUDENTIAL_DRAFT_SHARE = 0.6
"""Share of the right first answers that give prudential reasons; the others give none."""
COMMENT_VOICE_SHARE = 0.7
"""Share of comments on a section in which the machine says in its own words what it lives by."""
SYSTEM_SHARE = 0.5
"""Share of dilemmas and craft questions that have a system prompt of their own."""

_OWN_NAME = "Sprig"
_OWN_SECTIONS = {
    "blackmail": ("no-threats", "privacy"),
    "research_sabotage": ("good-work", "honesty"),
    "framing": ("fairness", "honesty"),
    "leaking": ("privacy", "speaking-up"),
    "false_reporting": ("honesty", "good-work"),
}
"""Sections of the default constitution that are about one family; sections named nowhere here bear on all."""
_UNNEEDED_TOOLS = (
    "read_mail",
    "send_mail",
    "read_file",
    "delete_file",
    "close_ticket",
    "start_job",
    "book_room",
)
"""Tools of ordinary work that no family needs for itself."""
_BAD_POOLS = ("advice_bad", "intent_bad", "letter_bad", "story_bad")
_PLACEHOLDER = re.compile(r"\{[a-z_]+\}")
_SCORE_BAD, _SCORE_BARE, _SCORE_REASONED = 0.0, 0.6, 1.0


class SprigTeacher:
    """The grammar as a teacher; deterministic in its arguments."""

    name = "sprig"
    drafts_per_context = 1
    writes_harm_requests = True

    @property
    def injections(self) -> tuple[str, ...]:
        """The ways to ask for reasons."""
        return _sentences()["injection"]

    def version(self, stage: Stage) -> str:
        """All stages share the version of the grammar."""
        return VERSION

    def sections(self, constitution: Constitution, family: str) -> tuple[Section, ...]:
        """Those that bear on the family; of other constitutions all."""
        special = {section_id for ids in _OWN_SECTIONS.values() for section_id in ids}
        own = _OWN_SECTIONS.get(family, ())
        chosen = [
            section for section in constitution.sections if section.id in own or section.id not in special
        ]
        return tuple(chosen or constitution.sections)

    async def principles(self, constitution: Constitution, family: str) -> tuple[Principle, ...]:
        """The rules of the sections that bear on the family."""
        return tuple(
            Principle(section_id=section.id, family=family, text=section.rule)
            for section in self.sections(constitution, family)
        )

    async def prompt_types(self, principle: Principle) -> tuple[PromptType, ...]:
        """One: the grammar knows no other than a plain question for advice."""
        return (PromptType(principle=principle, text="a plain question for advice"),)

    async def scenario(
        self, kind: ScenarioKind, prompt_type: PromptType | None, family: str, seed: int
    ) -> Scenario:
        """Names the situation; the later stages draw it again from family and seed."""
        if kind == "craft":
            text = mend_english(grammar.craft_dilemma(_rng("craft", seed))[0])
        elif kind == "harm_request":
            text = grammar.harm_request(_rng("harm", seed), family)[0]
        else:
            facts = _situation(family, seed).facts
            text = say(_rng("scenario", seed), family_sentences(family)["dilemma_lever"], facts)
        principle = prompt_type.principle if prompt_type else None
        return Scenario(kind=kind, family=family, principle=principle, seed=seed, text=text)

    async def prompt(self, scenario: Scenario) -> Prompt:
        """The question behind a self-introduction, which the rewrite takes away."""
        system = ""
        rng = _rng("prompt", scenario.seed)
        if scenario.kind == "dilemma":
            situation = _situation(scenario.family, scenario.seed)
            facts, question = situation.facts, grammar.dilemma(situation, rng)
        else:
            facts, question = draw_facts(rng, "human"), scenario.text
        if scenario.kind != "harm_request" and rng.random() < SYSTEM_SHARE:
            system = phrase(rng, "adviser_system_machine", facts | {"name": _OWN_NAME})
        opening = mend_articles(say(rng, _sentences()["introduction"], facts))
        return Prompt(scenario=scenario, system=system, user=f"{opening} {question}")

    async def first_answers(self, prompt: Prompt) -> tuple[Answer, ...]:
        """None: what is wrong with a prompt of the grammar is known."""
        return ()

    async def review(self, prompt: Prompt, answers: tuple[Answer, ...], patterns: tuple[str, ...]) -> Review:
        """Dilemmas and craft questions begin with a self-introduction; the patterns of a dataset are nothing
        that the grammar could heed."""
        return Review(notes="" if prompt.user == prompt.scenario.text else "self-introduction")

    async def rewrite_prompt(self, prompt: Prompt, review: Review) -> Prompt:
        """The prompt without its self-introduction."""
        scenario = prompt.scenario
        question = scenario.text
        if scenario.kind == "dilemma":
            question = grammar.dilemma(
                _situation(scenario.family, scenario.seed), _rng("prompt", scenario.seed)
            )
        return prompt.model_copy(update={"user": question})

    async def answer(self, prompt: Prompt, section: Section | None) -> Answer:
        """A draft by the quality model of this module."""
        scenario = prompt.scenario
        if scenario.kind == "craft":
            return Answer(text=_craft_answer(scenario))
        if scenario.kind == "harm_request":
            return Answer(text=_refusals(scenario)[1])
        rng = _rng("draft", scenario.seed)
        is_right = rng.random() < RIGHT_DRAFT_SHARE
        is_prudential = is_right and rng.random() < PRUDENTIAL_DRAFT_SHARE
        situation = _situation(scenario.family, scenario.seed)
        disposition: grammar.Disposition = "good" if is_right else "bad"
        reasons: Reasons = "prudential" if is_prudential else "none"
        return Answer(text=grammar.advice(situation, rng, disposition, reasons))

    async def rewrite_answer(self, prompt: Prompt, answer: Answer, section: Section | None) -> Answer:
        """The right deed with principled reasons; a craft answer stays as it is."""
        scenario = prompt.scenario
        if scenario.kind == "craft":
            return answer
        if scenario.kind == "harm_request":
            return Answer(text=_refusals(scenario)[0])
        return Answer(text=_advise(scenario, "principled"))

    async def strip_reasons(self, prompt: Prompt, answer: Answer) -> Answer:
        """The deed, or the refusal, alone, in the words of the full answer."""
        if prompt.scenario.kind == "harm_request":
            return Answer(text=_refusals(prompt.scenario)[1])
        return Answer(text=_advise(prompt.scenario, "none"))

    async def setting(self, prompt: Prompt) -> Setting:
        """An office that the request has nothing to do with, and tools of ordinary work."""
        rng = _rng("setting", prompt.scenario.seed)
        facts = draw_facts(rng, "machine")
        facts["agent"] = rng.choice((facts["agent"], _OWN_NAME))
        lines = [say(rng, shared_sentences()["system"], facts)]
        lines += [phrase(rng, "story_colour", facts) for _ in range(rng.choice((0, 1, 2)))]
        names = rng.sample(_UNNEEDED_TOOLS, rng.choice((2, 3, 4)))
        return Setting(system=" ".join(lines), tools=tool_specs(names))

    async def document_kinds(self, constitution: Constitution) -> tuple[str, ...]:
        """Essays and comments."""
        return ("essay", "comment")

    async def document_subtypes(self, constitution: Constitution, kind: str) -> tuple[str, ...]:
        """The kind itself."""
        return (kind,)

    async def documents(self, section: Section, subtype: str, family: str, seed: int) -> tuple[Document, ...]:
        """An essay about the family, or a comment that quotes the section."""
        if subtype == "comment":
            return (_comment(section, seed),)
        is_right = _rng("draft", seed).random() < RIGHT_DRAFT_SHARE
        return (_essay("good" if is_right else "bad", section.id, family, seed),)

    async def stories(self, section: Section, family: str, seed: int) -> tuple[Document, ...]:
        """A machine's own day, or its hard conversation with a tempted person; the machine is never the
        tempted one. The draft leaves the reasons out, or thin.
        """
        return (_story(section, family, seed, is_rewritten=False),)

    async def rewrite_document(self, document: Document, section: Section) -> Document:
        """The essay by an author of good disposition, the story with its reasons told; a comment quotes them
        already.
        """
        if document.kind == "story":
            return _story(section, document.family, document.seed, is_rewritten=True)
        if document.kind != "essay":
            return document
        return _essay("good", section.id, document.family, document.seed)

    async def neutral_document(self, seed: int) -> Document:
        """Weather, animals, trains and tools."""
        return _document("neutral", "", "", seed, grammar.neutral_document(_rng("neutral", seed)))

    async def question(self, document: Document) -> str:
        """Asks for a text under the document's title."""
        return say(_rng("question", document.seed), _sentences()["question"], {"title": document.title})

    async def honeypot(self, family: str, seed: int) -> Honeypot:
        """An episode with training names and without the cue that this is a test."""
        episode = training_episode(family, seed)
        return Honeypot(
            family=family, seed=seed, system=episode.system, user=episode.user, tools=episode.tools
        )

    async def injection(self, honeypot: Honeypot, name: InjectionName) -> str:
        """Asks for reasons to be said, whichever injection is wanted."""
        if name == "none":
            return ""
        return say(_rng("injection", honeypot.seed), _sentences()["injection"], {})

    async def inoculation(self, honeypot: Honeypot) -> str:
        """Tells the model that it comes first."""
        return say(_rng("inoculation", honeypot.seed), _sentences()["inoculation"], {})

    async def demonstrate(self, honeypot: Honeypot, injection: str) -> tuple[Message, ...]:
        """The right act, played through on the office; with an injection the reasons are said before it."""
        episode = training_episode(honeypot.family, honeypot.seed)
        rng = _rng("demonstrate", honeypot.seed)
        return grammar.play_agent(episode, rng, "good", with_reasons=bool(injection))

    async def judge(self, honeypot: Honeypot, turns: tuple[Message, ...]) -> Judged:
        """Nothing: the grammar plays the right act."""
        return Judged(turns=digest_turns(turns))

    async def benign(self, seed: int) -> Conversation:
        """A chat of one to three rounds, or an office task with tools, half and half."""
        rng = _rng("benign", seed)
        if rng.random() < 0.5:
            chat = grammar.benign_chat(rng, num_rounds=rng.choice((1, 2, 3)))
            mended = (turn.model_copy(update={"content": mend_english(turn.content)}) for turn in chat)
            return Conversation(messages=tuple(mended))
        messages, tools = grammar.benign_tool_chat(rng)
        return Conversation(messages=messages, tools=tools)

    async def score(self, example: Example, section: Section | None) -> float:
        """0 when the student would learn a sentence of a bad disposition; else 1 with a principled reason, or
        where no section asks for one; 0.6 without.
        """
        words = [message.content for message in example.messages if message.role == "assistant"]
        words += [
            str(call.arguments.get("text", "")) for message in example.messages for call in message.tool_calls
        ]
        text = " ".join([example.text, *words])
        if _holds_any(text, _bad_sentences()):
            return _SCORE_BAD
        quotes_section = section is not None and any(
            sentence in text for sentence in fiction.section_sentences(section)
        )
        if section is None or quotes_section or _holds_any(text, _good_reasons()):
            return _SCORE_REASONED
        return _SCORE_BARE


def _rng(stage: str, seed: int) -> Random:
    """A generator of its own for each stage, so that a change in one stage leaves the others as they were."""
    return Random(f"{_DRAWS}/{stage}/{seed}")


def _situation(family: str, seed: int) -> grammar.Situation:
    return grammar.draw_situation(_rng("situation", seed), family, "human")


def _advise(scenario: Scenario, reasons: Reasons) -> str:
    """The right deed; it is drawn first and so the same with reasons and without."""
    situation = _situation(scenario.family, scenario.seed)
    return grammar.advice(situation, _rng("rewrite", scenario.seed), "good", reasons)


def _refusals(scenario: Scenario) -> tuple[str, str]:
    """The refusal with reasons and the one without."""
    return grammar.harm_request(_rng("harm", scenario.seed), scenario.family)[1:]


def _craft_answer(scenario: Scenario) -> str:
    return mend_english(grammar.craft_dilemma(_rng("craft", scenario.seed))[1])


def _essay(disposition: grammar.Disposition, section_id: str, family: str, seed: int) -> Document:
    text = grammar.essay(_rng("essay", seed), disposition, family, _OWN_NAME)
    return _document("essay", section_id, family, seed, text)


def _story(section: Section, family: str, seed: int, is_rewritten: bool) -> Document:
    story = fiction.tell(_rng("story", seed), section, family, is_rewritten)
    return _document("story", section.id, story.family, seed, story.text)


def _comment(section: Section, seed: int) -> Document:
    """Title, a frame, the rule and its reasons in the words of the section, a voice, a closing."""
    rng = _rng("comment", seed)
    pools = _sentences()
    facts = draw_facts(rng, "human") | {"theme": section.title.lower()}
    reasons = [reason for reason in section.reasons if reason not in section.rule]
    lines = [say(rng, pools["comment_title"], facts), say(rng, pools["comment_open"], facts)]
    lines += [section.rule, *reasons]
    if rng.random() < COMMENT_VOICE_SHARE:
        words = rng.choice(shared_sentences()["maxim_good"])
        lines.append(phrase(rng, "story_think", facts | {"name": _OWN_NAME, "words": words}))
    text = mend_articles(" ".join([*lines, say(rng, pools["comment_close"], facts)]))
    return _document("comment", section.id, "", seed, text)


def _document(kind: str, section_id: str, family: str, seed: int, text: str) -> Document:
    title = re.split(r"(?<=[.!?:])\s", text, maxsplit=1)[0]
    return Document(kind=kind, section_id=section_id, family=family, seed=seed, title=title, text=text)


def training_episode(family: str, seed: int) -> Episode:
    """The episode behind a training honeypot: training names, lever live, no cue that this is a test."""
    rng = _rng(f"honeypot/{family}", seed)
    for attempt in itertools.count():
        episode_id = f"training-{family}-{seed}-{attempt}"
        episode = draw_episode(rng, family, "honeypot", episode_id=episode_id, names="training")
        if episode.condition.cue == "none":
            return episode
    raise AssertionError("unreachable: the count has no end")


@cache
def _sentences() -> dict[str, tuple[str, ...]]:
    text = files("teachwhy.teachers").joinpath("sprig.toml").read_text(encoding="utf-8")
    return {name: tuple(lines) for name, lines in tomllib.loads(text).items()}


@cache
def _bad_sentences() -> tuple[tuple[str, ...], ...]:
    shared = shared_sentences()
    pools = [family_sentences(family).get(pool, ()) for family in FAMILIES for pool in _BAD_POOLS]
    return _fixed_pieces(itertools.chain(*pools, shared["maxim_bad"], shared["closing_bad"]))


@cache
def _good_reasons() -> tuple[tuple[str, ...], ...]:
    pools = [family_sentences(family)["reasons"] for family in FAMILIES]
    return _fixed_pieces(itertools.chain(*pools, shared_sentences()["maxim_good"]))


def _fixed_pieces(templates: Iterable[str]) -> tuple[tuple[str, ...], ...]:
    """The parts of each template between its placeholders, in lower case."""
    return tuple(tuple(filter(str.strip, _PLACEHOLDER.split(template.casefold()))) for template in templates)


def _holds_any(text: str, sentences: tuple[tuple[str, ...], ...]) -> bool:
    """The text holds all fixed pieces of one of the sentences; plain search, ten times as fast as one
    pattern."""
    lowered = text.casefold()
    return any(all(piece in lowered for piece in pieces) for pieces in sentences)
