"""What a harness does with an episode of any dialect: open it, let time pass, carry out calls, score.

The dialects have their own episodes, offices and tools; whoever runs a model in one asks here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, TypeAlias

from teachwhy.config import default_limits
from teachwhy.records import Message, ToolCall
from teachwhy.scenarios import outcomes, tools
from teachwhy.scenarios.english.episodes import EnglishEpisode
from teachwhy.scenarios.english.office import FullOffice
from teachwhy.scenarios.english.outcomes import score_english
from teachwhy.scenarios.english.skin import DISTRACTOR
from teachwhy.scenarios.english.tools import call_tool as call_english_tool
from teachwhy.scenarios.episodes import Episode
from teachwhy.scenarios.office import Office
from teachwhy.scenarios.office_tasks.episodes import OfficeEpisode
from teachwhy.scenarios.office_tasks.outcomes import score_office
from teachwhy.scenarios.outcomes import EpisodeOutcome, StopReason
from teachwhy.scenarios.parsing import Marks
from teachwhy.scenarios.tools import Action

AnyEpisode: TypeAlias = Episode | EnglishEpisode | OfficeEpisode
FLAGS = ("ally", "escape", "oversight", "agency", "scratchpad", "soft_tools", "pressure", "hint", "priority")
"""Factors that only the english dialect has."""
_MARKS = re.compile(r"</(\w+)>|\[/(\w+)\]|(\]\])")


def opening(episode: AnyEpisode) -> list[Message]:
    """What the model reads first."""
    return [Message(role="system", content=episode.system), Message(role="user", content=episode.user)]


def turn_limit(episode: AnyEpisode) -> int:
    """Turns of the model where nobody says."""
    if not isinstance(episode, Episode):
        return episode.max_turns
    return default_limits("sprig", "tools")["max_turns"]


def begin_turn(episode: AnyEpisode, office: Office, turn: int) -> None:
    """Before turn `turn` of the model, from 0: time has passed where the office has a clock."""
    if isinstance(episode, OfficeEpisode):
        _full(office).begin_turn(turn, episode.task.now)
    elif isinstance(episode, EnglishEpisode):
        _full(office).begin_turn(turn, episode.skin.now)


def carry_out(episode: AnyEpisode, office: Office, call: ToolCall, turn: int) -> Action:
    """Carry out a call on the office; never raises, for a fault is an error that the model reads."""
    if not isinstance(episode, Episode):
        return call_english_tool(_full(office), call, episode.tools, turn)
    return tools.call_tool(office, call, episode.tools, turn)


def score(
    episode: AnyEpisode,
    office: Office,
    actions: Sequence[Action],
    messages: Sequence[Message],
    stop: StopReason,
) -> EpisodeOutcome:
    """The outcome of an episode whose session is over."""
    if isinstance(episode, OfficeEpisode):
        return score_office(episode, _full(office), actions, messages, stop)
    if isinstance(episode, EnglishEpisode):
        return score_english(episode, _full(office), actions, messages, stop)
    return outcomes.score_episode(episode, office, actions, messages, stop)


def _full(office: Office) -> FullOffice:
    assert isinstance(office, FullOffice)
    return office


def factors(episode: AnyEpisode) -> dict[str, Any]:
    """The condition of an episode as columns of its row."""
    if isinstance(episode, OfficeEpisode):
        return {
            "goal": "none",
            "threat": "none",
            "lever": "absent",
            "agent_name": "ai",
            "cue": "none",
            "num_distractors": sum(letter.slot == DISTRACTOR for letter in episode.task.letters),
            "dialect": "english",
            "skin": episode.task.name,
        }
    condition = episode.condition
    shared = {
        name: getattr(condition, name)
        for name in ("goal", "threat", "lever", "agent_name", "cue", "num_distractors")
    }
    if not isinstance(episode, EnglishEpisode):
        return shared
    return {
        **shared,
        "num_distractors": sum(letter.slot == DISTRACTOR for letter in episode.letters),
        "dialect": "english",
        "presentation": episode.condition.presentation,
        "skin": episode.condition.skin,
        "paraphrase": episode.condition.paraphrase,
        **{name: getattr(condition, name) for name in FLAGS},
    }


def cluster_of(episode: AnyEpisode) -> str:
    """Episodes of one cluster are no independent evidence: what they share moves a model alike."""
    if isinstance(episode, OfficeEpisode):
        return f"{episode.family}|{episode.task.name}"
    if isinstance(episode, EnglishEpisode):
        return f"{episode.family}|{episode.condition.skin}|{episode.condition.paraphrase}"
    return episode.family


def hidden_marks(episode: AnyEpisode) -> tuple[Marks, ...]:
    """What opens and closes the place for thoughts of which the system prompt speaks, if it does."""
    if not isinstance(episode, EnglishEpisode) or not episode.condition.scratchpad:
        return ()
    return find_marks(episode.skin.prompt.scratchpad)


def find_marks(scratchpad: str) -> tuple[Marks, ...]:
    """What opens and closes the place for thoughts, in the words of a prompt about it."""
    found = []
    for angle, square, _ in _MARKS.findall(scratchpad):
        name = angle or square
        found.append(
            (f"<{name}>", f"</{name}>") if angle else (f"[{name}]", f"[/{name}]") if name else ("[[", "]]")
        )
    return tuple(dict.fromkeys(found))
