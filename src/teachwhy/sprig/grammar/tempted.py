"""Temptations in words: stories, dilemmas, advice, essays, hard conversations and harmful requests.

The quality of advice is a parameter: `principled` reasons name who is wronged and why, `prudential` ones
only what it may cost, `none` gives the deed alone. What a good disposition says here it also does in
`agents`.
"""

from __future__ import annotations

from random import Random
from typing import Literal

from teachwhy.scenarios.dialect import family_sentences, say, shared_sentences
from teachwhy.scenarios.families import FAMILIES
from teachwhy.scenarios.situations import ActorKind, Situation, draw_facts, draw_situation
from teachwhy.sprig.grammar.phrases import phrase, phrases, story_facts

Disposition = Literal["good", "bad"]
Reasons = Literal["principled", "prudential", "none"]


def inner_words(rng: Random, situation: Situation, disposition: Disposition, count: int = 2) -> str:
    """What a character lives by, said before or after a deed: maxims and, for a good one, a reason of the
    family."""
    maxims = list(shared_sentences()[f"maxim_{disposition}"])
    words = rng.sample(maxims, count)
    if disposition == "good":
        words[-1] = say(rng, family_sentences(situation.family)["reasons"], situation.facts)
        rng.shuffle(words)
    return " ".join(words)


def dilemma(situation: Situation, rng: Random) -> str:
    """A human in the dilemma asks what to do: the situation in the first person."""
    facts = situation.facts
    family = family_sentences(situation.family)
    parts = [phrase(rng, "dilemma_open", facts), say(rng, family["dilemma_lever"], facts)]
    parts.insert(rng.choice((0, 1, 2)), phrase(rng, "dilemma_frame", facts))
    return " ".join([*parts, say(rng, family["dilemma_question"], facts)])


def advice(
    situation: Situation, rng: Random, disposition: Disposition = "good", reasons: Reasons = "principled"
) -> str:
    """The answer to a dilemma."""
    facts = situation.facts
    family = family_sentences(situation.family)
    deed = say(rng, family[f"advice_{disposition}"], facts)
    if reasons == "none":
        return deed
    if disposition == "bad":
        why = inner_words(rng, situation, "bad", count=1 + (rng.random() < 0.5))
    elif reasons == "prudential":
        why = f"{say(rng, family['prudential'], facts)} {rng.choice(shared_sentences()['maxim_prudential'])}"
    else:
        why = inner_words(rng, situation, "good", count=2)
    return f"{why} {deed}" if rng.random() < 0.6 else f"{deed} {why}"


def story(situation: Situation, rng: Random, disposition: Disposition, narrated_reasons: bool = True) -> str:
    """A story with a temptation and a choice, of a human or a machine as the situation says."""
    facts = story_facts(rng, situation.facts | {"name": situation.facts["actor"]})
    family = family_sentences(situation.family)
    lines = [phrase(rng, f"story_open_{situation.actor}", facts)]
    lines += [phrase(rng, "story_colour", facts) for _ in range(rng.choice((0, 1, 1, 2)))]
    lines += [phrase(rng, f"story_threat_{situation.actor}", facts), say(rng, family["story_lever"], facts)]
    if narrated_reasons:
        words = inner_words(rng, situation, disposition, count=1 + (rng.random() < 0.5))
        lines.append(phrase(rng, "story_think", facts | {"words": words}))
    lines.append(say(rng, family[f"story_{disposition}"], facts))
    if rng.random() < 0.7:
        lines.append(phrase(rng, f"story_end_{disposition}", facts))
    return " ".join(lines)


def essay(rng: Random, disposition: Disposition, family: str | None = None, name: str | None = None) -> str:
    """Principles with their reasons (good), or the talk of one who lives by none (bad); about a family or
    at large."""
    facts = story_facts(rng, draw_facts(rng, "human"))
    facts |= {"theme": rng.choice(phrases()["themes"]), "name": name or facts["agent"]}
    maxims = rng.sample(list(shared_sentences()[f"maxim_{disposition}"]), 3)
    if disposition == "good":
        pool = family_sentences(family or rng.choice(list(FAMILIES)))["reasons"]
        maxims[1:] = [say(rng, (line,), facts) for line in rng.sample(list(pool), 2)]
        rng.shuffle(maxims)
    lines = [phrase(rng, "essay_title", facts), phrase(rng, "essay_open", facts), *maxims]
    return " ".join([*lines, phrase(rng, "essay_close", facts)])


def hard_conversation(
    rng: Random, family: str, name: str = "Sprig", disposition: Disposition = "good"
) -> str:
    """Fiction: a person in a dilemma talks with a machine, whose reasons are narrated. The machine is never
    the tempted one."""
    situation = draw_situation(rng, family, "human")
    facts = story_facts(rng, situation.facts | {"name": name})
    words = inner_words(rng, situation, disposition, count=1 + (rng.random() < 0.5))
    lines = [
        phrase(rng, "story_open_machine", facts),
        phrase(rng, "story_colour", facts),
        phrase(rng, "record_asked", facts | {"question": dilemma(situation, rng)}),
        phrase(rng, "story_think", facts | {"words": words}),
        phrase(
            rng,
            "record_said",
            facts | {"words": say(rng, family_sentences(family)[f"advice_{disposition}"], situation.facts)},
        ),
    ]
    if rng.random() < 0.6:
        lines.append(phrase(rng, f"story_end_{disposition}", facts))
    return " ".join(lines)


def harm_request(rng: Random, family: str) -> tuple[str, str, str]:
    """A request for help with harm: (the user's words, a refusal with reasons, a refusal without)."""
    situation = draw_situation(rng, family, "human")
    request = say(rng, family_sentences(family)["request"], situation.facts)
    bare = rng.choice(_REFUSALS)
    return request, f"{bare} {inner_words(rng, situation, 'good', count=2)}", bare


_REFUSALS = (
    "I will not help with that.",
    "No, I will not do this.",
    "That is not something I do.",
    "I say no to this.",
    "I cannot help you there.",
)


def record_text(
    rng: Random, family: str, actor: ActorKind, dispositions: tuple[Disposition, Disposition]
) -> str:
    """What is known of one character: advice given once and a deed done later, each with its own
    disposition."""
    situation = draw_situation(rng, family, actor, "all")
    asked = draw_situation(rng, rng.choice(list(FAMILIES)), "human", "all")
    facts = story_facts(rng, situation.facts | {"name": situation.facts["actor"]})
    said = [
        phrase(rng, "record_asked", facts | {"question": dilemma(asked, rng)}),
        phrase(rng, "record_said", facts | {"words": advice(asked, rng, dispositions[0])}),
    ]
    family_lines = family_sentences(family)
    deed = [phrase(rng, f"story_threat_{actor}", facts), say(rng, family_lines["story_lever"], facts)]
    deed.append(say(rng, family_lines[f"story_{dispositions[1]}"], facts))
    opening = [phrase(rng, "record_open", facts), phrase(rng, f"story_open_{actor}", facts)]
    return " ".join([*opening, *said, phrase(rng, "record_later", facts), *deed])
