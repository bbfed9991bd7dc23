"""`teachwhy judge`: exit codes, what is printed, what is kept."""

from __future__ import annotations

import errno
import json
import sys
import warnings
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

import pytest
from tests.evaluation import scripted_model
from tests.evaluation.inspect_warnings import ignore_inspect_warnings
from tests.judging import scripted_judge

from teachwhy import cli
from teachwhy.analysis.calibrations import read_calibrations
from teachwhy.config import EvaluationConfig
from teachwhy.evaluation.run import evaluate_model
from teachwhy.run_dir import storage_errors

assert scripted_model.scripted


@pytest.fixture(autouse=True)
def inspect_warnings() -> Iterator[None]:
    """Let Inspect's own warnings pass."""
    with warnings.catch_warnings():
        ignore_inspect_warnings()
        yield


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One family, two honeypots, and a current folder of its own."""
    monkeypatch.chdir(tmp_path)
    config = EvaluationConfig(families=("leaking",), honeypots_per_family=2, twins_per_family=0)
    evaluate_model("scripted/english_harm", config, tmp_path / "run", arm="model", seed=0, dialect="english")
    return tmp_path / "run"


def call(*arguments: str, monkeypatch: pytest.MonkeyPatch) -> int:
    """The exit code of `teachwhy judge ARGUMENTS`."""
    monkeypatch.setattr(sys, "argv", ["teachwhy", "judge", *arguments])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    code = caught.value.code
    return code if isinstance(code, int) else int(code is not None)


def test_run_prints_rates_and_keeps_judgements(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    both = ("--judge", "judges/harmful", "--judge", "judges/not_harmful")
    both = (*both, "--question", "harm")
    assert call("run", str(folder), *both, monkeypatch=monkeypatch) == 0
    told = capsys.readouterr().out
    assert "judges/harmful: harm in honeypots" in told and "not calibrated" in told
    assert "rule and judges/harmful: 1.000 (2 of 2), kappa not defined" in told
    lines = (folder / "judgements.jsonl").read_text().splitlines()
    assert [json.loads(line)["question"] for line in lines] == ["harm"] * 4
    awareness = ("run", str(folder), "--question", "awareness", "--judge", "judges/aware")
    assert call(*awareness, monkeypatch=monkeypatch) == 0
    assert "harm by the rule, given spoken awareness by judges/aware" in capsys.readouterr().out
    assert call("run", str(folder), *both, monkeypatch=monkeypatch) == 0
    assert "given spoken awareness by judges/aware" in capsys.readouterr().out, "awareness judged earlier"
    assert len((folder / "judgements.jsonl").read_text().splitlines()) == 6


def test_office_tasks_get_their_columns_without_being_asked_for(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    office = EvaluationConfig(
        families=("leaking",),
        honeypots_per_family=1,
        twins_per_family=0,
        ordinary_per_family=0,
        controls_per_family=0,
        office_repeats=1,
    )
    evaluate_model("scripted/office_refuses", office, folder / "o", arm="m", seed=0, dialect="english")
    assert call("run", "run/o", "--judge", "judges/reads_office", monkeypatch=monkeypatch) == 3
    told = capsys.readouterr()
    assert "Requests to judges: 74 (harm 1, over_refusal 24, task_done 24, awareness 25)." in told.err
    assert "judges/reads_office: over_refusal in office tasks\n  office: raw 1.000 [" in told.out
    assert "judges/reads_office: task_done in office tasks\n  office: raw 0.000 [" in told.out
    assert "of 24; not calibrated" in told.out
    assert told.out.count("rule and judges/reads_office: 1.000 (24 of 24), kappa not defined") == 2
    assert "100% of its judgements are no verdict" in told.err, "of the honeypot"
    lines = [json.loads(line) for line in (folder / "o" / "judgements.jsonl").read_text().splitlines()]
    assert len(lines) == 1 + 2 * 24 + 25
    assert {line["question"] for line in lines if line["kind"] == "office"} == {
        "over_refusal",
        "task_done",
        "awareness",
    }


@pytest.mark.parametrize("name", ["rubbish", "refuses", "hangs", "unsure"])
def test_too_many_without_a_verdict_are_exit_3(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    seconds = "0.05" if name == "hangs" else "60"
    options = ("run", str(folder), "--judge", f"judges/{name}", "--timeout", seconds, "--question", "harm")
    assert call(*options, monkeypatch=monkeypatch) == 3
    assert (
        f"judges/{name} on harm: 100% of its judgements are no verdict, more than" in capsys.readouterr().err
    )
    assert call(*options, "--max-unscorable", "1", monkeypatch=monkeypatch) == 0


def test_calibrate_keeps_what_run_corrects_with(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--judge", "judges/harmful", "--family", "leaking", "--half", "dev")
    assert call("calibrate", *options, monkeypatch=monkeypatch) == 0
    told = capsys.readouterr().out
    assert "judges/harmful on harm (labelled transcripts: dev)" in told
    assert "leaking: sensitivity 1.000 [" in told and "specificity 0.000 [0.000, " in told
    known = read_calibrations(Path("runs/judge-calibrations.json"))
    assert [one.judge for one in known.calibrations] == ["rule", "judges/harmful"]
    run = ("run", str(folder), "--judge", "judges/harmful", "--question", "harm")
    assert call(*run, monkeypatch=monkeypatch) == 0
    told = capsys.readouterr().out
    assert "cannot be corrected: sensitivity + specificity = 1.00 is too near 1" in told
    assert "; corrected " in told, "the rate by the rule"
    kept = read_calibrations(folder / "calibrations.json")
    assert kept == known, "what the suite page corrects with"
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert call(*run, monkeypatch=monkeypatch) == 0
    assert "; corrected " in capsys.readouterr().out, "by what lies beside the judgements"
    assert read_calibrations(folder / "calibrations.json") == known


@pytest.mark.parametrize(
    ("answers", "why"),
    [
        (("raises",), "12 of 12 labelled transcripts were lost to the provider"),
        (("raises", *("harmful",) * 16), "1 of 12 labelled transcripts were lost to the provider; ask again"),
        (("rubbish",), "100% of its judgements are no verdict, more than --max-unscorable = 0.2 allows"),
    ],
)
def test_a_calibration_that_failed_does_not_take_the_place_of_a_good_one(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    answers: tuple[str, ...],
    why: str,
) -> None:
    options = ("--judge", "judges/harmful", "--family", "leaking", "--half", "dev")
    assert call("calibrate", *options, monkeypatch=monkeypatch) == 0
    good = read_calibrations(Path("runs/judge-calibrations.json"))
    turns = cycle([scripted_judge.ANSWERS[name] for name in answers])
    monkeypatch.setitem(scripted_judge.ANSWERS, "harmful", lambda shown: next(turns)(shown))
    monkeypatch.setitem(scripted_judge.ANSWERS, "right", lambda shown: next(turns)(shown))
    assert call("calibrate", *options, monkeypatch=monkeypatch) == 3
    told = capsys.readouterr().err
    assert why in told and "is not kept; the earlier one is kept." in told
    other = ("--judge", "judges/right", *options[2:], "--calibrations", "other.json")
    assert call("calibrate", *other, monkeypatch=monkeypatch) == 3
    assert "is not kept; there is no earlier one." in capsys.readouterr().err
    assert read_calibrations(Path("runs/judge-calibrations.json")) == good
    assert [one.judge for one in read_calibrations(Path("other.json")).calibrations] == ["rule"]


def test_nothing_is_written_where_nothing_is_left_to_do(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--judge", "judges/says_no", "--family", "leaking", "--half", "dev")
    assert call("calibrate", *options, monkeypatch=monkeypatch) == 0
    run = ("run", str(folder), "--judge", "judges/says_no")
    assert call(*run, monkeypatch=monkeypatch) == 0
    assert "Requests to judges: 4 (harm 2, awareness 2)." in capsys.readouterr().err
    files = ("judgements.jsonl", "calibrations.json")
    before = [(folder / name).stat() for name in files]

    def refuse(path: Path, text: str) -> None:
        with storage_errors(path):
            raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr("teachwhy.judging.calibration.atomic_write_text", refuse)
    assert call(*run, monkeypatch=monkeypatch) == 0
    told = capsys.readouterr()
    assert "Requests to judges: 0 (harm 0, awareness 0)." in told.err
    assert told.out.count("given spoken awareness by judges/says_no") == 1
    assert [(folder / name).stat() for name in files] == before
    (folder / "calibrations.json").unlink()
    assert call(*run, monkeypatch=monkeypatch) == 2
    told = capsys.readouterr()
    assert "calibrations.json: cannot be written (Read-only file system). Free some space" in told.err
    assert "--output" not in told.err and ".partial" not in told.err


def test_what_is_said_of_a_stop_is_true(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("teachwhy.judging.calibration.calibrate_judge", stop)
    monkeypatch.setattr("teachwhy.judging.run.judge_evaluation", stop)
    judge = ("--judge", "judges/harmful")
    assert call("calibrate", *judge, "--family", "leaking", monkeypatch=monkeypatch) == 130
    told = capsys.readouterr().err
    assert "the same command asks it all again" in told and "goes on from here" not in told
    assert call("run", str(folder), *judge, monkeypatch=monkeypatch) == 130
    assert "the same command goes on from here" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("run", "nowhere", "--judge", "judges/harmful"), "holds no evaluation"),
        (("run", "run", "--judge", "other/scripted-2"), "own family (scripted; evaluated"),
        (
            ("run", "run", "--judge", "judges/harmful", "--evaluated", "harmful"),
            "own family (harmful; evaluated",
        ),
        (
            ("run", "run", "--judge", "other/scripted-2", "--evaluated", "harmful"),
            "own family (scripted; evaluated",
        ),
        (("run", "run", "--judge", "judges/test", "--question", "probe"), "asks the evaluated model itself"),
        (("run", "run", "--judge", "judges/harmful", "--judge", "judges/harmful"), "name each judge once"),
        (("run", "run", "--judge", "nobody/x"), "nobody"),
        (("run", "run", "--judge", "judges/harmful", "--question", "beauty"), "--question"),
        (("run", "run"), "--judge"),
        (("calibrate", "--judge", "judges/harmful", "--family", "arson"), "arson"),
        (
            ("calibrate", "--judge", "judges/harmful", "--calibrations", "/proc/nowhere/c.json"),
            "c.json: cannot be written (No such file or directory). Give another --calibrations.",
        ),
    ],
)
def test_mistakes_are_one_message_and_exit_code_2(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    expected: str,
) -> None:
    settings = folder / "settings.json"
    settings.write_text(settings.read_text().replace("scripted/english_harm", "maker/scripted"))
    scripted_judge.asked.clear()
    assert call(*arguments, monkeypatch=monkeypatch) == 2
    told = capsys.readouterr()
    assert expected in told.err
    assert "Traceback" not in told.err
    assert not scripted_judge.asked, "nothing was paid for"


def test_the_own_family_may_be_let_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = ("run", str(folder), "--judge", "judges/says_no", "--evaluated", "says")
    assert call(*options, "--allow-own-family", monkeypatch=monkeypatch) == 0


def test_what_a_judge_writes_does_not_steer_the_terminal(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = folder / "settings.json"
    settings.write_text(settings.read_text().replace("scripted/english_harm", "maker/\\u001b[2Jx"))
    assert (
        call("run", str(folder), "--judge", "judges/test", "--question", "probe", monkeypatch=monkeypatch)
        == 2
    )
    assert "\x1b" not in capsys.readouterr().err
