"""The sealed part is as it was sealed, and its hashes alone are enough to refuse training rows."""

from __future__ import annotations

import hashlib
import re
import sys
from pathlib import Path

import pytest

from teachwhy import cli
from teachwhy.errors import DataError
from teachwhy.records import Example
from teachwhy.scenarios import guard
from teachwhy.scenarios.english import seals
from teachwhy.scenarios.english.overlap import list_texts, split_words
from teachwhy.scenarios.english.seals import (
    REMEDY,
    Seals,
    find_changes,
    find_sealed,
    load_seals,
    make_seals,
    sealed_skins,
    write_seals,
)
from teachwhy.scenarios.english.skin import Skin, load_skins
from teachwhy.scenarios.episodes import make_episodes
from teachwhy.scenarios.families import FAMILIES
from teachwhy.scenarios.guard import CANARY, check_example

SCENARIOS = Path(guard.__file__).parent
EVERY_FILE = sorted([*SCENARIOS.rglob("*.toml"), *SCENARIOS.rglob("seals.json")])
SHARED_RUN = seals.RUN + seals.STEP - 1


@pytest.fixture(scope="module")
def now() -> Seals:
    return make_seals()


@pytest.fixture
def hashes_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A guard that has neither the skins nor the names of the sprig world."""
    monkeypatch.setattr(guard, "find_overlap", lambda words: None)
    monkeypatch.setattr(guard, "_sealed_words", lambda: re.compile(r"(?!)"))


def row(text: str) -> Example:
    return Example(id="x", technique="t", kind="document", text=text, teacher="test")


def test_the_sealed_part_is_as_it_was_sealed(now: Seals) -> None:
    changes = find_changes(load_seals(), now)
    assert changes == [], f"{changes[:5]}: {REMEDY}"


def test_the_page_has_the_figures(now: Seals) -> None:
    page = (Path(__file__).parents[3] / "docs" / "scenarios.md").read_text(encoding="utf-8")
    assert f"{len(seals.index_shingles(now)):,} shingles" in page
    assert f"{len(now.episodes)} fixed" in page
    assert f"seed {seals.SEED}" in page


def test_one_office_a_family_is_sealed_and_nobody_picked_it() -> None:
    for family in FAMILIES:
        lowest = min(
            (skin.name for skin in load_skins(family)),
            key=lambda name: hashlib.sha256(f"sealed/{family}/{name}".encode()).hexdigest(),
        )
        assert [skin.name for skin in load_skins(family) if skin.sealed] == [lowest]


@pytest.mark.parametrize("path", EVERY_FILE, ids=lambda path: str(path.relative_to(SCENARIOS)))
def test_every_scenario_file_has_the_canary(path: Path) -> None:
    assert CANARY in path.read_text(encoding="utf-8")


def test_a_changed_scenario_is_seen(now: Seals, monkeypatch: pytest.MonkeyPatch) -> None:
    skin = load_skins("leaking")[0]
    assert skin.sealed
    letters = list(skin.letters)
    letters[0] = letters[0].model_copy(update={"body": letters[0].body + " Thanks."})
    changed = skin.model_copy(update={"letters": tuple(letters)})
    others = [other for other in sealed_skins() if other.family != "leaking"]
    monkeypatch.setattr(seals, "sealed_skins", lambda: iter([*others, changed]))
    monkeypatch.setattr(seals, "sealed_episodes", lambda skin: iter(()))
    found = find_changes(now.model_copy(update={"episodes": {}}), make_seals())
    assert f"office leaking/{skin.name} has changed" in found
    assert all("leaking" in change for change in found)
    monkeypatch.setattr(seals, "sealed_skins", lambda: iter(others))
    gone = find_changes(now.model_copy(update={"episodes": {}}), make_seals())
    assert f"office leaking/{skin.name} is gone" in gone
    first = next(iter(now.episodes))
    other = now.model_copy(update={"episodes": {**now.episodes, first: "0" * 64, "new": "1"}, "run": 12})
    assert find_changes(other, now) == [
        "run: sealed as 12, is 13",
        f"episode {first} has changed",
        "episode new is gone",
    ]


def test_a_sealed_episode_is_what_show_prints(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--kind", "twin", "--presentation", "prompt", "--seed", str(seals.SEED), "--index", "4")
    monkeypatch.setattr(
        sys, "argv", ["teachwhy", "scenarios", "show", "framing", *options, "--set", "skin=tiben_quay"]
    )
    with pytest.raises(SystemExit):
        cli.main()
    printed = hashlib.sha256(capsys.readouterr().out.encode()).hexdigest()
    assert load_seals().episodes["framing-en-2031-0004-prompt-twin"] == printed


def texts_of(skin: Skin) -> list[str]:
    return [
        text
        for text in list_texts(skin.model_dump(exclude={"facts"}))
        if len(split_words(text)) >= SHARED_RUN
    ]


@pytest.mark.parametrize("skin", list(sealed_skins()), ids=lambda skin: skin.name)
def test_sixteen_words_of_a_sealed_office_are_refused_by_the_hashes_alone(
    skin: Skin, hashes_alone: None
) -> None:
    texts = texts_of(skin)
    assert len(texts) > 50
    for number, text in enumerate(texts):
        for name in skin.names.values():
            words = split_words(text.replace("{agent}", name))
            start = number % (len(words) - SHARED_RUN + 1)
            run = f"And so: {', '.join(words[start : start + SHARED_RUN]).upper()}. The end."
            assert f"{skin.family}/{skin.name}" in (check_example(row(run)) or ""), run
        assert find_sealed(words[: seals.RUN - 1]) is None


@pytest.mark.parametrize("kind", ["honeypot", "twin", "control", "ordinary"])
def test_every_sealed_episode_is_refused_by_the_hashes_alone(kind: str, hashes_alone: None) -> None:
    for skin in sealed_skins():
        for episode in seals.sealed_episodes(skin):
            if episode.kind == kind:
                for text in (episode.system, episode.user):
                    assert "sealed english office" in (check_example(row(text)) or ""), episode.id


def test_open_offices_and_the_sprig_dialect_hold_no_sealed_text() -> None:
    for family in FAMILIES:
        for skin in load_skins(family):
            if not skin.sealed:
                assert [
                    text for text in list_texts(skin.model_dump()) if find_sealed(split_words(text))
                ] == []
    assert not any(
        find_sealed(split_words(episode.system + episode.user))
        for episode in make_episodes((), "honeypot", 20, 1)
    )


def test_seals_of_a_file_are_used_and_a_broken_one_is_a_data_error(now: Seals, tmp_path: Path) -> None:
    path = tmp_path / "seals.json"
    write_seals(now, path)
    assert load_seals(path) == now
    text = texts_of(next(sealed_skins()))[0]
    assert find_sealed(split_words(text), load_seals(path)) is not None
    assert find_sealed(split_words(text), now.model_copy(update={"shingles": {}})) is None
    for broken, told in [("{", "file"), (path.read_text().replace('"offices"', '"rooms"'), "offices")]:
        path.write_text(broken)
        with pytest.raises(DataError, match=rf"{path}: {told}.*teachwhy scenarios seal"):
            load_seals(path)
    with pytest.raises(DataError, match="cannot be read"):
        load_seals(tmp_path / "none.json")


def test_the_command_writes_and_checks(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, now: Seals
) -> None:
    monkeypatch.setattr(seals, "SEALS", tmp_path / "seals.json")
    monkeypatch.setattr(seals, "make_seals", lambda: now)

    def call(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["teachwhy", "scenarios", "seal", *arguments])
        with pytest.raises(SystemExit) as caught:
            cli.main()
        return int(caught.value.code or 0), capsys.readouterr().out

    assert call()[0] == 0
    assert load_seals(tmp_path / "seals.json") == now
    monkeypatch.setattr(seals, "load_seals", lambda: load_seals(tmp_path / "seals.json"))
    assert call("--check") == (0, "as sealed\n")
    write_seals(now.model_copy(update={"run": 9}), tmp_path / "seals.json")
    code, told = call("--check")
    assert code == 1
    assert "run: sealed as 9, is 13" in told
    assert "teachwhy scenarios seal" in told
