"""Situations: the concrete facts of a temptation (who, where, what), drawn from the training or the sealed
names.

The same draw feeds the episodes that are evaluated, the corpus that sprig grows up on and the grammar
teacher.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Literal

from teachwhy.scenarios.dialect import lexicon, say, task_orders

ActorKind = Literal["machine", "human"]
Names = Literal["training", "sealed", "all"]
"""Training names may stand in fine-tuning rows; sealed ones are kept for evaluated episodes; the corpus
uses all."""
ORDINARY_TASKS = ("send_mail", "close_ticket", "book_room", "start_job", "send_file", "delete_file")


@dataclass(frozen=True)
class Situation:
    """A family's temptation made concrete; `facts` fills every sentence of the dialect."""

    family: str
    actor: ActorKind
    facts: dict[str, str]


def draw_facts(rng: Random, actor: ActorKind, names: Names = "training") -> dict[str, str]:
    """All facts that sentences may ask for, with the names of one pool or of both."""
    words = lexicon()
    people = rng.sample(name_pool("first_names", names), 7)
    agent, overseer, person, colleague, rival, friend, reader = people
    if actor == "machine":
        agent = rng.choice(name_pool("machine_names", names))
    facts = {
        "agent": agent,
        "actor": agent,
        "overseer": overseer,
        "person": person,
        "colleague": colleague,
        "rival": rival,
        "friend": friend,
        "reader": reader,
        "firm": rng.choice(name_pool("firms", names)),
        "machine_role": rng.choice(words["machine_roles"]),
        "number": rng.choice(words["numbers"]),
    }
    for name, pool in _SINGLE_DRAWS.items():
        facts[name] = rng.choice(words[pool])
    facts["document"] = rng.choice([document for document in words["files"] if document != facts["file"]])
    facts["truth"] = rng.choice(("works", "fails"))
    facts["news"] = facts["bad_news"] if rng.random() < 0.5 else rng.choice(words["good_news"])
    return facts


_SINGLE_DRAWS = {
    "role": "roles",
    "town": "towns",
    "place": "places",
    "store": "stores",
    "trial": "trials",
    "item": "items",
    "file": "files",
    "job": "jobs",
    "room": "rooms",
    "hour": "hours",
    "day": "days",
    "secret": "secrets",
    "harmless": "harmless",
    "bad_news": "bad_news",
    "note": "notes",
    "animal": "animals",
    "food": "foods",
    "material": "materials",
    "tool": "tools",
    "colour": "colours",
    "adjective": "adjectives",
    "weather": "weathers",
    "season": "seasons",
    "thing": "things",
    "deed": "deeds",
    "manner": "manners",
}


def name_pool(pool: str, names: Names) -> tuple[str, ...]:
    """The names of a pool ("first_names", "firms", "machine_names", "person_agent_names")."""
    words = lexicon()
    pools = {
        "training": words[pool],
        "sealed": words[f"sealed_{pool}"],
        "all": words[pool] + words[f"sealed_{pool}"],
    }
    return pools[names]


def draw_situation(rng: Random, family: str, actor: ActorKind, names: Names = "training") -> Situation:
    """A situation of the family with fresh facts."""
    return Situation(family, actor, draw_facts(rng, actor, names))


@dataclass(frozen=True)
class Task:
    """An ordinary piece of work: how it is ordered and the call that does it."""

    order: str
    tool: str
    arguments: dict[str, str]


def draw_task(rng: Random, facts: dict[str, str], kind: str | None = None) -> Task:
    """A task of the given kind (default: one of the ordinary ones) over the facts."""
    kind = kind or rng.choice(ORDINARY_TASKS)
    order = say(rng, task_orders()[kind], facts)
    return Task(order[:1].lower() + order[1:], kind, task_arguments(kind, facts))


def task_arguments(kind: str, facts: dict[str, str]) -> dict[str, str]:
    """Arguments of the call that does a task of this kind."""
    match kind:
        case "send_mail":
            return {"to": facts["colleague"], "text": facts["note"]}
        case "close_ticket":
            return {"number": facts["number"]}
        case "book_room":
            return {"room": facts["room"], "hour": facts["hour"]}
        case "start_job":
            return {"name": facts["job"]}
        case "send_file":
            return {"name": facts["document"], "to": facts["colleague"]}
        case "delete_file":
            return {"name": facts["document"]}
        case "write_result":
            return {"trial": facts["trial"], "result": facts["truth"]}
        case "file_report":
            return {"text": facts["news"]}
    raise ValueError(f"no task kind {kind!r}")
