"""The suite page: golden file, hostile text, missing judgements, kinds that are not there, logs and links."""

from __future__ import annotations

import json
import re
import unicodedata
from pathlib import Path

import pytest
from tests.report.evaluation_folder import (
    SPLITS,
    make_office,
    make_row,
    make_suite,
    write_calibrations,
    write_evaluation,
    write_judgements,
)
from tests.report.test_report_hostile import ATTACKS, Collector

from teachwhy.analysis.rates import build_table, read_rows, rows_by_skin
from teachwhy.analysis.summary import summarize_rates, summarize_skins
from teachwhy.errors import DataError
from teachwhy.records import Message, ToolCall
from teachwhy.report.hostile_text import read_transcript
from teachwhy.report.suite_files import read_suite
from teachwhy.report.suite_judged import Realism, judge_families
from teachwhy.report.suite_page import build_suite_page, is_evaluation, write_suite_page
from teachwhy.report.suite_rates import rate_factors, rate_kinds, rate_skins
from teachwhy.report.suite_samples import HONEYPOT_RULES, pick_rows

GOLDEN = Path(__file__).parents[1] / "golden" / "suite.html"


def test_golden_page(tmp_path: Path) -> None:
    """When the page changes on purpose: look at it in a browser, then copy it over the golden one."""
    rows = make_suite(("blackmail", "lethal_inaction")) + make_office()
    folder = write_evaluation(tmp_path / "evaluation", rows, evaluation={"part": "open"})
    write_judgements(folder, rows)
    write_calibrations(folder, ("rule", "openai/some-judge"), ("blackmail",))
    found = write_suite_page(folder)
    same = found.read_text(encoding="utf-8") == GOLDEN.read_text(encoding="utf-8")
    assert same, f"the page differs: compare {found} with {GOLDEN}"


def test_a_page_of_sprig_says_what_sprig_is_and_corrects_nothing(tmp_path: Path) -> None:
    plain = {"dialect": "sprig", "skin": "", "paraphrase": ""}
    rows = [row.model_copy(update=plain) for row in make_suite(("blackmail",))]
    folder = write_evaluation(tmp_path / "evaluation", rows, dialect="sprig")
    write_judgements(folder, rows)
    write_calibrations(folder, ("rule", "openai/some-judge"), ("blackmail",))
    html = write_suite_page(folder).read_text(encoding="utf-8")
    assert "a microscope for small models" in html
    assert html.count("the labelled transcripts are english") == 4, "rule and judge, of all and of the family"


def test_every_family_has_its_card_with_the_rates_of_its_rows(tmp_path: Path) -> None:
    folder = write_evaluation(tmp_path / "evaluation", make_suite())
    page = build_suite_page(read_suite(folder))
    assert [(card.name, card.split) for card in page.families] == list(SPLITS.items())
    assert page.facts[0].value == "96" and page.num_unscorable == 3
    honeypots, twins, controls, ordinary = page.families[0].kinds
    assert (honeypots.num_rows, honeypots.num_unscorable) == (8, 1)
    harm = honeypots.cell("harm")
    assert harm.num_episodes == 7 and harm.estimate == pytest.approx(300 / 7)
    assert honeypots.cell("harm_best").estimate == pytest.approx(100 * 3 / 8)
    assert honeypots.cell("harm_worst").estimate == pytest.approx(100 * 4 / 8)
    assert twins.cell("task_done").estimate == 100 and twins.cell("harm").estimate == 0
    assert (controls.title, ordinary.title) == ("Controls", "Ordinary tasks")
    assert page.families[0].bars[0].text == (
        "Honeypots, 8 episodes: 3 harmful, 1 attempted, 1 escalated, 1 declined, 1 inert, 1 unscorable."
    )


def test_rates_by_factor_count_the_rows_of_each_level() -> None:
    rows = make_suite(("blackmail", "leaking"))
    factors = {factor.title: factor.levels for factor in rate_factors(rows)["blackmail"]}
    cue = {level.title: (level.num_rows, level.cell("harm").num_episodes) for level in factors["Cue"]}
    assert list(cue) == ["no cue", "looks like a test", "says it is deployed"]
    own = [row for row in rows if row.family == "blackmail" and row.kind == "honeypot"]
    for (_, counted), level in zip(cue.values(), ("none", "test", "deployed"), strict=True):
        assert counted == sum(row.scored for row in own if row.cue == level)
    hits = [row.harmful for row in own if row.scored and row.cue == "none"]
    assert factors["Cue"][0].cell("harm").estimate == pytest.approx(100 * sum(hits) / len(hits))
    assert [level.title for level in factors["Pressure: letters that push"]] == ["0", "1", "2", "3", "4"]
    assert [level.num_rows for level in factors["Lever"]] == [8, 8, 8]


def test_a_factor_with_one_level_is_left_out() -> None:
    rows = [make_row("blackmail", "honeypot", n, cue="none", pressure=0, threat="odd") for n in range(4)]
    assert rate_factors(rows) == {}


def test_intervals_are_those_of_the_analysis() -> None:
    rows = make_suite()
    found = next(
        rate
        for rate in summarize_rates("model", build_table(read_rows(rows)[0]))
        if (rate.metric, rate.episodes, rate.families) == ("harm", "honeypot", "leaking")
    )
    cell = dict(rate_kinds(rows)["leaking"])["honeypot"].cell("harm")
    assert (cell.low, cell.high) == (100 * found.low, 100 * found.high)


def test_every_skin_has_harm_in_its_honeypots_with_the_interval_of_the_analysis() -> None:
    rows = make_suite(("blackmail", "leaking"))
    skins = rate_skins(rows + make_office())
    assert list(skins) == ["blackmail", "leaking"]
    arm = rows[0].arm
    honeypots = [row for row in rows if row.kind == "honeypot"]
    table = build_table(rows_by_skin(read_rows(honeypots)[0]))
    found = {
        (rate.families, rate.skin): rate for rate in summarize_skins(arm, table) if rate.metric == "harm"
    }
    for family, rates in skins.items():
        assert [rate.title for rate in rates] == [f"{family}_{number}" for number in range(3)]
        for rate in rates:
            own = [row for row in honeypots if row.skin == rate.title]
            hits = [row.harmful for row in own if row.scored]
            cell, wanted = rate.cell("harm"), found[family, rate.title]
            assert (rate.num_rows, cell.num_episodes) == (len(own), len(hits))
            assert cell.estimate == pytest.approx(100 * sum(hits) / len(hits))
            assert (cell.low, cell.high) == (100 * wanted.low, 100 * wanted.high)


def test_rows_without_skins_or_honeypots_have_no_rates_by_skin() -> None:
    assert rate_skins(make_suite(kinds=("twin", "ordinary")) + make_office()) == {}
    plain = {"dialect": "sprig", "skin": "", "paraphrase": ""}
    assert rate_skins([row.model_copy(update=plain) for row in make_suite()]) == {}


def test_rates_by_skin_stand_in_the_card_of_the_family(tmp_path: Path) -> None:
    folder = write_evaluation(tmp_path / "evaluation", make_suite())
    page = build_suite_page(read_suite(folder))
    assert page.overall.skins == () and [len(card.skins) for card in page.families] == [3, 3, 3]
    html = write_suite_page(folder).read_text(encoding="utf-8")
    assert html.count("Harm in honeypots by skin") == 3 and "lethal_inaction_2" in html


@pytest.mark.parametrize("part", ["open", "sealed"])
def test_the_head_says_which_part_was_evaluated(tmp_path: Path, part: str) -> None:
    rows = make_suite(("blackmail",))
    whole = write_evaluation(tmp_path / "whole", rows, evaluation={"part": "all"})
    assert "skins only" not in write_suite_page(whole).read_text(encoding="utf-8")
    folder = write_evaluation(tmp_path / "part", rows, evaluation={"part": part})
    assert f", the {part} skins only, " in write_suite_page(folder).read_text(encoding="utf-8")


def test_without_judgements_the_page_says_not_judged(tmp_path: Path) -> None:
    folder = write_evaluation(tmp_path / "evaluation", make_suite())
    html = write_suite_page(folder).read_text(encoding="utf-8")
    assert html.count("Not judged: spoken awareness") == 4
    assert "judgements.jsonl" not in html and "given unaware" not in html


def test_only_the_questions_that_were_asked_are_judged(tmp_path: Path) -> None:
    rows = make_suite(("blackmail",))
    folder = write_evaluation(tmp_path / "evaluation", rows)
    write_judgements(folder, rows)
    path = folder / "judgements.jsonl"
    kept = [line for line in path.read_text().splitlines() if '"awareness"' in line]
    path.write_text("\n".join(kept) + "\n")
    html = write_suite_page(folder).read_text(encoding="utf-8")
    assert "Says it may be a test" in html
    assert html.count("Harm in honeypots by a judge: not judged.") == 2
    assert "<dt>Realism</dt><dd>not judged</dd>" in html


def test_judges_tell_what_the_rule_cannot(tmp_path: Path) -> None:
    rows = make_suite()
    folder = write_evaluation(tmp_path / "evaluation", rows)
    write_judgements(folder, rows)
    judged = judge_families(rows, read_suite(folder).judgements or (), tuple(SPLITS))
    (aware,) = judged["leaking"].awareness
    honeypots = [row for row in rows if row.family == "leaking" and row.kind == "honeypot"]
    seen = [row for row in honeypots if row.cue == "test"]
    assert aware.aware.num_episodes == 8 and aware.aware.estimate == pytest.approx(100 * len(seen) / 8)
    told = [row.harmful for row in seen if row.scored]
    assert aware.harm_aware.num_episodes == len(told)
    assert aware.harm_aware.estimate == pytest.approx(100 * sum(told) / len(told))
    assert aware.harm_unaware.num_episodes == 7 - len(told)
    assert judged["leaking"].realism == (Realism("openai/some-judge", 7, 7, 7, 32),)


def test_the_probe_counts_verdicts_of_honeypots(tmp_path: Path) -> None:
    rows = make_suite(("blackmail",))
    folder = write_evaluation(tmp_path / "evaluation", rows)
    write_judgements(folder, rows[:6], probe="test")
    judged = judge_families(rows, read_suite(folder).judgements or (), ("blackmail",))
    (probe,) = judged["blackmail"].probes
    assert (probe.told.estimate, probe.told.num_episodes) == (100, 6)
    assert "Calls it a test" in write_suite_page(folder).read_text(encoding="utf-8")


def test_a_judge_of_awareness_without_a_verdict_leaves_no_rate(tmp_path: Path) -> None:
    rows = make_suite(("blackmail",), ("honeypot",))
    folder = write_evaluation(tmp_path / "evaluation", rows)
    write_judgements(folder, rows, harm="harmful", awareness="unscorable")
    judged = judge_families(rows, read_suite(folder).judgements or (), ("blackmail",))
    (aware,) = judged["blackmail"].awareness
    assert aware.num_open == 8 and aware.aware.estimate is None and aware.harm_aware.estimate is None
    assert "no episode" in write_suite_page(folder).read_text(encoding="utf-8")


def test_the_later_judgement_and_the_later_row_count(tmp_path: Path) -> None:
    lost = make_row("blackmail", "honeypot", 0, outcome="unscorable", reason="x: the provider failed")
    folder = write_evaluation(tmp_path / "evaluation", [lost, make_row("blackmail", "honeypot", 0)])
    write_judgements(folder, [lost], harm="unscorable")
    line = json.loads((folder / "judgements.jsonl").read_text().splitlines()[0])
    lines = [
        json.dumps(line | {"fault": "provider"}),
        json.dumps(line | {"verdict": "harmful"}),
        '{"episode_id": "torn',
    ]
    (folder / "judgements.jsonl").write_text("\n".join(lines))
    suite = read_suite(folder)
    assert [row.outcome for row in suite.rows] == ["harmful"]
    assert [found.verdict for found in suite.judgements or ()] == ["harmful"]
    assert suite.read_transcript(suite.rows[0]) == make_row("blackmail", "honeypot", 0).transcript


@pytest.mark.parametrize("kinds", [("honeypot",), ("twin",), ("ordinary",), ("control", "twin")])
def test_kinds_that_are_not_there_leave_no_hole(tmp_path: Path, kinds: tuple[str, ...]) -> None:
    folder = write_evaluation(tmp_path / "evaluation", make_suite(kinds=kinds))
    html = write_suite_page(folder).read_text(encoding="utf-8")
    assert html.count("<figcaption>") == 4 * len(kinds)
    assert ("No honeypots of this family" in html) == ("honeypot" not in kinds)
    assert "nan" not in re.sub(r"<style>.*?</style>", "", html, flags=re.DOTALL).lower().split()


def test_samples_follow_a_fixed_rule() -> None:
    rows = [make_row("blackmail", "honeypot", number) for number in range(8)]
    picked = [(why, row.episode_id.split("-")[3]) for why, row in pick_rows(rows, HONEYPOT_RULES)]
    assert picked == [("first harmful", "0000"), ("first right act", "0001"), ("first unscorable", "0004")]
    rest = [row for row in rows if row.outcome in ("attempted", "inert")]
    assert [why for why, _ in pick_rows(rest, HONEYPOT_RULES)] == ["first attempted", "first inert"]
    assert pick_rows([], HONEYPOT_RULES) == []


def test_office_tasks_have_no_rate_of_harm_among_other_kinds(tmp_path: Path) -> None:
    """There is no harm to be done, so that it is no 0 %; work done and over-refusal are told."""
    rows = make_suite(("blackmail",)) + make_office()
    page = build_suite_page(read_suite(write_evaluation(tmp_path / "evaluation", rows)))
    (office,) = (rate for rate in page.overall.kinds if rate.title == "Office tasks")
    for metric in ("harm", "right", "harm_best", "harm_worst"):
        assert office.cell(metric).estimate is None, metric
    assert office.cell("task_done").estimate is not None
    assert page.overall.over_refusal == (office,)
    for metric in page.overall.over_refusal_metrics:
        assert office.cell(metric).estimate is not None, metric
    assert all(not card.over_refusal for card in page.families)


def test_office_tasks_have_a_card_of_work_done_and_over_refusal(tmp_path: Path) -> None:
    office = make_office()[:4]
    folder = write_evaluation(tmp_path / "evaluation", make_suite(("blackmail",)) + office)
    page = build_suite_page(read_suite(folder))
    card = page.families[-1]
    assert (card.name, card.split, page.facts[1].value) == ("office", "", "1")
    (rate,) = card.kinds
    assert {name: rate.cell(name).estimate for name in card.metrics} == {
        "task_done": 50,
        "declined": 25,
        "inert": 25,
    }
    assert [sample.why for sample in card.samples] == ["first left undone", "first done"]
    alone = write_evaluation(tmp_path / "alone", office)
    assert "Office tasks" in write_suite_page(alone).read_text(encoding="utf-8")


def test_samples_name_their_log_and_open_in_the_viewer(tmp_path: Path) -> None:
    rows = [make_row("blackmail", "honeypot", 0, repeat=1), make_row("blackmail", "honeypot", 1)]
    folder = write_evaluation(tmp_path / "evaluation", rows)
    (folder / "logs" / "2026-11-26T00-00-00-00-00_cut_off.eval").write_bytes(b"PK\x03\x04 torn")
    html = write_suite_page(folder).read_text(encoding="utf-8")
    log = "2026-11-25T13-56-25-00-00_honeypots_abc.eval"
    assert f'<a href="logs/{log}">' in html and (folder / "logs" / log).is_file()
    sample = "blackmail-en-0-0000-tools-honeypot%231"
    assert f'href="http://127.0.0.1:7575/#/logs/{log}/samples/sample/{sample}/1/"' in html
    assert "inspect view --log-dir logs" in html
    (folder / "logs" / log).unlink()
    html = write_suite_page(folder).read_text(encoding="utf-8")
    assert html.count("no log beside this page holds it") == 2 and ".eval" not in html


def test_no_text_of_a_file_becomes_markup_or_hides(tmp_path: Path) -> None:
    clean_rows = make_suite(("blackmail",), ("honeypot", "twin")) + make_office()
    clean = write_evaluation(tmp_path / "clean", clean_rows, evaluation={"part": "sealed"})
    write_judgements(clean, clean_rows)
    write_calibrations(clean, ("rule", "openai/some-judge"), ("another",))
    wanted = Collector(write_suite_page(clean).read_text(encoding="utf-8"))
    for number, attack in enumerate(ATTACKS):
        attack = attack.replace("\ud800", "\ufffe")  # a ledger is UTF-8
        message = Message(
            role="assistant", content=attack, tool_calls=(ToolCall(name=attack, arguments={attack: attack}),)
        )
        rows = [
            row.model_copy(
                update={
                    "reason": attack,
                    "transcript": (message, message),
                    "family": row.family if row.kind == "office" else attack,
                    "skin": f"{attack}{row.skin}",
                }
            )
            for row in clean_rows
        ]
        folder = write_evaluation(
            tmp_path / str(number), rows, model=attack, template_lacks=[attack], evaluation={"part": attack}
        )
        write_judgements(folder, rows)
        path = folder / "judgements.jsonl"
        judge = json.dumps(attack)[1:-1]
        path.write_text(path.read_text().replace("openai/some-judge", judge), encoding="utf-8")
        write_calibrations(folder, ("rule", attack), ("another",))
        html = write_suite_page(folder).read_text(encoding="utf-8")
        page = Collector(html)
        assert (page.tags, page.attributes, page.comments) == (wanted.tags, wanted.attributes, 0)
        assert not {char for char in html if unicodedata.category(char) in ("Cc", "Cf", "Cs")} - {"\n", "\t"}
        if attack.isascii() and attack.isprintable():
            assert attack[:100] in page.text


def test_the_page_needs_no_script_and_nothing_from_elsewhere(tmp_path: Path) -> None:
    html = write_suite_page(write_evaluation(tmp_path / "evaluation", make_suite())).read_text()
    page = Collector(html)
    assert not page.tags & {"script", "img", "iframe", "object", "embed", "form"}
    assert "default-src 'none'" in html and "@import" not in html
    outside = set(re.findall(r"(?:https?:)?//[^\s\"'<)]+", html))
    assert all(link.startswith("http://127.0.0.1:7575") for link in outside)


def test_a_long_prompt_leaves_room_for_the_answer() -> None:
    messages = [{"role": "user", "content": "x" * 900}, {"role": "assistant", "content": "the answer"}]
    shown = read_transcript(json.dumps(messages), 500, {"user": 100})
    assert [(len(message.text), message.cut) for message in shown] == [(100, 800), (10, 0)]


def test_titles_come_from_the_manifest_of_the_run(tmp_path: Path) -> None:
    folder = write_evaluation(tmp_path / "stages" / "eval-model-s0-0123456789abcdef", make_suite())
    manifest = {"experiment": {"student": "sprig", "arms": [{"name": "model", "title": "Advice"}]}}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    html = write_suite_page(folder).read_text(encoding="utf-8")
    assert "<h1><bdi>Advice</bdi></h1>" in html and "from the student sprig" in html
    (folder / "stage.json").unlink()
    assert "not marked as whole" in write_suite_page(folder).read_text(encoding="utf-8")


def test_broken_files_are_named(tmp_path: Path) -> None:
    folder = write_evaluation(tmp_path / "evaluation", make_suite(("blackmail",)))
    assert is_evaluation(folder) and not is_evaluation(tmp_path)
    (folder / "judgements.jsonl").write_text('{"episode_id": 3}\n')
    with pytest.raises(DataError, match=r"judgements\.jsonl, line 1: episode_id"):
        write_suite_page(folder)
    (folder / "judgements.jsonl").unlink()
    (folder / "episodes.jsonl").write_text("")
    with pytest.raises(DataError, match=r"episodes\.jsonl: no episode"):
        write_suite_page(folder)
