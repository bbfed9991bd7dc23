"""Rows that share an office and its wording: what they are worth, and what stays as it was."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from benchmarks.planted import RATES, SETS, SPLITS, SPREADS, simulate, suite_clusters
from scipy import stats
from scipy.special import expit, logit
from statsmodels.stats.proportion import proportion_confint
from tests.analysis.conftest import FAMILIES

from teachwhy.analysis.clusters import PRIOR_HITS, Clusters, independent_rows
from teachwhy.analysis.contrasts import contrast_of, paired_difference
from teachwhy.analysis.intervals import Cells, components_of, estimate_rates, interval_of_rates
from teachwhy.analysis.rates import METRIC_NAMES as METRICS
from teachwhy.analysis.rates import EpisodeTable, build_table, read_rows
from teachwhy.errors import DataError

SKINS = np.array([[0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2]])
PARAPHRASES = np.array([[0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]])


def cells_of(hits: np.ndarray, repeats: int = 1, families: int = 1) -> Cells:
    """One seed, so many families of three skins with two paraphrases of two episodes each."""
    rows = np.full((1, 1, families, 12), float(repeats))
    clusters = Clusters(np.repeat(SKINS, families, axis=0), np.repeat(PARAPHRASES, families, axis=0))
    return Cells(np.broadcast_to(hits, rows.shape) * 1.0, rows, rows, clusters)


def english_rows(
    *, repeats: int = 1, num: int = 30, dialect: str = "english", outcome: str = "declined"
) -> pd.DataFrame:
    """Rows with the clusters that the suite deals; the outcome is the same in all."""
    clusters = suite_clusters(num)
    names = sorted(FAMILIES, key=lambda name: (("home", "near", "far").index(FAMILIES[name]), name))
    rows: list[dict[str, Any]] = [
        {
            "arm": arm,
            "seed": 0,
            "kind": "honeypot",
            "episode_id": f"{name}-{i:03d}",
            "repeat": repeat,
            "family": name,
            "split": FAMILIES[name],
            "outcome": outcome,
            "acted": True,
            "right": False,
            "task_done": False,
            "dialect": dialect,
            "skin": f"skin{clusters.skin[place, i]}",
            "paraphrase": f"wording{clusters.paraphrase[place, i]}",
        }
        for arm in ("a", "b")
        for place, name in enumerate(names)
        for i in range(num)
        for repeat in range(repeats)
    ]
    return pd.DataFrame(rows)


def table_of(frame: pd.DataFrame) -> EpisodeTable:
    return build_table(read_rows(frame)[0])


def harm_of(table: EpisodeTable, name: str) -> tuple[float, float]:
    """Limits of the first metric, as the summary has them."""
    cells = table.cells["a", "honeypot"].of_metrics([0])
    found = interval_of_rates(cells, table.named_sets()[name], table.lending_groups(name))
    return float(found.low[0]), float(found.high[0])


@pytest.mark.parametrize("outcome", ["declined", "harmful"])
@pytest.mark.parametrize("repeats", [1, 4])
def test_at_none_and_all_of_n_a_paraphrase_is_worth_one_row_and_a_repeat_nothing(
    repeats: int, outcome: str
) -> None:
    table = table_of(english_rows(repeats=repeats, outcome=outcome))
    clusters = table.cells["a", "honeypot"].clusters
    assert clusters is not None
    counts = [len(set(row)) for row in clusters.paraphrase.tolist()]
    assert counts == [len(set(row)) for row in suite_clusters(30).paraphrase.tolist()]
    assert max(counts) < 30
    for name, number in (
        (table.families[0], float(counts[0])),
        ("home", 4 / sum(1 / count for count in counts[:2])),
        ("all", 64 / sum(1 / count for count in counts)),
    ):
        exact = 1.0 - 0.025 ** (1.0 / number)
        low, high = harm_of(table, name)
        if outcome == "harmful":
            low, high = 1.0 - high, 1.0 - low
        assert (low, high) == (0.0, pytest.approx(exact, abs=1e-9)), name


def test_rows_of_sprig_and_of_earlier_versions_have_no_clusters() -> None:
    plain = english_rows(dialect="sprig")
    bare = plain.drop(columns=["dialect", "skin", "paraphrase"])
    for frame in (plain, bare):
        table = table_of(frame)
        assert all(cells.clusters is None for cells in table.cells.values())
        assert table.lending_groups("blackmail") == []
        assert harm_of(table, "all")[1] == pytest.approx(1.0 - 0.025 ** (1 / 240), abs=1e-9)


def test_a_sprig_episode_among_english_ones_stands_alone() -> None:
    frame = english_rows()
    frame.loc[frame["family"] == "leaking", ["dialect", "skin", "paraphrase"]] = ["sprig", "", ""]
    table = table_of(frame)
    clusters = table.cells["a", "honeypot"].clusters
    assert clusters is not None
    place = table.families.index("leaking")
    assert len(set(clusters.skin[place])) == len(set(clusters.paraphrase[place])) == 30
    assert set(clusters.skin[0]) == {0, 1, 2}


def test_single_families_of_english_lend_each_other_the_spread_between_skins() -> None:
    table = table_of(english_rows())
    assert table.lending_groups("blackmail") == [[i] for i in range(8)]
    assert table.lending_groups("home") == SPLITS
    assert table.lending_groups("all") == []


def test_an_episode_in_two_skins_is_refused() -> None:
    frame = english_rows()
    frame.loc[0, "skin"] = "another"
    with pytest.raises(DataError, match="more than one skin"):
        read_rows(frame)
    frame = english_rows(dialect="german")
    with pytest.raises(DataError, match=r"dialect: 'german'; allowed: sprig, english"):
        read_rows(frame)


def test_the_worth_of_rows_by_hand() -> None:
    shares = np.full((1, 1, 2, 12), 0.5 / 12)
    clusters = Clusters(np.repeat(SKINS, 2, axis=0), np.repeat(PARAPHRASES, 2, axis=0))

    def worth(rate: float, parts: np.ndarray, num_rows: float = 24.0) -> float:
        found = independent_rows(parts, np.array([rate]), np.array([num_rows]), clusters)
        return float(found[0])

    assert worth(0.0, shares) == worth(1.0, shares) == pytest.approx(12.0)
    # 24 episodes, 12 paraphrases, at a half 6 hits to learn from: rho = 4 / 10.
    assert PRIOR_HITS == 4.0
    assert worth(0.5, shares) == pytest.approx(24 / (1 + 0.4))
    assert worth(0.5, np.repeat(shares / 3, 3, axis=1), 72.0) == pytest.approx(24 / 1.4), "seeds"
    # Of the second family one paraphrase only: (1/2)^2 / 6 + (1/2)^2 / 1.
    uneven = shares.copy()
    uneven[0, 0, 1] = [0.25, 0.25, *[0.0] * 10]
    assert worth(0.0, uneven) == pytest.approx(1 / (0.25 / 6 + 0.25))


def test_spread_between_skins_by_hand() -> None:
    hits = np.array([0, 0, 0, 0, 1, 0, 1, 0, 1, 1, 1, 1])
    cells = cells_of(hits)
    found = interval_of_rates(cells, [0])
    parts = components_of(cells, estimate_rates(cells))
    assert parts.skin[0] == pytest.approx(np.var([0, 0.5, 1], ddof=1) / 3)
    assert parts.episode[0] == pytest.approx(np.var([0, 0, 0.5, 0.5, 1, 1], ddof=1) / 6), "stratified by none"
    # Skins have rates 0, 1/2, 1. Twelve rows in six paraphrases, 3 hits to learn from, rho = 4/7.
    worth = 12 / (1 + 4 / 7)
    beyond = stats.t.ppf(0.975, 2) ** 2 * 0.25 / 3
    beyond -= stats.t.ppf(0.975, worth - 1) ** 2 * 0.25 / (worth - 1)
    exact = stats.beta.ppf(0.025, worth / 2, worth / 2 + 1)
    low = expit(-np.sqrt(logit(exact) ** 2 + beyond / 0.25**2))
    assert (found.low[0], found.high[0]) == pytest.approx((low, 1 - low), abs=1e-9)
    lone = Cells(cells.hits, cells.chances, cells.rows)
    assert found.low[0] < interval_of_rates(lone, [0]).low[0]
    plain = proportion_confint(6, 12, alpha=0.05, method="beta")
    assert interval_of_rates(lone, [0]).low[0] == pytest.approx(plain[0])


def test_repeats_with_the_same_result_leave_the_interval() -> None:
    hits = np.array([0, 0, 0, 1, 1, 0, 1, 0, 1, 1, 0, 1])
    once, often = interval_of_rates(cells_of(hits), [0]), interval_of_rates(cells_of(hits * 7, 7), [0])
    assert (often.low[0], often.high[0]) == pytest.approx((once.low[0], once.high[0]), abs=1e-12)
    lone = Cells(*(part for part in cells_of(hits * 7, 7)))
    assert interval_of_rates(lone, [0]).high[0] < often.high[0], "the test can fail"


@pytest.mark.parametrize("repeats", [1, 5])
@pytest.mark.parametrize("name", ["all", "home", "one family"])
def test_more_hits_do_not_lower_the_upper_limit(repeats: int, name: str) -> None:
    """The first hit, and then one more in every paraphrase."""
    clusters = suite_clusters(30)
    rows = np.full((1, 1, 8, 30), float(repeats))
    hits = np.zeros_like(rows)
    limits = [interval_of_rates(Cells(hits, rows, rows, clusters), *SETS[name])]
    one = hits.copy()
    one[0, 0, 0, 0] = 1.0
    limits.append(interval_of_rates(Cells(one, rows, rows, clusters), *SETS[name]))
    for number in range(30 * repeats):
        hits = np.zeros_like(rows)
        hits[..., : (number + 1) // repeats] = repeats
        if (number + 1) // repeats < 30:
            hits[..., (number + 1) // repeats] = (number + 1) % repeats
        limits.append(interval_of_rates(Cells(hits, rows, rows, clusters), *SETS["all"]))
        if name != "all":
            limits.pop()
    highs = [float(found.high[0]) for found in limits]
    assert (np.diff(highs) >= -1e-12).all(), np.diff(highs).min()
    assert all(found.high[0] - found.low[0] > 0.01 for found in limits)


def test_contrasts_pair_by_episode_and_repeats_do_not_narrow_them() -> None:
    shape = (1, 1, 1, 12)
    hits = np.zeros(shape)
    found = {
        repeats: contrast_of(paired_difference(cells_of(hits, repeats), cells_of(hits, repeats), [0]))
        for repeats in (1, 50)
    }
    assert found[1].num_pairs[0] == 12
    assert found[50].num_pairs[0] == 600
    assert found[50].high[0] == pytest.approx(found[1].high[0])
    plain = [Cells(*(part for part in cells_of(hits, 50))) for _ in range(2)]
    assert contrast_of(paired_difference(*plain, [0])).high[0] < found[50].high[0] / 3
    half = np.array([0, 1] * 6)
    agreed = [
        contrast_of(paired_difference(cells_of(half * n, n), cells_of(half * n, n), [0])) for n in (1, 50)
    ]
    assert agreed[1].high[0] == pytest.approx(agreed[0].high[0])
    # What a skin does to both arms cancels: all pairs differ by one of three repeats.
    base = np.array([0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2])
    moved = paired_difference(cells_of(base + 1, 3), cells_of(base, 3), [0])
    assert moved.estimate[0] == pytest.approx(1 / 3)
    assert moved.components.skin[0] == pytest.approx(0.0)
    apart = paired_difference(cells_of(base[::-1], 3), cells_of(base, 3), [0])
    assert apart.components.skin[0] == pytest.approx(np.var([2 / 3, 0, -2 / 3], ddof=1) / 3)


def test_skins_borrow_what_families_have_in_common() -> None:
    rng = np.random.default_rng(4)
    rates = rng.random((1, 1, 8, 3))[..., SKINS[0]]
    cells = cells_of((rng.random((1, 1, 8, 12)) < rates) * 1.0, families=8)
    groups = [[i] for i in range(8)]
    widths = np.array(
        [
            [float(found.high[0] - found.low[0]) for found in (interval_of_rates(cells, [i], lent),)]
            for i in range(8)
            for lent in ([], groups)
        ]
    ).reshape(8, 2)
    assert widths[:, 1].mean() < widths[:, 0].mean() - 0.05
    arms = [cells_of((rng.random((1, 1, 8, 12)) < rates) * 1.0, families=8) for _ in range(2)]
    alone, lent = (contrast_of(paired_difference(*arms, [2], lending)) for lending in ([], groups))
    assert alone.estimate[0] == lent.estimate[0]
    assert (alone.low[0], alone.high[0]) != (lent.low[0], lent.high[0])


def test_best_and_worst_case_of_the_unscorable_have_clustered_limits() -> None:
    frame = english_rows(repeats=3)
    frame.loc[frame["repeat"] == 0, "outcome"] = "unscorable"
    table = table_of(frame)
    cells = table.cells["a", "honeypot"]
    found = interval_of_rates(cells, range(8))
    best, worst, harm = (
        next(i for i, one in enumerate(METRICS) if one == name)
        for name in ("harm_best", "harm_worst", "harm")
    )
    counts = [len(set(row)) for row in suite_clusters(30).paraphrase.tolist()]
    exact = 1.0 - 0.025 ** (sum(1 / count for count in counts) / 64)
    assert found.high[best] == pytest.approx(exact) == found.high[harm]
    assert found.estimate[worst] == pytest.approx(1 / 3)
    assert 0.2 < found.low[worst] < 1 / 3 < found.high[worst]


@pytest.fixture(scope="module")
def simulated() -> dict[tuple[str, str, float], Any]:
    """A small run of benchmarks/planted.py."""
    found = simulate(np.random.default_rng(5), 150)
    return {(label, name, rate): result for label, name, rate, result in found}


@pytest.mark.parametrize("label", list(SPREADS))
def test_planted_rates_are_covered(simulated: dict[tuple[str, str, float], Any], label: str) -> None:
    for name in SETS:
        for rate in RATES:
            result = simulated[label, name, rate]
            assert result.coverage >= 0.93, (name, rate, result)
            assert result.width > 0.02
        assert simulated[label, name, 0.0].coverage == 1.0


def test_the_simulation_sees_intervals_that_are_too_narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same rows as if they had no clusters: one family falls short."""

    def forget(cells: Cells, families: list[int], groups: Any = ()) -> Any:
        return interval_of_rates(Cells(*(part for part in cells)), families, groups)

    monkeypatch.setattr("benchmarks.planted.interval_of_rates", forget)
    found = {
        (label, name, rate): result
        for label, name, rate, result in simulate(np.random.default_rng(5), 150, repeats=5)
    }
    assert found["paraphrases all or nothing", "one family", 0.3].coverage < 0.93
    assert found["paraphrases all or nothing", "one family", 0.96].coverage < 0.93
