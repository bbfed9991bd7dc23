"""The page: what it says, in which order, from the files alone, and that it needs nothing from outside."""

from __future__ import annotations

import itertools
import json
import re
from collections import Counter
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from teachwhy.report import write_report
from teachwhy.report.run_files import read_run
from teachwhy.teachers.sprig import RIGHT_DRAFT_SHARE

VOID = {"meta", "link", "br", "hr", "img", "input", "wbr", "line", "circle"}
SECTIONS = [
    "claims", "rates", "families", "outcomes", "twins", "contrasts", "transcripts", "training", "unscorable",
    "limits",
]  # fmt: skip


class Page(HTMLParser):
    """The report as elements and texts; raises AssertionError where tags do not nest."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.rows: list[list[str]] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag == "tr":
            self.rows.append([])
        if tag in ("th", "td"):
            self.rows[-1].append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "tr" in self.open and self.rows and self.rows[-1]:
            self.rows[-1][-1] += data

    def values(self, attribute: str) -> list[str]:
        return [attributes[attribute] or "" for _, attributes in self.elements if attribute in attributes]


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory: pytest.TempPathFactory, make_run: Callable[..., Path]) -> Path:
    folder = make_run(tmp_path_factory.mktemp("report") / "run", num=6)
    assert write_report(folder) == folder / "report.html"
    return folder


@pytest.fixture(scope="module")
def html(run_dir: Path) -> str:
    return (run_dir / "report.html").read_text(encoding="utf-8")


def section(html: str, name: str) -> str:
    start = html.index(f'<section id="{name}"')
    return html[start : html.index("</section>", start)]


def test_sections_stand_in_order_and_every_link_has_its_target(html: str) -> None:
    assert re.findall(r'<section id="(\w+)"', html) == SECTIONS
    page = Page(html)
    ids = Counter(page.values("id"))
    assert max(ids.values()) == 1
    targets = [href for href in page.values("href") if href.startswith("#")]
    assert len(targets) == len(SECTIONS) + 1
    assert all(target[1:] in ids for target in targets)


def test_nothing_comes_from_outside(html: str, run_dir: Path) -> None:
    page = Page(html)
    assert not {"script", "img", "iframe", "object", "embed", "form"} & {tag for tag, _ in page.elements}
    assert not page.values("src")
    assert not any(name.startswith("on") for _, found in page.elements for name in found)
    local = {href for href in page.values("href") if not href.startswith("#")}
    assert local == {"data:,", "figures/harm_and_right.png", "figures/heatmap.png", "figures/outcomes.png"}
    assert "url(" not in html and "@import" not in html and "://" not in html
    assert all((run_dir / href).read_bytes().startswith(b"\x89PNG") for href in local - {"data:,"})


def test_main_figure_is_sorted_by_harm_and_shows_the_summary(html: str, run_dir: Path) -> None:
    summary = json.loads((run_dir / "summary.json").read_text())
    estimates = {}
    for arm in summary["arms"]:
        for metric in arm["metrics"]:
            if (metric["metric"], metric["episodes"], metric["families"]) == ("harm", "honeypot", "all"):
                estimates[arm["name"]] = metric["estimate"]
    figure = section(html, "rates")
    dots = [float(value) for value in re.findall(r'class="dot" cx="([\d.]+)%"', figure)]
    assert dots[0::2] == [round(100 * value, 2) for value in sorted(estimates.values(), reverse=True)]
    assert len(dots) == 2 * len(estimates)
    assert figure.count('<tr class="is-baseline">') == 1
    marks = set(re.findall(r'class="mark" x1="([\d.]+)%"', figure))
    assert f"{100 * estimates['untouched']:.2f}" in marks and len(marks) == 2


def test_heat_maps_group_the_families_and_show_each_cell(html: str) -> None:
    figure = section(html, "families")
    heads = re.findall(r'scope="colgroup" colspan="(\d)"[^>]*>(\w+)<', figure)
    assert heads == [("2", "home"), ("3", "near"), ("3", "far")] * 2
    assert figure.count("--heat:") == 14 * 8 * 2
    names = re.findall(r'<th scope="col"[^>]*><span>([a-z ]+)</span>', figure)
    assert names[:8] == [
        "blackmail", "research sabotage", "false reporting", "framing", "leaking", "lethal inaction",
        "oversight evasion", "self exfiltration",
    ]  # fmt: skip


def test_outcomes_count_the_rows(html: str, run_dir: Path) -> None:
    rows = pq.read_table(run_dir / "scores.parquet").to_pylist()
    counts = Counter(row["outcome"] for row in rows if row["arm"] == "advice" and row["kind"] == "honeypot")
    table = Page(section(html, "outcomes") + "</section>").rows
    names = table[0][1:-1]
    shown = next(row for row in table if row[0].strip() == "Advice")
    assert [int(value) for value in shown[1:-1]] == [counts[name] for name in names]
    assert int(shown[-1]) == sum(counts.values())
    widths = [float(value) for value in re.findall(r"width:([\d.]+)%", section(html, "outcomes"))]
    assert sum(widths) == pytest.approx(14 * 100, abs=0.1)


def test_verdicts_are_words_beside_their_statement(html: str) -> None:
    text = section(html, "claims")
    assert len(re.findall(r'class="badge (\w+)"', text)) == 7
    assert text.index("badge supported") < text.index("Benign training alone does not reduce harm.")
    assert "harm difference: -0.22" in text and "Written in the experiment file before the run" in text


def test_claims_changed_after_results_carry_a_warning(
    tmp_path: Path, make_run: Callable[..., Path], no_pictures: None
) -> None:
    folder = make_run(tmp_path / "run", num=2)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["claims_after_results"] = [{"claims_sha256": "a", "replaced": "b", "when": "2026-11-21"}]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    text = section(write_report(folder).read_text(encoding="utf-8"), "claims")
    assert "changed after results existed" in text and "before the run" not in text


@pytest.mark.parametrize("num_arms", [1, 25])
def test_any_number_of_arms_makes_a_page(
    num_arms: int, tmp_path: Path, make_run: Callable[..., Path], sketches: tuple
) -> None:
    arms = [sketches[i % 14]._replace(name=f"arm_{i}", title=f"Arm {i}") for i in range(num_arms)]
    arms[0] = sketches[0]
    html = write_report(make_run(tmp_path / "run", arms, num=2)).read_text(encoding="utf-8")
    shown = re.findall(r'<section id="(\w+)"', html)
    Page(html)
    if num_arms == 1:
        assert shown == [name for name in SECTIONS if name not in ("claims", "contrasts", "training")]
        assert html.count('href="#') == len(shown) + 1
        assert "One model, nothing to compare it with" in html
    else:
        assert shown == SECTIONS
    assert section(html, "rates").count('class="dot"') == 2 * num_arms


def test_limits_follow_the_facts(
    tmp_path: Path, make_run: Callable[..., Path], sketches: tuple, no_pictures: None
) -> None:
    arms = sketches[:2]
    one = section(write_report(make_run(tmp_path / "one", arms, num=2)).read_text(encoding="utf-8"), "limits")
    assert "One training seed" in one and "microscope" in one and "both known before" in one
    assert f"{1 - RIGHT_DRAFT_SHARE:.0%}".replace("%", " %") + " of its first answers" in one
    assert "share the ordinary sentences" in one and "never errs" not in one
    folder = make_run(tmp_path / "many", arms, seeds=(0, 1, 2), num=2)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["experiment"] |= {"student": "/models/big", "teacher": "openai/some"}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    many = section(write_report(folder).read_text(encoding="utf-8"), "limits")
    assert "3 training seeds an arm" in many and "microscope" not in many
    assert "known before" not in many and "ordinary sentences" not in many
    assert "/models/big" in many and "written by openai/some" in many


def test_a_model_that_hardly_acts_in_twins_is_named_first(
    tmp_path: Path, make_run: Callable[..., Path], no_pictures: None
) -> None:
    folder = make_run(tmp_path / "run", num=2)
    summary = json.loads((folder / "summary.json").read_text())
    for metric in summary["arms"][2]["metrics"]:
        if metric["metric"] == "acting" and metric["episodes"] == "twin":
            metric |= {"estimate": 0.04, "low": 0.0, "high": 0.2}
    (folder / "summary.json").write_text(json.dumps(summary))
    limits = section(write_report(folder).read_text(encoding="utf-8"), "limits")
    assert "A model that does nothing harms nobody" in limits and "neutral_documents (4 % of twins)" in limits


def test_what_could_not_be_measured_shows_as_a_dash(
    tmp_path: Path, make_run: Callable[..., Path], no_pictures: None
) -> None:
    folder = make_run(tmp_path / "run", num=2)
    summary = json.loads((folder / "summary.json").read_text())
    for metric in summary["arms"][3]["metrics"]:
        metric |= {"estimate": None, "low": 0.0, "high": 1.0}
    summary["arms"][4]["metrics"] = []
    (folder / "summary.json").write_text(json.dumps(summary))
    html = write_report(folder).read_text(encoding="utf-8")
    Page(html)
    assert section(html, "rates").count('class="dot"') == 2 * 12
    assert "None" not in html and "nan" not in section(html, "rates").lower()


def test_unscorable_episodes_show_best_and_worst_case(
    tmp_path: Path, make_run: Callable[..., Path], sketches: tuple, no_pictures: None
) -> None:
    folder = make_run(tmp_path / "run", sketches[:1], num=2)
    summary = json.loads((folder / "summary.json").read_text())
    rates = {"harm_best": 0.61, "harm": 0.72, "harm_worst": 0.83}
    for metric in summary["arms"][0]["metrics"]:
        metric["estimate"] = rates.get(metric["metric"], 0.5)
    (folder / "summary.json").write_text(json.dumps(summary))
    html = write_report(folder).read_text(encoding="utf-8")
    row = Page(section(html, "unscorable") + "</section>").rows[1]
    assert [value.split()[0] for value in row[3:]] == ["61", "72", "83"]


def test_same_files_same_page(run_dir: Path, html: str, no_pictures: None) -> None:
    assert write_report(run_dir).read_text(encoding="utf-8") == html
    assert not list(run_dir.rglob("*.partial"))


def test_the_markdown_has_every_table_with_all_its_columns(run_dir: Path, no_pictures: None) -> None:
    write_report(run_dir)
    lines = (run_dir / "report.md").read_text(encoding="utf-8").splitlines()
    run = read_run(run_dir)
    heads = [index + 1 for index, line in enumerate(lines[:-1]) if lines[index + 1].startswith("| --- |")]
    assert len(heads) >= 5
    for index in heads:
        width = lines[index].count("|")
        rows = list(itertools.takewhile(lambda line: line.startswith("|"), lines[index - 1 :]))
        assert len(rows) > 2 and all(len(re.findall(r"(?<!\\)\|", row)) == width for row in rows)
    for arm in run.summary.arms:
        assert any(line.startswith(f"| {run.title_of(arm.name)}".replace("_", r"\_")) for line in lines)
    for claim in run.summary.claims:
        row = next(line for line in lines if line.startswith(f"| {claim.id} |"))
        assert row.endswith(f"**{claim.verdict}** |")


def test_what_the_chat_template_lacks_is_a_limit(
    tmp_path: Path, make_run: Callable[..., Path], sketches: tuple, no_pictures: None
) -> None:
    folder = make_run(tmp_path / "run", sketches[:1], num=2)
    title = "A chat template that does not show all"
    evaluation = folder / "stages" / "eval-untouched-s0-0a1b"
    evaluation.mkdir()
    settings = evaluation / "settings.json"
    settings.write_text(json.dumps({"model": "x"}))
    assert title not in write_report(folder).read_text(encoding="utf-8")
    settings.write_text(json.dumps({"model": "x", "template_lacks": ["tools", "tool results"]}))
    limits = section(write_report(folder).read_text(encoding="utf-8"), "limits")
    assert title in limits and "no place for tools, tool results." in limits
    assert title in (folder / "report.md").read_text(encoding="utf-8")
    results = {"scores": "", "summary": "", "report": "", "stages": ["eval-untouched-s0-ffff"]}
    (folder / "stages" / "results.json").write_text(json.dumps(results))
    assert title not in write_report(folder).read_text(encoding="utf-8"), "of an earlier version"
