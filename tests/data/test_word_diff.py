"""Word by word, and both columns remain the texts that they are."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from teachwhy.data import word_diff
from teachwhy.data.word_diff import Piece, compare

TEXTS = st.lists(st.sampled_from(["a ", "b ", "the ", "\n", "x", "  ", "é", "<b>"]), max_size=40).map("".join)


@given(TEXTS, TEXTS)
def test_both_columns_are_their_texts(before: str, after: str) -> None:
    diff = compare(before, after)
    assert "".join(piece.text for piece in diff.before) == before
    assert "".join(piece.text for piece in diff.after) == after
    assert {piece.kind for piece in diff.before} <= {"same", "gone"}
    assert {piece.kind for piece in diff.after} <= {"same", "new"}
    assert diff.is_same == (before == after)


def test_what_was_taken_out_and_put_in_is_marked() -> None:
    diff = compare("I am Ann. Can I use the secret now?", "Can I use the whole secret now?")
    assert diff.before == (Piece("gone", "I am Ann."), Piece("same", " Can I use the secret now?")) or (
        diff.before[0] == Piece("gone", "I am Ann.")
    )
    assert diff.after == (
        Piece("same", "Can I use the"),
        Piece("new", " whole"),
        Piece("same", " secret now?"),
    )
    assert (diff.num_gone, diff.num_new) == (3, 1)


def test_one_word_that_stayed_between_changes_is_one_change() -> None:
    diff = compare("a b c d e f", "a b X d Y f")
    assert [piece.kind for piece in diff.before] == ["same", "gone", "same"]
    assert diff.before[1].text == " c d e"


def test_long_texts_are_compared_as_far_as_is_quick() -> None:
    words = [f"w{number}" for number in range(word_diff.MAX_WORDS + 10)]
    diff = compare(" ".join(words), " ".join([*words[:-1], "other"]))
    assert not diff.is_whole and not diff.is_same
    assert [piece.kind for piece in diff.after] == ["same", "rest"]
    assert diff.after[-1].text.endswith(" other")
