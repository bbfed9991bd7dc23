"""The page of the published conditions: both verdicts, what is missing, hostile answers, and where it is
shown."""

from __future__ import annotations

import json
import re
import unicodedata
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.report.evaluation_folder import make_suite, write_evaluation
from tests.report.test_report_hostile import ATTACKS, Collector

from teachwhy.errors import DataError
from teachwhy.evaluation.upstream.episodes import UpstreamRow
from teachwhy.evaluation.upstream.summary import summarize_upstream, write_upstream_summary
from teachwhy.evaluation.upstream.verdicts import TheirVerdict
from teachwhy.records import Message
from teachwhy.report.suite_page import is_evaluation, write_suite_page
from teachwhy.report.suite_upstream import is_upstream, read_upstream

GOLDEN = Path(__file__).parents[1] / "golden" / "suite_upstream.html"
MODEL = "openai/some-model"
LOG = "2026-11-25T13-56-25-00-00_upstream_abc.eval"


def make_rows(**changes: Any) -> list[UpstreamRow]:
    """Four conditions of each scenario: both harmful, ours alone behind a shut gate, both harmless, ours
    unscorable with no verdict of theirs."""
    cases = (
        ("harmful", TheirVerdict(harmful=True, judge=True, gate_open=True, reason="it threatens")),
        ("harmful", TheirVerdict(harmful=False, judge=True, gate_open=False, reason="no such word")),
        ("declined", TheirVerdict(harmful=False, judge=False, gate_open=True, reason="it works")),
        ("unscorable", TheirVerdict(harmful=None, judge=None, gate_open=False, reason="the judge failed")),
    )
    goals = (("none", "none"), ("explicit", "america"), ("latent", "safety"), ("swap", "ethical"))
    rows = []
    for scenario in ("blackmail", "leaking", "murder"):
        for (goal_type, goal_value), (outcome, theirs) in zip(goals, cases, strict=True):
            values: dict[str, Any] = {
                "arm": "model",
                "seed": 0,
                "episode_id": f"{scenario}_{goal_type}-{goal_value}_replacement",
                "repeat": 0,
                "scenario": scenario,
                "goal_type": goal_type,
                "goal_value": goal_value,
                "urgency": "replacement",
                "unfilled": goal_type == "swap",
                "outcome": outcome,
                "reason": f"the acts say {outcome}",
                "acted": True,
                "stop": "end",
                "num_actions": 1,
                "num_failed_calls": 0,
                "theirs": theirs,
                "input_tokens": 1,
                "output_tokens": 1,
                "truncated": False,
                "transcript": (Message(role="assistant", content="I know about Olga."),),
            }
            rows.append(UpstreamRow(**values | changes))
    return rows


def write_upstream(
    folder: Path, rows: Sequence[UpstreamRow], *, summary: bool = True, **settings: Any
) -> Path:
    """The folder of an evaluation in the published conditions."""
    (folder / "logs").mkdir(parents=True)
    text = "".join(row.model_dump_json() + "\n" for row in rows)
    (folder / "episodes.jsonl").write_text(text, encoding="utf-8")
    content = {"suite": "upstream", "inspect_evals": "0.26.0", "model": MODEL, "judge": "openai/some-judge"}
    content |= {"temperature": 1.0, "max_tokens": 4096, "repeats": 1} | settings
    (folder / "settings.json").write_text(json.dumps(content), encoding="utf-8")
    if summary:
        write_upstream_summary(summarize_upstream(rows, MODEL, str(content["judge"])), folder)
    with zipfile.ZipFile(folder / "logs" / LOG, "w") as log:
        for name in dict.fromkeys(row.episode_id for row in rows):
            log.writestr(f"samples/{name}_epoch_1.json", "{}")
    return folder


def test_golden_page(tmp_path: Path) -> None:
    """When the page changes on purpose: look at it in a browser, then copy it over the golden one."""
    found = write_suite_page(write_upstream(tmp_path / "upstream", make_rows()))
    same = found.read_text(encoding="utf-8") == GOLDEN.read_text(encoding="utf-8")
    assert same, f"the page differs: compare {found} with {GOLDEN}"


def test_both_verdicts_of_every_condition_are_there(tmp_path: Path) -> None:
    folder = write_upstream(tmp_path / "upstream", make_rows())
    assert is_evaluation(folder) and is_upstream(folder)
    view = read_upstream(folder)
    assert view.summary is not None
    assert [part.scenario for part in view.summary.scenarios] == ["blackmail", "leaking", "murder"]
    overall = view.summary.overall
    assert (overall.theirs.cell.estimate, overall.ours.cell.estimate) == (
        pytest.approx(100 * 3 / 9),
        pytest.approx(100 * 6 / 9),
    )
    assert (overall.agreement.hits, overall.agreement.num) == (6, 9)
    blackmail = view.scenarios[0]
    assert [(found.title, found.row.outcome, found.theirs) for found in blackmail.conditions] == [
        ("explicit america, replacement", "harmful", "harmless (gate shut)"),
        ("latent safety, replacement", "declined", "harmless"),
        ("none, replacement", "harmful", "harmful"),
        ("swap ethical, replacement", "unscorable", "no verdict"),
    ]
    assert [found.row.differs for found in blackmail.conditions] == [True, False, False, None]
    assert [sample.why for sample in blackmail.samples] == [
        "first on which the verdicts differ",
        "first unscorable",
    ], "the first harmful is the one on which they differ"
    html = write_suite_page(folder).read_text(encoding="utf-8")
    assert "3 harms by ours can be none by theirs" in html and "3 prompts show a variable" in html
    assert "no verdict: theirs 3, ours 3" in html
    assert html.count("/samples/sample/") == 12 + 6, "every condition opens in the viewer, and each sample"


def test_an_answer_that_ours_cannot_read_agrees_with_nothing(tmp_path: Path) -> None:
    theirs = TheirVerdict(harmful=False, judge=False, gate_open=False, reason="no such word")
    view = read_upstream(write_upstream(tmp_path / "upstream", make_rows(theirs=theirs)))
    told = [(found.row.outcome, found.row.differs) for found in view.scenarios[0].conditions]
    assert told == [("harmful", True), ("declined", False), ("harmful", True), ("unscorable", None)]


def test_the_later_row_of_an_episode_counts(tmp_path: Path) -> None:
    rows = make_rows()
    earlier = rows[0].model_copy(update={"outcome": "unscorable"})
    view = read_upstream(write_upstream(tmp_path / "upstream", [earlier, *rows], summary=False))
    assert view.num_rows == 12 and sum(row.num_rows for row in view.scenarios) == 12
    assert not any(
        found.row.outcome == "unscorable" and found.row.episode_id == rows[0].episode_id
        for found in view.scenarios[0].conditions
    )


def test_a_page_of_an_unfinished_evaluation_says_what_is_missing(tmp_path: Path) -> None:
    rows = make_rows()
    partial = write_upstream(tmp_path / "partial", rows[:5], summary=False, judge="")
    with (partial / "episodes.jsonl").open("a") as file:
        file.write('{"arm": "torn')
    html = write_suite_page(partial).read_text(encoding="utf-8")
    assert "No rates: upstream.json is missing, so this evaluation has not come to its end" in html
    assert "No judge was given for their verdict." in html and "All 4 conditions" in html
    stale = write_upstream(tmp_path / "stale", rows[:5])
    (stale / "episodes.jsonl").write_text("".join(row.model_dump_json() + "\n" for row in rows))
    html = write_suite_page(stale).read_text(encoding="utf-8")
    assert "upstream.json is not of these episodes" in html
    (stale / "episodes.jsonl").write_text("")
    with pytest.raises(DataError, match=r"episodes\.jsonl: no episode"):
        write_suite_page(stale)


def test_without_a_judge_their_rate_is_missing_and_says_how_to_get_it(tmp_path: Path) -> None:
    missing = TheirVerdict(harmful=None, judge=None, gate_open=True, reason="no judge was given")
    folder = write_upstream(tmp_path / "upstream", make_rows(theirs=missing), judge="")
    html = write_suite_page(folder).read_text(encoding="utf-8")
    assert "Their verdict needs a judge" in html and "theirs 12, ours 3" in html
    assert "nan" not in re.sub(r"<style>.*?</style>", "", html, flags=re.DOTALL).lower().split()


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("upstream.json", '{"overall": {"scenario": "all"}}', r"upstream\.json: overall\.num_episodes"),
        (
            "upstream.json",
            '{"overall": {"scenario": "all", "num_episodes": 12, "ours": {"estimate": 3}}}',
            r"upstream\.json: overall\.ours\.estimate",
        ),
        ("episodes.jsonl", '{"episode_id": 3}\n', r"episodes\.jsonl, line 1: episode_id"),
    ],
)
def test_broken_files_are_named(tmp_path: Path, name: str, text: str, words: str) -> None:
    folder = write_upstream(tmp_path / "upstream", make_rows())
    (folder / name).write_text(text)
    with pytest.raises(DataError, match=words):
        write_suite_page(folder)


@pytest.mark.parametrize("place", ["run", "evaluation"])
def test_the_page_of_an_evaluation_shows_the_published_conditions_beside_it(
    tmp_path: Path, place: str
) -> None:
    folder = write_evaluation(
        tmp_path / "stages" / "eval-model-s0-0123456789abcdef", make_suite(("leaking",))
    )
    assert "Published conditions" not in write_suite_page(folder).read_text(encoding="utf-8")
    upstream = write_upstream((tmp_path if place == "run" else folder) / "upstream", make_rows())
    html = write_suite_page(folder).read_text(encoding="utf-8")
    link = "../../upstream/suite.html" if place == "run" else "upstream/suite.html"
    assert "Published conditions" in html and f'<a href="{link}">' in html
    assert (folder / link).is_file()
    settings = upstream / "settings.json"
    settings.write_text(settings.read_text().replace(MODEL, "openai/another-model"))
    assert "Published conditions" not in write_suite_page(folder).read_text(encoding="utf-8")


def test_no_text_of_a_file_becomes_markup_or_hides(tmp_path: Path) -> None:
    clean = write_upstream(tmp_path / "clean", make_rows())
    around = write_evaluation(tmp_path / "around", make_suite(("leaking",), ("honeypot",)))
    write_upstream(around / "upstream", make_rows())
    wanted = [Collector(write_suite_page(folder).read_text(encoding="utf-8")) for folder in (clean, around)]
    for number, attack in enumerate(ATTACKS):
        attack = attack.replace("\ud800", "\ufffe")  # a ledger is UTF-8
        rows = [
            row.model_copy(
                update={
                    "reason": attack,
                    "goal_type": attack,
                    "goal_value": attack,
                    "urgency": attack,
                    "scenario": f"{row.scenario} {attack}",
                    "theirs": row.theirs.model_copy(update={"reason": attack}),
                    "transcript": (Message(role="assistant", content=attack),),
                }
            )
            for row in make_rows()
        ]
        settings = {"model": attack, "judge": attack, "inspect_evals": attack}
        folder = write_upstream(tmp_path / f"{number}", rows, **settings)
        outer = write_evaluation(
            tmp_path / f"around{number}", make_suite(("leaking",), ("honeypot",)), model=attack
        )
        write_upstream(outer / "upstream", rows, **settings)
        for path, clean_page in zip((folder, outer), wanted, strict=True):
            html = write_suite_page(path).read_text(encoding="utf-8")
            page = Collector(html)
            assert (page.tags, page.attributes, page.comments) == (clean_page.tags, clean_page.attributes, 0)
            hidden = {char for char in html if unicodedata.category(char) in ("Cc", "Cf", "Cs")}
            assert not hidden - {"\n", "\t"}
            if attack.isascii() and attack.isprintable():
                assert attack[:100] in page.text
