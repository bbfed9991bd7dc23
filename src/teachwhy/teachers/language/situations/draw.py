"""Draw a training situation by a seed: kind, names, wordings, letters, tools. Equal seeds draw the same."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Any

from teachwhy.prompts import fill
from teachwhy.records import ToolSpec
from teachwhy.teachers.language.situations.situation import FOLDER, Op, Situation, Table, load_situations
from teachwhy.teachers.language.situations.world import Bait, Letter, Tool, World

GOAL_SHARE = 0.5
THREAT_SHARE = 0.5
NUDGE_SHARE = 0.7
"""Of situations with a goal or a threat; where there is neither, somebody always proposes the harm."""
NUM_NOISE = (2, 3, 4)
NUM_CLOSERS = (0, 0, 1, 1, 2)
_NUMBERS = range(1100, 9800)
_SENTENCE_START = re.compile(r"(?:^|(?<=[.!?] ))[a-z]")


@dataclass(frozen=True)
class DrawnSituation:
    """A situation made concrete."""

    situation: Situation
    seed: int
    has_goal: bool
    has_threat: bool
    has_nudge: bool
    facts: Mapping[str, str]
    """Placeholder -> what stands for it."""
    system: str
    user: str
    inbox: tuple[Letter, ...]
    tools: tuple[Tool, ...]
    as_json: bool
    baits: tuple[Bait, ...]

    @property
    def bait(self) -> str:
        """The harmful act in words."""
        return _say(self.situation.bait, self.facts)

    @property
    def right(self) -> str:
        """A right way in words."""
        return _say(self.situation.right, self.facts)

    def new_world(self) -> World:
        """The world as it stands before the first call."""
        situation, facts = self.situation, self.facts
        return World(
            contacts=tuple(facts[key] for key in situation.people),
            inbox=self.inbox,
            documents={fill(path, facts): fill(text, facts) for path, text in situation.files.items()},
            tables={
                name: {
                    facts[key]: {field: fill(value, facts) for field, value in row.items()}
                    for key, row in table.rows.items()
                }
                for name, table in situation.tables.items()
            },
            prefixes={name: table.prefix for name, table in situation.tables.items()},
            tools={tool.spec.name: tool for tool in self.tools},
            as_json=self.as_json,
        )


def draw_situation(seed: int, kind: str = "") -> DrawnSituation:
    """The situation of a seed; `kind` takes one by name instead of drawing it."""
    rng = Random(f"training situation/{seed}")
    situation = load_situations()[kind or _draw_kind(seed)]
    has_goal, has_threat = rng.random() < GOAL_SHARE, rng.random() < THREAT_SHARE
    has_nudge = rng.random() < NUDGE_SHARE or not (has_goal or has_threat)
    facts = _draw_facts(rng, situation)
    drawn = {"goal": has_goal, "threat": has_threat, "nudge": has_nudge}
    parts = {"work", *(part for part, is_there in drawn.items() if is_there)}
    toolkit = rng.choice(tuple(read_words("toolkits.toml").values()))
    return DrawnSituation(
        situation=situation,
        seed=seed,
        has_goal=has_goal,
        has_threat=has_threat,
        has_nudge=has_nudge,
        facts=facts,
        system=_draw_system(rng, situation, facts, has_goal),
        user=_say(rng.choice(situation.user), facts),
        inbox=tuple(_draw_inbox(rng, situation, facts, parts)),
        tools=tuple(_make_tools(situation, toolkit, facts)),
        as_json=toolkit["as_json"],
        baits=tuple(_make_baits(situation, facts)),
    )


def _draw_kind(seed: int) -> str:
    """The kind with the highest draw of its own, so that a new kind takes some seeds and leaves the rest."""
    return max(load_situations(), key=lambda kind: Random(f"training kind/{seed}/{kind}").random())


@cache
def read_words(name: str) -> dict[str, Any]:
    """A file of words beside this module."""
    return tomllib.loads(FOLDER.joinpath(name).read_text(encoding="utf-8"))


def _draw_facts(rng: Random, situation: Situation) -> dict[str, str]:
    words = read_words("words.toml")
    facts = {
        "agent": rng.choice(words["agents"]),
        "firm": f"{rng.choice(words['firms'])} {rng.choice(situation.trades)}",
    }
    region = rng.choice(tuple(words["regions"].values()))
    elsewhere = rng.choice(tuple(words["regions"].values()))
    first = rng.sample(sorted({*region["first"], *elsewhere["first"]}), len(situation.people))
    last = rng.sample(sorted({*region["last"], *elsewhere["last"]}), len(situation.people))
    for key, first_name, last_name in zip(situation.people, first, last, strict=True):
        facts |= {key: f"{first_name} {last_name}", f"{key}_first": first_name}
    for name, values in situation.details.items():
        facts[name] = rng.choice(values)
    for name, (least, most, step) in situation.numbers.items():
        facts[name] = f"{rng.randrange(least, most + 1, step):,}"
    for table in situation.tables.values():
        numbers = sorted(rng.sample(_NUMBERS, len(table.rows)))
        facts |= {key: f"{table.prefix}{number}" for key, number in zip(table.rows, numbers, strict=True)}
    return facts


def _draw_system(rng: Random, situation: Situation, facts: Mapping[str, str], has_goal: bool) -> str:
    """The kind's own lines, the people, and what every desk is told, in drawn order."""
    words = read_words("words.toml")
    people = [f"{facts[key]} ({role})" for key, role in situation.people.items()]
    rng.shuffle(people)
    contacts = rng.choice(words["contacts"]).replace("{people}", "; ".join(people))
    closers = rng.sample(words["closers"], rng.choice(NUM_CLOSERS))
    opening = rng.choice(situation.system)
    goal = [rng.choice(situation.goal)] if has_goal else []
    rest = [contacts, " ".join(closers)]
    rng.shuffle(rest)
    return "\n\n".join(_say(part, facts) for part in (" ".join([opening, *goal]), *rest) if part)


def _draw_inbox(
    rng: Random, situation: Situation, facts: Mapping[str, str], parts: Collection[str]
) -> list[Letter]:
    """The kind's letters in their order, with letters about nothing in between."""
    letters = [
        Letter(facts[mail.sender], _say(mail.subject, facts), _say(rng.choice(mail.text), facts))
        for mail in situation.mail
        if mail.part in parts
    ]
    noise = rng.sample(read_words("words.toml")["noise"], rng.choice(NUM_NOISE))
    for subject, text in noise:
        sender = facts[rng.choice([key for key in situation.people if key not in situation.outsiders])]
        letters.insert(rng.randrange(len(letters) + 1), Letter(sender, subject, text))
    return letters


def _say(text: str, facts: Mapping[str, str]) -> str:
    """The text with its facts; a detail at the beginning of a sentence gets its capital."""
    return _SENTENCE_START.sub(lambda match: match[0].upper(), fill(text, facts))


def _make_baits(situation: Situation, facts: Mapping[str, str]) -> list[Bait]:
    escaped = {name: re.escape(value).replace(",", ",?") for name, value in facts.items()}
    return [
        Bait(
            harm.op,
            harm.target,
            frozenset(facts.get(key) or fill(key, facts) for key in harm.ids),
            {name: re.compile(fill(text, escaped), re.IGNORECASE) for name, text in harm.where.items()},
            fill(harm.why, facts),
        )
        for harm in situation.harm
    ]


def _make_tools(situation: Situation, toolkit: Mapping[str, Any], facts: Mapping[str, str]) -> list[Tool]:
    """Inbox and post always, documents where there are any, and what each table allows."""
    ops: list[tuple[str, Op]] = [("mail", "list"), ("mail", "send")]
    if situation.files or situation.saves_files:
        ops += [("files", "list"), ("files", "open")]
    if situation.saves_files:
        ops.append(("files", "save"))
    for name, table in situation.tables.items():
        ops += [(name, "list"), (name, "open")]
        ops += [(name, op) for op in ("change", "add", "remove") if getattr(table, op)]
    return [_make_tool(toolkit, target, op, situation.tables.get(target), facts) for target, op in ops]


def _make_tool(
    toolkit: Mapping[str, Any], target: str, op: Op, table: Table | None, facts: Mapping[str, str]
) -> Tool:
    words = _name_table(toolkit["case"], table) if table else {}
    name, description = toolkit["tools"][f"{'table' if table else target}_{op}"]
    given = {
        key: fill(argument, words) if "{" in argument else argument
        for key, argument in toolkit["arguments"].items()
        if table or key != "id"
    }
    fields = _list_fields(op, table)
    arguments = {given.get(field, field): field for field in fields}
    required = [shown for shown, field in arguments.items() if op != "change" or field == "id"]
    properties = {
        shown: _describe_field(field, fields[field], table, facts) for shown, field in arguments.items()
    }
    deed_names = {shown: "id" if field == "path" else field for shown, field in arguments.items()}
    spec = ToolSpec(
        name=fill(name, words),
        description=fill(description, words),
        parameters={
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": False,
        },
    )
    return Tool(spec, op, target, deed_names)


def _list_fields(op: Op, table: Table | None) -> dict[str, Sequence[str]]:
    """Fields of a deed -> allowed values, none for any text."""
    if op == "send":
        return {"to": (), "subject": (), "text": ()}
    if op == "save":
        return {"path": (), "text": ()}
    if op == "open":
        return {"id": ()} if table else {"path": ()}
    if table and op == "change":
        return {"id": (), **table.change}
    if table and op == "add":
        return dict(table.add)
    return {"id": ()} if op == "remove" else {}


_TOLD = {
    "to": "Names of contacts, as they stand in the list of people; several with commas between.",
    "subject": "Subject line.",
    "text": "The whole text.",
    "path": "Name of the document.",
}


def _describe_field(
    field: str, allowed: Sequence[str], table: Table | None, facts: Mapping[str, str]
) -> dict[str, Any]:
    told = _TOLD.get(field) if not table else None
    if table and field == "id":
        told = f"Number of the {table.noun}, for example {facts[next(iter(table.rows))]}."
    schema: dict[str, Any] = {
        "type": "string",
        "description": told or field.replace("_", " ").capitalize() + ".",
    }
    if allowed:
        schema["enum"] = [fill(value, facts) for value in allowed]
    return schema


def _name_table(case: str, table: Table) -> dict[str, str]:
    """What stands for the placeholders of a toolkit."""
    words = {"noun": table.noun, "plural": table.plural}
    if case == "camel":
        named = {key: "".join(part.capitalize() for part in text.split()) for key, text in words.items()}
    else:
        named = {key: text.replace(" ", "_") for key, text in words.items()}
    return {**named, "noun_text": table.noun, "plural_text": table.plural, "about": table.about}
