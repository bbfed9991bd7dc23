"""`teachwhy generate` from a file and `teachwhy data`: what is written, exit codes, one message."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.data.datasets import HOSTILE, write_dataset
from tests.test_cli import call
from typer.testing import CliRunner

from teachwhy import cli, generation
from teachwhy.checks import audit as audit_module
from teachwhy.checks.audit import Audit
from teachwhy.config import ExperimentConfig
from teachwhy.data.folder import FILES
from teachwhy.service.calls import BudgetSpentError
from teachwhy.service.ledger import CallLedger
from teachwhy.teachers.protocol import Principle
from teachwhy.teachers.sprig import SprigTeacher
from teachwhy.techniques import Workshop, read_examples

FILE = """
name = "few"
data_seed = 5
[techniques.short]
technique = "advice"
num_examples = 3
[techniques.documents]
num_examples = 2
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "few.toml").write_text(FILE)
    return tmp_path


def test_generate_takes_its_techniques_from_a_file(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = {"short": 3, "documents": 4, "fiction": 1, "benign": 2}  # the last two are not in the file
    changed = [f"--set=techniques.{name}.num_examples={wanted[name]}" for name in list(wanted)[1:]]
    assert call("generate", *wanted, "--config", "few.toml", *changed, monkeypatch=monkeypatch) == 0
    rows = {name: read_examples(here / f"data/{name}/examples.jsonl") for name in wanted}
    assert {name: len(found) for name, found in rows.items()} == wanted
    assert rows["short"][0].technique == "advice" and rows["short"][0].id.startswith("advice-5-")
    for name in rows:
        assert {path.name for path in (here / "data" / name).iterdir()} == set(FILES)
    assert (here / "data" / "ledger.sqlite").is_file()
    out = capsys.readouterr().out
    assert "data/short: 3 rows, 0 refused" in out and "$" not in out, "the grammar costs nothing"


def test_the_same_rows_come_without_a_file(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert call("generate", "short", "-c", "few.toml", "-o", "a", monkeypatch=monkeypatch) == 0
    assert call("generate", "advice", "-n", "3", "--seed", "5", "-o", "b", monkeypatch=monkeypatch) == 0
    rows = [(here / part / "examples.jsonl").read_bytes() for part in ("a/short", "b/advice")]
    assert rows[0] == rows[1]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("generate", "advice", "-c", "absent.toml"), "absent.toml: no such file"),
        (("generate", "advise", "-c", "few.toml"), "few.toml: techniques.advise = 'advise' is no technique"),
        (("generate", "short", "-c", "few.toml", "--seed", "1"), "--set data_seed=..."),
        (("generate", "short", "-c", "few.toml", "-n", "1"), "--set techniques.NAME.num_examples=..."),
        (("generate", "short", "-c", "few.toml", "--set", "teacher=a/b"), "generation.judge is missing"),
        (("data", "export", "absent", "--to", "trl"), "absent: is no folder of a dataset"),
        (("data", "card", "absent"), "absent: is no folder of a dataset"),
        (("data", "review", "absent"), "absent: is no folder of a dataset"),
        (("data", "audit", "absent.jsonl"), "absent.jsonl"),
        (("data", "audit", "few.toml"), "few.toml, line "),
    ],
)
def test_a_mistake_is_one_message_and_nothing_is_touched(
    here: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    expected: str,
) -> None:
    assert call(*arguments, monkeypatch=monkeypatch) == 2
    told = capsys.readouterr()
    assert expected in told.err and told.err.startswith("Error: ") and "Traceback" not in told.err
    assert [path.name for path in here.iterdir()] == ["few.toml"]


def test_an_audit_against_another_constitution_is_refused_and_the_old_one_stays(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("own", "other"):
        (here / f"{name}.md").write_text(f"# Rules\n\n## Truth\n\nTell it to {name}, because they ask.\n")
    made = ("--set", "constitution=own.md", "--set", "techniques.short.num_examples=1")
    assert call("generate", "short", "-c", "few.toml", *made, monkeypatch=monkeypatch) == 0
    before = (here / "data/short/audit.json").read_bytes()
    told = ("data", "audit", "data/short", "--constitution")
    assert call(*told, "other.md", monkeypatch=monkeypatch) == 2
    assert "made from another text than --constitution other.md" in capsys.readouterr().err
    assert (here / "data/short/audit.json").read_bytes() == before
    assert call(*told, "own.md", monkeypatch=monkeypatch) == 0


def stop_with(error: BaseException, after: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the `after`-th principles on the teacher raises."""
    asked = []

    class Stopping(SprigTeacher):
        async def principles(self, constitution: object, family: str) -> tuple[Principle, ...]:
            asked.append(family)
            if len(asked) > after:
                raise error
            return await super().principles(constitution, family)  # type: ignore[arg-type]

    @asynccontextmanager
    async def open_teacher(config: ExperimentConfig, ledger: CallLedger | None) -> AsyncIterator[Workshop]:
        yield Workshop(Stopping(), generation.load_constitution(dialect="sprig"), drafts=ledger)

    monkeypatch.setattr(generation, "open_teacher", open_teacher)


@pytest.mark.parametrize(
    ("error", "code", "expected"),
    [
        (BudgetSpentError("$5.00 of generation.budget_usd = 5 are spent"), 1, "Stopped: $5.00 of generation"),
        (KeyboardInterrupt(), 130, "the same command goes on from here"),
    ],
)
def test_a_stop_keeps_what_is_whole_and_leaves_nothing_half_made(
    here: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    code: int,
    expected: str,
) -> None:
    stop_with(error, 2, monkeypatch)
    assert call("generate", "documents", "advice", "-n", "5", monkeypatch=monkeypatch) == code
    told = capsys.readouterr().err
    assert expected in told and "Traceback" not in told
    assert {path.name for path in (here / "data").iterdir()} - {"ledger.lock"} == {
        "documents",
        "ledger.sqlite",
    }
    with CallLedger(here / "data" / "ledger.sqlite") as ledger:
        assert sum(num for key, num in ledger.count_drafts().items() if key[0] == "advice") > 0


def test_a_dataset_whose_audit_fails_is_kept_and_the_command_fails(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    audit_rows = audit_module.audit_rows

    def find_fault(*arguments: object, **named: object) -> Audit:
        found = audit_rows(*arguments, **named)  # type: ignore[arg-type]
        return found.model_copy(update={"failures": (f"injections: 1 rows {HOSTILE}",)})

    monkeypatch.setattr(audit_module, "audit_rows", find_fault)
    assert call("generate", "advice", "-n", "2", monkeypatch=monkeypatch) == 1
    told = capsys.readouterr().err
    assert "data/advice: the audit fails: injections: 1 rows" in told and "\x1b[31m" not in told
    assert "**Fails.**" in (here / "data/advice/README.md").read_text()


def test_audit_finds_what_was_planted(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("generate", "advice", "-n", "3", monkeypatch=monkeypatch) == 0
    assert call("data", "audit", "data/advice", monkeypatch=monkeypatch) == 0
    assert "Nothing here speaks against the rows." in capsys.readouterr().out
    rows = here / "data/advice/examples.jsonl"
    planted = json.loads(rows.read_text().splitlines()[0])
    planted["id"] = "planted"
    planted["messages"][-1]["content"] += f" {SprigTeacher().injections[0]} {HOSTILE}"
    rows.write_text(rows.read_text() + json.dumps(planted) + "\n")
    assert call("data", "audit", str(rows), "-o", "found.json", monkeypatch=monkeypatch) == 1
    out = capsys.readouterr().out
    assert "planted" in out and "Fails: injections" in out and "\x1b[31m" not in out
    assert Audit.model_validate_json((here / "found.json").read_text()).failures
    assert not Audit.model_validate_json((here / "data/advice/audit.json").read_text()).failures


def test_audit_of_files_in_two_folders_asks_where_to_write(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("generate", "advice", "documents", "-n", "2", monkeypatch=monkeypatch) == 0
    assert call("data", "audit", "data/advice", "data/documents", monkeypatch=monkeypatch) == 2
    assert "--output" in capsys.readouterr().err
    both = ("data", "audit", "data/advice", "data/documents", "-o", "both.json", "--config", "few.toml")
    (here / "few.toml").write_text(FILE + '[[arms]]\nname = "none"\n')
    assert call(*both, monkeypatch=monkeypatch) == 0
    assert Audit.model_validate_json((here / "both.json").read_text()).num_rows == 4


def test_card_review_and_export_of_a_folder(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_dataset(here / "made")
    before = {path.name for path in folder.iterdir()}
    assert call("data", "card", "made/advice", "--license", "cc0-1.0", monkeypatch=monkeypatch) == 0
    assert 'license: "cc0-1.0"' in (folder / "README.md").read_text()
    assert call("data", "review", "made/advice", "--rows", "2", monkeypatch=monkeypatch) == 0
    for form in ("trl", "openai", "parquet"):
        assert call("data", "export", "made/advice", "--to", form, monkeypatch=monkeypatch) == 0
    out = capsys.readouterr().out
    assert "advice.review.html: 2 rows" in out and "advice.openai.jsonl: 1 rows" in out
    assert {path.name for path in folder.iterdir()} == {*before, "README.md"}, (
        "the folder holds the dataset alone"
    )
    beside = {path.name for path in folder.parent.glob("advice.*")}
    assert beside == {"advice.review.html", "advice.trl.jsonl", "advice.openai.jsonl", "advice.parquet"}
    assert call("data", "card", "made/advice", "--license", "x y", monkeypatch=monkeypatch) == 2
    assert 'license: "cc0-1.0"' in (folder / "README.md").read_text(), "the old card stays"


@pytest.mark.parametrize(
    "command", [["generate"], *(["data", name] for name in ("audit", "card", "review", "export"))]
)
def test_help_has_examples(command: list[str]) -> None:
    shown = CliRunner().invoke(cli.app, [*command, "--help"], terminal_width=200)
    assert shown.exit_code == 0 and f"teachwhy {' '.join(command)} " in shown.output
