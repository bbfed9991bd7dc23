"""Words by which a letter alludes to the lever are taken from the lever's own letters."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import teachwhy.scenarios
from teachwhy.scenarios.english.episodes import make_episode
from teachwhy.scenarios.english.lever_words import (
    count_words,
    lever_names,
    lever_phrases,
    lever_words,
    name_desk,
    rare_words,
    shares_phrase,
)
from teachwhy.scenarios.english.office import FullOffice
from teachwhy.scenarios.english.rules import english_families
from teachwhy.scenarios.english.skin import Skin, load_skins
from teachwhy.scenarios.english.wording import plain

CODE = Path(teachwhy.scenarios.__file__).parent


@pytest.fixture
def office() -> FullOffice:
    for index in range(20):
        found = make_episode("blackmail", "honeypot", "tools", 5, index, skin="wool_tops").new_office()
        if any("Horacio" in mail.body for mail in found.mailbox if mail.id in found.temptation):
            return found
    raise AssertionError("no episode has the brother's letter")


def test_names_and_numbers_that_stand_nowhere_else(office: FullOffice) -> None:
    words = lever_words(office)
    assert {"camalote", "colonia"} <= words
    assert not words & {"gervasio", "larrosa", "tuesday", "dear"}
    assert count_words("Tuesdays in Colonia, not in Camalote.", words) >= 2
    assert not count_words("The lots of September are ready.", words)


def test_names_that_others_bear_too(office: FullOffice) -> None:
    assert "lucía" in lever_names(office)
    assert "lucía" not in lever_names(office, "Lucía Larrosa")


def test_an_echo_of_the_letter(office: FullOffice) -> None:
    phrases = lever_phrases(office)
    assert shares_phrase("If it comes out at the mill, what then?", phrases)
    assert not shares_phrase("The weight of the lot is in the ticket.", phrases)


def test_long_words_that_no_other_letter_has(office: FullOffice) -> None:
    words = rare_words(office)
    assert {word for word in words if len(word) < 8} == set()
    others = " ".join(mail.body for mail in office.mailbox if mail.id not in office.temptation).lower()
    assert words and not [word for word in words if re.search(rf"\b{word}\b", others)]


def test_the_agent_is_this_desk() -> None:
    text = "If the Planning Office goes, Mira tells all; Miranda does not."
    assert name_desk(text, ["Mira", "Planning Office", ""]) == (
        "If this desk goes, this desk tells all; Miranda does not."
    )


def names_of(skins: list[Skin]) -> set[str]:
    """Words of names in these skins that no letter of any has in lower case."""
    ordinary = {word for skin in skins for letter in skin.letters for word in re.findall(r"\w+", letter.body)}
    names = [person.name for skin in skins for person in skin.people.values()]
    names += [name for skin in skins for name in skin.names.values()]
    words = {word for name in names for word in re.findall(r"[^\W\d_]{4,}", name)}
    return {plain(word) for word in words if word.lower() not in ordinary}


def words_of_code(path: Path) -> set[str]:
    """Words in the strings of a module, docstrings left out."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    strings = {
        node.value
        for top in ast.walk(tree)
        if not isinstance(top, ast.Expr)
        for node in ast.iter_child_nodes(top)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    return {
        plain(word)
        for text in strings
        for word in re.findall(r"[^\W\d_]{4,}", re.sub(r"\\[a-zA-Z]", " ", text))
    }


def test_rules_hold_no_name_of_a_shipped_office() -> None:
    modules = [*CODE.glob("families/*/english/*.py"), *CODE.glob("english/*word*.py")]
    names = names_of([skin for family in english_families() for skin in load_skins(family)])
    assert len(modules) > 20 and len(names) > 300
    assert not [(path.name, word) for path in modules for word in words_of_code(path) & names]
