"""The command line: what reaches the stages, exit codes, one message and no traceback."""

from __future__ import annotations

import errno
import inspect
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from tests.report.evaluation_folder import make_suite, write_evaluation
from typer.testing import CliRunner

import teachwhy
from teachwhy import __version__, cli, experiment
from teachwhy.config import ExperimentConfig
from teachwhy.errors import ConfigError, TeacherError

SOURCE = str(Path(teachwhy.__file__).parents[1])
SMALL = 'name = "small"\n[[arms]]\nname = "untouched"\n'


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[dict[str, Any]]:
    """What `run_experiment` and `show_dry_run` are called with, in place of doing it; in an empty folder."""
    found: list[dict[str, Any]] = []

    def run(config: ExperimentConfig, root: Path, **options: Any) -> int:
        found.append({"what": "run", "config": config, "root": root, **options})
        return 3

    def dry(config: ExperimentConfig, root: Path, **options: Any) -> None:
        found.append({"what": "dry", "config": config, "root": root, **options})

    monkeypatch.setattr(experiment, "run_experiment", run)
    monkeypatch.setattr(experiment, "show_dry_run", dry)
    monkeypatch.chdir(tmp_path)
    Path("small.toml").write_text(SMALL)
    return found


def call(*arguments: str, monkeypatch: pytest.MonkeyPatch) -> int:
    """The exit code of `teachwhy ARGUMENTS`."""
    monkeypatch.setattr(sys, "argv", ["teachwhy", *arguments])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    code = caught.value.code
    return code if isinstance(code, int) else int(code is not None)


def test_run_hands_on_file_overrides_and_output(
    calls: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ("run", "small.toml", "--set", "seeds=[4]", "--set", "workers=3", "-o", "there")
    assert call(*arguments, monkeypatch=monkeypatch) == 3, "the exit code of the run"
    assert calls[0]["what"] == "run"
    assert calls[0]["config"].seeds == (4,)
    assert calls[0]["config"].workers == 3
    assert calls[0]["root"] == Path("there")
    call("run", "small.toml", monkeypatch=monkeypatch)
    assert calls[1]["root"] == Path("runs/small")


def test_dry_run_does_not_run(calls: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    assert call("run", "small.toml", "--dry-run", monkeypatch=monkeypatch) == 0
    assert [entry["what"] for entry in calls] == ["dry"]


def test_train_hands_on_a_part_and_the_whole(
    calls: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    two = 'seeds = [0, 1]\nbaseline = "untouched"\n' + SMALL + '[[arms]]\nname = "other"\n'
    Path("small.toml").write_text(two)
    call("train", "small.toml", "--arm", "other", "--seed", "1", monkeypatch=monkeypatch)
    assert calls[0]["until"] == "train"
    assert [arm.name for arm in calls[0]["config"].arms] == ["other"]
    assert calls[0]["config"].seeds == (1,)
    assert len(calls[0]["manifest_config"].arms) == 2


@pytest.mark.parametrize(
    ("model", "folder"),
    [
        ("sprig", "evaluate-sprig"),
        ("openai/gpt-5-mini", "evaluate-openai-gpt-5-mini"),
        ("../../x; rm -rf", "evaluate-x-rm-rf"),
        ("/", "evaluate-model"),
    ],
)
def test_evaluate_makes_an_experiment_of_one_model(
    calls: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, model: str, folder: str
) -> None:
    arguments = ("evaluate", model, "--set", "evaluation.honeypots_per_family=2", "--seed", "5")
    assert call(*arguments, monkeypatch=monkeypatch) == 3
    config = calls[0]["config"]
    assert config.student == model
    assert [arm.mixture for arm in config.arms] == [{}]
    assert config.evaluation.honeypots_per_family == 2
    assert config.seeds == (5,)
    assert calls[0]["root"] == Path("runs") / folder


def test_report_of_an_evaluation_is_its_suite_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_evaluation(tmp_path / "stages" / "eval-model-s0-0123456789abcdef", make_suite())
    assert call("report", str(folder), monkeypatch=monkeypatch) == 0
    assert capsys.readouterr().out == f"Suite page: {folder / 'suite.html'}\n"
    (folder / "episodes.jsonl").write_text("{}\n")
    assert call("report", str(folder), monkeypatch=monkeypatch) == 2
    assert "episodes.jsonl, line 1" in capsys.readouterr().err


def test_evaluate_ends_with_the_suite_page_of_what_it_evaluated(
    calls: list[dict[str, Any]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    stages = tmp_path / "run" / "stages"
    names = ["eval-model-s0-0123456789abcdef", "eval-model-s0-fedcba9876543210"]
    for name in names:
        write_evaluation(stages / name, make_suite(("blackmail",)))
    results = {"scores": "", "summary": "", "report": "", "stages": names[1:]}
    (stages / "results.json").write_text(json.dumps(results))
    assert call("evaluate", "sprig", "-o", str(tmp_path / "run"), monkeypatch=monkeypatch) == 3
    assert f"Suite page: {stages / names[1] / 'suite.html'}" in capsys.readouterr().out
    assert [path.parent.name for path in stages.glob("*/suite.html")] == names[1:]


def test_generate_writes_rows_and_what_was_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert call("generate", "advice", "refusals", "-n", "3", "-o", "rows", monkeypatch=monkeypatch) == 0
    assert len((tmp_path / "rows/advice/examples.jsonl").read_text().splitlines()) == 3
    assert (tmp_path / "rows/refusals/rejected.jsonl").is_file()
    assert "3 rows" in capsys.readouterr().out
    assert not list(tmp_path.rglob("*.partial"))


def test_generate_replaces_nothing_but_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    thesis = tmp_path / "mine" / "refusals" / "thesis.txt"
    thesis.parent.mkdir(parents=True)
    thesis.write_text("years of work")
    arguments = ("generate", "advice", "refusals", "-n", "2", "-o", "mine")
    assert call(*arguments, monkeypatch=monkeypatch) == 2
    told = capsys.readouterr().err
    assert "mine/refusals: holds 'thesis.txt'" in told
    assert "--output" in told
    assert thesis.read_text() == "years of work"
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["refusals"], "nothing was begun"
    thesis.unlink()
    (thesis.parent / "examples.jsonl").mkdir()
    assert call(*arguments, monkeypatch=monkeypatch) == 2, "a folder is no file of rows"
    (thesis.parent / "examples.jsonl").rmdir()
    capsys.readouterr()
    assert call(*arguments, monkeypatch=monkeypatch) == 0
    assert "replaced" not in capsys.readouterr().err
    assert call(*arguments[:3], "-n", "3", "-o", "mine", monkeypatch=monkeypatch) == 0
    assert "mine/refusals: the rows that are there will be replaced" in capsys.readouterr().err
    assert len((thesis.parent / "examples.jsonl").read_text().splitlines()) == 3
    (tmp_path / "advice").write_text("a file")
    assert call("generate", "advice", "-n", "2", "-o", ".", monkeypatch=monkeypatch) == 2
    assert (tmp_path / "advice").read_text() == "a file"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("run", "absent.toml"), "absent.toml: no such file"),
        (
            ("run", "small.toml", "--set", 'evaluation.families=["x"]'),
            "small.toml: evaluation.families = 'x'",
        ),
        (("train", "small.toml", "--set", "teacher=x"), "small.toml: teacher = 'x'"),
        (("evaluate", "sprig", "--set", 'evaluation.families=["x"]'), "evaluate: evaluation.families = 'x'"),
        (("generate", "../x"), 'generate: techniques: "../x" is no name here: it must be letters'),
        (("run", "small.toml", "--set", "sedes=[1]"), "unknown key sedes"),
        (("train", "small.toml", "--arm", "x"), "'x' is no arm"),
        (("generate", "advise"), "Did you mean 'advice'?"),
        (("generate", "advice", "--teacher", "nobody"), "teacher = 'nobody'"),
        (("generate", "advice", "--constitution", "absent.md"), "absent.md"),
        (("report", "absent"), "no such file"),
    ],
)
def test_a_users_mistake_is_one_message_and_exit_code_2(
    calls: list[dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    expected: str,
) -> None:
    assert call(*arguments, monkeypatch=monkeypatch) == 2
    told = capsys.readouterr()
    assert expected in told.err
    assert told.err.startswith("Error: ")
    assert "Traceback" not in told.err
    assert calls == []


@pytest.mark.parametrize(
    ("error", "code", "expected"),
    [
        (ConfigError("wrong value"), 2, "Error: wrong value"),
        (TeacherError("no reply"), 1, "Failed: no reply"),
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/full/disk"), 2, "/full/disk: cannot be written"),
        (KeyboardInterrupt(), 130, "goes on from here"),
    ],
)
def test_errors_have_their_exit_codes(
    calls: list[dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    code: int,
    expected: str,
) -> None:
    def fail(*_: Any, **__: Any) -> int:
        raise error

    monkeypatch.setattr(experiment, "run_experiment", fail)
    assert call("run", "small.toml", monkeypatch=monkeypatch) == code
    assert expected in capsys.readouterr().err


def test_error_that_quotes_a_checkpoint_does_not_steer_the_terminal(
    calls: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: Any, **__: Any) -> int:
        raise ConfigError("the template says \x1b[2J\x1b]0;owned\x07\nand more")

    monkeypatch.setattr(experiment, "run_experiment", fail)
    assert call("run", "small.toml", monkeypatch=monkeypatch) == 2
    told = capsys.readouterr().err
    assert told == "Error: the template says [U+001B][2J[U+001B]]0;owned[U+0007]\nand more\n"


@pytest.mark.parametrize("command", ["evaluate sprig", "generate advice", "sprig build", "sprig sample x"])
@pytest.mark.parametrize("seed", ["-1", str(2**32)])
def test_seed_that_no_generator_takes_is_refused(
    calls: list[dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: str,
    seed: str,
) -> None:
    assert call(*command.split(), "--seed", seed, monkeypatch=monkeypatch) == 2
    assert "--seed" in capsys.readouterr().err
    assert calls == []


def test_own_sprig_has_another_name_than_the_packaged_one() -> None:
    default = inspect.signature(cli.build).parameters["output"].default
    assert default == Path("my-sprig")


def test_card_is_not_wrapped_where_there_is_no_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    assert call("sprig", "info", monkeypatch=monkeypatch) == 0
    rows = [line for line in capsys.readouterr().out.splitlines() if line.startswith("|")]
    assert len(rows) > 10
    assert all(line.endswith("|") for line in rows)


def test_card_is_tables_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli, "Console", lambda: Console(width=120, force_terminal=True))
    assert call("sprig", "info", monkeypatch=monkeypatch) == 0
    told = capsys.readouterr().out
    assert "| --- |" not in told
    assert "Measured" in told


def test_what_nobody_expected_keeps_its_traceback(
    calls: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: Any, **__: Any) -> int:
        raise ZeroDivisionError("\x1b]0;owned\x07")

    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(experiment, "run_experiment", fail)
    monkeypatch.setattr(sys, "argv", ["teachwhy", "run", "small.toml"])
    with pytest.raises(ZeroDivisionError) as caught:
        cli.main()
    sys.excepthook(caught.type, caught.value, caught.tb)
    told = capsys.readouterr().err
    assert told.startswith("Traceback")
    assert told.endswith("ZeroDivisionError: [U+001B]]0;owned[U+0007]\n")


COMMANDS = [
    *(["run"], ["evaluate"], ["generate"], ["train"], ["report"]),
    *(["sprig", "build"], ["sprig", "info"], ["sprig", "measure"], ["sprig", "sample"]),
    *(["scenarios", "list"], ["scenarios", "show"], ["scenarios", "lint"]),
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help_teaches_with_an_example(command: list[str]) -> None:
    shown = CliRunner().invoke(cli.app, [*command, "--help"], env={"COLUMNS": "120", "NO_COLOR": "1"})
    assert shown.exit_code == 0
    assert re.search(r"Examples?:", shown.output)
    assert f"teachwhy {' '.join(command)}" in shown.output


def test_version_and_module_start() -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "teachwhy", "--version"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": SOURCE},
        check=True,
    )
    assert shown.stdout == f"teachwhy {__version__}\n"
