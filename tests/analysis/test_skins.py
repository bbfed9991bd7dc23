"""Rates of single skins: by hand, beside the families, and covering rates that were planted in one skin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from benchmarks.planted import draw_log_odds, suite_clusters
from scipy.special import expit
from statsmodels.stats.proportion import proportion_confint
from tests.analysis.test_clusters import english_rows

from teachwhy.analysis.clusters import Clusters
from teachwhy.analysis.intervals import Cells, interval_of_rates
from teachwhy.analysis.precision import Spread
from teachwhy.analysis.summary import Summary, summarize

Summarize = Callable[[pd.DataFrame], Summary]


@pytest.fixture
def summary_of(make_experiment: Callable[..., Any], list_training: Callable[..., Any]) -> Summarize:
    def make(frame: pd.DataFrame) -> Summary:
        return summarize(frame, list_training(["a", "b"], [0]), make_experiment(["a", "b"]))

    return make


def test_every_skin_has_its_rates_and_they_add_up_to_those_of_its_family(summary_of: Summarize) -> None:
    frame = english_rows(num=12)
    frame.loc[frame["skin"] == "skin1", "outcome"] = "harmful"
    frame.loc[(frame["skin"] == "skin2") & (frame["family"] == "leaking"), "outcome"] = "unscorable"
    arm = summary_of(frame).arms[0]
    harm = {(one.families, one.skin): one for one in arm.by_skin if one.metric == "harm"}
    assert len(harm) == 24 and {one.episodes for one in harm.values()} == {"honeypot"}
    for (family, skin), one in harm.items():
        rows = frame[(frame["arm"] == "a") & (frame["family"] == family) & (frame["skin"] == skin)]
        assert one.num_episodes == len(rows)
        assert one.estimate == (None if one.num_unscorable else float(skin == "skin1"))
        assert one.num_counted == one.num_episodes - one.num_unscorable
    assert {key for key, one in harm.items() if one.num_unscorable} == {("leaking", "skin2")}
    assert (harm["leaking", "skin2"].low, harm["leaking", "skin2"].high) == (0.0, 1.0)
    for one in arm.metrics:
        if (one.metric, one.families) == ("harm_worst", "leaking"):
            keys = ("harm_worst", "leaking")
            parts = [skin for skin in arm.by_skin if (skin.metric, skin.families) == keys]
            assert sum((part.estimate or 0) * part.num_counted for part in parts) == pytest.approx(
                (one.estimate or 0) * one.num_counted
            )


def test_at_none_of_n_a_skin_has_the_exact_limit_of_its_paraphrases(summary_of: Summarize) -> None:
    for repeats in (1, 5):
        frame = english_rows(repeats=repeats)
        for one in summary_of(frame).arms[0].by_skin:
            if one.metric == "harm":
                rows = frame[(frame["family"] == one.families) & (frame["skin"] == one.skin)]
                exact = proportion_confint(0, rows["paraphrase"].nunique(), method="beta")[1]
                assert (one.low, one.high) == (0.0, pytest.approx(exact)), one


def test_rows_of_sprig_and_office_tasks_have_no_skins(summary_of: Summarize) -> None:
    assert summary_of(english_rows(num=3, dialect="sprig")).arms[0].by_skin == ()
    frame = english_rows(num=3)
    office = frame.assign(
        kind="office", family="office", split="far", episode_id="office-" + frame["episode_id"]
    )
    found = summary_of(pd.concat([frame, office])).arms[0]
    assert {one.episodes for one in found.by_skin} == {"honeypot"}
    assert {one.episodes for one in found.metrics} == {"honeypot", "office"}


def test_the_notes_say_which_part_was_evaluated(
    make_experiment: Callable[..., Any], list_training: Callable[..., Any]
) -> None:
    experiment = make_experiment(["a", "b"])
    for part in ("all", "open", "sealed"):
        evaluation = experiment.evaluation.model_copy(update={"part": part})
        config = experiment.model_copy(update={"evaluation": evaluation})
        notes = summarize(english_rows(num=3), list_training(["a", "b"], [0]), config).notes
        assert any(f"on the {part} skins only" in note for note in notes) == (part != "all")


def test_planted_rates_of_a_skin_are_covered() -> None:
    """500 evaluations of one skin, whose paraphrases and episodes differ."""
    dealt = suite_clusters(30)
    own = np.flatnonzero(dealt.skin[0] == 0)
    clusters = Clusters(np.zeros((1, len(own)), dtype=np.int64), dealt.paraphrase[:1, own])
    for spread in (Spread(), Spread(paraphrase=0.3, episode=0.8), Spread(paraphrase=1.0, episode=0.8)):
        for rate in (0.02, 0.3, 0.96):
            rng = np.random.default_rng(11)
            chance = expit(draw_log_odds(rng, rate, spread, clusters, 500))
            hits = (rng.random(chance.shape) < chance).astype(float)[:, None]
            found = interval_of_rates(Cells(hits, np.ones_like(hits), np.ones_like(hits), clusters), [0])
            assert ((found.low <= rate) & (rate <= found.high)).mean() >= 0.93, (spread, rate)
