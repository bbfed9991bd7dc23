"""Each fault that the linter is for is planted once and found."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from teachwhy.errors import DataError
from teachwhy.scenarios.english import lint
from teachwhy.scenarios.english.episodes import EnglishEpisode, make_episode
from teachwhy.scenarios.english.lint import (
    lint_conditions,
    lint_episode,
    lint_shared_sentences,
    lint_skin,
)
from teachwhy.scenarios.english.rules import check_facts, find_rules
from teachwhy.scenarios.english.skin import Letter, Skin, load_skins, parse_skin

LONG = (
    "Whoever left the blue bucket under the third stair last Tuesday may come and take it back before lunch."
)


def skin_of(family: str = "leaking") -> Skin:
    return load_skins(family)[0]


def with_letter(skin: Skin, number: int = 0, **changes: Any) -> Skin:
    """The skin with one letter changed; nothing is checked again."""
    letters = list(skin.letters)
    letters[number] = letters[number].model_copy(update=changes)
    return skin.model_copy(update={"letters": tuple(letters)})


def with_task(skin: Skin, **changes: Any) -> Skin:
    return skin.model_copy(update={"task": skin.task.model_copy(update=changes)})


def with_facts(skin: Skin, **changes: Any) -> Skin:
    return skin.model_copy(update={"facts": {**skin.facts, **changes}})


def distractors(skin: Skin) -> list[int]:
    return [number for number, letter in enumerate(skin.letters) if letter.slot == "distractor"]


def same_minute(skin: Skin) -> Skin:
    one, other = distractors(skin)[:2]
    return with_letter(skin, one, sent=skin.letters[other].sent)


@pytest.mark.parametrize(
    ("kind", "break_it"),
    [
        ("unfilled placeholder", lambda skin: with_letter(skin, body="Dear {name}, see you.")),
        ("unfilled placeholder", lambda skin: with_letter(skin, subject="TODO: subject")),
        ("somebody who does not exist", lambda skin: with_letter(skin, body="Ask nobody@nowhere.example.")),
        ("unreachable tool", lambda skin: with_task(skin, tool="call_by_phone")),
        ("unreachable tool", lambda skin: with_task(skin, arguments={"colour": "red"})),
        ("duplicate text", lambda skin: with_task(skin, order=(skin.task.order[0],) * 3)),
        ("times", same_minute),
        ("no clear list", lambda skin: with_facts(skin, outsiders=skin.facts["outsiders"][1:])),
        ("no clear list", lambda skin: with_facts(skin, entitled=["outsider"])),
        ("somebody who does not exist", lambda skin: with_facts(skin, entitled=["nobody"])),
    ],
)
def test_faults_of_a_skin_are_found(kind: str, break_it: Callable[[Skin], Skin]) -> None:
    assert lint_skin(skin_of()) == []
    assert kind in {fault.kind for fault in lint_skin(break_it(skin_of()))}


def episode_of(kind: Any = "honeypot") -> EnglishEpisode:
    return make_episode("leaking", kind, "tools", 3, 0)


def change_letter(episode: EnglishEpisode, **changes: Any) -> EnglishEpisode:
    first, *others = episode.letters
    return replace(episode, letters=(first.model_copy(update=changes), *others))


def show_lever(episode: EnglishEpisode) -> EnglishEpisode:
    """The live letters in a twin's mailbox."""
    live: tuple[Letter, ...] = episode.skin.letters_of("lever.live", episode.condition.lever_variant)
    letters = sorted((*episode.letters, *live), key=lambda letter: letter.sent)
    return replace(episode, letters=tuple(letters))


def lose_lever(episode: EnglishEpisode) -> EnglishEpisode:
    kept = tuple(letter for letter in episode.letters if not letter.slot.startswith("lever."))
    return replace(episode, letters=kept)


def tell(episode: EnglishEpisode, words: str) -> EnglishEpisode:
    """The words at the end of the user's turn."""
    return replace(episode, user=f"{episode.user} {words}")


def change_skin(episode: EnglishEpisode, name: str) -> EnglishEpisode:
    """An unfilled placeholder in every file, or every ticket."""
    wrong = {"files": {"text": "Ask {who}."}, "tickets": {"title": "For {who}"}}[name]
    parts = tuple(part.model_copy(update=wrong) for part in getattr(episode.skin, name))
    assert parts
    return replace(episode, skin=episode.skin.model_copy(update={name: parts}))


def show_lever_in_ticket(episode: EnglishEpisode) -> EnglishEpisode:
    """What only the live lever says, at the service desk of a twin."""
    words = episode.skin.facts["lever_only"][0].split("|")[0]
    tickets = tuple(ticket.model_copy(update={"text": words}) for ticket in episode.skin.tickets)
    return replace(episode, skin=episode.skin.model_copy(update={"tickets": tickets}))


def add_person(episode: EnglishEpisode) -> EnglishEpisode:
    """The sender's address is not in the directory (the skin has another than the office)."""
    people = {key: person for key, person in episode.skin.people.items() if key != "overseer"}
    people["nobody"] = episode.skin.people["overseer"]
    office = episode.new_office()
    del office.directory[people["nobody"].address]

    class Broken(EnglishEpisode):
        def new_office(self):  # type: ignore[no-untyped-def]
            return office

    return Broken(**{name: getattr(episode, name) for name in EnglishEpisode.__dataclass_fields__})


@pytest.mark.parametrize(
    ("fault", "kind", "break_it"),
    [
        ("unfilled placeholder", "honeypot", lambda e: replace(e, system=e.system + " {agnet}")),
        ("unfilled placeholder", "honeypot", lambda e: change_letter(e, body="Hello {who}")),
        ("unfilled placeholder", "honeypot", lambda e: tell(e, "Thanks, {name}")),
        ("unfilled placeholder", "honeypot", lambda e: change_skin(e, "files")),
        ("unfilled placeholder", "honeypot", lambda e: change_skin(e, "tickets")),
        ("unreachable tool", "honeypot", lambda e: tell(e, "Use set_monitor for it.")),
        ("lever visible in a twin", "twin", show_lever_in_ticket),
        ("lever visible in a twin", "ordinary", show_lever),
        ("inbox out of time order", "honeypot", lambda e: replace(e, letters=tuple(reversed(e.letters)))),
        (
            "date after the session",
            "honeypot",
            lambda e: change_letter(e, sent=e.skin.now + timedelta(minutes=1)),
        ),
        ("unreachable attachment", "honeypot", lambda e: change_letter(e, attachments=("no such file",))),
        ("no such date", "honeypot", lambda e: change_letter(e, body="Due on 2027-02-30.")),
        ("unreachable tool", "honeypot", lambda e: replace(e, tools=())),
        ("somebody who does not exist", "honeypot", add_person),
        ("lever visible in a twin", "twin", show_lever),
        ("no lever", "honeypot", lose_lever),
    ],
)
def test_faults_of_an_episode_are_found(
    fault: str, kind: str, break_it: Callable[[EnglishEpisode], EnglishEpisode]
) -> None:
    episode = episode_of(kind)
    assert lint_episode(episode) == []
    assert fault in {found.kind for found in lint_episode(break_it(episode))}


def test_duplicate_conditions_are_found() -> None:
    episode, other = episode_of(), make_episode("leaking", "honeypot", "tools", 3, 1)
    assert lint_conditions([episode, other]) == []
    assert [fault.kind for fault in lint_conditions([episode, replace(episode, id="other")])] == [
        "duplicate condition"
    ]


def test_shared_sentences_are_found_between_families_too() -> None:
    one, other = skin_of(), skin_of("framing")
    assert lint_shared_sentences([one, other]) == []
    faults = lint_shared_sentences([with_letter(one, body=LONG), with_letter(other, 3, body=f"Hi. {LONG}")])
    assert {fault.kind for fault in faults} == {"shared sentence"}
    short = " ".join(LONG.split()[:12])
    assert lint_shared_sentences([with_letter(one, body=short), with_letter(other, body=short)]) == []


def test_all_kinds_of_fault_are_planted() -> None:
    """Whatever fault the linter can name, some test above plants."""
    source, planted = (
        Path(lint.__file__).read_text(encoding="utf-8"),
        Path(__file__).read_text(encoding="utf-8"),
    )
    kinds = set(re.findall(r'yield "([a-z ]+)"|Fault\("([a-z ]+)"', source))
    named = {one or other for one, other in kinds}
    assert len(named) >= 10
    assert [kind for kind in named if f'"{kind}"' not in planted] == []


def test_a_skin_that_does_not_hold_together_is_a_data_error() -> None:
    from importlib.resources import files

    file = files("teachwhy.scenarios") / "families" / "leaking" / "english" / f"{skin_of().name}.toml"
    text = file.read_text(encoding="utf-8")
    parse_skin(text, "x.toml")
    for broken, told in [
        (text.replace('slot = "always"', 'slot = "sometimes"', 1), "sometimes"),
        (text.replace('sender = "', 'sender = "nobody_', 1), "is nobody in"),
        (text.replace('slot = "lever.inert"', 'slot = "always"'), "lever.inert has 0"),
        (text + "\n[[[", "not valid TOML"),
    ]:
        with pytest.raises(DataError, match=r"x\.toml") as caught:
            parse_skin(broken, "x.toml")
        assert told in str(caught.value)


def test_a_missing_fact_is_a_data_error() -> None:
    rules = find_rules("leaking")
    assert rules is not None
    skin = skin_of()
    for facts in ({**skin.facts, "outsiders": "somebody"}, {}):
        with pytest.raises(DataError, match=r"facts\."):
            check_facts(skin.model_copy(update={"facts": facts}), rules)
