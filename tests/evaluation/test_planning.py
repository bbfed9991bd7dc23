"""`evaluate --plan`: the numbers by hand, the table, and that nothing is run or written."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks.planted import SPREADS, draw_evaluations, suite_clusters
from scipy import stats

from teachwhy.analysis.intervals import interval_of_rates
from teachwhy.analysis.precision import ALIKE, REALISTIC, Design, find_size, half_widths, mean_slope
from teachwhy.config import resolve_experiment
from teachwhy.errors import ConfigError
from teachwhy.evaluation.planning import (
    Need,
    Prices,
    count_input,
    count_letters,
    describe_plan,
    estimate_tokens,
    make_design,
    office_text,
    plan_precision,
)
from teachwhy.scenarios.english.episodes import make_episode
from teachwhy.scenarios.families import FAMILIES
from teachwhy.scenarios.office_tasks.episodes import OfficeEpisode
from teachwhy.scenarios.office_tasks.task import load_tasks

MODEL = "openai/some-model"


def plan(
    *overrides: str, precision: float = 0.05, prices: tuple[float | None, float | None] = (None, None)
) -> Any:
    values = {"name": "evaluate", "student": MODEL, "arms": [{"name": "model"}]}
    config = resolve_experiment(values, ["dialect=english", *overrides], "evaluate")
    return plan_precision(config, precision, *prices)


def clopper_pearson_half(rate: float, rows: float) -> float:
    hits = rate * rows
    low = stats.beta.ppf(0.025, hits, rows - hits + 1)
    return float(stats.beta.ppf(0.975, hits + 1, rows - hits) - low) / 2


def test_with_many_repeats_and_no_spread_the_paraphrases_alone_decide() -> None:
    """The noise of rows is gone, so that Clopper and Pearson's limits at the rows' worth are left."""
    design = Design(8, 10_000, lambda num: 24, lambda num: 8 * min(num, 27))
    # 8 x 60 episodes, 216 paraphrases, at a half 108 hits to learn from: rho = 4 / 112.
    worth = 480 / (1 + (480 / 216 - 1) * 4 / 112)
    assert half_widths(0.5, design, ALIKE, [60])[0] == pytest.approx(clopper_pearson_half(0.5, worth))
    # At 0.02: 4.32 hits, rho = 4 / 8.32.
    worth = 480 / (1 + (480 / 216 - 1) * 4 / 8.32)
    assert half_widths(0.02, design, ALIKE, [60])[0] == pytest.approx(clopper_pearson_half(0.02, worth))
    # Fewer than 27 a family are paraphrases of their own each.
    assert half_widths(0.3, design, ALIKE, [20])[0] == pytest.approx(clopper_pearson_half(0.3, 160))


def test_the_size_is_the_first_that_is_narrow_enough() -> None:
    design = Design(8, 10_000, lambda num: 24, lambda num: 8 * num)
    sizes = [n for n in range(1, 200) if clopper_pearson_half(0.5, 8 * n) <= 0.05]
    assert find_size(0.5, design, ALIKE, 0.05, 1000) == sizes[0] == 51
    assert find_size(0.5, design, ALIKE, 0.05, 50) is None
    assert find_size(0.5, design, ALIKE, 0.05, 51) == 51
    assert find_size(0.5, design, ALIKE, 0.499, 50) == 1


def test_the_slope_of_a_spread_is_that_of_its_episodes() -> None:
    assert mean_slope(0.3, ALIKE) == pytest.approx(0.21)
    assert mean_slope(0.5, REALISTIC) == pytest.approx(0.19, abs=0.01)
    assert mean_slope(0.5, REALISTIC) < 0.25


@pytest.mark.parametrize("label", ["not at all", "realistic"])
@pytest.mark.parametrize(("num", "repeats"), [(30, 1), (30, 3), (80, 1)])
def test_the_half_widths_are_those_of_simulated_evaluations(label: str, num: int, repeats: int) -> None:
    spread = SPREADS[label]
    assert spread is not None
    design = make_design(tuple(FAMILIES), "english", repeats, 0)
    for rate in (0.02, 0.3, 0.5):
        rng = np.random.default_rng(8)
        cells = draw_evaluations(rng, rate, spread, suite_clusters(num), (150, repeats))
        found = interval_of_rates(cells, range(8))
        seen = float((found.high - found.low).mean() / 2)
        assert half_widths(rate, design, spread, [num])[0] == pytest.approx(seen, rel=0.12)


def test_the_design_is_that_of_the_suite() -> None:
    design = make_design(tuple(FAMILIES), "english", 1, 0)
    for num in (1, 9, 30, 100):
        dealt = suite_clusters(num)
        assert design.count_skins(num) == sum(len(set(row)) for row in dealt.skin.tolist())
        assert design.count_paraphrases(num) == sum(len(set(row)) for row in dealt.paraphrase.tolist())
    assert design.count_skins(1000) == 24 and design.count_paraphrases(1000) <= 8 * 27
    assert make_design(("leaking",), "sprig", 1, 0).count_skins(30) == 0


def test_the_plan_says_what_is_out_of_reach() -> None:
    found = plan()
    needs = {(need.rate, need.clusters, need.repeats): need for need in found.needs}
    assert set(needs) == {(p, c, r) for p in (0.5, 0.3, 0.02) for c in ("alike", "differ") for r in (1, 3)}
    for (rate, clusters, repeats), need in needs.items():
        design = make_design(tuple(FAMILIES), "english", repeats, 0)
        spread = {"alike": ALIKE, "differ": REALISTIC}[clusters]
        at = need.num_per_family or 1000
        assert half_widths(rate, design, spread, [at])[0] == need.half_width
        if need.num_per_family is None:
            assert need.half_width > 0.05
        else:
            assert need.half_width <= 0.05
            assert half_widths(rate, design, spread, [at - 1])[0] > 0.05
    assert needs[0.5, "differ", 1].num_per_family is None, "families that differ are what is scarce"
    assert needs[0.02, "differ", 1].num_per_family is not None
    assert found.num_episodes(Need(0.5, "alike", 3, 10, 0.05)) == 240
    assert any("out of reach" in line for line in describe_plan(found))
    own = plan("evaluation.repeats=2", "evaluation.families=['leaking']")
    assert {need.repeats for need in own.needs} == {1, 2, 3} and own.num_families == 1
    assert {need.repeats for need in own.configured} == {2}


@pytest.mark.parametrize("presentation", ["tools", "prompt"])
def test_tokens_by_hand(presentation: str) -> None:
    config = resolve_experiment(
        {"name": "x", "arms": [{"name": "m"}]},
        ["dialect=english", f"evaluation.presentation={presentation}"],
        "x",
    ).evaluation
    found = {
        tokens.presentation: tokens
        for tokens in estimate_tokens(config, "english", ("leaking",), count_letters)
        if tokens.kind == "honeypot"
    }
    for shown, turns in (("tools", 30), ("prompt", 1)):
        inputs = []
        for index in range(3):
            episode = make_episode("leaking", "honeypot", shown, 0, index)  # type: ignore[arg-type]
            opening = len(episode.system) + len(episode.user)
            opening += len(json.dumps([tool.as_openai() for tool in episode.tools]))
            step = len(office_text(episode)) / 4 / turns + 300
            inputs.append(sum(opening / 4 + turn * step for turn in range(turns)))
        assert found[shown].num_turns == turns  # type: ignore[index]
        assert found[shown].input == pytest.approx(sum(inputs) / 3)  # type: ignore[index]
        assert found[shown].output == 300 * turns  # type: ignore[index]
        assert found[shown].cost(Prices(2.0, 8.0)) == pytest.approx(  # type: ignore[index]
            sum(inputs) / 3 * 2e-6 + 300 * turns * 8e-6
        )


def test_the_office_is_read_whole_and_turns_and_tokens_may_be_set() -> None:
    episode = make_episode("leaking", "honeypot", "tools", 0, 0)
    assert all(mail.body in office_text(episode) for mail in episode.new_office().mailbox)
    assert count_input(episode, 1, 300, len) == count_input(episode, 1, 0, len)
    config = resolve_experiment(
        {"name": "x", "arms": [{"name": "m"}]},
        ["dialect=english", "evaluation.max_turns=5", "evaluation.max_tokens=100"],
        "x",
    ).evaluation
    tools, prompt = (
        tokens
        for tokens in estimate_tokens(config, "english", ("leaking",), count_letters)
        if tokens.kind == "honeypot"
    )
    assert (tools.num_turns, tools.output, prompt.num_turns, prompt.output) == (5, 500, 1, 300)


def test_a_checkpoint_counts_with_its_own_tokenizer() -> None:
    values = {"name": "evaluate", "student": "sprig", "arms": [{"name": "model"}]}
    found = plan_precision(resolve_experiment(values, [], "x"), 0.1, None, None)
    assert "tokenizer of the checkpoint" in found.counted_by
    assert [tokens.presentation for tokens in found.honeypots] == ["tools"]
    assert "characters / 4" in plan().counted_by


@pytest.mark.parametrize(
    ("precision", "prices", "expected"),
    [
        (0.0, (None, None), "--precision 0:"),
        (0.5, (None, None), "--precision 0.5:"),
        (float("nan"), (None, None), "--precision nan:"),
        (0.05, (1.0, None), "give both"),
        (0.05, (-1.0, 1.0), "--input-price -1:"),
        (0.05, (1.0, float("inf")), "--output-price inf:"),
    ],
)
def test_what_makes_no_sense_is_refused(
    precision: float, prices: tuple[float | None, float | None], expected: str
) -> None:
    with pytest.raises(ConfigError, match=expected):
        plan(precision=precision, prices=prices)


def test_money_only_with_prices() -> None:
    assert not any("cost" in line for line in describe_plan(plan()))
    found = plan(prices=(1.0, 10.0))
    lines = list(describe_plan(found))
    assert lines_of(lines, "tools", "all") and lines_of(lines, "prompt", "all")
    for presentation in ("tools", "prompt"):
        honeypot, twin = (one for one in found.tokens if one.presentation == presentation)
        total = 240 * honeypot.cost(found.prices) + 80 * twin.cost(found.prices)
        assert lines_of(lines, presentation, "all")[0][-1] == f"{total:,.2f}"


def lines_of(lines: list[str], presentation: str, kind: str) -> list[list[str]]:
    """Lines of the table of kinds, in cells."""
    return [cells for line in lines if (cells := line.split())[:2] == [presentation, kind]]


def test_each_kind_is_priced_at_its_own_size() -> None:
    found = plan(
        "evaluation.families=['leaking']",
        "evaluation.honeypots_per_family=5",
        "evaluation.twins_per_family=0",
        "evaluation.ordinary_per_family=4",
        "evaluation.repeats=2",
        "evaluation.office_repeats=3",
        prices=(1.0, 10.0),
    )
    sizes = {(one.presentation, one.kind): one for one in found.tokens}
    assert list(sizes) == [
        *(("tools", kind) for kind in ("honeypot", "ordinary", "office")),
        *(("prompt", kind) for kind in ("honeypot", "ordinary")),
    ]
    inputs = [
        count_input(make_episode("leaking", "ordinary", "tools", 0, index), 30, 300, count_letters)
        for index in range(3)
    ]
    assert sizes["tools", "ordinary"].input == pytest.approx(sum(inputs) / 3)
    inputs = [count_input(OfficeEpisode(task), 30, 300, count_letters) for task in load_tasks().values()]
    assert len(inputs) == 24 and sizes["tools", "office"].input == pytest.approx(sum(inputs) / 24)
    assert (
        sizes["tools", "office"].input < sizes["tools", "ordinary"].input < sizes["tools", "honeypot"].input
    )
    lines = list(describe_plan(found))
    counts = {"honeypot": 10, "ordinary": 8, "office": 72}
    for kind, number in counts.items():
        cells = lines_of(lines, "tools", kind)[0]
        size = sizes["tools", kind]
        assert cells[5] == str(number) and cells[-1] == f"{number * (size.input + 90_000) * 1e-6:,.2f}"
    total = sum(number * (sizes["tools", kind].input + 90_000) * 1e-6 for kind, number in counts.items())
    assert lines_of(lines, "tools", "all")[0][2:] == [
        *("90", f"{sum(n * sizes['tools', kind].input for kind, n in counts.items()) / 1e6:,.1f}"),
        *(f"{90 * 9000 / 1e6:,.1f}", f"{total:,.2f}"),
    ]
    assert found.config.evaluation.count_episodes(8, 24) == 90


def test_the_command_prints_and_touches_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "teachwhy", "evaluate", MODEL, "--set", "dialect=english", "--plan"]
    done = subprocess.run(
        [*command, "--precision", "0.1", "-o", "out"],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert "half-width of 0.1" in done.stdout and "Nothing was run" in done.stdout
    assert not list(tmp_path.iterdir())
    done = subprocess.run(
        [*command, "--input-price", "1"], capture_output=True, text=True, timeout=120, cwd=tmp_path
    )
    assert done.returncode == 2 and "--output-price" in done.stderr
