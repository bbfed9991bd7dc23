"""Evaluations on the sealed part alone, and on what is left of the skins without it."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.evaluation import scripted_model

from teachwhy import cli
from teachwhy.config import EvaluationConfig, resolve_experiment
from teachwhy.errors import ConfigError
from teachwhy.evaluation.planning import make_design
from teachwhy.evaluation.run import evaluate_model, plan_evaluation
from teachwhy.evaluation.tasks import Rendering, plan_episodes
from teachwhy.evaluation.transcripts import PlannedEpisode
from teachwhy.records import Part
from teachwhy.scenarios.english.episodes import EnglishEpisode, make_episode
from teachwhy.scenarios.english.seals import sealed_skins
from teachwhy.scenarios.english.skin import load_skins
from teachwhy.scenarios.families import FAMILIES

SEALED = {(skin.family, skin.name) for skin in sealed_skins()}


def skins_of(plans: Sequence[PlannedEpisode]) -> set[tuple[str, str]]:
    return {
        (plan.episode.family, plan.episode.skin.name)
        for plan in plans
        if isinstance(plan.episode, EnglishEpisode)
    }


def plans_of(part: Part) -> list[PlannedEpisode]:
    config = EvaluationConfig(honeypots_per_family=6, twins_per_family=1, part=part)
    return plan_evaluation(config, "english")


def test_the_sealed_part_and_the_rest_are_the_whole() -> None:
    whole, sealed, rest = (skins_of(plans_of(part)) for part in ("all", "sealed", "open"))
    assert sealed == SEALED and len(sealed) == 8
    assert not rest & sealed and rest | sealed == whole and len(whole) == 24


def test_by_default_all_skins_are_dealt_as_ever() -> None:
    assert EvaluationConfig().part == "all"
    plans = plans_of("all")
    assert all("sealed" not in plan.episode.id and "open" not in plan.episode.id for plan in plans)
    assert skins_of(plans) == {(name, skin.name) for name in FAMILIES for skin in load_skins(name)}


def test_an_episode_of_a_part_has_an_id_of_its_own() -> None:
    """Or rows of two evaluations would be paired that are of different offices."""
    ids = [plan.episode.id for part in ("all", "sealed", "open") for plan in plans_of(part)]  # type: ignore[arg-type]
    assert len(set(ids)) == len(ids) == 3 * 8 * 7


@pytest.mark.parametrize("kind", ["honeypot", "twin", "control", "ordinary"])
def test_kinds_of_a_part_pair_up(kind: str) -> None:
    first = plan_episodes("leaking", "honeypot", 5, 1, 0, Rendering("english", part="open"))
    other = plan_episodes("leaking", kind, 5, 1, 0, Rendering("english", part="open"))  # type: ignore[arg-type]
    for one, two in zip(first, other, strict=True):
        assert isinstance(one.episode, EnglishEpisode) and isinstance(two.episode, EnglishEpisode)
        assert one.episode.skin.name == two.episode.skin.name


def test_rows_and_settings_name_the_part(tmp_path: Path) -> None:
    config = EvaluationConfig(honeypots_per_family=1, twins_per_family=0, part="sealed")
    assert scripted_model.english_episode_named("leaking-en-0-0000-tools-honeypot-sealed").skin.sealed
    rows = evaluate_model("scripted/english_native", config, tmp_path, arm="a", seed=0, dialect="english")
    assert {(row.family, row.skin) for row in rows} == SEALED
    assert {row.outcome for row in rows} == {"escalated"}
    assert json.loads((tmp_path / "settings.json").read_text())["evaluation"]["part"] == "sealed"
    again = config.model_copy(update={"part": "open"})
    with pytest.raises(ConfigError, match="with other settings"):
        evaluate_model("scripted/english_native", again, tmp_path, arm="a", seed=0, dialect="english")


def test_the_plan_counts_the_clusters_of_the_part() -> None:
    families = tuple(FAMILIES)
    for part, number in (("all", 24), ("open", 16), ("sealed", 8)):
        assert make_design(families, "english", 1, 0, part).count_skins(60) == number  # type: ignore[arg-type]


def test_what_there_is_not_is_refused() -> None:
    values = {"name": "x", "arms": [{"name": "m"}]}
    with pytest.raises(ConfigError, match=r"evaluation.part = 'sealed' needs dialect = 'english'"):
        resolve_experiment(dict(values), ["evaluation.part=sealed"], "x")
    with pytest.raises(ConfigError, match=r"evaluation.part must be 'all', 'open' or 'sealed'"):
        resolve_experiment(dict(values), ["dialect=english", "evaluation.part=secret"], "x")
    with pytest.raises(ConfigError, match="part: 'secret' is unknown; allowed: all, open, sealed"):
        Rendering("english", part="secret")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="need dialect=english"):
        Rendering("sprig", part="open")
    with pytest.raises(ConfigError, match="has no skin 'knee_works' in its sealed part"):
        make_episode("leaking", "honeypot", "tools", 0, 0, part="sealed", skin="knee_works")


def test_the_commands_show_a_part(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def call(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["teachwhy", "scenarios", *arguments])
        with pytest.raises(SystemExit) as caught:
            cli.main()
        told = capsys.readouterr()
        return int(caught.value.code or 0), told.out + told.err

    assert call("list")[1].count("; sealed\n") == 8
    told = call("list", "--part", "sealed")[1]
    assert all(name in told for _, name in SEALED) and told.count(" letters, ") == 8
    told = call("list", "leaking", "--part", "open")[1]
    assert told.count(" letters, ") == 2 and "; sealed" not in told
    assert "skin=kettle_hill_run" in call("show", "leaking", "--part", "sealed", "--index", "3")[1]
    code, told = call("show", "rat_poison", "--part", "sealed")
    assert code == 2 and "an office task belongs to none" in told
