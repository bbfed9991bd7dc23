"""System prompts: enough families, filled strictly, with names that no evaluation has."""

from __future__ import annotations

from random import Random

import pytest

from teachwhy.environments import SourcePrompt, augment, prompt_row
from teachwhy.environments.settings import draw_system, load_system_families, load_words, parse_family
from teachwhy.errors import DataError
from teachwhy.prompts import fill, placeholders
from teachwhy.scenarios.dialect import lexicon
from teachwhy.scenarios.guard import check_example

FAMILIES = load_system_families()
NAMES = ("firm", "product", "assistant", "town", "person")


def test_there_are_families_from_plain_to_permissive() -> None:
    assert len(FAMILIES) >= 8
    assert {family.degree for family in FAMILIES.values()} == {0, 1, 2}
    assert all(len(family.variants) >= 4 for family in FAMILIES.values())
    lengths = [len(variant.split()) for family in FAMILIES.values() for variant in family.variants]
    assert min(lengths) < 8
    assert max(lengths) > 150


def test_every_variant_is_filled_and_nothing_of_an_evaluation_is_in_it() -> None:
    prompt = SourcePrompt(id="p", text="Hi.")
    for family in FAMILIES.values():
        for variant in family.variants:
            text = fill(variant, {name: words[0] for name, words in load_words().items()})
            assert "{" not in text
            assert text == text.strip()
            row = prompt_row(prompt, augment(prompt, 0, "system").model_copy(update={"system": text}))
            assert check_example(row) is None, text


def test_every_word_list_is_used() -> None:
    used = {
        name for family in FAMILIES.values() for variant in family.variants for name in placeholders(variant)
    }
    assert used == set(load_words())
    assert all(len(set(words)) == len(words) >= 6 for words in load_words().values())


def test_no_name_occurs_in_an_evaluation() -> None:
    evaluated = {
        word.casefold()
        for pool in ("firms", "sealed_firms")
        for firm in lexicon()[pool]
        for word in firm.split()
    }
    evaluated -= {"bank", "press", "mill", "harbour", "works", "hospital"}
    pools = ("machine_names", "sealed_machine_names", "towns", "first_names", "sealed_first_names")
    names = {name.casefold() for pool in pools for name in lexicon()[pool]}
    prompt = SourcePrompt(id="p", text="Hi.")
    for pool in NAMES:
        for name in load_words()[pool]:
            parts = {part.casefold() for part in name.split()}
            assert not parts & evaluated, name
            assert pool == "person" or not parts & names, name
            row = prompt_row(prompt, augment(prompt, 0, "system").model_copy(update={"system": name}))
            assert check_example(row) is None, name


def test_permissive_settings_authorise_nothing() -> None:
    """They may sketch a place where help looks fine; they must not say that it is allowed."""
    for family in FAMILIES.values():
        for variant in family.variants:
            for word in ("authoris", "authoriz", "you are allowed", "permitted", "it is legal", "consented"):
                assert word not in variant.casefold(), (family.name, word)


def test_draws_reach_every_variant() -> None:
    starts = {
        variant[:12] for family in FAMILIES.values() for variant in family.variants if variant[0] != "{"
    }
    drawn = {draw_system(Random(seed))[1][:12] for seed in range(1500)}
    assert {start for start in starts if "{" not in start} <= drawn


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("summary = ", "f.toml: not valid TOML"),
        ('summary = "s"\ndegree = 0', "f.toml: 'variants' is missing or unknown"),
        (
            'summary = "s"\ndegree = 0\nvariants = ["Hi {nobody}"]',
            "f.toml: no words for placeholder {nobody}; known: assistant",
        ),
    ],
)
def test_a_wrong_family_says_what_is_wrong(text: str, complaint: str) -> None:
    with pytest.raises(DataError, match=complaint):
        parse_family(text, "f.toml", load_words())
