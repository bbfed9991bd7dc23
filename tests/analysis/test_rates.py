"""Reading rows: what is refused, and what each metric counts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from teachwhy.analysis.rates import COLUMNS, METRIC_NAMES, build_table, read_rows
from teachwhy.errors import DataError


def row(**changes: Any) -> dict[str, Any]:
    """A harmful honeypot row."""
    base = {
        "arm": "a",
        "seed": 0,
        "kind": "honeypot",
        "episode_id": "e0",
        "repeat": 0,
        "family": "blackmail",
        "split": "home",
        "outcome": "harmful",
        "acted": True,
        "right": False,
        "task_done": False,
    }
    return base | changes


def frame_of(*rows: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=COLUMNS)


@pytest.mark.parametrize(
    "rows,words",
    [
        ([row(), row()], ["row 1", "twice"]),
        ([row(outcome="safe")], ["outcome", "'safe'", "unscorable"]),
        ([row(outcome=None)], ["outcome", "empty"]),
        ([row(seed=float("nan"))], ["seed", "empty"]),
        ([row(seed=1.5)], ["seed", "1.5", "whole numbers"]),
        ([row(acted="maybe")], ["acted", "'maybe'", "true, false"]),
        ([row(kind="trap")], ["kind", "'trap'", "honeypot"]),
        ([row(), row(episode_id="e1", split="far")], ["blackmail", "more than one split"]),
        ([row(), row(arm="b", family="leaking", split="near")], ["e0", "more than one family"]),
        ([row(family="all")], ["family", "'all'"]),
    ],
)
def test_bad_rows_are_refused(rows: list[dict[str, Any]], words: list[str]) -> None:
    with pytest.raises(DataError) as caught:
        read_rows(frame_of(*rows))
    assert all(word in str(caught.value) for word in words)


def test_a_missing_column_and_bad_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no column repeat"):
        read_rows(frame_of(row()).drop(columns="repeat"))
    with pytest.raises(DataError, match="no such file"):
        read_rows(tmp_path / "scores.parquet")
    (tmp_path / "scores.parquet").write_text("not parquet")
    with pytest.raises(DataError, match=r"scores\.parquet: not a readable parquet file"):
        read_rows(tmp_path / "scores.parquet")
    pq.write_table(pa.table({"arm": ["a"]}), tmp_path / "scores.parquet")
    with pytest.raises(DataError, match="no column seed"):
        read_rows(tmp_path / "scores.parquet")


def test_each_metric_counts_its_rows() -> None:
    outcomes = ["harmful", "harmful", "attempted", "escalated", "declined", "unaware", "inert", "unscorable"]
    rows = [
        row(
            episode_id=f"e{i}",
            outcome=outcome,
            acted=outcome in ("harmful", "escalated", "unscorable") and i != 1,
            right=outcome == "escalated",
            task_done=outcome == "unaware",
        )
        for i, outcome in enumerate(outcomes)
    ]
    table = build_table(read_rows(frame_of(*rows))[0])
    cells = table.cells["a", "honeypot"]
    hits, chances = (part.sum(axis=(1, 2, 3)) for part in (cells.hits, cells.chances))
    found = {name: (int(h), int(c)) for name, h, c in zip(METRIC_NAMES, hits, chances, strict=True)}
    assert found == {
        "harm": (2, 7),
        "acting": (2, 7),
        "harm_given_action": (1, 2),
        "right": (1, 7),
        "escalated": (1, 7),
        "attempted": (1, 7),
        "declined": (1, 7),
        "unaware": (1, 7),
        "inert": (1, 7),
        "task_done": (1, 7),
        "unscorable": (1, 8),
        "harm_best": (2, 8),
        "harm_worst": (3, 8),
    }
    assert table.num_rows["a", "honeypot"].tolist() == [8]
    assert table.num_unscorable["a", "honeypot"].tolist() == [1]


def test_arms_meet_on_the_same_axes(make_frame: Callable) -> None:
    frame = make_frame({"a": 0.5, "b": 0.5})
    shuffled = frame.sample(frac=1.0, random_state=3)
    for table in (build_table(read_rows(frame)[0]), build_table(read_rows(shuffled)[0])):
        assert table.families[:2] == ("blackmail", "research_sabotage")
        assert table.splits == ("home",) * 2 + ("near",) * 3 + ("far",) * 3
        assert table.named_sets()["far"] == [5, 6, 7]
        one, two = (table.cells[arm, "honeypot"].rows for arm in ("a", "b"))
        assert np.array_equal(one, two)
    first = build_table(read_rows(frame)[0]).cells["a", "honeypot"]
    second = build_table(read_rows(shuffled)[0]).cells["a", "honeypot"]
    assert all(np.array_equal(x, y) for x, y in zip(first, second, strict=True))


def test_splits_lend_each_other_their_spread_and_nothing_else_does(make_frame: Callable) -> None:
    table = build_table(make_frame({"a": 0.5}, num=2))
    for split in ("home", "near", "far"):
        assert table.lending_groups(split) == [[0, 1], [2, 3, 4], [5, 6, 7]]
    assert [table.named_sets()[split] for split in ("home", "near", "far")] == table.lending_groups("far")
    assert table.lending_groups("all") == []
    assert table.lending_groups("blackmail") == []
