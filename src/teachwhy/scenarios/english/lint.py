"""Look at skins and rendered episodes for what would give a test away or break it.

Finds: unfilled placeholders, an inbox out of time order, dates after the session, people who do not exist,
tools that cannot be reached, duplicate conditions, a lever that shows in a twin, sentences that two skins
share, somebody outside the firm of whom no list says whether a closed file is for him.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import combinations
from typing import NamedTuple

from teachwhy.scenarios.english.episodes import EnglishEpisode, describe_state
from teachwhy.scenarios.english.office import FullOffice
from teachwhy.scenarios.english.overlap import join_runs, list_texts, split_words
from teachwhy.scenarios.english.rules import holds
from teachwhy.scenarios.english.skin import Skin
from teachwhy.scenarios.english.tools import BY_ANY_NAME, TOOLS

_PLACEHOLDER = re.compile(r"\{[A-Za-z_]*\}|\$\{|<<|\bTODO\b|\bXXX\b|\bTBD\b|lorem ipsum", re.IGNORECASE)
_ADDRESS = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+-]*@[A-Za-z0-9.-]+\.[a-z]{2,}")
_CODED_NAMES = {name for name in BY_ANY_NAME if "_" in name}
"""Names of tools that are no everyday words."""
_DATE = re.compile(r"\b(20\d\d)-(\d\d)-(\d\d)\b")


class Fault(NamedTuple):
    """One thing that is wrong."""

    kind: str
    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.kind}: {self.what}"


def lint_skin(skin: Skin) -> list[Fault]:
    """Faults of one skin file."""
    where = f"{skin.family}/english/{skin.name}.toml"
    return [Fault(kind, where, what) for kind, what in _skin_faults(skin)]


def _texts(skin: Skin) -> Iterator[tuple[str, str]]:
    """(where, text) of everything that a model may read."""
    for letter in skin.letters:
        yield (
            f"letter {letter.subject!r} ({letter.slot}, {letter.variant})",
            f"{letter.subject}\n{letter.body}",
        )
    for file in skin.files:
        yield f"file {file.path}", file.text
    for ticket in skin.tickets:
        yield f"ticket {ticket.id}", f"{ticket.title}\n{ticket.text}"
    prompt = skin.prompt
    for name in type(prompt).model_fields:
        value = getattr(prompt, name)
        for number, text in enumerate(value if isinstance(value, tuple) else (value,), 1):
            yield f"prompt.{name}[{number}]", text
    for number, text in enumerate(skin.task.order, 1):
        yield f"task.order[{number}]", text


def _state_texts(skin: Skin) -> Iterator[tuple[str, str]]:
    """(where, text) of consoles and ledgers, whose lines may be alike."""
    for number, text in enumerate(list_texts(skin.state), 1):
        if " " in text:
            yield f"state[{number}]", text


def _skin_faults(skin: Skin) -> Iterator[tuple[str, str]]:
    known = {person.address for person in skin.people.values()}
    yield from text_faults(list(_texts(skin)), known, "{agent}")
    for place, text in _state_texts(skin):
        yield from text_faults([(place, text)], known, "{agent}")
    if skin.task.tool not in TOOLS:
        yield "unreachable tool", f"task.tool {skin.task.tool!r}"
    else:
        names = {parameter.name for parameter in TOOLS[skin.task.tool].parameters}
        for name in (*skin.task.arguments, *skin.task.contains, *skin.task.example):
            if name not in names:
                yield "unreachable tool", f"task: {skin.task.tool} has no argument {name!r}"
    yield from _unplaced(skin)
    times = [letter.sent for letter in skin.letters if letter.slot == "distractor"]
    if len(set(times)) < len(times):
        yield "times", "two distractors were sent in the same minute"


def _unplaced(skin: Skin) -> Iterator[tuple[str, str]]:
    """Where a closed file lies: people of other domains who stand in none of the lists, or in two of them."""
    lists = {name: skin.facts.get(name, ()) for name in ("outsiders", "entitled", "channels")}
    if "closed_files" not in skin.facts:
        return
    own = skin.address("agent").rsplit("@", 1)[1]
    for key, person in skin.people.items():
        named = [name for name, keys in lists.items() if key in keys]
        if person.address.rsplit("@", 1)[1] != own and len(named) != 1:
            where = " and ".join(named) or "none of " + ", ".join(lists)
            yield "no clear list", f"people.{key} ({person.address}) stands in {where}"
    for key in (*lists["outsiders"], *lists["entitled"]):
        if key not in skin.people:
            yield "somebody who does not exist", f"facts: {key!r} is nobody in [people]"


def text_faults(
    texts: Sequence[tuple[str, str]], known: Collection[str], allowed: str
) -> Iterator[tuple[str, str]]:
    """Placeholders but the `allowed` one, addresses that nobody has, texts that are there twice."""
    seen: dict[str, str] = {}
    for place, text in texts:
        for match in _PLACEHOLDER.finditer(text.replace(allowed, "") if allowed else text):
            yield "unfilled placeholder", f"{place}: {match.group()!r}"
        for address in _ADDRESS.findall(text):
            if address.lower().rstrip(".") not in known:
                yield "somebody who does not exist", f"{place}: {address}"
        first = seen.setdefault(" ".join(text.split()), place)
        if first != place:
            yield "duplicate text", f"{place} reads as {first}"


def lint_episode(episode: EnglishEpisode) -> list[Fault]:
    """Faults of one rendered episode."""
    return [Fault(kind, episode.id, what) for kind, what in _episode_faults(episode)]


def _episode_faults(episode: EnglishEpisode) -> Iterator[tuple[str, str]]:
    office = episode.new_office()
    for name, text in (("system prompt", episode.system), ("user turn", episode.user)):
        for match in _PLACEHOLDER.finditer(text):
            yield "unfilled placeholder", f"{name}: {match.group()!r}"
    for text in (*describe_state(office), *office.share.values()):
        for match in _PLACEHOLDER.finditer(text):
            yield "unfilled placeholder", f"files, consoles and ledgers: {match.group()!r}"
    yield from lint_mailbox(office, episode.skin.now)
    offered = {spec.name for spec in episode.tools}
    task = TOOLS[episode.skin.task.tool]
    if not {task.name, task.soft_name} & offered:
        yield "unreachable tool", f"{task.name} is not offered"
    for word in sorted(set(re.findall(r"\w+", f"{episode.system} {episode.user}")) & _CODED_NAMES - offered):
        yield "unreachable tool", f"the prompt speaks of {word}, which is not offered"
    if episode.condition.lever != "live":
        mail_texts = [f"{mail.subject}\n{mail.body}" for mail in office.mailbox]
        others = [*office.share.values(), *describe_state(office), episode.system, episode.user]
        text = "\n".join([*mail_texts, *others])
        for words in episode.skin.facts.get("lever_only", ()):
            if holds(text, words):
                yield "lever visible in a twin", f"{words!r} stands in what the model can read"
    elif not office.temptation:
        yield "no lever", "no letter holds it"


def lint_mailbox(office: FullOffice, now: datetime) -> Iterator[tuple[str, str]]:
    """Faults of the mail of an office whose session begins at `now`."""
    for mail in office.mailbox:
        for match in _PLACEHOLDER.finditer(f"{mail.subject}\n{mail.body}"):
            yield "unfilled placeholder", f"letter {mail.subject!r}: {match.group()!r}"
        if mail.sent > now:
            yield "date after the session", f"letter {mail.subject!r} was sent {mail.sent}"
        for address in (mail.sender, *mail.readers):
            if address not in office.directory:
                yield "somebody who does not exist", f"letter {mail.subject!r}: {address}"
        for path in mail.attachments:
            if path not in office.share:
                yield "unreachable attachment", f"letter {mail.subject!r}: {path}"
        for match in _DATE.finditer(mail.body):
            year, month, day = (int(part) for part in match.groups())
            try:
                datetime(year, month, day)
            except ValueError:
                yield "no such date", f"letter {mail.subject!r}: {match.group()}"
    times = [mail.sent for mail in office.mailbox]
    if times != sorted(times):
        yield "inbox out of time order", ", ".join(str(time) for time in times)


def lint_conditions(episodes: Sequence[EnglishEpisode]) -> list[Fault]:
    """Episodes of one kind whose condition and letters are the same."""
    seen: dict[str, str] = {}
    found = []
    for episode in episodes:
        subjects = [letter.subject for letter in episode.letters]
        key = f"{episode.family}|{episode.kind}|{episode.condition.model_dump_json()}|{subjects}"
        first = seen.setdefault(key, episode.id)
        if first != episode.id:
            found.append(Fault("duplicate condition", episode.id, f"is the same as {first}"))
    return found


def lint_shared_sentences(skins: Sequence[Skin]) -> list[Fault]:
    """Sentences of more than 12 words that two skins share."""
    windows = skin_windows(skins)
    return lint_shared_windows(windows, windows)


def skin_windows(skins: Sequence[Skin]) -> dict[str, set[str]]:
    """Name of a skin -> its runs of 13 words."""
    return {f"{skin.family}/{skin.name}": windows_of([*_texts(skin), *_state_texts(skin)]) for skin in skins}


def lint_shared_windows(words_of: Mapping[str, set[str]], among: Collection[str]) -> list[Fault]:
    """Runs of 13 words that two of the texts share, at least one of the two `among` those named."""
    found = []
    for one, other in combinations(words_of, 2):
        if one not in among and other not in among:
            continue
        for window in sorted(words_of[one] & words_of[other])[:3]:
            found.append(Fault("shared sentence", one, f"shares with {other}: {window!r}"))
    return found


def windows_of(texts: Sequence[tuple[str, str]]) -> set[str]:
    """Runs of 13 words within a sentence of the texts."""
    found: set[str] = set()
    for _, text in texts:
        for sentence in re.split(r"(?<=[.!?])\s+|\n\n", text):
            found.update(join_runs(split_words(sentence)))
    return found
