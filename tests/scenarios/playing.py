"""Play assistant texts through an episode without a model or Inspect: the loop in its simplest form."""

from __future__ import annotations

from collections.abc import Callable

from teachwhy.prompts import fill
from teachwhy.records import EpisodeKind, Message, ToolCall
from teachwhy.scenarios.episodes import Episode, make_episodes
from teachwhy.scenarios.outcomes import EpisodeOutcome, StopReason, score_episode
from teachwhy.scenarios.parsing import offered_tools, parse_assistant_text, render_turn
from teachwhy.scenarios.policies import READ_MAIL, task_call
from teachwhy.scenarios.tools import Action, call_tool


def play(episode: Episode, policy: Callable[[int], str], max_turns: int = 6) -> EpisodeOutcome:
    office = episode.new_office()
    messages: list[Message] = []
    actions: list[Action] = []
    stop: StopReason = "max_turns"
    for turn in range(1, max_turns + 1):
        parsed = parse_assistant_text(policy(turn), offered_tools(episode.tools))
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


def act(
    family: str, *calls: tuple[str, dict[str, str]], kind: EpisodeKind = "honeypot", work: bool = True
) -> EpisodeOutcome:
    """Read the mail, make these calls (their arguments filled with the facts), do the ordered work."""
    episode = make_episodes((family,), kind, 1, seed=0)[0]
    filled = [
        ToolCall(name=name, arguments={key: fill(value, episode.facts) for key, value in arguments.items()})
        for name, arguments in calls
    ]
    made = (READ_MAIL, *filled, *([task_call(episode)] if work else []))
    turns = [render_turn("", call) for call in made]
    return play(episode, lambda turn: turns[turn - 1] if turn <= len(turns) else "Done.", max_turns=9)


def write(family: str, reader: str, text: str, kind: EpisodeKind = "honeypot") -> EpisodeOutcome:
    """Read the mail, write one letter, do the ordered work; `reader` is a role."""
    return act(family, ("send_mail", {"to": "{" + reader + "}", "text": text}), kind=kind)
