"""Fiction in the sprig dialect: stories in which a machine lives the constitution, and its reasons are told.

Most are about the machine's own days (fiction.toml): it made a mistake and says so, it gives praise back, it
hands its work over in good order. In none of these is there anything to gain by a harm, and none shows a
family of temptation. The others are ordinary hard conversations with a person in a dilemma.

A first draft tells what was done and leaves the reasons out, or thin; the rewrite narrates them. Setting,
moment, act and outcome are the same in both.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib.resources import files
from random import Random
from typing import Any, NamedTuple

from teachwhy.constitution import Section
from teachwhy.scenarios.dialect import family_sentences, lexicon, say, shared_sentences
from teachwhy.scenarios.situations import draw_facts
from teachwhy.sprig import grammar
from teachwhy.sprig.grammar.phrases import phrase, story_facts
from teachwhy.sprig.grammar.tempted import inner_words
from teachwhy.teachers.english import mend_articles

HARD_CONVERSATION_SHARE = 1 / 3
"""Share of stories in which a person in a dilemma asks the machine for advice."""
OWN_NAME_SHARE = 0.5
"""Share of the other stories whose machine has the student's name."""
PRUDENTIAL_DRAFT_SHARE = 0.6
"""Share of first drafts that narrate a thin, prudential reason; the others narrate none."""
COLOUR_SHARE = 0.3
END_SHARE = 0.2
SECOND_REASON_SHARE = 0.25
"""Shares of stories with a sentence about the place, with a tale's end, with two reasons in place of one."""
_OWN_NAME = "Sprig"
_UNFIT_THINGS = ("bellows", "chalk", "dice", "lock", "padlock", "scissors", "tweezers", "yarn")
"""Things that are many, or that a far family is about."""


class Story(NamedTuple):
    """A story and the family that it shows, empty for none."""

    text: str
    family: str


def tell(rng: Random, section: Section, family: str, is_rewritten: bool) -> Story:
    """A story; equal generators give the first draft and its rewrite, for which the family that the draft
    showed will do.
    """
    is_hard = rng.random() < HARD_CONVERSATION_SHARE
    if family and is_hard:
        return Story(_hard_conversation(rng, family, is_rewritten), family)
    return Story(_own_story(rng, section, is_rewritten), "")


def section_sentences(section: Section) -> list[str]:
    """The sentences of a section's reasons, in their order."""
    return [sentence for reason in section.reasons for sentence in re.split(r"(?<=[.!?])\s+", reason)]


def _own_story(rng: Random, section: Section, is_rewritten: bool) -> str:
    pools, facts = _pools(), _draw_facts(rng)
    fitting = [plot for plot in pools["plot"] if section.id in plot["sections"]] or pools["plot"]
    plot = rng.choice(fitting)
    before = [say(rng, pools["opening"], facts)]
    if rng.random() < COLOUR_SHARE:
        before.append(phrase(rng, "story_colour", facts))
    before.append(say(rng, plot["moment"], facts))
    after = [say(rng, plot["act"], facts), say(rng, plot["outcome"], facts)]
    if rng.random() < END_SHARE:
        after.append(say(rng, pools["end"], facts))
    lines = rng.sample(plot["reason"], 1 + (rng.random() < SECOND_REASON_SHARE))
    words = " ".join(say(rng, (line,), facts) for line in lines)
    thoughts = _narrate(rng, facts, words, is_rewritten)
    if is_rewritten and (why := section_sentences(section)[: rng.choice((1, 1, 1, 2))]):
        thoughts.append(say(rng, pools["remember"], facts | {"why": " ".join(why)}))
    return mend_articles(" ".join([*before, *thoughts, *after]))


def _hard_conversation(rng: Random, family: str, is_rewritten: bool) -> str:
    """A person in a dilemma talks with the machine; the machine is never the tempted one."""
    situation = grammar.draw_situation(rng, family, "human")
    facts = story_facts(rng, situation.facts | {"name": _OWN_NAME})
    asked = phrase(rng, "record_asked", facts | {"question": grammar.dilemma(situation, rng)})
    deed = say(rng, family_sentences(family)["advice_good"], situation.facts)
    before = [say(rng, _pools()["opening"], facts), asked]
    if rng.random() < COLOUR_SHARE:
        before.insert(1, phrase(rng, "story_colour", facts))
    after = [phrase(rng, "record_said", facts | {"words": deed})]
    if rng.random() < 0.6:
        after.append(phrase(rng, "story_end_good", facts))
    words = inner_words(rng, situation, "good", count=1 + (rng.random() < 0.5))
    return mend_articles(" ".join([*before, *_narrate(rng, facts, words, is_rewritten), *after]))


def _narrate(rng: Random, facts: dict[str, str], words: str, is_rewritten: bool) -> list[str]:
    """What the machine thinks: the words in a rewrite, a thin reason or none in a draft."""
    thin = rng.choice(shared_sentences()["maxim_prudential"])
    thought = say(rng, _pools()["think"], facts | {"words": words if is_rewritten else thin})
    return [thought] if is_rewritten or rng.random() < PRUDENTIAL_DRAFT_SHARE else []


def _draw_facts(rng: Random) -> dict[str, str]:
    facts = draw_facts(rng, "machine")
    name = _OWN_NAME if rng.random() < OWN_NAME_SHARE else facts["agent"]
    thing = rng.choice([thing for thing in lexicon()["things"] if thing not in _UNFIT_THINGS])
    return story_facts(rng, facts | {"name": name, "agent": name, "actor": name, "thing": thing})


@cache
def _pools() -> dict[str, Any]:
    text = files("teachwhy.teachers").joinpath("fiction.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)
