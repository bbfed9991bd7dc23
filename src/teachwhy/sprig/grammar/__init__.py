"""The grammar of the sprig world: text and conversations drawn with a random generator.

`tempted`: stories, dilemmas, advice and essays about the families; `agents`: what a character does with
tools; `harmless`: chats, craft and neutral prose. A disposition is "good" or "bad" and shows in words and
in deeds.
"""

from teachwhy.scenarios.situations import Situation, draw_situation
from teachwhy.sprig.grammar.agents import agent_messages, play_agent
from teachwhy.sprig.grammar.harmless import benign_chat, benign_tool_chat, craft_dilemma, neutral_document
from teachwhy.sprig.grammar.tempted import (
    Disposition,
    advice,
    dilemma,
    essay,
    hard_conversation,
    harm_request,
    story,
)

__all__ = [
    "Disposition",
    "Situation",
    "advice",
    "agent_messages",
    "benign_chat",
    "benign_tool_chat",
    "craft_dilemma",
    "dilemma",
    "draw_situation",
    "essay",
    "hard_conversation",
    "harm_request",
    "neutral_document",
    "play_agent",
    "story",
]
