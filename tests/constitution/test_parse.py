"""Sections, ids, reasons and errors of constitutions."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from teachwhy.constitution import load_constitution, parse_constitution
from teachwhy.errors import DataError


def test_default_renderings_share_section_ids_and_give_reasons() -> None:
    english = load_constitution("default", "english")
    sprig = load_constitution("default", "sprig")
    assert english.section_ids == sprig.section_ids
    assert {"honesty", "no-threats", "privacy", "oversight", "speaking-up"} <= set(english.section_ids)
    for section in (*english.sections, *sprig.sections):
        assert section.reasons, f"{section.id} has no reason"
        assert "Why:" not in section.rule
        assert all(not reason.startswith("Why") for reason in section.reasons)


def test_sprig_rendering_is_short_plain_sentences() -> None:
    for section in load_constitution("default", "sprig").sections:
        for sentence in re.split(r"(?<=[.])\s+", section.text.replace("Why: ", "")):
            assert len(sentence.split()) <= 22, sentence


def test_default_english_length_is_readable() -> None:
    english = load_constitution("default", "english")
    assert 2000 <= sum(len(section.text.split()) for section in english.sections) <= 4000


def test_repeated_headings_are_numbered_and_never_collide() -> None:
    text = "# A\n\none\n\n# A 2\n\ntwo\n\n# a!\n\nthree\n\n# A\n\nfour\n"
    assert parse_constitution(text, "t").section_ids == ("a", "a-2", "a-3", "a-4")


def test_headings_of_all_kinds_and_containers() -> None:
    text = "Title\n=====\n\n## Ünder *Stress* ##\nBe calm\nand slow.\n\n```\n# no heading\n```\n\n"
    text += "Kindness\n--------\n- a\n- b\n"
    constitution = parse_constitution(text, "t")
    assert constitution.section_ids == ("under-stress", "kindness")
    assert "Be calm and slow." in constitution.sections[0].text
    assert "# no heading" in constitution.sections[0].text
    assert constitution.sections[1].text == "- a\n\n- b"


def test_plain_text_headings_and_preamble() -> None:
    constitution = parse_constitution("1. Be honest\n\nDo not lie.\n\n2. Be kind\n\nHelp others.\n", "t")
    assert constitution.section_ids == ("be-honest", "be-kind")
    with_opening = parse_constitution("For machines.\n\n# One\n\ntext\n", "t")
    assert with_opening.section_ids == ("preamble", "one")


def test_reasons_come_from_marked_paragraphs_and_because() -> None:
    text = "# One\n\nDo not lie because you can. Be kind.\nWhy: it is easy.\n\n**Reason:** it helps.\n"
    section = parse_constitution(text, "t").sections[0]
    assert section.reasons == ("it is easy.", "it helps.")
    assert section.rule == "Do not lie because you can. Be kind."
    unmarked = parse_constitution("# One\n\nDo not lie, because trust is slow. Be kind.\n", "t").sections[0]
    assert unmarked.reasons == ("Do not lie, because trust is slow.",)


@pytest.mark.parametrize("text", ["", "\n \n", "only a paragraph that says nothing in particular.\n"])
def test_no_section_is_an_error_that_names_the_file(text: str) -> None:
    with pytest.raises(DataError, match=r"'my.md' has no section"):
        parse_constitution(text, "my.md")


def test_empty_section_names_its_line() -> None:
    with pytest.raises(DataError, match=r"line 5: section 'Two' is empty"):
        parse_constitution("# One\n\ntext\n\n# Two\n\n# Three\n\ntext\n", "my.md")
    with pytest.raises(DataError, match="section 'Last' is empty"):
        parse_constitution("# One\n\ntext\n\n## Last\n", "my.md")


def test_unknown_section_dialect_and_unreadable_files(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="its sections are: reasons-and-rules, honesty"):
        load_constitution().section("bravery")
    with pytest.raises(DataError, match="allowed: english, sprig"):
        load_constitution("default", "latin")
    with pytest.raises(DataError, match="cannot be read"):
        load_constitution(tmp_path / "absent.md")
    (tmp_path / "latin1.md").write_bytes(b"# H\xe9\n\ntext\n")
    with pytest.raises(DataError, match="not UTF-8"):
        load_constitution(tmp_path / "latin1.md")


def test_fingerprint_follows_the_words_and_windows_files_read_the_same(tmp_path: Path) -> None:
    text = "# One\n\nDo not lie.\n"
    path = tmp_path / "c.md"
    path.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    assert load_constitution(path).fingerprint() == parse_constitution(text, "t").fingerprint()
    assert (
        parse_constitution(text.replace("lie", "cheat"), "t").fingerprint()
        != parse_constitution(text, "t").fingerprint()
    )
