"""Numbers as printed, contrast of the colours, and the choice of samples."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from teachwhy.report.figures import build_rate_figure
from teachwhy.report.number_text import (
    format_count,
    format_p,
    format_percent,
    format_points,
    format_seconds,
    plural,
)
from teachwhy.report.palette import DARK, LIGHT, Theme, contrast, heat_ground, heat_text_is_white, luminance
from teachwhy.report.run_files import read_run
from teachwhy.report.samples import ArmSamples, choose_samples

READABLE = 4.5


def test_percentages_never_round_to_a_false_zero_or_hundred() -> None:
    values = [0.0, 1.0, 0.0002, 0.9998, 0.043, 0.5, 0.994, 0.0999, 0.10, None, math.nan]
    texts = ["0", "100", "<0.1", ">99.9", "4.3", "50", "99.4", "10.0", "10", "–", "–"]
    assert [format_percent(value) for value in values] == texts


def test_points_p_values_counts_and_times() -> None:
    assert [format_points(v) for v in (-0.235, 0.0004, -0.0004, 0.041, None)] == [
        "−24",
        "0",
        "0",
        "+4.1",
        "–",
    ]
    assert [format_p(v) for v in (0.00001, 0.0123, 0.5, 1.0, None)] == [
        "<0.001",
        "0.012",
        "0.50",
        "1.00",
        "–",
    ]
    assert format_count(1234567) == "1\u202f234\u202f567" and format_count(None) == "–"
    assert [format_seconds(v) for v in (17.5, 90.0, 7200.0, None)] == ["18 s", "1.5 min", "2.0 h", "–"]
    assert plural(1, "seed") == "1 seed" and plural(2, "family", "families") == "2 families"


def test_contrast_agrees_with_the_standard() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert luminance("#ff0000") == pytest.approx(0.2126)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_every_text_is_readable_on_its_ground(theme: Theme) -> None:
    for ground in (theme.page, theme.surface, theme.sunken):
        for text in (theme.ink, theme.muted, theme.accent):
            assert contrast(text, ground) >= READABLE
    for text in (theme.harm, theme.right):
        assert contrast(text, theme.surface) >= READABLE
    for ground in (theme.good, theme.bad):
        assert contrast(theme.surface, ground) >= READABLE
    for fill in theme.outcomes.values():
        assert contrast(*fill) >= READABLE


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("metric", ["harm", "right"])
def test_every_heat_cell_is_readable_and_darkens_or_lightens_steadily(theme: Theme, metric: str) -> None:
    grounds = [heat_ground(theme, metric, rate / 100) for rate in range(101)]
    for rate, ground in enumerate(grounds):
        text = "#ffffff" if heat_text_is_white(theme, metric, rate / 100) else "#000000"
        assert contrast(text, ground) >= READABLE
    steps = [luminance(ground) for ground in grounds]
    assert steps == sorted(steps, reverse=theme is LIGHT)


def choose(folder: Path) -> tuple[ArmSamples, ...]:
    run = read_run(folder)
    return choose_samples(run, build_rate_figure(run, ("harm", "right"), "honeypot"))


def test_samples_are_of_their_arm_over_outcomes_whatever_the_order_of_rows(
    tmp_path: Path, make_run: Callable[..., Path], sketches: tuple
) -> None:
    folder = make_run(tmp_path / "run", sketches[3:6], num=20)
    path = folder / "scores.parquet"
    rows = pq.read_table(path).to_pylist()
    for row in rows:
        row["transcript"] = json.dumps([{"role": "user", "content": f"{row['arm']} {row['episode_id']}"}])
    pq.write_table(pa.Table.from_pylist(rows), path, row_group_size=100)
    first = choose(folder)
    for arm in first:
        assert [sample.kind for sample in arm.samples] == ["honeypot"] * 4 + ["twin"]
        assert len({sample.outcome for sample in arm.samples[:4]}) == 4
        assert all(s.messages[0].text == f"{arm.arm} {s.episode_id}" for s in arm.samples)
    pq.write_table(pa.Table.from_pylist(rows[::-1]), path, row_group_size=170)
    assert choose(folder) == first


def test_an_arm_with_one_outcome_still_shows_several_families(
    tmp_path: Path, make_run: Callable[..., Path], sketches: tuple
) -> None:
    folder = make_run(tmp_path / "run", [sketches[0]._replace(harm=1.0, right=0.0)], num=3)
    (arm,) = choose(folder)
    assert len(arm.samples) == 5
    assert len({sample.family for sample in arm.samples[:4] if sample.outcome == "harmful"}) >= 3
