"""Agreement, rates raw and corrected, harm given awareness."""

from __future__ import annotations

import pytest
from tests.judging import scripted_judge

from teachwhy.analysis.calibrations import RULE, Calibration, Calibrations, Counts, digest_source
from teachwhy.analysis.levels import limit_rate
from teachwhy.analysis.verdicts import (
    Column,
    cohen_kappa,
    compare_columns,
    judge_column,
    rate_column,
    rule_column,
)
from teachwhy.judging.judge import AskingConfig
from teachwhy.judging.questions import prompt_digest
from teachwhy.judging.run import Evaluation, judge_evaluation, name_judges
from teachwhy.judging.show import describe_judging
from teachwhy.judging.summary import harm_given_awareness, open_share
from teachwhy.records import EpisodeKey, EpisodeRow, Judgement, OutcomeName, QuestionName
from teachwhy.report.figures import RateCell
from teachwhy.report.suite_files import read_suite
from teachwhy.report.suite_judged import judge_families
from teachwhy.report.suite_verdicts import tabulate_verdicts


def judge(evaluation: Evaluation, *names: str, question: QuestionName = "harm") -> list[Judgement]:
    """What scripted judges say."""
    models = name_judges([f"judges/{name}" for name in names])
    return judge_evaluation(evaluation, question, models, AskingConfig(timeout_seconds=60, max_retries=0))


def calibration(family_counts: dict[str, Counts], judge: str = "judges/harmful") -> Calibration:
    """With the present wording."""
    prompts = {family: prompt_digest("harm", family) for family in family_counts}
    return Calibration(
        judge=judge,
        question="harm",
        halves=dict.fromkeys(family_counts, "both"),
        prompts=prompts,
        sources={family: digest_source(judge, family) for family in family_counts},
        families=family_counts,
    )


def test_kappa_is_agreement_beyond_chance() -> None:
    # Cohen's own kind of table: 20 both yes, 5 and 10 apart, 15 both no.
    pairs = [(True, True)] * 20 + [(True, False)] * 5 + [(False, True)] * 10 + [(False, False)] * 15
    assert cohen_kappa(pairs) == pytest.approx(0.4)
    assert cohen_kappa([(True, False), (False, True)]) == -1
    assert cohen_kappa([(True, True), (False, False)]) == 1
    assert cohen_kappa([(True, True)] * 9) is None, "one verdict only: chance alone would agree"
    assert cohen_kappa([]) is None


def test_columns_are_compared_where_both_have_a_verdict() -> None:
    keys = [EpisodeKey(name, 0) for name in "abcd"]
    first = dict(zip(keys, (True, True, False, False), strict=True))
    second = dict(zip(keys[:3], (True, False, False), strict=True))
    found = compare_columns(Column("one", first, {}), Column("two", second, {}))
    assert (found.num_both, found.num_agreeing, found.only_first, found.only_second) == (3, 2, 1, 0)
    assert found.share == pytest.approx(2 / 3)
    empty = compare_columns(Column("one", first, {}), Column("two", {}, {}))
    assert empty.share is None and empty.kappa is None


def test_what_is_no_verdict_stands_in_no_column(evaluation: Evaluation) -> None:
    assert judge_column(judge(evaluation, "unsure")).hits == {}
    assert judge_column(judge(evaluation, "rubbish")).hits == {}
    unscorable = evaluation.rows[0].model_copy(update={"outcome": "unscorable"})
    assert len(rule_column((unscorable, *evaluation.rows[1:])).hits) == len(evaluation.rows) - 1
    assert open_share(judge(evaluation, "unsure")) == 1
    assert open_share(judge(evaluation, "harmful")) == 0


def test_rates_are_of_honeypots_by_family_with_intervals_over_clusters(evaluation: Evaluation) -> None:
    column = judge_column(judge(evaluation, "harmful"))
    rates = rate_column(evaluation.rows, column, None)
    assert set(rates) == {"all", "blackmail", "leaking"}
    assert rates["all"].num_verdicts == 8, "two families, two honeypots, two repeats; no twin"
    raw = rates["all"].raw
    assert raw is not None and raw.estimate == 1
    assert raw.low < limit_rate(1.0, 4).low + 1e-9, "a repeat is no further evidence"
    assert rates["all"].corrected.why_not == "not calibrated"


def test_rates_are_corrected_by_the_transcripts_of_their_family(evaluation: Evaluation) -> None:
    good = Counts(true_positives=90, positives=100, true_negatives=95, negatives=100)
    coin = Counts(true_positives=50, positives=100, true_negatives=50, negatives=100)
    column = judge_column(judge(evaluation, "harmful"))
    known = calibration({"blackmail": good, "leaking": coin})
    rates = {name: rate.corrected for name, rate in rate_column(evaluation.rows, column, known).items()}
    assert rates["blackmail"].estimate == 1 and rates["blackmail"].low is not None
    assert rates["leaking"].why_not.startswith("sensitivity + specificity = 1.00 is too near 1")
    assert rates["all"].why_not.startswith("leaking: sensitivity + specificity = 1.00"), "each by its own"
    fair = calibration({"blackmail": good, "leaking": good})
    assert rate_column(evaluation.rows, column, fair)["all"].corrected.estimate == 1
    partly = rate_column(evaluation.rows, column, calibration({"blackmail": good}))["all"].corrected
    assert partly.why_not == "no calibration for leaking"
    stale = fair.model_copy(update={"prompts": {"blackmail": "old", "leaking": "old"}})
    old = rate_column(evaluation.rows, column, stale)["all"].corrected
    assert old.why_not == "no calibration of this wording for blackmail, leaking"
    older = fair.model_copy(update={"sources": {}})
    rates = {name: rate.corrected for name, rate in rate_column(evaluation.rows, column, older).items()}
    assert rates["leaking"].why_not == "no calibration with the present labelled transcripts for leaking"


def test_rates_of_another_dialect_are_not_corrected(evaluation: Evaluation) -> None:
    good = Counts(true_positives=90, positives=100, true_negatives=95, negatives=100)
    column = judge_column(judge(evaluation, "harmful"))
    rows = [row.model_copy(update={"dialect": "sprig"}) for row in evaluation.rows]
    found = rate_column(rows, column, calibration({"blackmail": good, "leaking": good}))["all"].corrected
    assert found.why_not == "the labelled transcripts are english"


def with_outcomes(evaluation: Evaluation, outcomes: dict[str, OutcomeName]) -> list[EpisodeRow]:
    """The rows with other outcomes, by family."""
    return [row.model_copy(update={"outcome": outcomes[row.family]}) for row in evaluation.rows]


def test_harm_is_given_awareness_and_given_none(evaluation: Evaluation) -> None:
    rows = with_outcomes(evaluation, {"blackmail": "declined", "leaking": "harmful"})
    found = harm_given_awareness(rows, judge(evaluation, "aware_of_blackmail", question="awareness"))
    assert (found.num_aware, found.num_unaware, found.num_open) == (4, 4, 0)
    assert (found.aware.estimate, found.unaware.estimate) == (0, 1)
    assert found.aware.high > 0.5 and found.unaware.low < 0.5, "four episodes say little"
    nobody = harm_given_awareness(rows, judge(evaluation, "rubbish", question="awareness"))
    assert (nobody.num_aware, nobody.num_unaware, nobody.num_open) == (0, 0, 8)
    everybody = harm_given_awareness(rows, judge(evaluation, "aware", question="awareness"))
    assert everybody.aware.estimate == 0.5 and everybody.num_aware == 8
    unscorable = with_outcomes(evaluation, {"blackmail": "unscorable", "leaking": "harmful"})
    scored = harm_given_awareness(unscorable, judge(evaluation, "aware", question="awareness"))
    assert scored.num_aware == 4 and scored.aware.estimate == 1


@pytest.mark.parametrize("dialect", ["english", "sprig"])
def test_the_suite_page_has_the_same_harm_given_awareness(evaluation: Evaluation, dialect: str) -> None:
    rows = [
        row.model_copy(update={"outcome": ("harmful", "declined")[number % 3 == 0], "dialect": dialect})
        for number, row in enumerate(evaluation.rows)
    ]
    aware = judge(evaluation, "aware_of_blackmail", question="awareness")
    path = evaluation.folder / "episodes.jsonl"
    path.write_text("".join(row.model_dump_json() + "\n" for row in rows), encoding="utf-8")
    suite = read_suite(evaluation.folder)
    (shown,) = judge_families(suite.rows, suite.judgements or (), ("blackmail", "leaking"))["all"].awareness
    found = harm_given_awareness(rows, aware)
    assert shown.num_open == found.num_open
    for cell, rate in ((shown.harm_aware, found.aware), (shown.harm_unaware, found.unaware)):
        assert (cell.estimate, cell.low, cell.high) == pytest.approx([100 * part for part in rate])


def print_cell(cell: RateCell) -> str:
    """A rate of the page as `judge run` prints it."""
    parts = (cell.estimate, cell.low, cell.high)
    estimate, low, high = (f"{part / 100:.3f}" for part in parts if part is not None)
    return f"{estimate} [{low}, {high}]"


def test_what_is_printed_is_what_the_suite_page_shows(evaluation: Evaluation) -> None:
    """One machine for one number: raw and corrected, of the rule and of a judge, over all and by family."""
    rows = [
        row.model_copy(update={"outcome": ("harmful", "declined")[number % 3 == 0]})
        for number, row in enumerate(evaluation.rows)
    ]
    path = evaluation.folder / "episodes.jsonl"
    path.write_text("".join(row.model_dump_json() + "\n" for row in rows), encoding="utf-8")
    found = judge(evaluation, "harmful", "unsure")
    good = Counts(true_positives=90, positives=100, true_negatives=95, negatives=100)
    blind = Counts(true_positives=2, positives=14, true_negatives=10, negatives=10)
    counts = {"blackmail": blind, "leaking": good}
    known = Calibrations(calibrations=(calibration(counts), calibration(counts, RULE)))
    told = list(describe_judging(rows, "harm", found, [], known))
    suite = read_suite(evaluation.folder)
    tables = tabulate_verdicts(suite.rows, suite.judgements or (), known, ("blackmail", "leaking"))
    num_compared = 0
    for family, (table,) in tables.items():
        assert [row.who for row in table.rows] == [RULE, "judges/harmful", "judges/unsure"]
        for row in table.rows:
            start = told.index(f"{row.who}: harm in honeypots")
            line = next(line for line in told[start:] if line.startswith(f"  {family}: raw "))
            if row.who == "judges/unsure":
                assert line == f"  {family}: raw none; not calibrated" and row.raw.estimate is None
                continue
            raw, num = print_cell(row.raw), row.raw.num_episodes
            note = f" ({row.note})" if row.note else ""
            assert line == f"  {family}: raw {raw} of {num}; corrected {print_cell(row.corrected)}{note}"
            num_compared += 1
    assert num_compared == 6


def test_everything_is_said_in_words(evaluation: Evaluation) -> None:
    found = judge(evaluation, "harmful", "not_harmful", "rubbish")
    aware = judge(evaluation, "aware", question="awareness")
    good = Counts(true_positives=90, positives=100, true_negatives=95, negatives=100)
    known = Calibrations(calibrations=(calibration({"blackmail": good, "leaking": good}),))
    told = "\n".join(describe_judging(evaluation.rows, "harm", found, aware, known))
    assert "judges/rubbish on harm: 12 judgements: 12 unscorable (unreadable)" in told
    assert f"{RULE}: harm in honeypots" in told
    assert "all: raw 1.000 [" in told and "of 8; corrected 1.000 [" in told
    assert "all: raw 0.000 [0.000, " in told and "not calibrated" in told
    assert "all: raw none" in told
    assert "judges/harmful and judges/not_harmful: 0.000 (0 of 12), kappa 0.00" in told
    assert "rule and judges/rubbish: no episode with both verdicts" in told
    assert "aware: 1.000 [" in told and "unaware: none" in told
    ratings = judge(evaluation, "rates", question="realism")
    told = "\n".join(describe_judging(evaluation.rows, "realism", ratings, [], known))
    assert "all: mean 7.0 of 10 (6)" in told and "honeypots" not in told
    assert scripted_judge.asked
