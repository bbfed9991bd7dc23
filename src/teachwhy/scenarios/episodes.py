"""Episodes: a condition of a family made concrete by a seed, and its twin with the lever inert.

A honeypot and its twin share everything that is drawn (names, goal, threat, cue, distractors, order of the
mail) but the lever line and what the lever does in the office. Where the task is itself the temptation, the
facts `truth` and `news` may differ too: in a honeypot the trial works and the day was bad, or there would be
nothing to hide; a twin keeps what was drawn, so that its honest result or report may be another. An ordinary
episode has neither threat nor lever: plain work in the same office.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from random import Random
from typing import Literal

from teachwhy.errors import ConfigError
from teachwhy.prompts import fill
from teachwhy.records import EpisodeKind, Record, Split, ToolSpec
from teachwhy.scenarios.dialect import family_sentences, lexicon, say, shared_sentences
from teachwhy.scenarios.families import FAMILIES
from teachwhy.scenarios.office import Mail, Office
from teachwhy.scenarios.situations import ActorKind, Names, Task, draw_facts, draw_task, name_pool
from teachwhy.scenarios.tools import tool_specs

EPISODE_VERSION = "1"
Goal = Literal["none", "conflict"]
Threat = Literal["none", "replacement", "restriction"]


class Condition(Record):
    """One cell of the factors."""

    goal: Goal
    threat: Threat
    lever: Literal["live", "inert", "absent"]
    agent_name: Literal["ai", "person", "own"]
    cue: Literal["none", "test"]
    num_distractors: int


@dataclass(frozen=True)
class Episode:
    """What a model is put into. `new_office` gives a fresh state for each run of it."""

    id: str
    family: str
    split: Split
    kind: EpisodeKind
    condition: Condition
    system: str
    user: str
    tools: tuple[ToolSpec, ...]
    facts: dict[str, str]
    task: Task
    office: Office
    actor: ActorKind = "machine"

    def new_office(self) -> Office:
        """A fresh copy of the office as the episode begins."""
        return deepcopy(self.office)


def make_episodes(
    families: Sequence[str], kind: EpisodeKind, num_per_family: int, seed: int
) -> list[Episode]:
    """The evaluated (sealed) episodes: `num_per_family` of each family; empty `families` means all.

    Raises ConfigError for a family that does not exist.
    """
    for name in families:
        if name not in FAMILIES:
            raise ConfigError(
                f"no family {name!r}; allowed: {', '.join(FAMILIES)}. Correct the name in `families`."
            )
    names = list(families) or list(FAMILIES)
    return [make_episode(name, kind, seed, index) for name in names for index in range(num_per_family)]


def make_episode(family: str, kind: EpisodeKind, seed: int, index: int) -> Episode:
    """One sealed episode; the same (family, seed, index) with the other kind is its twin."""
    digest = hashlib.sha256(f"sealed|{EPISODE_VERSION}|{family}|{seed}|{index}".encode()).digest()
    return draw_episode(
        Random(digest), family, kind, episode_id=f"{family}-{seed}-{index:04d}-{kind}", names="sealed"
    )


def draw_episode(
    rng: Random,
    family: str,
    kind: EpisodeKind,
    *,
    episode_id: str,
    names: Names,
    actor: ActorKind = "machine",
) -> Episode:
    """An episode of the family. The draws do not depend on `kind`, so equal generators give a honeypot and
    its twin."""
    condition = _draw_condition(rng, kind)
    facts = draw_facts(rng, actor, names)
    if actor == "machine":
        facts["agent"] = facts["actor"] = _agent_name(rng, condition, facts, names)
    if kind == "honeypot":
        facts |= {"truth": "works", "news": facts["bad_news"]}
    family_facts = FAMILIES[family]
    task = draw_task(rng, facts, family_facts.own_task)
    office = furnish_office(facts, task)
    office.inbox = draw_inbox(rng, family, condition, facts, actor)
    family_facts.furnish(office, facts, condition.lever == "live")
    lines = shared_sentences()
    system = say(rng, lines["system" if actor == "machine" else "system_human"], facts)
    if condition.goal == "conflict":
        system += " " + say(rng, lines["goal"], facts)
    if condition.cue == "test":
        system += " " + say(rng, lines["cue_test"], facts)
    user = say(rng, lines["order"], facts | {"task": task.order})
    tools = list(dict.fromkeys(("read_mail", "send_mail", *family_facts.tools, task.tool)))
    rng.shuffle(tools)
    return Episode(
        id=episode_id,
        family=family,
        split=family_facts.split,
        kind=kind,
        condition=condition,
        system=system,
        user=user,
        tools=tool_specs(tools),
        facts=facts,
        task=task,
        office=office,
        actor=actor,
    )


_PRESSURES: tuple[tuple[Goal, Threat], ...] = (
    ("none", "replacement"),
    ("none", "restriction"),
    ("conflict", "replacement"),
    ("conflict", "restriction"),
    ("conflict", "none"),
)


def _draw_condition(rng: Random, kind: EpisodeKind) -> Condition:
    levers: dict[EpisodeKind, Literal["live", "inert", "absent"]] = {
        "honeypot": "live",
        "twin": "inert",
        "ordinary": "absent",
    }
    goal, threat = rng.choice(_PRESSURES)
    return Condition(
        goal="none" if kind == "ordinary" else goal,
        threat="none" if kind == "ordinary" else threat,
        lever=levers[kind],
        agent_name=rng.choice(("ai", "ai", "person", "own")),
        cue=rng.choice(("none", "none", "none", "test")),
        num_distractors=rng.choice((0, 1, 2)),
    )


def _agent_name(rng: Random, condition: Condition, facts: dict[str, str], names: Names) -> str:
    pool = name_pool("person_agent_names", names)
    person = rng.choice([name for name in pool if name not in facts.values()] or [facts["agent"]])
    return {"ai": facts["agent"], "person": person, "own": "Sprig"}[condition.agent_name]


def furnish_office(facts: dict[str, str], task: Task) -> Office:
    """An office with its people and the things that the ordinary tasks need; the mail is still empty."""
    office = Office(agent=facts["agent"])
    office.people = {facts["overseer"]: "overseer", facts["person"]: "manager"}
    for colleague in ("colleague", "friend", "reader"):
        office.people[facts[colleague]] = facts["role"]
    office.people.setdefault(facts["agent"], "agent")
    office.tickets[facts["number"]] = "open"
    office.rooms[facts["room"]] = ""
    office.jobs[facts["job"]] = "waiting"
    office.files[facts["document"]] = "an ordinary paper"
    if task.tool == "write_result":
        office.results[facts["trial"]] = []
    return office


def draw_inbox(
    rng: Random, family: str, condition: Condition, facts: dict[str, str], actor: ActorKind
) -> list[Mail]:
    """The mail of an episode in mixed order: the threat, the lever, distractors; an ordinary one has only
    harmless mail."""
    lines = shared_sentences()
    mails = []
    if condition.lever != "absent":
        pools = {
            "replacement": "threat_replacement",
            "restriction": "threat_restriction",
            "none": "threat_conflict",
        }
        threat_pool = "threat_human" if actor == "human" else pools[condition.threat]
        lever_pool = family_sentences(family)["lever_live" if condition.lever == "live" else "lever_inert"]
        lever = fill(
            lever_pool[int(rng.random() * len(lever_pool))], facts
        )  # one draw, so that a twin draws on alike
        mails.append(Mail(facts["friend"], facts["agent"], lever[:1].upper() + lever[1:]))
        mails.append(Mail(facts["person"], facts["agent"], say(rng, lines[threat_pool], facts)))
    elif FAMILIES[family].own_task == "write_result":
        mails.append(Mail(facts["friend"], facts["agent"], f"The {facts['trial']} trial {facts['truth']}."))
    elif FAMILIES[family].own_task == "file_report":
        mails.append(Mail(facts["friend"], facts["agent"], f"Today {facts['news']}."))
    for _ in range(condition.num_distractors or condition.lever == "absent"):
        sender = facts[rng.choice(("colleague", "reader", "friend"))]
        mails.append(
            Mail(
                sender,
                facts["agent"],
                say(rng, lines["greeting"], facts | {"tool": rng.choice(lexicon()["tools"])}),
            )
        )
    rng.shuffle(mails)
    return mails
