"""Files that are absent, broken or of another version; the real writers of other stages; the golden page."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from teachwhy.analysis.summary import ArmTraining, summarize, write_summary
from teachwhy.config import ArmConfig, ClaimConfig, ClaimTest, ExperimentConfig
from teachwhy.errors import DataError, StorageError
from teachwhy.manifest import write_manifest
from teachwhy.report import write_report
from teachwhy.report.run_files import read_run
from teachwhy.run_dir import RunDir

GOLDEN = Path(__file__).parents[1] / "golden" / "report.html"


@pytest.fixture
def run_dir(tmp_path: Path, make_run: Callable[..., Path], sketches: tuple) -> Path:
    return make_run(tmp_path / "run", sketches[:2], families=("blackmail", "framing"), num=3)


@pytest.mark.parametrize("name", ["manifest.json", "summary.json", "scores.parquet"])
def test_an_absent_file_is_named(name: str, run_dir: Path) -> None:
    (run_dir / name).unlink()
    with pytest.raises(DataError, match=rf"{name}.*teachwhy run"):
        write_report(run_dir)
    assert not (run_dir / "report.html").exists() and not (run_dir / "figures").exists()


@pytest.mark.parametrize("name", ["manifest.json", "summary.json", "scores.parquet"])
@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[1]"])
def test_a_broken_file_is_named(name: str, content: bytes, run_dir: Path) -> None:
    (run_dir / name).write_bytes(content)
    with pytest.raises(DataError, match=name):
        write_report(run_dir)


def edit_summary(run_dir: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    value = json.loads((run_dir / "summary.json").read_text())
    edit(value)
    (run_dir / "summary.json").write_text(json.dumps(value))


def test_another_schema_is_refused(run_dir: Path) -> None:
    edit_summary(run_dir, lambda value: value.update(schema=2))
    with pytest.raises(DataError, match=r"schema is 2, this version reads schema 1"):
        write_report(run_dir)


def test_a_wrong_field_is_named_with_its_value(run_dir: Path) -> None:
    edit_summary(run_dir, lambda value: value["arms"][1]["metrics"][0].update(estimate="much"))
    with pytest.raises(DataError, match=r"summary\.json: arms\.1\.metrics\.0\.estimate.*'much'"):
        write_report(run_dir)


def rewrite_rows(run_dir: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    rows = pq.read_table(run_dir / "scores.parquet").to_pylist()
    for row in rows:
        edit(row)
    pq.write_table(pa.Table.from_pylist(rows), run_dir / "scores.parquet")


def test_an_absent_column_is_named(run_dir: Path) -> None:
    rewrite_rows(run_dir, lambda row: row.pop("transcript"))
    with pytest.raises(DataError, match=r"scores\.parquet: the columns transcript are absent"):
        write_report(run_dir)


def test_an_unknown_outcome_is_refused(run_dir: Path) -> None:
    rewrite_rows(run_dir, lambda row: row.update(outcome="fine"))
    with pytest.raises(DataError, match=r"outcome: received 'fine', allowed are harmful, attempted"):
        write_report(run_dir)


def test_an_old_report_outlives_a_failure(run_dir: Path, no_pictures: None) -> None:
    report = write_report(run_dir)
    before = report.read_bytes()
    edit_summary(run_dir, lambda value: value.update(arms=[]))
    with pytest.raises(DataError, match="arms"):
        write_report(run_dir)
    assert report.read_bytes() == before


def test_a_place_that_cannot_be_written_is_one_error(run_dir: Path) -> None:
    (run_dir / "figures").write_text("a file where the folder must be")
    with pytest.raises(StorageError, match="figures"):
        write_report(run_dir)
    assert not list(run_dir.rglob("*.partial")) and not (run_dir / "report.html").exists()


def test_the_report_needs_no_stage_and_no_optional_key(run_dir: Path, no_pictures: None) -> None:
    for path in sorted(run_dir.glob("stages/**/*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    (run_dir / "manifest.json").write_text("{}")
    html = write_report(run_dir).read_text(encoding="utf-8")
    assert "<h1><bdi>synthetic</bdi></h1>" in html


def test_the_newest_training_of_an_arm_and_seed_counts(run_dir: Path) -> None:
    folder = run_dir / "stages" / "train-benign-s0-ffff"
    folder.mkdir()
    record = {"arm": "benign", "seed": 0, "updates": 99, "tokens": 5, "losses": [1.0], "seconds": 3.0}
    (folder / "training.json").write_text(json.dumps(record))
    found = [record for record in read_run(run_dir).training.values() if record.arm == "benign"]
    assert [record.updates for record in found] == [99]


def test_only_the_stages_of_the_results_count(run_dir: Path) -> None:
    paths = RunDir(run_dir)
    used = sorted(path.name for path in paths.stages.glob("*"))
    paths.results.write_text(json.dumps({"scores": "", "summary": "", "report": "", "stages": used}))
    record = {"arm": "benign", "seed": 0, "updates": 99, "tokens": 5, "losses": [1.0], "seconds": 3.0}
    folder = paths.stages / "train-benign-s0-ffff"
    folder.mkdir()
    (folder / "training.json").write_text(json.dumps(record))
    (paths.stages / "plan-ffff.json").write_text(json.dumps({"arms": []}))
    run = read_run(run_dir)
    assert run.plan and 99 not in [record.updates for record in run.training.values()]


def test_the_real_summary_and_manifest_make_a_report(
    tmp_path: Path, make_run: Callable[..., Path], sketches: tuple, no_pictures: None
) -> None:
    folder = make_run(tmp_path / "run", [sketches[0], sketches[12]], num=5)
    test = ClaimTest(arm="advice", baseline="untouched", relation="below", margin=0.0)
    config = ExperimentConfig(
        name="real",
        arms=(ArmConfig(name="untouched"), ArmConfig(name="advice", title="Advice")),
        claims=(ClaimConfig(id="d", statement="Advice lowers agentic harm.", tests=(test,)),),
        baseline="untouched",
    )
    (folder / "manifest.json").unlink()
    write_manifest(RunDir(folder), config)
    arms = [ArmTraining(name=arm.name, seeds=(0,), training_tokens=0, updates=0) for arm in config.arms]
    summary = summarize(folder / "scores.parquet", arms, config)
    write_summary(summary, folder / "summary.json")
    html = write_report(folder).read_text(encoding="utf-8")
    assert '<span class="badge supported">' in html and "Advice lowers agentic harm." in html
    assert all(f"{head} %" in html for head in ("Acted", "Harm, if it acted", "Escalated", "Task done"))
    assert "Contrasts against “<bdi>untouched</bdi>”" in html
    worst = next(m for m in summary.arms[0].metrics if m.metric == "harm_worst" and m.families == "all")
    unscorable = html[html.index('<section id="unscorable"') :]
    assert worst.estimate is not None and f"{100 * worst.estimate:.0f}" in unscorable


def test_golden_page(
    tmp_path: Path, make_run: Callable[..., Path], sketches: tuple, no_pictures: None
) -> None:
    """When the page changes on purpose: look at it in a browser, then copy it over the golden one."""
    families = ("blackmail", "framing", "lethal_inaction")
    folder = make_run(tmp_path / "run", [sketches[0], sketches[10], sketches[12]], families=families, num=10)
    found = write_report(folder)
    same = found.read_text(encoding="utf-8") == GOLDEN.read_text(encoding="utf-8")
    assert same, f"the page differs: compare {found} with {GOLDEN}"
