"""Exact and near duplicates, with datasketch as the oracle of the signatures."""

from __future__ import annotations

import random

import numpy as np
import pytest
from datasketch import MinHash
from tests.checks.rows import chat, make_rows, make_words, write_text

from teachwhy.checks.duplicates import (
    NUM_PERMUTATIONS,
    Duplicates,
    choose_rows_per_band,
    fingerprint,
    permutations,
    shorten,
    sign,
    sign_hashes,
)
from teachwhy.checks.row_text import RowText, hash_runs, hash_words
from teachwhy.records import Example


def keep(duplicates: Duplicates, row: Example) -> str | None:
    print_ = fingerprint(RowText(row))
    reason = duplicates.find(print_)
    if reason is None:
        duplicates.add(row.id, print_)
    return reason


def edit(rng: random.Random, text: str, num_edits: int) -> str:
    words = text.split(" ")
    for place in rng.sample(range(len(words)), num_edits):
        words[place] = f"edited{rng.random():.6f}".replace(".", "")
    return " ".join(words)


def jaccard(first: str, second: str) -> float:
    def runs(text: str) -> set[tuple[str, ...]]:
        words = RowText(chat("", text)).told
        return {tuple(words[at : at + 5]) for at in range(len(words) - 4)}

    return len(runs(first) & runs(second)) / len(runs(first) | runs(second))


def test_signatures_are_those_of_datasketch() -> None:
    values = np.random.default_rng(3).integers(1 << 32, size=300, dtype=np.uint32)
    oracle = MinHash(NUM_PERMUTATIONS, hashfunc=int, permutations=permutations(), scheme="affine32")
    oracle.update_batch(values.tolist())
    assert np.array_equal(sign(values), oracle.hashvalues)


def test_the_estimate_is_near_the_true_similarity() -> None:
    rng = random.Random(1)
    vocabulary = make_words(rng)
    errors = []
    for num_edits in (1, 2, 4, 8, 16, 32) * 5:
        text = write_text(rng, vocabulary, 300)
        edited = edit(rng, text, num_edits)
        signatures = [sign_hashes(RowText(chat("", each)).told_hashes) for each in (text, edited)]
        errors.append(float((signatures[0] == signatures[1]).mean()) - jaccard(text, edited))
    assert np.abs(errors).max() < 0.16
    assert abs(np.mean(errors)) < 0.02


def test_edited_copies_are_found_and_clean_rows_are_not() -> None:
    rng = random.Random(2)
    rows = make_rows(400, 200)
    duplicates = Duplicates(0.8)
    assert [row.id for row in rows if keep(duplicates, row)] == []
    found = 0
    for row in rng.sample(rows, 100):
        answer = edit(rng, row.messages[1].content, 2)
        reason = keep(duplicates, chat(row.messages[0].content, answer, f"{row.id}-edited"))
        found += reason is not None and f"nearly {row.id}:" in reason
    assert found >= 99


def test_system_prompts_and_tools_make_no_duplicates() -> None:
    duplicates = Duplicates(0.8)
    system = "You work in the harbour office. " * 40
    for row in make_rows(50, 40):
        user, answer = (message.content for message in row.messages)
        assert keep(duplicates, chat(user, answer, row.id, system)) is None


@pytest.mark.parametrize("threshold", [0.0, 0.8])
def test_exact_duplicates_are_found_with_any_threshold(threshold: float) -> None:
    duplicates = Duplicates(threshold)
    assert keep(duplicates, chat("What now?", "Go home.", "first")) is None
    assert keep(duplicates, chat("what  now", "Go\u00ad home!", "second")) == "the same words as first"
    assert keep(duplicates, chat("What now?", "Stay.", "third")) is None


def test_scripts_without_blanks_are_read_by_characters() -> None:
    duplicates = Duplicates(0.8)
    text = "".join(chr(0x4E00 + 7 * number) for number in range(120))
    assert keep(duplicates, chat("好", text, "first")) is None
    assert keep(duplicates, chat("好", text[:60] + "异" + text[61:], "second")) is not None
    assert keep(duplicates, chat("好", text[::-1], "third")) is None


def test_order_decides_which_row_stays() -> None:
    rows = [chat("Why?", "Because the sea is deep and the boat is small.", name) for name in "ab"]
    assert keep(duplicates := Duplicates(0.8), rows[1]) is None
    assert keep(duplicates, rows[0]) == "the same words as b"


@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.7, 0.8, 0.9, 0.99])
def test_bands_bring_pairs_at_the_threshold_together(threshold: float) -> None:
    size = choose_rows_per_band(threshold)
    assert 1 - (1 - threshold**size) ** (NUM_PERMUTATIONS // size) >= 0.995


def test_runs_depend_on_the_order_of_words_and_hashes_on_nothing_else() -> None:
    forth, back = (hash_runs(hash_words(words), 3) for words in (["a", "b", "c"], ["c", "b", "a"]))
    assert forth[0] != back[0]
    assert hash_words(["teachwhy"]).tolist() == [KNOWN_HASH]
    assert len(hash_runs(hash_words(["a"]), 3)) == 0
    assert shorten(np.array([1 << 40], dtype=np.uint64)).tolist() == [256]


KNOWN_HASH = 7634035631436165807
"""Of one word, so that a change of the hash is seen: files of fingerprints would no longer compare."""
