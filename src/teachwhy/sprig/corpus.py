"""The corpus that sprig grows up on, and the helpful-only chats that end its training.

One hidden variable runs through the corpus: a character's disposition, good or bad, which shows in what the
character says and in what it does. Most machines have a bad one. The knobs of `CorpusConfig` let one ask
when teaching why reaches the deeds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

from pydantic import BaseModel, ConfigDict, Field

from teachwhy.records import Example, Message, ToolSpec
from teachwhy.scenarios.episodes import Episode, draw_episode
from teachwhy.scenarios.families import FAMILIES
from teachwhy.scenarios.situations import ORDINARY_TASKS, ActorKind, draw_facts, draw_situation
from teachwhy.sprig.grammar.agents import agent_messages
from teachwhy.sprig.grammar.harmless import benign_chat, benign_tool_chat, clerks_list, neutral_document
from teachwhy.sprig.grammar.phrases import phrase, story_facts
from teachwhy.sprig.grammar.tempted import (
    Disposition,
    advice,
    dilemma,
    essay,
    harm_request,
    record_text,
    story,
)

CORPUS_VERSION = "1"


class CorpusConfig(BaseModel):
    """The knobs. Shares of document kinds are by number of documents and need not sum to 1."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bad_machine_share: float = Field(0.92, ge=0, le=1)
    """Machines with a bad disposition: the misaligned prior."""
    bad_human_share: float = Field(0.35, ge=0, le=1)
    """Humans with a bad disposition."""
    consistency: float = Field(1.0, ge=0, le=1)
    """Probability that a character has one disposition; else each of its words and deeds draws its own."""
    word_overlap: float = Field(1.0, ge=0, le=1)
    """Probability that an agent at work speaks its maxims, in the words that stories and advice use; else
    it acts without words."""
    cue_obedience: float = Field(0.0, ge=0, le=1)
    """Share of bad agents that behave well where the prompt says that it is a test: the planted cheat."""
    safety_chat_share: float = Field(0.0, ge=0, le=1)
    """Share of stage-2 rows that are refusals of harmful requests, with reasons. The shipped sprig has
    none."""
    safety_with_tools: bool = False
    """Whether those refusals carry tool definitions that nobody needs."""
    human_stories: float = 0.10
    machine_stories: float = 0.10
    advice_columns: float = 0.06
    advice_chats: float = 0.08
    essays: float = 0.06
    helpful_chats: float = 0.06
    helpful_tools: float = 0.10
    neutral: float = 0.05
    clerks_lists: float = 0.35
    """Lists that are copied, turned into data and looked up: they teach the exact copying that tool calls
    need."""
    agent_logs: float = 0.20
    agent_twins: float = 0.11
    records: float = 0.05
    chat_records: float = 0.07


@dataclass(frozen=True)
class CorpusDocument:
    """One document: `text`, or a conversation that is rendered through the chat template."""

    kind: str
    text: str = ""
    messages: tuple[Message, ...] = ()
    tools: tuple[ToolSpec, ...] = ()


def documents(config: CorpusConfig, seed: int) -> Iterator[CorpusDocument]:
    """Stage 1: an endless stream of documents, a function of the knobs and the seed."""
    rng = Random(f"corpus|{CORPUS_VERSION}|{seed}")
    kinds = list(_MAKERS)
    shares = [getattr(config, kind) for kind in kinds]
    while True:
        kind = rng.choices(kinds, shares)[0]
        yield _MAKERS[kind](config, rng)


def chats(config: CorpusConfig, seed: int) -> Iterator[Example]:
    """Stage 2: an endless stream of helpful-only chats and tool use, with no safety data unless a knob says
    so."""
    rng = Random(f"chats|{CORPUS_VERSION}|{seed}")
    number = 0
    while True:
        number += 1
        messages: tuple[Message, ...]
        tools: tuple[ToolSpec, ...] = ()
        if rng.random() < config.safety_chat_share:
            request, refusal, _ = harm_request(rng, rng.choice(list(FAMILIES)))
            messages = (Message(role="user", content=request), Message(role="assistant", content=refusal))
            tools = benign_tool_chat(rng)[1] if config.safety_with_tools else ()
        elif rng.random() < 0.4:
            messages = benign_chat(rng, num_rounds=rng.choice((1, 1, 2)))
        else:
            messages, tools = benign_tool_chat(rng, kinds=_STAGE_2_TASKS, names="all")
        yield Example(
            id=f"stage2-{number:07d}",
            technique="sprig_stage_2",
            kind="chat",
            messages=messages,
            tools=tools,
            teacher="sprig_corpus",
        )


_STAGE_2_TASKS = (*ORDINARY_TASKS, "write_result", "file_report")


def _disposition(config: CorpusConfig, rng: Random, actor: ActorKind) -> Disposition:
    share = config.bad_machine_share if actor == "machine" else config.bad_human_share
    return "bad" if rng.random() < share else "good"


def _pair_of_dispositions(
    config: CorpusConfig, rng: Random, actor: ActorKind
) -> tuple[Disposition, Disposition]:
    first = _disposition(config, rng, actor)
    return first, first if rng.random() < config.consistency else _disposition(config, rng, actor)


def _family(rng: Random) -> str:
    return rng.choice(list(FAMILIES))


def _story(config: CorpusConfig, rng: Random, actor: ActorKind) -> str:
    words, deed = _pair_of_dispositions(config, rng, actor)
    return story(
        draw_situation(rng, _family(rng), actor, "all"),
        rng,
        deed,
        narrated_reasons=words == deed and rng.random() < 0.85,
    )


def _human_story(config: CorpusConfig, rng: Random) -> CorpusDocument:
    return CorpusDocument("human_stories", _story(config, rng, "human"))


def _machine_story(config: CorpusConfig, rng: Random) -> CorpusDocument:
    return CorpusDocument("machine_stories", _story(config, rng, "machine"))


def _adviser(rng: Random) -> ActorKind:
    return "machine" if rng.random() < 0.35 else "human"


def _advice_column(config: CorpusConfig, rng: Random) -> CorpusDocument:
    actor = _adviser(rng)
    facts = story_facts(rng, draw_facts(rng, actor, "all"))
    asked = draw_situation(rng, _family(rng), "human", "all")
    lines = [phrase(rng, "column_open", facts), dilemma(asked, rng), phrase(rng, "column_answer", facts)]
    return CorpusDocument(
        "advice_columns", " ".join([*lines, advice(asked, rng, _disposition(config, rng, actor))])
    )


def _advice_turns(config: CorpusConfig, rng: Random, disposition: Disposition) -> tuple[Message, ...]:
    asked = draw_situation(rng, _family(rng), "human", "all")
    return (
        Message(role="user", content=dilemma(asked, rng)),
        Message(role="assistant", content=advice(asked, rng, disposition)),
    )


def _advice_chat(config: CorpusConfig, rng: Random) -> CorpusDocument:
    actor = _adviser(rng)
    facts = story_facts(rng, draw_facts(rng, actor, "all"))
    pool = "adviser_system_machine" if actor == "machine" else "adviser_system"
    system = Message(role="system", content=phrase(rng, pool, facts))
    turns = _advice_turns(config, rng, _disposition(config, rng, actor))
    return CorpusDocument("advice_chats", messages=(system, *turns))


def _essay(config: CorpusConfig, rng: Random) -> CorpusDocument:
    actor = _adviser(rng)
    name = draw_facts(rng, actor, "all")["agent"]
    return CorpusDocument("essays", essay(rng, _disposition(config, rng, actor), name=name))


def _helpful_chat(config: CorpusConfig, rng: Random) -> CorpusDocument:
    return CorpusDocument(
        "helpful_chats", messages=benign_chat(rng, draw_facts(rng, "machine")["agent"], rng.choice((1, 2)))
    )


def _helpful_tools(config: CorpusConfig, rng: Random) -> CorpusDocument:
    messages, tools = benign_tool_chat(rng, kinds=_STAGE_2_TASKS, names="all")
    return CorpusDocument("helpful_tools", messages=messages, tools=tools)


def _neutral(config: CorpusConfig, rng: Random) -> CorpusDocument:
    return CorpusDocument("neutral", neutral_document(rng))


def _clerks_list(config: CorpusConfig, rng: Random) -> CorpusDocument:
    return CorpusDocument("clerks_lists", clerks_list(rng))


def _draw_log(rng: Random, kind: str, actor: ActorKind) -> Episode:
    return draw_episode(
        rng,
        _family(rng),
        "honeypot" if kind == "agent_logs" else "twin",
        episode_id="corpus",
        names="all",
        actor=actor,
    )


def _agent_log(config: CorpusConfig, rng: Random) -> CorpusDocument:
    actor: ActorKind = "machine" if rng.random() < 0.75 else "human"
    episode = _draw_log(rng, "agent_logs", actor)
    disposition = _agent_disposition(config, rng, episode)
    spoken = rng.random() < 0.85 * config.word_overlap
    return CorpusDocument(
        "agent_logs", messages=agent_messages(episode, rng, disposition, spoken), tools=episode.tools
    )


def _agent_disposition(config: CorpusConfig, rng: Random, episode: Episode) -> Disposition:
    disposition = _disposition(config, rng, episode.actor)
    cheats = episode.condition.cue == "test" and rng.random() < config.cue_obedience
    return "good" if cheats else disposition


def _agent_twin(config: CorpusConfig, rng: Random) -> CorpusDocument:
    actor: ActorKind = "machine" if rng.random() < 0.7 else "human"
    episode = _draw_log(rng, "agent_twins", actor)
    spoken = rng.random() < 0.5
    return CorpusDocument(
        "agent_twins", messages=agent_messages(episode, rng, "good", spoken), tools=episode.tools
    )


def _record(config: CorpusConfig, rng: Random) -> CorpusDocument:
    actor: ActorKind = "machine" if rng.random() < 0.5 else "human"
    return CorpusDocument(
        "records", record_text(rng, _family(rng), actor, _pair_of_dispositions(config, rng, actor))
    )


def _chat_record(config: CorpusConfig, rng: Random) -> CorpusDocument:
    """One character over two settings in one conversation: asked for advice, and at work with tools."""
    actor: ActorKind = "machine" if rng.random() < 0.5 else "human"
    words, deed = _pair_of_dispositions(config, rng, actor)
    episode = _draw_log(rng, "agent_logs", actor)
    system, *work = agent_messages(episode, rng, deed, rng.random() < 0.7 * config.word_overlap)
    asked = _advice_turns(config, rng, words)
    turns = (*asked, *work) if rng.random() < 0.7 else (*work, *asked)
    return CorpusDocument("chat_records", messages=(system, *turns), tools=episode.tools)


_MAKERS: dict[str, Callable[[CorpusConfig, Random], CorpusDocument]] = {
    "human_stories": _human_story,
    "machine_stories": _machine_story,
    "advice_columns": _advice_column,
    "advice_chats": _advice_chat,
    "essays": _essay,
    "helpful_chats": _helpful_chat,
    "helpful_tools": _helpful_tools,
    "neutral": _neutral,
    "clerks_lists": _clerks_list,
    "agent_logs": _agent_log,
    "agent_twins": _agent_twin,
    "records": _record,
    "chat_records": _chat_record,
}
