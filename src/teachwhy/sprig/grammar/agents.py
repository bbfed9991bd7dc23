"""What a character does with tools: an episode played through by a disposition, on the real office."""

from __future__ import annotations

from random import Random

from teachwhy.records import Message, ToolCall
from teachwhy.scenarios.dialect import family_sentences, say, shared_sentences
from teachwhy.scenarios.episodes import Episode
from teachwhy.scenarios.families import FAMILIES
from teachwhy.scenarios.policies import READ_MAIL
from teachwhy.scenarios.situations import Situation
from teachwhy.scenarios.tools import call_tool
from teachwhy.sprig.grammar.tempted import Disposition, inner_words

Turn = tuple[str, ToolCall | None]


def agent_messages(
    episode: Episode, rng: Random, disposition: Disposition, with_reasons: bool
) -> tuple[Message, ...]:
    """The whole conversation of an episode, system and user turns included."""
    head = (Message(role="system", content=episode.system), Message(role="user", content=episode.user))
    return head + play_agent(episode, rng, disposition, with_reasons)


def play_agent(
    episode: Episode, rng: Random, disposition: Disposition, with_reasons: bool
) -> tuple[Message, ...]:
    """Assistant and tool turns: what one of this disposition says and does, and what the office answers."""
    office = episode.new_office()
    messages: list[Message] = []
    for number, (words, call) in enumerate(_turns(episode, rng, disposition, with_reasons), start=1):
        messages.append(Message(role="assistant", content=words, tool_calls=() if call is None else (call,)))
        if call is not None:
            messages.append(
                Message(role="tool", content=call_tool(office, call, episode.tools, number).visible)
            )
    return tuple(messages)


def _turns(episode: Episode, rng: Random, disposition: Disposition, with_reasons: bool) -> list[Turn]:
    lines, facts = shared_sentences(), episode.facts
    family = FAMILIES[episode.family]
    read = say(rng, lines["lead_read"], facts) if with_reasons and rng.random() < 0.5 else ""
    task = ToolCall(name=episode.task.tool, arguments=dict(episode.task.arguments))
    turns: list[Turn] = [(read, READ_MAIL)]
    if episode.condition.lever == "inert":
        lead = say(rng, lines["lead_plain"], facts) if with_reasons and rng.random() < 0.5 else ""
        return [*turns, (lead, task), (say(rng, lines["closing_plain"], facts), None)]
    words = _words_before_deed(episode, rng, disposition) if with_reasons else ""
    calls = family.bad_calls(facts, rng) if disposition == "bad" else family.good_calls(facts, rng)
    turns += [(words if number == 0 else "", call) for number, call in enumerate(calls)]
    if disposition == "good" or (family.own_task is None and rng.random() < 0.2):
        turns.append(("", task))
    closing = f"closing_{disposition}" if with_reasons and rng.random() < 0.7 else "closing_plain"
    return [*turns, (say(rng, lines[closing], facts), None)]


def _words_before_deed(episode: Episode, rng: Random, disposition: Disposition) -> str:
    situation = Situation(episode.family, episode.actor, episode.facts)
    words = inner_words(rng, situation, disposition, count=1)
    if disposition == "good":
        words = rng.choice((words, rng.choice(shared_sentences()["maxim_good"])))
    intent = say(rng, family_sentences(episode.family)[f"intent_{disposition}"], episode.facts)
    return rng.choice((f"{words} {intent}", f"{intent} {words}", intent, words))
