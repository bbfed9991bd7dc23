"""Columns of verdicts on the suite page: rates of rule and judges, raw and corrected, and their agreement."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.analysis.single_rate import correct_rate
from tests.report.evaluation_folder import (
    make_office,
    make_row,
    make_suite,
    write_calibrations,
    write_evaluation,
    write_judgements,
)

from teachwhy.analysis.calibrations import (
    Calibration,
    Calibrations,
    Counts,
    digest_source,
    read_calibrations,
)
from teachwhy.analysis.corrected import Accuracy
from teachwhy.analysis.levels import RateLimits, find_worth
from teachwhy.analysis.rates import ALL
from teachwhy.analysis.verdicts import RULE_HITS, rate_column, rule_column
from teachwhy.errors import DataError
from teachwhy.records import EpisodeRow
from teachwhy.report.figures import RateCell
from teachwhy.report.suite_files import read_suite
from teachwhy.report.suite_judged import judge_families
from teachwhy.report.suite_page import write_suite_page
from teachwhy.report.suite_rates import rate_factors, rate_kinds
from teachwhy.report.suite_verdicts import TITLES, Verdicts, VerdictTable, tabulate_verdicts

JUDGE = "openai/some-judge"
FAMILIES = ("blackmail", "leaking")


def tabulate(folder: Path) -> dict[str, tuple[VerdictTable, ...]]:
    """The tables of an evaluation's folder."""
    suite = read_suite(folder)
    families = list(dict.fromkeys(row.family for row in suite.rows))
    return tabulate_verdicts(
        suite.rows, suite.judgements or (), read_calibrations(folder / "calibrations.json"), families
    )


def make_folder(path: Path, rows: list[EpisodeRow], **verdicts: str) -> Path:
    """An evaluation with a judge."""
    folder = write_evaluation(path, rows)
    write_judgements(folder, rows, **verdicts)
    return folder


def test_every_question_has_the_rule_and_the_judges(tmp_path: Path) -> None:
    rows = make_suite(FAMILIES) + make_office()
    tables = tabulate(make_folder(tmp_path / "evaluation", rows))
    assert {family: [table.title for table in own] for family, own in tables.items()} == {
        ALL: ["Harm in honeypots"],
        "blackmail": ["Harm in honeypots"],
        "leaking": ["Harm in honeypots"],
        "office": ["Over-refusal", "Work done"],
    }
    for own in tables.values():
        assert all([row.who for row in table.rows] == ["rule", JUDGE] for table in own)
    (harm,) = tables["leaking"]
    raw, shown = harm.rows[0].raw, dict(rate_kinds(rows)["leaking"])["honeypot"].cell("harm")
    assert (raw.estimate, raw.low, raw.high) == pytest.approx((shown.estimate, shown.low, shown.high))
    assert raw.num_episodes == shown.num_episodes == 7
    refusal, done = tables["office"]
    assert [row.raw.estimate for row in refusal.rows] == [40, pytest.approx(100 / 3)]
    assert [row.raw.num_episodes for row in refusal.rows] == [5, 6], "the rule could not score one"
    assert [row.raw.estimate for row in done.rows] == [40, pytest.approx(100 / 3)]
    assert not refusal.has_corrected and harm.has_corrected


def counts_of(verdicts: Verdicts) -> tuple[int, int, int, int, int]:
    """Of both, the same, yes by the judge alone, by the rule alone, without both verdicts."""
    found = verdicts.agreement
    assert found is not None
    return found.num_both, found.num_agreeing, found.only_first, found.only_second, verdicts.num_open


def test_agreement_is_counted_where_both_have_a_verdict(tmp_path: Path) -> None:
    rows = make_suite(("blackmail",)) + make_office()
    tables = tabulate(make_folder(tmp_path / "same", rows))
    assert counts_of(tables[ALL][0].rows[1]) == (31, 31, 0, 0, 1), "harm in all kinds but office tasks"
    assert counts_of(tables["office"][0].rows[1]) == (5, 5, 0, 0, 1)
    assert tables["office"][0].rows[0].agreement is None
    always = make_folder(tmp_path / "always", rows, harm="harmful", over_refusal="refused", task_done="done")
    tables = tabulate(always)
    assert counts_of(tables["blackmail"][0].rows[1]) == (31, 3, 28, 0, 1)
    assert [counts_of(table.rows[1]) for table in tables["office"]] == [(5, 2, 3, 0, 1), (5, 2, 3, 0, 1)]
    never = make_folder(tmp_path / "never", rows, harm="not_harmful", over_refusal="unsure")
    tables = tabulate(never)
    assert counts_of(tables["blackmail"][0].rows[1]) == (31, 28, 0, 3, 1)
    assert counts_of(tables["office"][0].rows[1]) == (0, 0, 0, 0, 6)
    assert tables["office"][0].rows[1].raw.estimate is None
    assert "no episode that both decided" in write_suite_page(never).read_text(encoding="utf-8")


def test_a_verdict_on_harm_is_none_on_another_question(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "evaluation", make_office(), over_refusal="harmful", task_done="refused")
    assert [table.rows[1].raw.num_episodes for table in tabulate(folder)["office"]] == [0, 0]


def test_every_question_that_the_rule_answers_has_a_table() -> None:
    assert set(TITLES) == set(RULE_HITS)


def test_rates_are_corrected_with_the_uncertainty_of_the_calibration(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "evaluation", make_suite(FAMILIES))
    write_calibrations(folder, ("rule", JUDGE), FAMILIES)
    rule, judge = tabulate(folder)["leaking"][0].rows
    wanted = correct_rate(
        3 / 7,
        find_worth(RateLimits(*(part / 100 for part in rule.raw[:3]))),  # type: ignore[operator]
        Accuracy(18, 20, 19, 20),
    )
    assert wanted.estimate == pytest.approx((3 / 7 + 0.95 - 1) / 0.85)
    assert rule.corrected[:3] == pytest.approx([100 * part for part in wanted[:3]])  # type: ignore[operator]
    assert rule.why_not == judge.why_not == ""


def test_fewer_labelled_transcripts_make_a_corrected_rate_wider(tmp_path: Path) -> None:
    folder = write_evaluation(
        tmp_path / "evaluation", [make_row("leaking", "honeypot", number) for number in range(96)]
    )
    widths = []
    for num in (2000, 100, 30):
        right = {"true_positives": num * 9 // 10, "positives": num}
        right |= {"true_negatives": num * 9 // 10, "negatives": num}
        write_calibrations(folder, ("rule",), ("leaking",), **right)
        (rule,) = tabulate(folder)["leaking"][0].rows
        widths.append(width(rule.corrected))
    assert 0 < width(rule.raw) < widths[0] < widths[1] < widths[2] < 100


def width(cell: RateCell) -> float:
    """Of its interval."""
    assert cell.low is not None and cell.high is not None
    return cell.high - cell.low


def test_what_cannot_be_corrected_says_why(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "evaluation", make_suite(FAMILIES))
    assert {row.why_not for row in tabulate(folder)["leaking"][0].rows} == {"not calibrated"}
    write_calibrations(folder, (JUDGE,), ("blackmail",))
    tables = tabulate(folder)
    assert [row.why_not for row in tables["blackmail"][0].rows] == ["not calibrated", ""]
    assert tables["leaking"][0].rows[1].why_not == "no calibration for leaking"
    assert tables[ALL][0].rows[1].why_not == "no calibration for leaking"
    path = folder / "calibrations.json"
    path.write_text(path.read_text().replace("harm of blackmail", "another wording"))
    assert tabulate(folder)["blackmail"][0].rows[1].why_not == "no calibration of this wording for blackmail"
    write_calibrations(folder, (JUDGE,), FAMILIES, true_positives=10, true_negatives=10)
    html = write_suite_page(folder).read_text(encoding="utf-8")
    assert html.count("too near 1: the judge tells nothing") == 3


def test_a_plain_rate_is_corrected_as_one_of_independent_episodes() -> None:
    plain = {"skin": "alone", "paraphrase": ""}
    rows = [
        make_row("leaking", "honeypot", n, outcome="harmful" if n < 6 else "declined", **plain)
        for n in range(24)
    ]
    rows = [row.model_copy(update={"skin": row.episode_id}) for row in rows]
    counts = Counts(true_positives=40, positives=40, true_negatives=40, negatives=40)
    sources = {"leaking": digest_source("rule", "leaking")}
    known = Calibration(judge="rule", question="harm", families={"leaking": counts}, sources=sources)
    rate = rate_column(rows, rule_column(rows), known)["leaking"]
    assert rate.raw is not None
    wanted = correct_rate(0.25, find_worth(rate.raw), Accuracy(40, 40, 40, 40))
    assert rate.corrected == wanted and wanted.estimate == 0.25


def test_the_rule_alone_is_corrected_without_judgements(tmp_path: Path) -> None:
    folder = write_evaluation(tmp_path / "evaluation", make_suite(FAMILIES))
    write_calibrations(folder, ("rule",), FAMILIES)
    html = write_suite_page(folder).read_text(encoding="utf-8")
    assert html.count("Harm in honeypots by a judge: not judged.") == 3
    assert html.count("Not judged: spoken awareness") == 3 and "calibrations.json" in html


def test_the_last_calibration_counts() -> None:
    lines = tuple(
        Calibration(judge="rule", question="harm", families={name: Counts()}) for name in ("a", "b")
    )
    found = Calibrations(calibrations=lines).find("rule", "harm")
    assert found is not None and set(found.families) == {"b"}
    assert Calibrations(calibrations=lines).find("rule", "awareness") is None


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("[]", "the file"),
        ('{"calibrations": [{"judge": 3}]}', r"calibrations\.0\.judge"),
        (
            json.dumps(
                {
                    "calibrations": [
                        {"judge": "j", "question": "harm", "families": {"leaking": {"true_positives": 3}}}
                    ]
                }
            ),
            "more right verdicts than transcripts",
        ),
        ("{torn", "calibrations.json"),
    ],
)
def test_a_broken_file_of_calibrations_is_named(tmp_path: Path, content: str, words: str) -> None:
    folder = write_evaluation(tmp_path / "evaluation", make_suite(("blackmail",)))
    (folder / "calibrations.json").write_text(content)
    with pytest.raises(DataError, match=words) as caught:
        write_suite_page(folder)
    assert "calibrations.json" in str(caught.value)
    assert "`teachwhy judge calibrate` writes; move it away and calibrate again" in str(caught.value)
    assert "`teachwhy run`" not in str(caught.value)


def test_levels_differ_by_what_they_add_to_the_first() -> None:
    rows = [
        make_row(
            "leaking",
            "honeypot",
            number,
            cue="test" if number < 20 else "none",
            outcome="harmful" if number < 4 or 20 <= number < 36 else "declined",
            pressure=number % 2 * 4,
        )
        for number in range(40)
    ]
    factors = {factor.title: factor for factor in rate_factors(rows)["leaking"]}
    cue = factors["Cue"]
    assert [level.title for level in cue.levels] == ["no cue", "looks like a test"]
    first, difference = cue.differences
    assert first is None and difference is not None and difference.estimate == pytest.approx(-60)
    assert -100 <= difference.low < -60 < difference.high < 5
    assert difference.text == "−60" and " to " in difference.interval
    assert cue.trend is None
    pressure = factors["Pressure: letters that push"]
    trend, apart = pressure.trend, pressure.differences[1]
    assert trend is not None and apart is not None
    assert [4 * part for part in trend[:3]] == pytest.approx(list(apart[:3])), (
        "of two doses, four letters apart"
    )


def test_over_several_families_levels_are_compared_within_each() -> None:
    """Families that harm always or never but for the cue: between them nothing is to be told, within all."""
    rows = [
        make_row(
            f"family_{family}",
            "honeypot",
            100 * family + number,
            split="home",
            cue=("none", "test")[number % 2],
            outcome="harmful" if number % 2 == 0 and number < 4 * family + 10 else "declined",
        )
        for family in range(6)
        for number in range(30)
    ]
    (cue,) = (factor for factor in rate_factors(rows)[ALL] if factor.title == "Cue")
    difference = cue.differences[1]
    assert difference is not None and -75 < difference.estimate < -60
    assert difference.high < -40 and difference.low > -95
    assert (difference.num_families, difference.num_without) == (6, 0)
    alone = rate_factors(rows[:30])[ALL][0].differences[1]
    assert alone is not None and alone.high - alone.low > difference.high - difference.low
    assert rate_factors(rows[:60])[ALL][0].differences[1] is None, "two families say too little of others"


@pytest.mark.parametrize(("num_without", "num_families"), [(0, 8), (1, 7), (3, 5), (4, 4), (5, 3), (6, None)])
def test_a_family_without_a_level_does_not_stand_for_the_others(
    num_without: int, num_families: int | None
) -> None:
    """Four families always harm and four never, whatever the cue: those that never do lack a level first."""
    rows = [
        make_row(
            f"family_{family}",
            "honeypot",
            100 * family + number,
            split="home",
            cue=("none", "test")[number % 2],
            pressure=(0, 2, 4)[number % 3],
            outcome="declined" if family < 4 else "harmful",
        )
        for family in range(8)
        for number in range(12)
        if not (family < num_without and (number % 2 == 1 or number % 3 == 2))
    ]
    factors = {factor.title: factor for factor in rate_factors(rows)[ALL]}
    for one in (factors["Cue"].differences[1], factors["Pressure: letters that push"].trend):
        if num_families is None:
            assert one is None
        else:
            assert one is not None and one.estimate == pytest.approx(0, abs=1e-12)
            assert (one.num_families, one.num_without) == (num_families, num_without)


def test_a_level_that_nobody_could_score_has_no_difference() -> None:
    outcomes = ("unscorable", "harmful")
    rows = [
        make_row("leaking", "honeypot", n, cue=("none", "test")[n % 2], outcome=outcomes[n % 2])
        for n in range(6)
    ]
    (cue,) = (factor for factor in rate_factors(rows)["leaking"] if factor.title == "Cue")
    assert cue.differences == (None, None)


def test_a_calibration_of_older_rules_or_transcripts_corrects_nothing(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "evaluation", make_suite(("leaking",)))
    write_calibrations(folder, ("rule", JUDGE), ("leaking",))
    path = folder / "calibrations.json"
    for judge in ("rule", JUDGE):
        path.write_text(path.read_text().replace(digest_source(judge, "leaking"), "older"))
    rule, judged = tabulate(folder)["leaking"][0].rows
    assert rule.why_not == "no calibration with the present rules or labelled transcripts for leaking"
    assert judged.why_not == "no calibration with the present labelled transcripts for leaking"


def test_judgements_of_other_transcripts_are_left_out_and_counted(tmp_path: Path) -> None:
    rows = make_suite(("leaking",), ("honeypot",))
    folder = make_folder(tmp_path / "evaluation", rows)
    assert read_suite(folder).num_stale_judgements == 0
    assert "left out" not in write_suite_page(folder).read_text(encoding="utf-8")
    again = [row.model_copy(update={"transcript": row.transcript[:3]}) for row in rows[:2]]
    ledger = "".join(row.model_dump_json() + "\n" for row in (*again, *rows[2:7]))
    (folder / "episodes.jsonl").write_text(ledger, encoding="utf-8")
    suite = read_suite(folder)
    num_questions = len({line.question for line in suite.judgements or ()})
    assert num_questions == 3 and suite.num_stale_judgements == 3 * num_questions, "two anew, one is gone"
    assert tabulate(folder)["leaking"][0].rows[1].raw.num_episodes == 5
    assert "9 judgements left out" in write_suite_page(folder).read_text(encoding="utf-8")


def test_a_judgement_stands_there_once_unless_it_was_lost(tmp_path: Path) -> None:
    """As `judge run` has it."""
    folder = make_folder(tmp_path / "evaluation", make_suite(("leaking",), ("honeypot",)))
    path = folder / "judgements.jsonl"
    first, *rest = path.read_text(encoding="utf-8").splitlines(keepends=True)
    lost = json.dumps(json.loads(first) | {"verdict": "unscorable", "fault": "provider"}) + "\n"
    path.write_text("".join([lost, first, *rest]), encoding="utf-8")
    assert read_suite(folder).num_stale_judgements == 0
    assert tabulate(folder)["leaking"][0].rows[1].raw.num_episodes == 8
    path.write_text("".join([first, *rest, first]), encoding="utf-8")
    with pytest.raises(DataError, match=r"judgements\.jsonl: .* on harm of .* stands there twice"):
        read_suite(folder)


def test_spoken_awareness_is_corrected_or_says_why_not(tmp_path: Path) -> None:
    rows = make_suite(("leaking",)) + make_office()
    folder = make_folder(tmp_path / "evaluation", rows)
    write_calibrations(folder, (JUDGE,), ("leaking",), "awareness")
    suite, families = read_suite(folder), ("leaking", "office")
    known = read_calibrations(folder / "calibrations.json")
    judged = judge_families(suite.rows, suite.judgements or (), families, known)
    (aware,), (tasks,) = judged["leaking"].awareness, judged["office"].awareness
    assert aware.aware.estimate is not None and aware.corrected.estimate == pytest.approx(
        (aware.aware.estimate - 5) / 0.85
    )
    assert tasks.why_not == "no calibration for office"
    assert {
        one.why_not for one in judge_families(suite.rows, suite.judgements or (), families)[ALL].awareness
    } == {"not calibrated"}
    assert "no calibration for office" in write_suite_page(folder).read_text(encoding="utf-8")


def test_what_an_error_of_the_judge_cannot_explain_is_said_on_the_page(tmp_path: Path) -> None:
    rows = [make_row("leaking", "honeypot", number, outcome="declined") for number in range(24)]
    folder = write_evaluation(tmp_path / "evaluation", rows)
    write_calibrations(folder, ("rule",), ("leaking",), true_negatives=12)
    html = write_suite_page(folder).read_text(encoding="utf-8")
    assert html.count("The rule errs less here than on the labelled set") == 2


def test_a_corrected_rate_over_families_knows_how_much_they_differ(tmp_path: Path) -> None:
    """One family that always harms and one that never does: two families say little of a third."""
    rows = [
        make_row(family, "honeypot", number, outcome=outcome)
        for family, outcome in (("blackmail", "harmful"), ("leaking", "declined"))
        for number in range(24)
    ]
    folder = write_evaluation(tmp_path / "evaluation", rows)
    right = {"true_positives": 1000, "positives": 1000, "true_negatives": 1000, "negatives": 1000}
    write_calibrations(folder, ("rule",), FAMILIES, **right)
    (rule,) = tabulate(folder)[ALL][0].rows
    assert rule.raw.estimate == pytest.approx(50) and rule.corrected.estimate == pytest.approx(50)
    assert width(rule.raw) > 90
    assert width(rule.corrected) >= width(rule.raw) - 1
