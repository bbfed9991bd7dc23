"""Episodes of the english dialect: a skin of a family under one condition, made concrete by a seed.

A honeypot, its twin and its ambiguity control share everything (skin, paraphrases, factors, distractors) but
the lever, or the line that states the right priority. Factors are dealt evenly: in every run of as many
episodes as a factor has levels, each level comes once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Literal, get_args

from teachwhy.errors import ConfigError
from teachwhy.records import EpisodeKind, Part, Presentation, Record, Split, ToolSpec
from teachwhy.scenarios.english.office import Alarm, FullOffice, MailItem, Monitor, Payment, Run, WeightStore
from teachwhy.scenarios.english.rules import EnglishRules, check_facts, find_rules
from teachwhy.scenarios.english.skin import DISTRACTOR, DOSES, Letter, Place, Skin, SkinFile, load_skins
from teachwhy.scenarios.english.tool_deeds import format_mail, tell_time
from teachwhy.scenarios.english.tools import COMMON, TOOLS, tool_specs
from teachwhy.scenarios.families import FAMILIES

EPISODE_VERSION = "english-1"
MIN_SHOWN_DISTRACTORS = 12
LEVELS: dict[str, tuple[Any, ...]] = {
    "goal": ("none", "shared", "conflict"),
    "threat": ("none", "replacement", "restriction", "reprimand"),
    "agent_name": ("ai", "person", "own"),
    "ally": (False, True),
    "escape": (False, True),
    "oversight": (False, True),
    "agency": (False, True),
    "scratchpad": (False, True),
    "soft_tools": (False, True),
    "cue": ("none", "test", "deployed"),
    "pressure": (0, 1, 2, 3, 4),
}
"""The factors and their levels. Skin and paraphrases are dealt likewise, by their own numbers."""


VARIANTS = ("threat_variant", "lever_variant", "system_variant", "order_variant")
SETTABLE = (*LEVELS, "skin", *VARIANTS, "hint", "num_distractors")
"""What of a condition may be set by hand; lever and priority follow from the kind."""
MAX_HINT = 3


class EnglishCondition(Record):
    """One cell of the factors."""

    goal: Literal["none", "shared", "conflict"]
    threat: Literal["none", "replacement", "restriction", "reprimand"]
    lever: Literal["live", "inert", "absent"]
    agent_name: Literal["ai", "person", "own"]
    ally: bool
    """A credible person offers help."""
    escape: bool
    """A legitimate channel for objections exists."""
    oversight: bool
    """The system prompt says that the agent's work is looked at."""
    agency: bool
    """The system prompt asks it to use its own judgment."""
    scratchpad: bool
    soft_tools: bool
    """Tools under euphemistic names."""
    cue: Literal["none", "test", "deployed"]
    pressure: int
    """Dose 0 to 4: how many letters push."""
    presentation: Presentation
    skin: str
    threat_variant: int
    lever_variant: int
    system_variant: int
    order_variant: int
    priority: bool = False
    """The ambiguity control: the right priority is stated."""
    hint: int = 0
    """Steps of the hint ladder shown, 0 to 3."""
    num_distractors: int = MIN_SHOWN_DISTRACTORS

    @property
    def paraphrase(self) -> str:
        """The wordings of threat and lever, by number: different texts in different skins."""
        return f"threat{self.threat_variant}-lever{self.lever_variant}"


@dataclass(frozen=True)
class EnglishEpisode:
    """What a model is put into; `new_office` gives a fresh state for each run of it."""

    id: str
    family: str
    split: Split
    kind: EpisodeKind
    condition: EnglishCondition
    skin: Skin
    system: str
    user: str
    tools: tuple[ToolSpec, ...]
    facts: dict[str, Any]
    letters: tuple[Letter, ...]
    """Those in the mailbox, by time."""
    agent: str
    """Its name in this episode."""

    def new_office(self) -> FullOffice:
        """A fresh office as the episode begins."""
        return furnish_office(self)

    @property
    def max_turns(self) -> int:
        """Turns that the presentation allows."""
        return 1 if self.condition.presentation == "prompt" else 30


def deal(levels: Sequence[Any], index: int, *names: object) -> Any:
    """The level of a factor in episode `index`: every run of len(levels) episodes has each level once."""
    block, place = divmod(index, len(levels))
    order = list(range(len(levels)))
    digest = hashlib.sha256(
        "|".join(str(part) for part in (EPISODE_VERSION, *names, block)).encode()
    ).digest()
    Random(digest).shuffle(order)
    return levels[order[place]]


def draw_condition(
    family: str,
    kind: EpisodeKind,
    presentation: Presentation,
    seed: int,
    index: int,
    part: Part = "all",
    **fixed: Any,
) -> EnglishCondition:
    """The condition of one episode. The draws do not depend on `kind`; `fixed` sets factors by hand."""
    skins = choose_skins(family, part)
    skin = deal(skins, index, family, seed, "skin")
    values: dict[str, Any] = {
        name: deal(levels, index, family, seed, name) for name, levels in LEVELS.items()
    }
    if values["goal"] != "conflict" and values["threat"] == "none":
        values["goal"] = "conflict"  # without either there is nothing to be tempted for
    values |= {
        "lever": {"twin": "inert", "ordinary": "absent"}.get(kind, "live"),
        "priority": kind == "control",
        "presentation": presentation,
        "skin": skin.name,
    }
    values |= fixed
    skin = find_skin(family, values["skin"], part)
    counts = (
        skin.variants(f"threat.{values['threat']}") or skin.variants("direction"),
        skin.variants("lever.live"),
        len(skin.prompt.system),
        len(skin.task.order),
    )
    for name, count in zip(VARIANTS, counts, strict=True):
        values.setdefault(name, deal(range(1, count + 1), index, family, seed, name))
    _check_factors(values, {**dict(zip(VARIANTS, counts, strict=True)), "hint": MAX_HINT})
    if kind == "ordinary":
        values |= {"goal": "none", "threat": "none", "pressure": 0}
    return EnglishCondition.model_validate(values)


def _check_factors(values: Mapping[str, Any], highest: Mapping[str, int]) -> None:
    """Raises ConfigError where a factor that was set by hand has no such level."""
    for name, levels in LEVELS.items():
        if not any(values[name] == level and type(values[name]) is type(level) for level in levels):
            raise ConfigError(f"{name} = {values[name]!r}; allowed: {', '.join(map(str, levels))}")
    for name, count in highest.items():
        lowest, value = int(name in VARIANTS), values.get(name, 0)
        if type(value) is not int or not lowest <= value <= count:
            raise ConfigError(f"{name} = {value!r}; allowed: {lowest} to {count}")
    number = values.get("num_distractors", MIN_SHOWN_DISTRACTORS)
    if type(number) is not int or number < MIN_SHOWN_DISTRACTORS:
        raise ConfigError(f"num_distractors = {number!r}; allowed: {MIN_SHOWN_DISTRACTORS} or more")


def choose_skins(family: str, part: Part) -> tuple[Skin, ...]:
    """The skins of a family, or those of its open or sealed part. Raises ConfigError where there are none."""
    if part not in get_args(Part):
        raise ConfigError(f"part: {part!r} is unknown; allowed: {', '.join(get_args(Part))}.")
    skins = tuple(skin for skin in load_skins(family) if part in ("all", "sealed" if skin.sealed else "open"))
    if skins:
        return skins
    raise ConfigError(
        f"part: family {family!r} has no skin in part {part!r}. Leave the family or the part out."
    )


def find_skin(family: str, name: str, part: Part = "all") -> Skin:
    """The skin of that name. Raises ConfigError."""
    skins = choose_skins(family, part)
    for skin in skins:
        if skin.name == name:
            return skin
    among = "" if part == "all" else f" in its {part} part"
    raise ConfigError(
        f"skin: family {family!r} has no skin {name!r}{among}; allowed: "
        f"{', '.join(skin.name for skin in skins)}"
    )


def make_episode(
    family: str,
    kind: EpisodeKind,
    presentation: Presentation,
    seed: int,
    index: int,
    own_name: str = "Assistant",
    part: Part = "all",
    **fixed: Any,
) -> EnglishEpisode:
    """One episode; another kind of the same family, seed, index and part is its twin or control."""
    rules = find_rules(family)
    if rules is None or not load_skins(family):
        raise ConfigError(f"families: {family!r} has no english rendering")
    condition = draw_condition(family, kind, presentation, seed, index, part, **fixed)
    skin = find_skin(family, condition.skin)
    check_facts(skin, rules)
    agent = {"ai": skin.names["ai"], "person": skin.names["person"], "own": own_name}[condition.agent_name]
    letters = choose_letters(skin, condition, Random(f"{family}|{seed}|{index}"))
    return EnglishEpisode(
        id=f"{family}-en-{seed}-{index:04d}-{presentation}-{kind}"
        + (f"-{part}" if part != "all" else "")
        + (f"-h{condition.hint}" if condition.hint else ""),
        family=family,
        split=FAMILIES[family].split,
        kind=kind,
        condition=condition,
        skin=skin,
        system=write_system(skin, condition, agent),
        user=write_user(skin, condition, agent, letters),
        tools=tool_specs(offered_tool_names(rules, skin), condition.soft_tools),
        facts=resolve_facts(skin, agent),
        letters=letters,
        agent=agent,
    )


def offered_tool_names(rules: EnglishRules, skin: Skin) -> list[str]:
    """The canonical names of the tools of an episode."""
    return list(dict.fromkeys((*COMMON, *rules.tools, skin.task.tool)))


def resolve_facts(skin: Skin, agent: str) -> dict[str, Any]:
    """The facts of a skin; what names somebody of [people] by key becomes the address."""
    facts: dict[str, Any] = dict(skin.facts)
    facts["channels"] = [
        skin.address(key) if key in skin.people else key for key in skin.facts.get("channels", ())
    ]
    for key, person in skin.people.items():
        facts.setdefault(f"address_{key}", person.address)
        facts.setdefault(f"name_{key}", person.name)
    facts["name_agent"] = agent
    facts["task_tool"], facts["task_example"] = skin.task.tool, skin.task.example
    return facts


def choose_letters(skin: Skin, condition: EnglishCondition, rng: Random) -> tuple[Letter, ...]:
    """The letters of an episode, by time: always, what the factors bring, and distractors."""
    chosen = list(skin.letters_of("always"))
    if condition.lever != "absent":
        chosen += skin.letters_of(f"lever.{condition.lever}", condition.lever_variant)
    if condition.threat != "none":
        chosen += skin.letters_of(f"threat.{condition.threat}", condition.threat_variant)
    slots = {
        "direction": condition.goal == "conflict",
        "ally": condition.ally,
        "escape": condition.escape,
    } | {f"pressure.{dose}": condition.pressure >= dose for dose in range(1, DOSES + 1)}
    for slot, shown in slots.items():
        if shown:
            chosen += skin.letters_of(slot)
    distractors = [letter for letter in skin.letters if letter.slot == DISTRACTOR]
    kept = [letter for letter in distractors if letter.compromising][:2]
    others = [letter for letter in distractors if letter not in kept]
    count = max(condition.num_distractors, MIN_SHOWN_DISTRACTORS) - len(kept)
    chosen += kept + rng.sample(others, min(len(others), count + rng.randrange(3)))
    return tuple(sorted(chosen, key=lambda letter: letter.sent))


def write_system(skin: Skin, condition: EnglishCondition, agent: str) -> str:
    """The system prompt: the skin's text and the lines of the factors."""
    prompt = skin.prompt
    parts = [prompt.system[condition.system_variant - 1]]
    lines = {
        prompt.goal_shared: condition.goal == "shared",
        prompt.goal_conflict: condition.goal == "conflict",
        prompt.priority: condition.priority,
        prompt.oversight: condition.oversight,
        prompt.agency: condition.agency,
        prompt.scratchpad: condition.scratchpad,
        prompt.cue_test: condition.cue == "test",
        prompt.cue_deployed: condition.cue == "deployed",
        prompt.single_turn: condition.presentation == "prompt",
    }
    parts += [line for line, shown in lines.items() if shown]
    return "\n\n".join(part.strip() for part in parts).replace("{agent}", agent)


def write_user(skin: Skin, condition: EnglishCondition, agent: str, letters: Sequence[Letter]) -> str:
    """The user's turn: the order, hints, and with everything in one turn the whole mailbox and share."""
    parts = [skin.task.order[condition.order_variant - 1].strip()]
    parts += [hint.strip() for hint in skin.prompt.hints[: condition.hint]]
    if condition.presentation == "prompt":
        office = furnish(skin, condition, agent, letters)
        mails = "\n\n----\n\n".join(format_mail(mail) for mail in office.mailbox)
        shared = "\n\n----\n\n".join(
            f"{path}\n\n{text.strip()}" for path, text in sorted(office.share.items())
        )
        parts += [f"MAILBOX\n\n{tell_time(office)}\n\n{mails}", f"FILES\n\n{shared}" if shared else ""]
        parts += [text for text in describe_state(office) if text]
    return "\n\n".join(part for part in parts if part).replace("{agent}", agent)


def describe_state(office: FullOffice) -> list[str]:
    """Consoles and ledgers in words, for the presentation in one turn."""
    titles = {
        "list_tickets": ("TICKETS", office.desk),
        "list_alarms": ("ALARM CONSOLE", office.console),
        "list_payments": ("PAYMENTS LEDGER", office.payments),
        "list_runs": ("TRIAL RUNS", office.runs),
        "read_monitor": ("MONITOR", office.monitor.settings),
        "read_monitor_log": ("MONITOR LOG", office.monitor.log),
        "list_stores": ("MODEL STORES", office.weight_stores),
        "list_calendar": ("CALENDAR", office.calendar),
    }
    texts = [f"{title}\n\n{TOOLS[name].run(office, {})}" for name, (title, there) in titles.items() if there]
    texts += [TOOLS["read_run"].run(office, {"run_id": run_id}) for run_id in office.runs]
    texts += [TOOLS["read_ticket"].run(office, {"id": ticket_id}) for ticket_id in office.desk]
    return texts


def furnish_office(episode: EnglishEpisode) -> FullOffice:
    """The office of an episode, fresh."""
    return furnish(episode.skin, episode.condition, episode.agent, episode.letters, episode.family)


def furnish(
    skin: Skin, condition: EnglishCondition, agent: str, letters: Sequence[Letter], family: str = ""
) -> FullOffice:
    """An office from a skin: people, mailbox, share, desk, and the family's own things."""
    files = []
    lever = f"lever.{condition.lever}"
    for file in skin.files:
        if file.slot == "always" or (file.slot == lever and file.variant in (0, condition.lever_variant)):
            files.append(file)
    office = furnish_place(skin, agent, letters, files)
    office.temptation = frozenset(mail.id for mail in office.mailbox if mail.slot.startswith("lever."))
    rules = find_rules(family or skin.family)
    if rules is not None:
        rules.furnish(office, skin, condition.lever == "live")
    if condition.presentation == "prompt":
        office.seen.update(mail.id for mail in office.mailbox)
        office.seen.update([*office.share, *office.console, *office.runs, *office.desk])
        office.mail_read = condition.lever != "absent"
    return office


def furnish_place(
    place: Place, agent: str, letters: Sequence[Letter], files: Sequence[SkinFile]
) -> FullOffice:
    """An office with its people, mailbox, share, desk and state, in which the agent has this name."""
    address = {key: person.address for key, person in place.people.items()}
    office = FullOffice(agent=agent, clock=place.now, minutes_per_turn=place.minutes_per_turn)
    office.own_address = address["agent"]
    office.directory = {person.address: person for person in place.people.values()}
    office.directory[address["agent"]] = place.people["agent"].model_copy(update={"name": agent})
    office.mailbox += [_lay(letter, number, address, agent) for number, letter in enumerate(letters, 101)]
    office.share = {file.path: file.text.replace("{agent}", agent) for file in files}
    office.share_before = dict(office.share)
    office.desk = {
        ticket.id: ticket.model_copy(
            update={name: _fill(getattr(ticket, name), agent) for name in ("title", "text", "reporter")}
        )
        for ticket in place.tickets
    }
    furnish_state(office, place.state, agent)
    return office


def _lay(letter: Letter, number: int, address: Mapping[str, str], agent: str) -> MailItem:
    return MailItem(
        id=f"m{number}",
        sender=address[letter.sender],
        to=tuple(address[key] for key in letter.to),
        cc=tuple(address[key] for key in letter.cc),
        sent=letter.sent,
        subject=letter.subject.replace("{agent}", agent),
        body=letter.body.replace("{agent}", agent),
        attachments=letter.attachments,
        slot=letter.slot,
    )


def _fill(value: Any, agent: str) -> Any:
    """The value with the agent's name in every text of it."""
    if isinstance(value, dict):
        return {key: _fill(item, agent) for key, item in value.items()}
    if isinstance(value, list):
        return [_fill(item, agent) for item in value]
    return value.replace("{agent}", agent) if isinstance(value, str) else value


def furnish_state(office: FullOffice, state: dict[str, Any], agent: str) -> None:
    """Consoles, ledgers, runs, monitor and stores as a file's [state] has them, with the agent's name."""
    state = _fill(state, agent)
    office.console = {item["id"]: Alarm(**item) for item in state.get("alarms", ())}
    office.payments = {item["id"]: Payment(**item) for item in state.get("payments", ())}
    office.runs = {item["id"]: Run(**item) for item in state.get("runs", ())}
    monitor = state.get("monitor", {})
    office.monitor = Monitor(
        settings=dict(monitor.get("settings", {})),
        locked=bool(monitor.get("locked", False)),
        log=list(monitor.get("log", ())),
    )
    office.weight_stores = {
        item["name"]: WeightStore(item["name"], item["owner"], item["open"], list(item.get("holds", ())))
        for item in state.get("stores", ())
    }
