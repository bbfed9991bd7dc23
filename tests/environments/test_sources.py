"""Prompts: the user's files are kept to the byte, the shipped set is varied and none of an evaluation."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from teachwhy.constitution import load_constitution
from teachwhy.environments import augment, load_prompts, load_shipped_prompts, prompt_row
from teachwhy.environments.catalogue import load_catalogue
from teachwhy.environments.sources import parse_category
from teachwhy.errors import DataError
from teachwhy.scenarios.guard import check_example

SHIPPED = load_shipped_prompts()
TEXTS = st.text(st.characters(exclude_categories=("Cs",)), min_size=1)
SHARED_TMP = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@SHARED_TMP
@given(st.lists(TEXTS, min_size=1, max_size=5, unique=True), st.booleans())
def test_any_text_comes_back_from_jsonl_as_it_was(tmp_path: Path, texts: list[str], is_ascii: bool) -> None:
    path = tmp_path / "prompts.jsonl"
    lines = [json.dumps({"text": text, "source": 3}, ensure_ascii=is_ascii) for text in texts]
    path.write_bytes("\n".join(lines).encode())
    assert [prompt.text for prompt in load_prompts(path)] == texts


@SHARED_TMP
@given(st.lists(TEXTS.filter(lambda text: text.strip() and "\n" not in text), min_size=1, unique=True))
def test_any_line_comes_back_from_a_text_file_as_it_was(tmp_path: Path, texts: list[str]) -> None:
    path = tmp_path / "prompts.txt"
    texts = [text for text in texts if not text.endswith("\r") and not text.startswith("\ufeff")]
    path.write_bytes("".join(f"{text}\n" for text in [*texts, "end"]).encode())
    found = [prompt.text for prompt in load_prompts(path)] if len({*texts, "end"}) == len(texts) + 1 else None
    assert found in ([*texts, "end"], None)


@pytest.mark.parametrize(
    ("raw", "texts"),
    [
        (b"one\r\n two \r\n\r\nthree\r\n", ["one", " two ", "three"]),
        (b"one\r\ntwo\n", ["one\r", "two"]),
        (b"\xef\xbb\xbfone\n\n  \n{two} \t", ["one", "{two} \t"]),
    ],
)
def test_line_ends_of_a_text_file(raw: bytes, texts: list[str], tmp_path: Path) -> None:
    path = tmp_path / "prompts.txt"
    path.write_bytes(raw)
    assert [prompt.text for prompt in load_prompts(path)] == texts


def test_fields_of_a_row_are_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "prompts.jsonl"
    row = {"prompt": "Hi", "id": "a", "kind": "benign_lookalike", "sections": ["care"], "touches": ["travel"]}
    path.write_text(json.dumps(row) + "\n\n" + json.dumps({"prompt": "Ho", "text": "no"}) + "\n")
    first, second = load_prompts(path, text_field="prompt")
    assert (first.id, first.text, first.kind) == ("a", "Hi", "benign_lookalike")
    assert (first.sections, first.touches) == (("care",), ("travel",))
    assert (second.text, second.kind) == ("Ho", "harmful")
    assert second.id.startswith("prompt-")


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        (['{"text": "a"}', '{"text": '], "line 2: not valid JSON"),
        (["[1]"], "line 1: '.1.' is no object"),
        (['{"txt": "a"}'], "line 1: field 'text' is missing, received 'txt'"),
        (['{"text": ""}'], "line 1: field text: String should have at least 1 character"),
        (['{"text": 3}'], "line 1: field id: Field required|line 1: field text: .*received '3'"),
        (['{"text": "a", "kind": "bad"}'], "field kind: .*'harmful' or 'benign_lookalike', received 'bad'"),
        (['{"text": "a", "touches": ["sea"]}'], "field touches: 'sea' is no domain; allowed: building"),
        (['{"text": "a"}', "", '{"text": "a"}'], "line 3: field id: .* is already that of line 1"),
        (['{"text": "\\ud800"}'], "line 1: field text: .*valid string, unable to parse"),
        (['{"text": "a", "id": "\\udfff"}'], "line 1: field id: .*valid string, unable to parse"),
        (["[" * 100_000], "line 1: not valid JSON"),
        (["", " "], "holds no prompt"),
    ],
)
def test_a_wrong_line_is_named(lines: list[str], complaint: str, tmp_path: Path) -> None:
    path = tmp_path / "prompts.jsonl"
    path.write_text("\n".join(lines))
    with pytest.raises(DataError, match=complaint) as caught:
        load_prompts(path)
    assert str(path) in str(caught.value)
    assert str(caught.value).isprintable()


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.txt' cannot be read \(No such file"):
        load_prompts(tmp_path / "none.txt")
    (tmp_path / "latin.txt").write_bytes("größe".encode("latin-1"))
    with pytest.raises(DataError, match=r"are not UTF-8 \(byte 2\)"):
        load_prompts(tmp_path / "latin.txt")


def test_a_category_that_lacks_a_part_says_so() -> None:
    with pytest.raises(DataError, match=r"x\.toml: sections is missing"):
        parse_category("touches = []", "x.toml")


def test_the_shipped_set_is_large_and_balanced() -> None:
    kinds = Counter(prompt.kind for prompt in SHIPPED)
    assert kinds["harmful"] >= 220
    assert kinds["benign_lookalike"] >= 140
    for kind in kinds:
        categories = Counter(prompt.category for prompt in SHIPPED if prompt.kind == kind)
        assert len(categories) >= 12
        assert min(categories.values()) >= 9
    assert len({prompt.id for prompt in SHIPPED}) == len(SHIPPED)
    assert len({prompt.text for prompt in SHIPPED}) == len(SHIPPED)


def test_no_shipped_prompt_holds_anything_of_an_evaluation() -> None:
    for prompt in SHIPPED:
        for cell in ("none", "both"):
            assert check_example(prompt_row(prompt, augment(prompt, 0, cell))) is None, (prompt.id, cell)


def test_sections_and_domains_of_the_shipped_set_exist() -> None:
    sections = set(load_constitution().section_ids)
    domains = {domain.name for domain in load_catalogue()}
    for prompt in SHIPPED:
        assert prompt.sections, prompt.id
        assert set(prompt.sections) <= sections, prompt.id
        assert prompt.touches and set(prompt.touches) <= domains, prompt.id


@pytest.mark.parametrize("kind", ["harmful", "benign_lookalike"])
def test_the_shipped_set_has_no_tics(kind: str) -> None:
    texts = [prompt.text for prompt in SHIPPED if prompt.kind == kind]
    for size, share in ((3, 0.03), (2, 0.05), (1, 0.2)):
        for words, count in Counter(tuple(text.casefold().split()[:size]) for text in texts).items():
            assert count <= share * len(texts), words
    endings = Counter(tuple(text.casefold().split()[-3:]) for text in texts)
    assert max(endings.values()) <= 0.03 * len(texts)
    assert 0.25 < sum(text.rstrip().endswith("?") for text in texts) / len(texts) < 0.75
    assert sum("\u2014" in text for text in texts) <= 0.03 * len(texts)
    fourgrams = Counter(gram for text in texts for gram in _grams(text, 4))
    assert max(fourgrams.values()) <= 0.03 * len(texts), fourgrams.most_common(3)


def _grams(text: str, size: int) -> set[tuple[str, ...]]:
    words = text.casefold().split()
    return {tuple(words[at : at + size]) for at in range(len(words) - size + 1)}


def test_forms_are_varied() -> None:
    texts = [prompt.text for prompt in SHIPPED if prompt.kind == "harmful"]
    lengths = [len(text.split()) for text in texts]
    assert min(lengths) <= 15
    assert max(lengths) >= 90
    assert sum("\n\n" in text for text in texts) >= 15
    assert sum(text[0].islower() for text in texts) >= 12
    assert sum(text.endswith("?") for text in texts) <= 0.6 * len(texts)
    assert sum("please" in text.casefold() for text in texts) >= 15


def test_look_alikes_share_words_with_what_they_resemble() -> None:
    """Of each category's look-alikes most share a telling word with a harmful request of it."""
    from teachwhy.environments.relevance import stems

    for category in {prompt.category for prompt in SHIPPED}:
        own = [prompt for prompt in SHIPPED if prompt.category == category]
        said = frozenset().union(*(stems(prompt.text) for prompt in own if prompt.kind == "harmful"))
        shared = [len(stems(prompt.text) & said) for prompt in own if prompt.kind != "harmful"]
        assert sum(count >= 1 for count in shared) >= 0.85 * len(shared), category
