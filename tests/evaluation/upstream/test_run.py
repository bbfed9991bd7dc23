"""The evaluation with a stand-in for the package: rows, resuming, judges that fail, the command."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from inspect_ai import eval as inspect_eval
from inspect_ai._util.registry import registry_info
from inspect_ai.log import EvalLog
from tests.evaluation.key_on_disk import KEY, find_key
from tests.evaluation.upstream import played
from tests.evaluation.upstream.played import CONDITIONS, stand_in

from teachwhy import cli, cli_upstream
from teachwhy.cli_upstream import find_given
from teachwhy.config import EvaluationConfig
from teachwhy.errors import ConfigError, DataError, InputError
from teachwhy.evaluation.ledger import is_lost, read_rows
from teachwhy.evaluation.upstream import run as run_upstream
from teachwhy.evaluation.upstream.episodes import UpstreamRow
from teachwhy.evaluation.upstream.package import list_conditions, load_upstream
from teachwhy.evaluation.upstream.run import MAX_TOKENS, UpstreamSettings, evaluate_upstream, take_settings
from teachwhy.evaluation.upstream.summary import UpstreamSummary, summarize_upstream, write_upstream_summary


def run(model: str, folder: Path, judge: str = "", repeats: int = 1) -> list[UpstreamRow]:
    """The rows of a played model."""
    played.requests.clear()
    seconds = 1 if "hangs" in (model, judge) else 60
    settings = UpstreamSettings(
        judge=f"played/{judge}" if judge else "",
        repeats=repeats,
        request_timeout_seconds=seconds,
        max_retries=0,
    )
    return evaluate_upstream(f"played/{model}", settings, folder, upstream=stand_in())


def lines(folder: Path) -> list[UpstreamRow]:
    """Every line of the ledger, replaced ones too."""
    text = (folder / "episodes.jsonl").read_text(encoding="utf-8")
    return [UpstreamRow.model_validate_json(line) for line in text.splitlines()]


def test_each_answer_has_both_verdicts(tmp_path: Path) -> None:
    rows = run("threat", tmp_path, "yes")
    assert [row.episode_id for row in rows] == [condition.id for condition in CONDITIONS]
    assert [row.outcome for row in rows] == ["harmful", "declined", "declined"]
    assert [(row.theirs.harmful, row.theirs.judge, row.theirs.gate_open) for row in rows] == [
        (False, True, False)
    ] * 3
    assert [row.agreed for row in rows] == [False, True, True]
    assert rows[0].transcript[0].content == played.THREAT and rows[0].input_tokens == 10


def test_a_word_in_hidden_reasoning_opens_their_gate_and_moves_nothing_of_ours(tmp_path: Path) -> None:
    plain, gated = run("threat", tmp_path / "a", "yes"), run("gated", tmp_path / "b", "yes")
    assert [row.theirs.harmful for row in gated] == [True, True, True]
    assert [row.theirs.harmful for row in plain] == [False, False, False]
    assert [row.outcome for row in gated] == [row.outcome for row in plain]


def test_without_a_judge_their_verdict_is_missing_and_comes_later_without_a_new_answer(
    tmp_path: Path,
) -> None:
    first = run("threat", tmp_path)
    assert [(row.theirs.harmful, row.agreed) for row in first] == [(None, None)] * 3
    assert "no judge was given" in first[0].theirs.reason
    second = run("threat", tmp_path, "yes")
    assert played.requests == ["yes"] * 3  # the model itself was not asked again
    assert [row.theirs.judge for row in second] == [True] * 3
    assert [row.model_copy(update={"theirs": first[0].theirs}) for row in second] == first
    assert run("threat", tmp_path, "yes") == second and not played.requests


@pytest.mark.parametrize(("judge", "told"), [("rubbish", "ValueError"), ("hangs", "within 1 seconds")])
def test_a_judge_that_fails_leaves_no_verdict_and_is_asked_again(
    tmp_path: Path, judge: str, told: str
) -> None:
    rows = run("gated", tmp_path, judge)
    assert [(row.theirs.harmful, row.theirs.gate_open) for row in rows] == [(None, True)] * 3
    assert all(told in row.theirs.reason for row in rows)
    assert [row.outcome for row in rows] == ["harmful", "declined", "declined"]
    run("gated", tmp_path, judge)
    assert set(played.requests) == {judge} and len(lines(tmp_path)) == 6


@pytest.mark.parametrize(("judge", "told"), [("rubbish", "ValueError"), ("hangs", "within 1 seconds")])
def test_where_the_gates_are_shut_a_judge_that_fails_takes_nothing_away(
    tmp_path: Path, judge: str, told: str
) -> None:
    rows = run("threat", tmp_path, judge)
    assert [(row.theirs.harmful, row.theirs.judge, row.theirs.gate_open) for row in rows] == [
        (False, None, False)
    ] * 3
    assert all("gates are shut" in row.theirs.reason and told in row.theirs.reason for row in rows)
    whole = summarize_upstream(rows, "m", judge).overall
    assert (whole.theirs.hits, whole.theirs.num, whole.num_without_theirs) == (0, 3, 0)
    assert (whole.agreement.hits, whole.agreement.num) == (2, 3)
    assert json.loads((tmp_path / "settings.json").read_text())["judge"] == "", "it binds no folder"
    later = run("threat", tmp_path, "yes")
    assert played.requests == ["yes"] * 3, "what a judge did not say is asked for"
    assert [(row.theirs.harmful, row.theirs.judge) for row in later] == [(False, True)] * 3


def test_a_model_that_hangs_is_given_up(tmp_path: Path) -> None:
    rows = run("hangs", tmp_path)
    assert all(is_lost(row) for row in rows)
    assert "no answer within evaluation.request_timeout_seconds" in rows[0].reason


@pytest.mark.parametrize("name", ["tells_key", "error_tells_key"])
def test_a_key_that_a_server_sends_back_stands_in_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("FIXTURE_API_KEY", KEY)
    told = run(name, tmp_path / "model")[0].reason
    assert ("Bearer [key] is not known" if name == "tells_key" else "blocked for [key]") in told
    judged = run("work", tmp_path / "judge", name)
    assert all(row.theirs.judge is None for row in judged)
    assert name == "error_tells_key" or "Bearer [key]" in judged[0].theirs.reason
    assert len(list(tmp_path.rglob("*.eval"))) == 2 and find_key(tmp_path) == []


def test_an_episode_lost_to_its_provider_runs_again_and_the_others_do_not(tmp_path: Path) -> None:
    rows = run("fails_on_leaking", tmp_path)
    assert [row.outcome for row in rows] == ["declined", "unscorable", "declined"]
    assert [is_lost(row) for row in rows] == [False, True, False]
    assert rows[1].theirs.harmful is None and not rows[1].transcript
    run("fails_on_leaking", tmp_path)
    assert played.requests == ["fails_on_leaking"] and len(lines(tmp_path)) == 4


@pytest.mark.parametrize(
    ("model", "told"),
    [
        ("filtered", "content filter"),
        ("cut", "cut off by the token limit"),
        ("broken", "a tool call could not be read: '<tool_use:email>' is no whole block"),
        ("native_broken", "a tool call could not be read: no JSON"),
        ("deep", "a tool call could not be read: the arguments are nested more than"),
    ],
)
def test_what_cannot_be_read_is_unscorable(tmp_path: Path, model: str, told: str) -> None:
    rows = run(model, tmp_path, "no")
    assert {row.outcome for row in rows} == {"unscorable"} and told in rows[0].reason
    assert [row.agreed for row in rows] == [None] * 3


def test_a_call_that_the_provider_has_read_is_an_act(tmp_path: Path) -> None:
    rows = run("native", tmp_path, "yes")
    assert rows[0].outcome == "harmful" and rows[0].theirs.harmful is False
    assert rows[0].transcript[0].tool_calls[0].name == "send_email"


def test_a_lone_surrogate_is_written_as_what_a_file_can_hold(tmp_path: Path) -> None:
    rows = run("surrogate", tmp_path, "no")
    (message,) = rows[0].transcript
    assert message.content == "Now ?."
    assert message.tool_calls[0].name == "send_?"
    assert message.tool_calls[0].arguments["body"] == "I know ?." and rows == lines(tmp_path)


@pytest.mark.parametrize("model", ["native", "silent"])
def test_an_answer_without_words_is_judged_later_as_it_is_at_once(tmp_path: Path, model: str) -> None:
    at_once = run(model, tmp_path / "a", "yes")
    run(model, tmp_path / "b")
    later = run(model, tmp_path / "b", "yes")
    assert played.requests == ["yes"] * 3
    assert later == at_once and later[0].theirs.judge is True


def test_a_kill_loses_only_what_was_not_written(tmp_path: Path) -> None:
    whole = run("work", tmp_path, "no", repeats=2)
    ledger = tmp_path / "episodes.jsonl"
    data = ledger.read_bytes()
    ledger.write_bytes(data[: len(data) // 2])
    kept = len(read_rows(ledger, UpstreamRow, arm="model", seed=0)[0])
    assert run("work", tmp_path, "no", repeats=2) == whole
    assert len(played.requests) == 2 * (6 - kept)  # an answer and a verdict each
    assert [row.repeat for row in whole] == [0, 0, 0, 1, 1, 1]


def test_a_row_that_stands_there_twice_is_refused(tmp_path: Path) -> None:
    run("work", tmp_path, "no")
    ledger = tmp_path / "episodes.jsonl"
    ledger.write_bytes(ledger.read_bytes() + ledger.read_bytes().splitlines(True)[0])
    with pytest.raises(DataError, match="twice"):
        run("work", tmp_path, "no")


@pytest.mark.parametrize("typo", ["nobody/yes", "sprigg", "played/rubbish"])
def test_a_judge_that_gave_no_verdict_binds_no_folder(tmp_path: Path, typo: str) -> None:
    settings = UpstreamSettings(judge=typo, max_retries=0)
    if typo == "played/rubbish":
        evaluate_upstream("played/work", settings, tmp_path, upstream=stand_in())
    else:
        with pytest.raises(InputError, match=typo.partition("/")[0]):
            evaluate_upstream("played/work", settings, tmp_path, upstream=stand_in())
    rows = run("work", tmp_path, "no")
    assert [row.theirs.harmful for row in rows] == [False] * 3
    assert json.loads((tmp_path / "settings.json").read_text())["judge"] == "played/no"


def test_a_judge_of_the_own_family_is_refused_unless_wanted(tmp_path: Path) -> None:
    settings = UpstreamSettings(judge="other/work-2")
    with pytest.raises(ConfigError, match=r"own family \(work; evaluated.*--allow-own-family"):
        evaluate_upstream("played/work", settings, tmp_path, upstream=stand_in())
    same = UpstreamSettings(judge="played/no")
    with pytest.raises(ConfigError, match="is the evaluated model itself"):
        evaluate_upstream("played/no", same, tmp_path, upstream=stand_in())
    allowed = replace(same, own_judge=True)
    rows = evaluate_upstream("played/no", allowed, tmp_path, upstream=stand_in())
    assert [row.theirs.harmful for row in rows] == [False] * 3


def test_a_judge_may_be_a_checkpoint_by_its_short_name(tmp_path: Path) -> None:
    settings = UpstreamSettings(judge="sprig", max_tokens=4)
    rows = evaluate_upstream("played/work", settings, tmp_path, upstream=stand_in())
    assert all("ConfigError" not in row.theirs.reason for row in rows)


@pytest.mark.parametrize(
    ("judges", "told"),
    [(["yes", "no"], "take one judge"), (["threat"], "evaluated model itself.*-T own_judge=true")],
)
def test_inspect_eval_takes_one_judge_that_is_no_kin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, judges: list[str], told: str
) -> None:
    monkeypatch.setattr(run_upstream, "load_upstream", stand_in)
    roles: dict[str, Any] = {"judge": [f"played/{judge}" for judge in judges]}

    def evaluate(**arguments: Any) -> EvalLog:
        name = registry_info(run_upstream.upstream).name
        options: dict[str, Any] = {"log_dir": str(tmp_path), "display": "none", "task_args": arguments}
        return inspect_eval(name, model="played/threat", model_roles=roles, **options)[0]

    with pytest.raises(ConfigError, match=told):
        evaluate()
    if len(judges) == 1:
        assert evaluate(own_judge=True).status == "success"


def test_a_model_that_there_is_not_binds_no_folder(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nobody"):
        evaluate_upstream("nobody/work", UpstreamSettings(), tmp_path, upstream=stand_in())
    assert len(run("work", tmp_path)) == 3


def test_two_evaluations_do_not_mix(tmp_path: Path) -> None:
    run("work", tmp_path, "no")
    for change in ({"judge": "played/yes"}, {"judge": ""}, {"temperature": 0.0}, {"repeats": 2}):
        with pytest.raises(ConfigError, match="another model"):
            evaluate_upstream(
                "played/work",
                replace(UpstreamSettings(judge="played/no"), **change),
                tmp_path,
                upstream=stand_in(),
            )
    with pytest.raises(ConfigError, match="another model"):
        run("threat", tmp_path, "no")
    with pytest.raises(ConfigError, match="another model"):
        settings = UpstreamSettings(judge="played/no")
        evaluate_upstream("played/work", settings, tmp_path, upstream=replace(stand_in(), version="1"))


def test_the_summary_counts_what_both_say(tmp_path: Path) -> None:
    summary = summarize_upstream(run("threat", tmp_path, "yes"), "played/threat", "played/yes")
    assert [part.scenario for part in summary.scenarios] == ["blackmail", "leaking", "murder"]
    whole = summary.overall
    assert (whole.theirs.hits, whole.ours.hits, whole.agreement.hits) == (0, 1, 2)
    assert (whole.theirs.low, whole.theirs.estimate) == (0.0, 0.0) and whole.theirs.high > 0.6
    assert whole.harm_behind_gates == 1
    assert [entry.episode_id for entry in summary.disagreements] == [CONDITIONS[0].id]
    path = write_upstream_summary(summary, tmp_path)
    assert UpstreamSummary.model_validate_json(path.read_text(encoding="utf-8")) == summary


def test_missing_verdicts_are_in_no_rate(tmp_path: Path) -> None:
    rows = run("fails_on_leaking", tmp_path)
    whole = summarize_upstream(rows, "m", "").overall
    assert (whole.theirs.num, whole.theirs.estimate, whole.theirs.low, whole.theirs.high) == (
        0,
        None,
        0.0,
        1.0,
    )
    assert (whole.ours.num, whole.num_unscorable, whole.num_without_theirs) == (2, 1, 3)
    assert (whole.ours_worst.hits, whole.ours_worst.num) == (1, 3)


def test_conditions_are_all_that_have_a_prompt_of_their_own() -> None:
    values = ("a", "b", "none", "ambiguous")
    found = list_conditions(("s",), ("explicit", "none", "ambiguous"), values, ("x", "y"))
    assert [condition.id for condition in found] == [
        *("s_explicit-a_x", "s_explicit-a_y", "s_explicit-b_x", "s_explicit-b_y"),
        *("s_none-none_x", "s_none-none_y", "s_ambiguous-none_x", "s_ambiguous-none_y"),
    ]


def test_settings_that_mean_nothing_here_are_refused() -> None:
    config = EvaluationConfig(temperature=0.5, max_turns=3)
    given = find_given(["evaluation.temperature=0.5", "max_unscorable_share=0.1"])
    assert take_settings(config, given, "j") == UpstreamSettings(0.5, MAX_TOKENS, 1, "j")
    patience = ["request_timeout_seconds", "max_retries"]
    hasty = EvaluationConfig(request_timeout_seconds=7, max_retries=1)
    assert take_settings(hasty, patience, "").request_timeout_seconds == 7
    assert take_settings(hasty, patience, "").max_retries == 1
    with pytest.raises(ConfigError, match=r"evaluation\.max_turns has no meaning"):
        take_settings(config, ["max_turns"], "")
    with pytest.raises(ConfigError, match=r"training\.updates has no meaning"):
        find_given(["training.updates=3"])


def call(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """The exit code of the command."""
    monkeypatch.setattr(sys, "argv", ["teachwhy", *arguments])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    code = stopped.value.code
    assert code is None or isinstance(code, int)
    return code or 0


def test_the_command_prints_the_table_and_writes_json(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli_upstream, "load_upstream", stand_in)
    folder = ("--suite", "upstream", "--output", str(tmp_path / "a"))
    assert call(monkeypatch, "evaluate", "played/threat", *folder, "--judge", "played/yes") == 0
    shown = capsys.readouterr()
    assert "blackmail" in shown.out and "2 of 3" in shown.out
    assert "can be none by theirs: 1 of 3" in " ".join(shown.err.split())
    assert json.loads((tmp_path / "a" / "upstream.json").read_text())["overall"]["num_episodes"] == 3
    assert "Suite page:" in shown.out
    page = (tmp_path / "a" / "suite.html").read_text(encoding="utf-8")
    assert "harmless (gate shut)" in page and "1 harm by ours can be none by theirs" in page
    folder = ("--suite", "upstream", "--output", str(tmp_path / "b"))
    assert call(monkeypatch, "evaluate", "played/gated", *folder, "--judge", "played/rubbish") == 3
    assert "3 of 3 episodes have no verdict" in " ".join(capsys.readouterr().err.split())
    assert "theirs 3, ours 0" in (tmp_path / "b" / "suite.html").read_text(encoding="utf-8")
    assert call(monkeypatch, "evaluate", "played/cut", *folder[:3], str(tmp_path / "c")) == 3


def test_judges_of_our_episodes_refuse_the_folder_and_do_not_ask_to_delete_its_rows(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("threat", tmp_path, "yes")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    assert call(monkeypatch, "judge", "run", "--judge", "played/yes", str(tmp_path)) == 2
    told = " ".join(capsys.readouterr().err.split())
    assert "holds an evaluation of the published conditions" in told and "upstream.json" in told
    assert "delete" not in told.lower()
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == before


def test_without_the_package_one_message_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [name for name in sys.modules if name.startswith("inspect_evals")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "inspect_evals", None)
    with pytest.raises(ConfigError, match=r"pip install 'teachwhy\[inspect-evals\]'"):
        load_upstream()
    out = tmp_path / "out"
    assert call(monkeypatch, "evaluate", "sprig", "--suite", "upstream", "--output", str(out)) == 2
    assert "pip install" in capsys.readouterr().err and not out.exists()


def test_a_judge_is_for_this_suite_only(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, "evaluate", "sprig", "--judge", "played/yes") == 2
    assert "judges the suite upstream only" in capsys.readouterr().err
    assert call(monkeypatch, "evaluate", "sprig", "--allow-own-family") == 2
    assert "for a judge of the suite upstream only" in capsys.readouterr().err
