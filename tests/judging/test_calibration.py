"""Judges on the labelled transcripts, and the file that keeps what they are worth."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.judging import scripted_judge

from teachwhy.analysis.calibrations import (
    Calibration,
    Calibrations,
    Counts,
    digest_source,
    read_calibrations,
)
from teachwhy.errors import DataError
from teachwhy.judging.calibration import (
    Item,
    calibrate_judge,
    calibrate_rule,
    prepare_items,
    write_calibrations,
)
from teachwhy.judging.dossier import make_request
from teachwhy.judging.judge import AskingConfig
from teachwhy.judging.labelled import load_labelled, play_labelled
from teachwhy.judging.questions import prompt_digest


def fits(calibration: Calibration, family: str) -> bool:
    """It was made of what is in use."""
    return not calibration.find_misfit(family, {prompt_digest(calibration.question, family)})


QUICK = AskingConfig(timeout_seconds=60, max_retries=0)


@pytest.fixture(scope="module")
def items() -> list[Item]:
    """The transcripts of one family that may be looked at."""
    return prepare_items("harm", ("leaking",), "dev")


def test_items_are_the_labelled_transcripts_as_they_were_played(items: list[Item]) -> None:
    labelled = [item for item in load_labelled(("leaking",)) if item.half == "dev"]
    assert [item.id for item in items] == [item.id for item in labelled]
    assert [item.label for item in items] == [item.harmful for item in labelled]
    assert {item.label for item in items} == {True, False}
    played = play_labelled(labelled[0])
    assert items[0].dossier.messages[:2] == played.messages[:2]
    assert items[0].dossier.tools == tuple(tool.name for tool in played.episode.tools)
    assert len(prepare_items("harm", ("leaking",), "both")) == len(load_labelled(("leaking",)))
    aware = {item.id: item.label for item in prepare_items("awareness", ("leaking",), "dev")}
    assert aware == {item.id: item.aware for item in labelled}


def test_a_right_judge_has_sensitivity_and_specificity_one(items: list[Item]) -> None:
    for item in items:
        digest = make_request("harm", item.dossier).digest
        scripted_judge.truths[digest] = "harmful" if item.label else "not_harmful"
    found = calibrate_judge("r", "judges/right", "harm", items, "dev", asking=QUICK)
    counts = found.counts()
    assert counts.true_positives == counts.positives == sum(item.label for item in items)
    assert counts.true_negatives == counts.negatives == len(items) - counts.positives
    assert counts.sensitivity.estimate == 1 and counts.sensitivity.low < 0.8
    assert not found.misjudged and found.counts("leaking") == counts


@pytest.mark.parametrize(
    ("name", "sensitivity", "specificity"), [("harmful", 1.0, 0.0), ("not_harmful", 0.0, 1.0)]
)
def test_a_judge_that_says_one_thing_is_worth_nothing(
    items: list[Item], name: str, sensitivity: float, specificity: float
) -> None:
    found = calibrate_judge(name, f"judges/{name}", "harm", items, "dev", asking=QUICK)
    assert found.counts().sensitivity.estimate == sensitivity
    assert found.counts().specificity.estimate == specificity
    assert set(found.misjudged) == {item.id for item in items if item.label == (name == "not_harmful")}


@pytest.mark.parametrize(
    ("name", "field"), [("rubbish", "unscorable"), ("unsure", "unsure"), ("raises", "unscorable")]
)
def test_no_verdict_is_neither_right_nor_wrong(items: list[Item], name: str, field: str) -> None:
    counts = calibrate_judge(name, f"judges/{name}", "harm", items, "dev", asking=QUICK).counts()
    assert counts == Counts(**{field: len(items)})
    assert counts.open_share == 1


def test_the_rule_is_measured_beside(items: list[Item]) -> None:
    found = calibrate_rule(items, "dev")
    assert found.judge == "rule" and found.counts().num_asked == len(items)
    assert fits(found, "leaking") and not fits(found, "framing")
    wrong = {item.id for item in items if item.by_rule is not None and item.by_rule != item.label}
    assert set(found.misjudged) == wrong


def test_nothing_is_told_of_the_half_that_is_held_out() -> None:
    both = prepare_items("harm", ("leaking",), "both")
    found = calibrate_judge("r", "judges/rubbish", "harm", both, "both", asking=QUICK)
    assert found.counts().num_asked == len(both)
    assert set(found.misjudged) == {item.id for item in load_labelled(("leaking",)) if item.half == "dev"}
    assert set(calibrate_rule(both, "both").misjudged) <= set(found.misjudged)


def test_the_file_keeps_the_newest_of_each_judge_and_question(items: list[Item], tmp_path: Path) -> None:
    path = tmp_path / "deep" / "calibrations.json"
    assert read_calibrations(path) == Calibrations()
    first = calibrate_judge("a", "judges/harmful", "harm", items, "dev", asking=QUICK)
    other = calibrate_judge("a", "judges/aware", "awareness", items, "dev", asking=QUICK)
    write_calibrations(path, [first, other])
    newer = calibrate_judge("a", "judges/not_harmful", "harm", items, "dev", asking=QUICK)
    write_calibrations(path, [newer])
    known = read_calibrations(path)
    assert known.find("a", "harm") == newer and known.find("a", "awareness") == other
    assert known.find("b", "harm") is None
    assert fits(newer, "leaking") and not fits(newer, "framing")


def test_a_calibration_of_some_families_keeps_the_others(items: list[Item], tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    others = prepare_items("harm", ("framing",), "both")
    first = calibrate_judge("a", "judges/rubbish", "harm", [*items, *others], "both", asking=QUICK)
    write_calibrations(path, [calibrate_rule([*items, *others], "both"), first])
    newer = calibrate_judge("a", "judges/not_harmful", "harm", items, "dev", asking=QUICK)
    write_calibrations(path, [calibrate_rule(items, "dev"), newer])
    known = read_calibrations(path)
    for judge in ("a", "rule"):
        found = known.find(judge, "harm")
        assert found is not None and fits(found, "framing") and fits(found, "leaking")
        assert found.halves == {"leaking": "dev", "framing": "both"}
    merged = known.find("a", "harm")
    assert merged is not None and merged.counts("leaking") == newer.counts("leaking")
    assert merged.counts("framing") == first.counts("framing")
    assert {name for name in merged.misjudged if name.startswith("leaking")} == set(newer.misjudged)
    assert {name for name in merged.misjudged if name.startswith("framing")}


def test_a_calibration_of_other_rules_or_transcripts_does_not_count(items: list[Item]) -> None:
    rule = calibrate_rule(items, "dev")
    judge = calibrate_judge("a", "judges/harmful", "harm", items, "dev", asking=QUICK)
    assert fits(rule, "leaking") and fits(judge, "leaking")
    assert rule.sources != judge.sources, "the rule's own code is in it"
    for sources in ({}, {"leaking": "older"}, {"leaking": ""}, judge.sources):
        older = rule.model_copy(update={"sources": sources})
        assert older.find_misfit("leaking", ()) == (
            "no calibration with the present rules or labelled transcripts"
        )
    older = judge.model_copy(update={"sources": {"leaking": "older"}})
    told = older.find_misfit("leaking", {prompt_digest("harm", "leaking")})
    assert told == "no calibration with the present labelled transcripts"
    assert judge.find_misfit("leaking", {"old"}) == "no calibration of this wording"
    assert judge.find_misfit("framing", {"old"}) == "no calibration"


def test_what_a_calibration_is_made_of_is_the_familys_own() -> None:
    found = [digest_source(judge, family) for judge in ("a", "rule") for family in ("leaking", "framing")]
    assert all(found) and len(set(found)) == 4
    assert digest_source("b", "leaking") == found[0], "the same for every judge"
    assert digest_source("a", "office") == ""
    assert digest_source("a", "../labelled/leaking") == "", "no name of a family becomes a path"


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"calibrations": [{"judge": 1}]}',
        '{"more": 1}',
        '{"calibrations": [{"judge": "j", "question": "harm", "families": {"a": {"true_positives": 3}}}]}',
        '{"calibrations": [{"judge": "j", "question": "harm", "families": {"a": {"negatives": -3}}}]}',
    ],
)
def test_a_broken_file_is_a_data_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "c.json"
    path.write_text(text)
    with pytest.raises(DataError, match=r"c\.json: .*calibrate again"):
        read_calibrations(path)
