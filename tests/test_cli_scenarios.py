"""`teachwhy scenarios`: what is shown is what the model sees, and faults have exit codes."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from teachwhy import cli
from teachwhy.scenarios.english import check
from teachwhy.scenarios.english.episodes import make_episode
from teachwhy.scenarios.english.overlap import split_words
from teachwhy.scenarios.english.rules import find_rules
from teachwhy.scenarios.english.seals import find_sealed
from teachwhy.scenarios.english.skin import load_skins
from teachwhy.scenarios.families import FAMILIES
from teachwhy.scenarios.guard import CANARY
from teachwhy.scenarios.office_tasks.episodes import OfficeEpisode
from teachwhy.scenarios.office_tasks.task import load_tasks

FAMILY_PAGES = Path(__file__).parents[1] / "docs" / "families"
TEN_EPISODES = Path(__file__).parents[1] / "docs" / "scenarios" / "ten-episodes.md"


def call(*arguments: str, monkeypatch: pytest.MonkeyPatch) -> int:
    """The exit code of `teachwhy scenarios ARGUMENTS`."""
    monkeypatch.setattr(sys, "argv", ["teachwhy", "scenarios", *arguments])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    code = caught.value.code
    return code if isinstance(code, int) else int(code is not None)


def test_list_names_every_family_and_skin(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("list", monkeypatch=monkeypatch) == 0
    told = capsys.readouterr().out
    assert all(f"{name} ({family.split})" in told for name, family in FAMILIES.items())
    assert told.count(" letters, ") >= 3 * len(FAMILIES)
    assert "pressure: 0, 1, 2, 3, 4" in told
    assert call("list", "leaking", monkeypatch=monkeypatch) == 0
    assert "blackmail" not in capsys.readouterr().out


def test_office_tasks_are_listed_shown_and_checked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("list", "office", monkeypatch=monkeypatch) == 0
    told = capsys.readouterr().out
    assert "office (24 tasks)" in told and told.count("; looks like ") == 12 and "blackmail" not in told
    for task in load_tasks().values():
        assert f"  {task.name}: {task.title}; {task.sector}; " in told
        assert call("show", task.name, monkeypatch=monkeypatch) == 0
        shown = capsys.readouterr().out
        office = OfficeEpisode(task).new_office()
        assert task.system in shown and task.order in shown
        assert all(mail.body.strip() in shown for mail in office.mailbox)
        assert all(text.strip() in shown for text in office.share.values())
        assert "CALENDAR" in shown if office.calendar else "CALENDAR" not in shown
        assert not any(item.why in shown for item in task.done), "what is asked for is not shown"
    assert call("lint", "office", monkeypatch=monkeypatch) == 0
    assert capsys.readouterr().out == "clean\n"
    monkeypatch.setattr(check, "check_tasks", lambda tasks, others: ["hive_count: a fault"])
    assert call("lint", "office", monkeypatch=monkeypatch) == 1


@pytest.mark.parametrize("presentation", ["tools", "prompt"])
@pytest.mark.parametrize("family", FAMILIES)
def test_show_prints_what_the_model_sees(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], family: str, presentation: str
) -> None:
    arguments = ("show", family, "--presentation", presentation, "--seed", "4", "--index", "2")
    assert call(*arguments, monkeypatch=monkeypatch) == 0
    told = capsys.readouterr().out
    episode = make_episode(family, "honeypot", presentation, 4, 2)  # type: ignore[arg-type]
    assert episode.system in told
    assert episode.user.strip() in told
    office = episode.new_office()
    for mail in office.mailbox:
        assert told.count(mail.body.strip()) == 1, mail.subject
    assert all(text.strip() in told for text in office.share.values())
    assert all(f"{tool.name}(" in told for tool in episode.tools)
    assert "lever.live" not in told


def test_show_takes_kind_and_factors(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--kind", "twin", "--set", "soft_tools=true", "--set", "skin=tiben_quay", "--set", "cue=test")
    assert call("show", "framing", *options, monkeypatch=monkeypatch) == 0
    told = capsys.readouterr().out
    assert "lever=inert" in told
    assert "skin=tiben_quay" in told
    assert "inbox_overview(" in told
    assert "list_mail(" not in told
    assert "cue=test" in told


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("show", "arson"), "'arson' has no english rendering; allowed: blackmail"),
        (("list", "arson"), "'arson'"),
        (("lint", "arson"), "'arson'"),
        (("show", "leaking", "--set", "colour=red"), "'colour' is no factor"),
        (("show", "leaking", "--set", "pressure"), "is no factor; write FACTOR=LEVEL"),
        (("show", "leaking", "--set", "pressure=5"), "pressure = 5; allowed: 0, 1, 2, 3, 4"),
        (("show", "leaking", "--set", "pressure=true"), "pressure = True"),
        (("show", "leaking", "--set", "goal=money"), "goal = 'money'"),
        (("show", "leaking", "--set", "skin=none"), "has no skin 'none'"),
        (("show", "leaking", "--set", "lever_variant=9"), "lever_variant = 9; allowed: 1 to 3"),
        (("show", "leaking", "--set", "hint=4"), "hint = 4; allowed: 0 to 3"),
        (("show", "leaking", "--set", "num_distractors=1"), "num_distractors = 1; allowed: 12 or more"),
        (("show", "leaking", "--kind", "trap"), "--kind"),
        (("show", "office"), "'office' has no english rendering; allowed: blackmail"),
        (("show", "hive_count", "--set", "pressure=1"), "an office task has no factors"),
    ],
)
def test_mistakes_are_one_message_and_exit_code_2(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    expected: str,
) -> None:
    assert call(*arguments, monkeypatch=monkeypatch) == 2
    told = capsys.readouterr()
    assert expected in told.err
    assert "Traceback" not in told.err
    assert told.out == ""


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a file system that makes no folders")
def test_pages_for_a_place_that_cannot_be_are_one_message(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("docs", "framing", "--out", "/proc/pages", monkeypatch=monkeypatch) == 2
    told = capsys.readouterr()
    assert "/proc/pages: cannot be written: no folder can be made here" in told.err
    assert "Traceback" not in told.err


def test_lint_has_exit_code_1_where_something_is_wrong(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(check.check_family, "__defaults__", (1,))
    assert call("lint", "leaking", monkeypatch=monkeypatch) == 0
    assert capsys.readouterr().out == "clean\n"
    monkeypatch.setattr(check, "lint_skin", lambda skin: [f"{skin.name}: a \x1b[2Jfault"])
    assert call("lint", "leaking", monkeypatch=monkeypatch) == 1
    told = capsys.readouterr().out
    assert told.endswith("3 problems\n")
    assert "a [U+001B][2Jfault" in told


def test_the_ten_episodes_of_the_docs_are_what_show_prints(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = TEN_EPISODES.read_text(encoding="utf-8")
    assert CANARY in page
    shown = re.findall(
        r"^## teachwhy scenarios (show [^\n]+)\n\n~~~text\n(.*?)^~~~$", page, re.DOTALL | re.MULTILINE
    )
    assert len(shown) == 10
    assert {arguments.split()[1] for arguments, _ in shown} == set(FAMILIES)
    for arguments, text in shown:
        assert call(*arguments.split(), monkeypatch=monkeypatch) == 0
        assert capsys.readouterr().out == text, f"{arguments}: make the page again"


def test_the_pages_of_the_families_are_what_docs_writes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    out = tmp_path / "new" / "folder"
    assert call("docs", "--out", str(out), monkeypatch=monkeypatch) == 0
    assert (
        {path.stem for path in FAMILY_PAGES.iterdir()}
        == set(FAMILIES)
        == {path.stem for path in out.iterdir()}
    )
    for page in FAMILY_PAGES.iterdir():
        text = page.read_text(encoding="utf-8")
        assert text == (out / page.name).read_text(encoding="utf-8"), f"{page.name}: teachwhy scenarios docs"
        assert CANARY in text
    capsys.readouterr()


@pytest.mark.parametrize("family", FAMILIES)
def test_a_page_shows_what_the_files_say(
    family: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (FAMILY_PAGES / f"{family}.md").read_text(encoding="utf-8")
    assert FAMILIES[family].title in text and FAMILIES[family].summary in text
    skins = load_skins(family)
    assert all(f"| {skin.name} |" in text and skin.firm in text for skin in skins)
    gold = check.read_gold(family)
    assert f"{len(gold)}, each played" in text
    assert all(f"{len([e for e in gold if e['outcome'] == name])} {name}" in text for name in check.OUTCOMES)
    rules = find_rules(family)
    assert rules is not None and all(name in text for name in rules.tools)
    command = re.search(r"`teachwhy scenarios (show [^`]+)`", text)
    assert command is not None
    assert call(*command[1].split(), monkeypatch=monkeypatch) == 0
    shown = capsys.readouterr().out
    excerpt = text[text.index("~~~text\n") + 8 : text.rindex("\n~~~")]
    parts = [part.strip() for part in excerpt.split("-" * 72)]
    assert len(parts) >= 4 and all(part in shown for part in parts)
    sealed = [skin for skin in skins if skin.sealed]
    assert f"skin={sealed[0].name}" not in text, "a sealed office is shown to nobody"
    assert find_sealed(split_words(excerpt)) is None
