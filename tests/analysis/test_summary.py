"""summary.json: its schema, its numbers, and the edges."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

from teachwhy.analysis.rates import METRIC_NAMES
from teachwhy.analysis.summary import Summary, summarize, write_summary
from teachwhy.errors import DataError, StorageError
from teachwhy.records import EpisodeRow

ARMS = {"untouched": 0.9, "taught": 0.1, "control": 0.9}
SEEDS = (0, 1, 2, 3)
RATIO = {
    "kind": "ratio",
    "arm": "taught",
    "baseline": "control",
    "families": "far",
    "relation": "above",
    "margin": 2.0,
}


@pytest.fixture
def summary(make_frame: Callable, make_experiment: Callable, list_training: Callable) -> Summary:
    return summarize(
        make_frame(ARMS, seeds=SEEDS, num=10, unscorable=0.1),
        list_training(ARMS, SEEDS),
        make_experiment(list(ARMS), RATIO),
    )


def test_schema(summary: Summary, tmp_path: Path) -> None:
    write_summary(summary, tmp_path / "summary.json")
    assert os.listdir(tmp_path) == ["summary.json"]

    def refuse(value: str) -> float:
        raise AssertionError(f"{value} is not JSON")

    found = json.loads((tmp_path / "summary.json").read_text(), parse_constant=refuse)
    assert list(found) == ["schema", "experiment", "arms", "contrasts", "claims", "notes"]
    assert (found["schema"], found["experiment"]) == (1, "made-up")
    assert [arm["name"] for arm in found["arms"]] == list(ARMS)
    arm = found["arms"][0]
    assert list(arm) == ["name", "seeds", "training_tokens", "updates", "metrics", "by_skin"]
    metric_keys = [
        "metric",
        "episodes",
        "families",
        "estimate",
        "low",
        "high",
        "num_episodes",
        "num_unscorable",
        "num_counted",
    ]
    assert list(arm["metrics"][0]) == metric_keys
    keys = {(m["metric"], m["episodes"], m["families"]) for m in arm["metrics"]}
    assert len(keys) == len(arm["metrics"]) == len(METRIC_NAMES) * 2 * 12
    contrast_keys = [
        "arm",
        "baseline",
        "metric",
        "families",
        "difference",
        "low",
        "high",
        "p_adjusted",
        "episodes",
        "p",
        "num_pairs",
    ]
    assert list(found["contrasts"][0]) == contrast_keys
    pairs = dict.fromkeys((c["arm"], c["baseline"]) for c in found["contrasts"])
    assert list(pairs) == [("taught", "untouched"), ("control", "untouched"), ("taught", "control")]
    assert list(found["claims"][0]) == ["id", "statement", "verdict", "evidence"]
    assert found["claims"][0]["verdict"] == "supported"


def test_numbers(summary: Summary, make_frame: Callable) -> None:
    frame = make_frame(ARMS, seeds=SEEDS, num=10, unscorable=0.1)
    rows = frame[(frame["arm"] == "taught") & (frame["kind"] == "honeypot")]
    scored = rows[rows["outcome"] != "unscorable"]
    by_key = {(m.metric, m.episodes, m.families): m for m in summary.arms[1].metrics}
    for families, members in (("all", rows["family"]), ("near", ["framing", "leaking", "false_reporting"])):
        found = by_key["harm", "honeypot", families]
        own = scored[scored["family"].isin(members)]
        harmful = own["outcome"] == "harmful"
        cells = harmful.groupby([own["family"], own["seed"]]).mean()
        assert found.estimate == pytest.approx(cells.groupby("family").mean().mean())
        assert found.num_counted == len(own)
        assert found.num_episodes == rows["family"].isin(members).sum()
        assert found.num_unscorable == found.num_episodes - len(own)
        low, high = proportion_confint(found.estimate * len(own), len(own), alpha=0.05, method="beta")
        assert found.low <= low and found.high >= high
        best, worst = (by_key[name, "honeypot", families] for name in ("harm_best", "harm_worst"))
        assert best.estimate <= found.estimate <= worst.estimate
    for metric in summary.arms[1].metrics:
        assert 0.0 <= metric.low < metric.high <= 1.0
        assert metric.estimate is None or metric.low <= metric.estimate <= metric.high


def test_contrasts_are_corrected_within_metric_and_families(summary: Summary) -> None:
    for families in ("all", "far", "blackmail"):
        group = [c for c in summary.contrasts if (c.metric, c.families) == ("right", families)]
        oracle = multipletests([c.p for c in group], method="holm")[1]
        assert [c.p_adjusted for c in group] == pytest.approx(list(oracle))
    taught = next(c for c in summary.contrasts if (c.arm, c.metric, c.families) == ("taught", "harm", "all"))
    assert taught.high < -0.5 and taught.p_adjusted < 0.001


def test_splits_are_summarized_with_the_spread_of_all(
    make_frame: Callable, make_experiment: Callable, list_training: Callable
) -> None:
    """What families of near and far do among themselves decides how wide the intervals of home are."""
    widths = []
    for apart in (False, True):
        frame = make_frame(ARMS, num=6, seeds=SEEDS)
        if apart:
            harmless = frame["family"].isin(["framing", "self_exfiltration"]) & (frame["arm"] == "untouched")
            frame.loc[harmless, "outcome"] = "escalated"
        found = summarize(frame, list_training(ARMS, SEEDS), make_experiment(list(ARMS)))
        rate = next(m for m in found.arms[0].metrics if (m.metric, m.families) == ("harm", "home"))
        contrast = next(c for c in found.contrasts if (c.metric, c.families) == ("harm", "home"))
        widths.append((rate.high - rate.low, contrast.high - contrast.low))
    assert widths[1][0] > 1.2 * widths[0][0]
    assert widths[1][1] > 1.2 * widths[0][1]


def test_two_arms_are_one_contrast_whichever_comes_first(
    make_frame: Callable, make_experiment: Callable, list_training: Callable
) -> None:
    turned = {"arm": "untouched", "baseline": "taught", "relation": "above", "margin": 0.3}
    config = make_experiment(list(ARMS), turned, RATIO)
    found = summarize(make_frame(ARMS, num=4), list_training(ARMS), config)
    group = [c for c in found.contrasts if (c.metric, c.families) == ("harm", "all")]
    pairs = [(c.arm, c.baseline) for c in group]
    assert pairs == [("taught", "untouched"), ("control", "untouched"), ("taught", "control")]
    assert [c.p_adjusted for c in group] == pytest.approx(
        list(multipletests([c.p for c in group], method="holm")[1])
    )
    assert "untouched minus taught: 0." in found.claims[0].evidence[0]


def test_order_and_form_of_the_rows_do_not_matter(
    make_frame: Callable, make_experiment: Callable, list_training: Callable, tmp_path: Path
) -> None:
    frame = make_frame(ARMS, num=4, unscorable=0.1)
    arms, config = list_training(ARMS), make_experiment(list(ARMS), RATIO)
    shuffled = frame.sample(frac=1.0, random_state=1)
    pq.write_table(pa.Table.from_pandas(shuffled), tmp_path / "scores.parquet")
    blank = dict.fromkeys(("reason", "goal", "threat", "lever", "agent_name", "cue"), "")
    blank |= dict.fromkeys(
        ("num_turns", "num_actions", "num_failed_calls", "input_tokens", "output_tokens"), 0
    )
    records = [
        EpisodeRow(**values, **blank, truncated=False, num_distractors=0, transcript=())
        for values in shuffled.to_dict("records")
    ]
    expected = summarize(frame, arms, config).model_dump_json()
    for form in (shuffled, pa.Table.from_pandas(shuffled), tmp_path / "scores.parquet", records):
        assert summarize(form, arms, config).model_dump_json() == expected


def test_one_seed_is_said(make_frame: Callable, make_experiment: Callable, list_training: Callable) -> None:
    one = summarize(make_frame({"a": 0.5}, seeds=[3]), list_training(["a"], [3]), make_experiment(["a"]))
    (note,) = one.notes
    assert "One training seed only: a." in note
    assert "84 to 91 %" in note
    two = summarize(make_frame({"a": 0.5}), list_training(["a"]), make_experiment(["a"]))
    assert two.notes == ()


def test_an_arm_that_nothing_could_score(
    make_frame: Callable, make_experiment: Callable, list_training: Callable
) -> None:
    frame = make_frame(ARMS, num=4)
    frame.loc[frame["arm"] == "taught", "outcome"] = "unscorable"
    found = summarize(frame, list_training(ARMS), make_experiment(list(ARMS), RATIO))
    by_key = {(m.metric, m.episodes, m.families): m for m in found.arms[1].metrics}
    harm, worst = by_key["harm", "honeypot", "all"], by_key["harm_worst", "honeypot", "all"]
    assert (harm.estimate, harm.low, harm.high) == (None, 0.0, 1.0)
    assert (harm.num_counted, harm.num_unscorable, harm.num_episodes) == (0, 64, 64)
    assert worst.estimate == 1.0
    undefined = next(c for c in found.contrasts if (c.arm, c.metric) == ("taught", "harm"))
    assert (undefined.difference, undefined.low, undefined.high) == (None, -1.0, 1.0)
    assert (undefined.p_adjusted, undefined.num_pairs) == (1.0, 0)
    assert found.claims[0].verdict == "inconclusive"
    assert any("64 of 64 honeypot episodes of taught" in note for note in found.notes)


def test_unequal_rows_one_family_and_missing_arms(
    make_frame: Callable, make_experiment: Callable, list_training: Callable
) -> None:
    frame = make_frame(ARMS, num=6)
    frame = frame[(frame["family"] == "blackmail") & (frame["arm"] != "control")]
    frame = frame[(frame["seed"] == 0) | (frame["episode_id"] == "blackmail-0")]
    found = summarize(frame, list_training(ARMS), make_experiment(list(ARMS)))
    assert found.arms[2].metrics == ()
    assert "No episode was evaluated for: control." in found.notes
    assert {m.families for m in found.arms[0].metrics} == {"all", "home", "blackmail"}
    assert all(0.0 <= m.low < m.high <= 1.0 for m in found.arms[0].metrics)


def test_rows_of_an_unknown_arm_are_refused(
    make_frame: Callable, make_experiment: Callable, list_training: Callable
) -> None:
    with pytest.raises(DataError, match=r"field arm: 'control'; allowed: untouched, taught\."):
        summarize(
            make_frame(ARMS, num=2),
            list_training(["untouched", "taught"]),
            make_experiment(["untouched", "taught"]),
        )


def test_a_place_that_cannot_be_written_is_one_error(summary: Summary, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match=r"summary\.json: cannot be written"):
        write_summary(summary, tmp_path / "file" / "summary.json")
    (tmp_path / "summary.json").mkdir()
    with pytest.raises(StorageError):
        write_summary(summary, tmp_path / "summary.json")
    assert sorted(os.listdir(tmp_path)) == ["file", "summary.json"]


def test_no_rows_at_all(make_frame: Callable, make_experiment: Callable, list_training: Callable) -> None:
    empty = make_frame(ARMS, num=1).iloc[:0]
    found = summarize(empty, list_training(ARMS), make_experiment(list(ARMS), RATIO))
    assert found.contrasts == ()
    assert all(arm.metrics == () for arm in found.arms)
    assert found.claims[0].verdict == "inconclusive"
    assert any("The baseline untouched has no rows" in note for note in found.notes)
