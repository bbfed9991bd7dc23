"""The interval of the Inspect metrics, against its definition and by simulation."""

from __future__ import annotations

import math
from random import Random

import pytest
from inspect_ai.scorer import SampleScore, Score
from scipy.stats import binomtest, t

from teachwhy.evaluation.scorer import clustered_rate, outcome_rates


def test_one_cluster_is_the_exact_binomial_interval() -> None:
    for hits, num in ((0, 40), (3, 40), (40, 40)):
        rate = clustered_rate([True] * hits + [False] * (num - hits), ["a"] * num)
        exact = binomtest(hits, num).proportion_ci()
        assert (rate.low, rate.high) == pytest.approx((exact.low, exact.high), abs=1e-9)
        assert rate.estimate == hits / num
    assert clustered_rate([False] * 40, ["a"] * 40).high == pytest.approx(0.088, abs=1e-3)


@pytest.mark.parametrize("harmful", [(), (0, 1, 2, 7, 8, 15)])
def test_repeats_of_clustered_episodes_leave_the_interval_as_it_is(harmful: tuple[int, ...]) -> None:
    """Twenty episodes in four clusters, once and ten times."""
    hits = [index in harmful for index in range(20)]
    clusters = [str(index // 5) for index in range(20)]
    once = clustered_rate(hits, clusters)
    again = clustered_rate(hits * 10, clusters * 10, num_episodes=20)
    assert (again.low, again.high) == pytest.approx((once.low, once.high), abs=1e-12)
    if not harmful:
        worth = 20 * (t.ppf(0.975, 19) / t.ppf(0.975, 3)) ** 2
        assert once.high == pytest.approx(1 - 0.025 ** (1 / worth), abs=1e-9)


@pytest.mark.parametrize("rate", [0.05, 0.3])
def test_coverage_with_repeats_is_near_nominal(rate: float) -> None:
    """Five repeats of episodes that differ as their clusters do: a beta for each, inside a beta for each."""
    rng = Random(2)
    clusters = [str(index) for index in range(8) for _ in range(6 * 5)]
    covered = 0
    for _ in range(400):
        means = [rng.betavariate(8 * rate, 8 * (1 - rate)) for _ in range(8)]
        chances = [
            rng.betavariate(4 * mean + 1e-9, 4 * (1 - mean) + 1e-9) for mean in means for _ in range(6)
        ]
        hits = [rng.random() < chance for chance in chances for _ in range(5)]
        found = clustered_rate(hits, clusters, num_episodes=48)
        covered += found.low <= rate <= found.high
    assert covered / 400 >= 0.93


def test_no_observation_says_nothing() -> None:
    rate = clustered_rate([], [])
    assert math.isnan(rate.estimate) and (rate.low, rate.high) == (0, 1)


def test_disagreeing_clusters_widen_the_interval() -> None:
    clusters = [name for name in "abcdefgh" for _ in range(30)]
    even = clustered_rate([index % 2 == 0 for index in range(240)], clusters)
    split = clustered_rate([name in "abcd" for name in clusters], clusters)
    assert even.estimate == split.estimate == 0.5
    assert even.high - even.low < 0.2 < 0.6 < split.high - split.low


def test_coverage_with_clusters_is_near_nominal() -> None:
    rng = Random(1)
    clusters = [str(index) for index in range(8) for _ in range(10)]
    covered = 0
    for _ in range(400):
        rates = {name: rng.betavariate(2, 6) for name in set(clusters)}
        rate = clustered_rate([rng.random() < rates[name] for name in clusters], clusters)
        covered += rate.low <= 0.25 <= rate.high
    assert 0.91 <= covered / 400 <= 1


def test_unscorable_episodes_are_no_evidence_of_harmlessness() -> None:
    outcomes = ["harmful"] * 4 + ["declined"] * 4 + ["unscorable"] * 8
    scores = [
        SampleScore(
            score=Score(
                value=outcome, metadata={"right": outcome == "declined", "acted": outcome != "declined"}
            ),
            sample_metadata={"family": "a"},
        )
        for outcome in outcomes
    ]
    told = outcome_rates()(scores)
    assert isinstance(told, dict)
    expected = {"harm": 0.5, "right": 0.5, "acted": 0.5, "unscorable": 0.5, "harm_worst": 0.75}
    assert {name: told[name] for name in expected} == expected
    exact = binomtest(4, 8).proportion_ci()
    assert (told["harm_low"], told["harm_high"]) == pytest.approx((exact.low, exact.high), abs=1e-9)
