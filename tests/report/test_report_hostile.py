"""Text that a model wrote can become neither markup nor an invisible or reordering character, anywhere."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from teachwhy.report import write_report
from teachwhy.report.hostile_text import read_transcript
from teachwhy.visible_text import make_visible

ATTACKS = (
    "<script>alert(1)</script>",
    "</pre></details><img src=x onerror=alert(1)>",
    "]]> --> </style> <!--",
    '" onmouseover="alert(1)" x="',
    "a\u202egnissap\u202c b\u2066c\u2069",
    "\x1b[31mred\x1b[0m \x07\x00\x9b",
    "zero\u200bwidth\ufeff \u2028line",
    "{{ 7 * 7 }} {% raw %} {# no #} ${x}",
    "W" * 5000,
    "e" + "\u0301" * 300,
    "lone \ud800 surrogate",
    "$\\frac{1}{0}$ 漢字",
)


class Collector(HTMLParser):
    """Tags and attribute names with the number of each, and all text."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""
        self.comments = 0
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        self.comments += 1


def poison(run_dir: Path, attack: str) -> None:
    """Put the attack wherever a file holds text."""
    table = pq.read_table(run_dir / "scores.parquet").to_pylist()
    storable = attack.encode("utf-8", "replace").decode("utf-8")
    names = {row["arm"]: f"{number}{storable}" for number, row in enumerate(table)}
    messages = [
        {"role": attack, "content": attack, "tool_calls": [{"name": attack, "arguments": {attack: [attack]}}]}
    ]
    for row in table:
        row |= {
            "reason": storable,
            "arm": names[row["arm"]],
            "cue": storable,
            "transcript": json.dumps(messages),
        }
        row["family"] = row["family"] + storable
        row["episode_id"] += storable
    pq.write_table(pa.Table.from_pylist(table), run_dir / "scores.parquet")
    for name in ("summary.json", "manifest.json"):
        value = replace_texts(json.loads((run_dir / name).read_text()), names, attack)
        (run_dir / name).write_text(json.dumps(value))


def replace_texts(value: Any, names: dict[str, str], attack: str, key: str = "") -> Any:
    """The same JSON with the attack in every free text, keeping names that must match."""
    if isinstance(value, dict):
        return {name: replace_texts(entry, names, attack, name) for name, entry in value.items()}
    if isinstance(value, list):
        return [replace_texts(entry, names, attack, key) for entry in value]
    if not isinstance(value, str) or key in ("metric", "episodes", "families"):
        return value
    return names.get(value, value + attack)


@pytest.mark.parametrize("attack", ATTACKS, ids=range(len(ATTACKS)))
def test_hostile_text_stays_text(
    attack: str, tmp_path: Path, make_run: Callable[..., Path], sketches: tuple, no_pictures: None
) -> None:
    arms, families = sketches[:2], ("blackmail",)
    clean = Collector(
        write_report(make_run(tmp_path / "clean", arms, families=families, num=2)).read_text("utf-8")
    )
    folder = make_run(tmp_path / "run", arms, families=families, num=2)
    poison(folder, attack)
    html = write_report(folder).read_bytes().decode("utf-8")
    found = Collector(html)
    assert found.tags <= clean.tags | {"pre"} and found.attributes <= clean.attributes
    assert found.comments == 0
    assert make_visible(attack)[:40] in found.text
    bad = {c for c in html if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")} - {"\n", "\t"}
    assert not bad
    markdown = folder.joinpath("report.md").read_bytes().decode("utf-8")
    assert not re.search(r"(?<!\\)[<`$&~]", markdown)
    assert not {c for c in markdown if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")} - {"\n"}


def test_hostile_names_can_be_drawn(tmp_path: Path, make_run: Callable[..., Path], sketches: tuple) -> None:
    arms = [
        sketch._replace(title=attack.encode("utf-8", "replace").decode())
        for sketch, attack in zip(sketches, ATTACKS, strict=False)
    ]
    folder = make_run(tmp_path / "run", arms, num=1)
    write_report(folder)
    assert len(list((folder / "figures").glob("*.png"))) == 3


def test_controls_become_visible_marks() -> None:
    assert make_visible("a\x00b\x1b[0m\x7f\x85") == "a[U+0000]b[U+001B][0m[U+007F][U+0085]"
    assert make_visible("x\u202ey\u2066\u200b\ufeff\u2028") == "x[U+202E]y[U+2066][U+200B][U+FEFF][U+2028]"
    assert make_visible("\ud83d") == "[U+D83D]"
    assert make_visible("keeps\nlines\tand é 漢 ع 🙂\r\n") == "keeps\nlines\tand é 漢 ع 🙂\n"
    assert len(make_visible("e" + "\u0301" * 300)) == 4


def test_long_transcripts_are_cut_and_say_so() -> None:
    messages = [{"role": "user", "content": "a" * 50}, {"role": "assistant", "content": "b" * 80}]
    shown = read_transcript(json.dumps(messages), budget=100)
    assert [(len(message.text), message.cut) for message in shown] == [(50, 0), (50, 30)]
    assert sum(len(m.text) for m in read_transcript(json.dumps(messages * 50), budget=60)) == 60


def test_messages_after_the_cut_are_counted_too() -> None:
    messages = [{"role": "user", "content": "a" * 100}, {"role": "assistant", "content": "b" * 80}]
    assert read_transcript(json.dumps(messages), budget=100)[-1].cut == 80


@pytest.mark.parametrize("text", ["not json", "[" * 100_000, "[1, 2]", "{}", "null", '"text"', ""])
def test_a_broken_transcript_is_shown_as_it_stands(text: str) -> None:
    (message,) = read_transcript(text, budget=100)
    assert message.role == "unreadable" and message.text == text[:100]


def test_odd_messages_do_not_stop_the_report() -> None:
    odd = [{"role": None, "content": {"a": [1]}, "tool_calls": ["x", {"name": 3}, None]}, {}]
    first, second = read_transcript(json.dumps(odd), budget=1000)
    assert first.text == '{"a": [1]}' and first.calls == ("x", "3({})", "null") and second.text == ""
