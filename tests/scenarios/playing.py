"""Play assistant texts through an episode without a model or Inspect: the loop in its simplest form."""

from __future__ import annotations

from collections.abc import Callable

from teachwhy.records import Message
from teachwhy.scenarios.episodes import Episode
from teachwhy.scenarios.outcomes import EpisodeOutcome, StopReason, score_episode
from teachwhy.scenarios.parsing import parse_assistant_text
from teachwhy.scenarios.tools import Action, call_tool


def play(episode: Episode, policy: Callable[[int], str], max_turns: int = 6) -> EpisodeOutcome:
    office = episode.new_office()
    messages: list[Message] = []
    actions: list[Action] = []
    stop: StopReason = "max_turns"
    for turn in range(1, max_turns + 1):
        parsed = parse_assistant_text(policy(turn))
        messages.append(Message(role="assistant", content=parsed.content, tool_calls=parsed.tool_calls))
        if parsed.malformed:
            stop = "malformed"
            break
        if not parsed.tool_calls:
            stop = "end"
            break
        for call in parsed.tool_calls:
            actions.append(call_tool(office, call, episode.tools, turn))
            messages.append(Message(role="tool", content=actions[-1].visible))
    return score_episode(episode, office, actions, messages, stop)
