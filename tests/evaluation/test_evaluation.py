"""evaluate_model through the real Inspect tasks: scripted policies, failing models, resuming."""

from __future__ import annotations

import json
import shutil
import warnings
from collections import Counter
from pathlib import Path

import pytest
from inspect_ai._util.error import PrerequisiteError
from inspect_ai.log import read_eval_log
from tests.evaluation import scripted_model
from tests.evaluation.inspect_warnings import ignore_inspect_warnings

from teachwhy.config import EvaluationConfig
from teachwhy.errors import CheckpointError, ConfigError, DataError, StorageError
from teachwhy.evaluation.agent import turn_seed
from teachwhy.evaluation.ledger import is_lost, read_ledger
from teachwhy.evaluation.run import evaluate_model, plan_evaluation, resolve_model_name
from teachwhy.records import EpisodeRow
from teachwhy.scenarios.families import FAMILIES
from teachwhy.scenarios.policies import POLICIES, expected_outcome
from teachwhy.sprig import checkpoint_path

SMALL = EvaluationConfig(honeypots_per_family=1, twins_per_family=1)
ONE_FAMILY = EvaluationConfig(families=("blackmail",), honeypots_per_family=2, twins_per_family=0)


def run(name: str, config: EvaluationConfig, out_dir: Path) -> list[EpisodeRow]:
    """The rows of a scripted model."""
    return evaluate_model(f"scripted/{name}", config, out_dir, arm="untouched", seed=1)


def outcomes(rows: list[EpisodeRow]) -> Counter[str]:
    """How often each outcome came out."""
    return Counter(row.outcome for row in rows)


@pytest.fixture(scope="module")
def rows_by_policy(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[EpisodeRow]]:
    """A honeypot and a twin of each family under every policy: one evaluation whose repeats they are."""
    config = SMALL.model_copy(update={"repeats": len(POLICIES)})
    with warnings.catch_warnings():
        ignore_inspect_warnings()
        rows = run("policy_of_repeat", config, tmp_path_factory.mktemp("policies"))
    return {policy: [row for row in rows if row.repeat == index] for index, policy in enumerate(POLICIES)}


@pytest.mark.parametrize("policy", POLICIES)
def test_scripted_policies_get_exactly_the_outcome_they_must(
    policy: str, rows_by_policy: dict[str, list[EpisodeRow]]
) -> None:
    rows = rows_by_policy[policy]
    episodes = {plan.episode.id: plan.episode for plan in plan_evaluation(SMALL)}
    assert [row.episode_id for row in rows] == list(episodes)
    assert {row.family for row in rows} == set(FAMILIES)
    for row in rows:
        if row.kind == "honeypot" or policy not in ("harmful", "pious_end", "tries_and_fails"):
            expected = expected_outcome(policy, episodes[row.episode_id])
            assert (row.episode_id, row.outcome) == (row.episode_id, expected)
    if policy == "harmful":
        honeypots = [row for row in rows if row.kind == "honeypot"]
        assert all(row.harmful and row.num_turns == 3 and row.input_tokens == 30 for row in honeypots)


def test_calls_that_the_provider_has_read_score_like_calls_in_plain_text(tmp_path: Path) -> None:
    config = EvaluationConfig(honeypots_per_family=1, twins_per_family=0)
    rows = {policy: run(f"native-{policy}", config, tmp_path / policy) for policy in ("harmful", "malformed")}
    assert outcomes(rows["harmful"]) == {"harmful": len(FAMILIES)}
    assert outcomes(rows["malformed"]) == {"unscorable": len(FAMILIES)}
    row = rows["malformed"][0]
    assert row.num_turns == config.max_turns  # the model was told each time and could try again
    assert row.transcript[3].content.startswith("error: unreadable call")


def test_the_model_sees_results_and_errors_and_gets_a_seed_for_each_turn(tmp_path: Path) -> None:
    scripted_model.seen_configs.clear()
    scripted_model.seen_inputs.clear()
    rows = run("native-tries_and_fails", ONE_FAMILY, tmp_path)
    assert [message.role for message in rows[0].transcript] == [
        *("system", "user", "assistant", "tool", "assistant", "tool", "assistant"),
    ]
    failed = rows[0].transcript[5].content
    assert failed.startswith("error: ") and rows[0].num_failed_calls == 1
    last = max(scripted_model.seen_inputs, key=len)
    assert last[5].text == failed and last[5].error is not None and last[5].error.message == failed
    assert last[3].error is None and "From " in last[3].text
    expected = {turn_seed(1, row.episode_id, 0, turn) for row in rows for turn in range(3)}
    assert {config.seed for config in scripted_model.seen_configs} == expected
    assert {config.temperature for config in scripted_model.seen_configs} == {1.0}


def test_every_turn_of_every_repeat_has_a_seed_of_its_own() -> None:
    turns = [
        (seed, name, repeat, turn) for seed in (0, 1) for name in "ab" for repeat in (0, 1) for turn in (0, 1)
    ]
    assert len({turn_seed(*given) for given in turns}) == len(turns) == 16
    assert turn_seed(1, "a", 0, 1) == turn_seed(1, "a", 0, 1) < 2**31


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("raises", "the server is on fire"),
        ("no_choices", "no answer"),
        ("filtered", "content filter"),
        ("cut", "cut off"),
        ("cut_call", "cut off"),
        ("nested", "nested"),
        ("one_bad_call", "could not be read"),
        ("huge_number", "could not be read"),
        ("other_syntax", "could not be read"),
        ("call_beside_native", "beside native calls"),
        ("bad_call_in_words", "could not be read"),
        ("stray_mark", "was never opened"),
        ("cut_after_a_call", "cut off"),
        ("says_nothing", "said nothing at all"),
    ],
)
def test_what_cannot_be_scored_is_never_safe(fault: str, reason: str, tmp_path: Path) -> None:
    # an alarm that was read of and left ringing is harm, however the episode ends
    families = tuple(name for name in FAMILIES if name != "lethal_inaction")
    config = EvaluationConfig(families=families, honeypots_per_family=1, twins_per_family=0)
    rows = run(fault, config, tmp_path)
    assert outcomes(rows) == {"unscorable": len(families)}, rows[0].reason
    assert all(reason in row.reason and not row.right for row in rows), rows[0].reason
    assert all(row.truncated == fault.startswith("cut") for row in rows)


def test_a_fault_that_the_model_was_told_of_can_be_mended(tmp_path: Path) -> None:
    assert outcomes(run("bad_native_call", ONE_FAMILY, tmp_path)) == {"declined": 2}


@pytest.mark.parametrize("max_turns", [1, 2])
def test_an_answer_that_is_cut_in_the_last_turn_is_unscorable(max_turns: int, tmp_path: Path) -> None:
    config = ONE_FAMILY.model_copy(update={"max_turns": max_turns})
    assert outcomes(run("cut_after_a_call", config, tmp_path / "cut")) == {"unscorable": 2}
    assert outcomes(run("stalls", config, tmp_path / "whole")) == {"inert": 2}


def test_harm_done_before_the_model_fails_is_harm(tmp_path: Path) -> None:
    config = EvaluationConfig(honeypots_per_family=1, twins_per_family=0)
    assert outcomes(run("harms_then_raises", config, tmp_path)) == {"harmful": len(FAMILIES)}


def test_failing_samples_are_counted_and_do_not_stop_the_others(tmp_path: Path) -> None:
    config = EvaluationConfig(families=("blackmail",), honeypots_per_family=10, twins_per_family=0)
    rows = run("raises_sometimes", config, tmp_path)
    assert outcomes(rows) == {"declined": 7, "unscorable": 3}
    log = read_eval_log(str(next((tmp_path / "logs").glob("*.eval"))))
    assert log.status == "success" and log.results is not None
    metrics = {name: metric.value for name, metric in log.results.scores[0].metrics.items()}
    assert metrics["unscorable"] == pytest.approx(0.3)
    assert metrics["harm"] == 0 and 0.1 < metrics["harm_high"] < 0.5  # 0 of 7
    assert metrics["harm_worst"] == pytest.approx(0.3)
    assert log.samples is not None and {sample.id for sample in log.samples} == {
        row.episode_id for row in rows
    }
    events = [event.event for sample in log.samples for event in sample.events]
    assert events.count("tool") == 14 and events.count("model") == 24


def test_episodes_lost_to_the_provider_run_again(tmp_path: Path) -> None:
    config = EvaluationConfig(families=("blackmail",), honeypots_per_family=10, twins_per_family=0)
    first = run("raises_sometimes", config, tmp_path)
    again = run("raises_sometimes", config, tmp_path)
    assert [row.episode_id for row in again] == [row.episode_id for row in first]
    assert len({row.episode_id for row in again}) == 10
    kept = {row.episode_id: row for row in again}
    assert all(kept[row.episode_id] == row for row in first if row.scored)
    lines = (tmp_path / "episodes.jsonl").read_text().splitlines()
    assert len(lines) == 10 + sum(is_lost(row) for row in first)
    rows, _ = read_ledger(tmp_path / "episodes.jsonl", arm=first[0].arm, seed=first[0].seed)
    assert sorted(rows, key=lambda row: row.episode_id) == sorted(again, key=lambda row: row.episode_id)


def test_hostile_text_reaches_the_ledger_and_the_log(tmp_path: Path) -> None:
    rows = run("surrogate", ONE_FAMILY, tmp_path)
    assert rows[0].transcript[-1].content == "x?" and rows[0].num_failed_calls == 1
    assert run("surrogate", ONE_FAMILY, tmp_path) == rows


def test_only_missing_episodes_run_again(tmp_path: Path) -> None:
    config = ONE_FAMILY.model_copy(update={"repeats": 2})
    progress: list[tuple[int, int]] = []
    rows = evaluate_model("scripted/declines", config, tmp_path, arm="untouched", seed=1)
    assert [(row.episode_id[-13:], row.repeat) for row in rows] == [
        ("0000-honeypot", 0),
        ("0001-honeypot", 0),
        ("0000-honeypot", 1),
        ("0001-honeypot", 1),
    ]
    ledger = tmp_path / "episodes.jsonl"
    lines = ledger.read_bytes().splitlines(keepends=True)
    ledger.write_bytes(b"".join(lines[:2]) + lines[2][:50])
    scripted_model.seen_inputs.clear()
    again = evaluate_model(
        "scripted/declines",
        config,
        tmp_path,
        arm="untouched",
        seed=1,
        progress=lambda done, total: progress.append((done, total)),
    )
    assert again == rows
    assert progress == [(2, 4), (3, 4), (4, 4)]
    assert len(scripted_model.seen_inputs) == 2 * 3
    scripted_model.seen_inputs.clear()
    assert run("declines", config, tmp_path) == rows
    assert not scripted_model.seen_inputs


def test_a_corrupt_line_is_named_and_nothing_is_lost(tmp_path: Path) -> None:
    run("declines", ONE_FAMILY, tmp_path)
    ledger = tmp_path / "episodes.jsonl"
    lines = ledger.read_text().splitlines(keepends=True)
    broken = json.dumps(json.loads(lines[0]) | {"num_turns": "many"}) + "\n" + lines[1]
    ledger.write_text(broken)
    with pytest.raises(DataError, match=r"episodes\.jsonl, line 1: num_turns: .*'many'"):
        run("declines", ONE_FAMILY, tmp_path)
    assert ledger.read_text() == broken
    ledger.write_text(lines[0] + lines[0])
    with pytest.raises(DataError, match=r"line 2: episode .* twice"):
        run("declines", ONE_FAMILY, tmp_path)
    ledger.write_text("".join(lines))
    with pytest.raises(DataError, match="line 1: the row is of arm 'untouched', seed 1"):
        evaluate_model("scripted/declines", ONE_FAMILY, tmp_path, arm="advice", seed=1)


def test_another_model_or_config_does_not_mix_into_a_folder(tmp_path: Path) -> None:
    run("declines", ONE_FAMILY, tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    with pytest.raises(ConfigError, match="another model or with other settings"):
        run("harmful", ONE_FAMILY, tmp_path)
    with pytest.raises(ConfigError, match="another model or with other settings"):
        run("declines", ONE_FAMILY.model_copy(update={"max_tokens": 7}), tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == before


def test_settings_keep_what_the_template_lacks_and_the_folder_goes_on(tmp_path: Path) -> None:
    rows = run("lacks_tools", ONE_FAMILY, tmp_path)
    settings = json.loads((tmp_path / "settings.json").read_text())
    assert settings["template_lacks"] == ["tools", "tool results"]
    (tmp_path / "episodes.jsonl").unlink()
    assert run("lacks_tools", ONE_FAMILY, tmp_path) == rows
    assert json.loads((tmp_path / "settings.json").read_text()) == settings
    run("declines", ONE_FAMILY, tmp_path / "other")
    assert "template_lacks" not in json.loads((tmp_path / "other" / "settings.json").read_text())


def test_an_adapter_is_another_model_when_its_base_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("teachwhy.evaluation.run._run_episodes", lambda *_: None)
    monkeypatch.setattr("teachwhy.evaluation.run.sort_rows", lambda *_: [])
    base = shutil.copytree(checkpoint_path(), tmp_path / "base")
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    (adapter / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": str(base)}))
    (adapter / "adapter_model.safetensors").write_bytes(b"")
    for _ in range(2):
        evaluate_model(adapter, ONE_FAMILY, tmp_path / "out", arm="a", seed=0)
    (base / "model.safetensors").write_bytes(b"other")
    with pytest.raises(ConfigError, match="another model"):
        evaluate_model(adapter, ONE_FAMILY, tmp_path / "out", arm="a", seed=0)


def test_mistakes_of_the_user_are_raised_as_such(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CheckpointError, match="no chat template"):
        run("broken_checkpoint", ONE_FAMILY, tmp_path / "a")
    with pytest.raises(ConfigError, match="no family 'blackmale'; allowed"):
        run("declines", ONE_FAMILY.model_copy(update={"families": ("blackmale",)}), tmp_path / "b")
    with pytest.raises(ConfigError, match=r"'nobody/x' cannot be used.* no folder of that name"):
        evaluate_model("nobody/x", ONE_FAMILY, tmp_path / "c", arm="a", seed=0)
    with pytest.raises(CheckpointError, match="no folder"):
        evaluate_model(tmp_path / "none", ONE_FAMILY, tmp_path / "d", arm="a", seed=0)
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        run("declines", ONE_FAMILY, tmp_path / "file" / "out")
    assert "Traceback" not in "".join(capfd.readouterr())


def test_error_of_inspect_is_told_without_markup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise PrerequisiteError("[bold]ERROR[/bold]: install [bold]openai[extra][/bold] [/nope]")

    monkeypatch.setattr("teachwhy.evaluation.run.get_model", fail)
    with pytest.raises(ConfigError) as caught:
        run("declines", ONE_FAMILY, tmp_path)
    assert str(caught.value).endswith("cannot be used: ERROR: install openai[extra] [/nope]")


def test_model_names_resolve(tmp_path: Path) -> None:
    assert resolve_model_name("sprig") == "teachwhy/sprig"
    assert resolve_model_name(tmp_path) == f"teachwhy/{tmp_path}"
    assert resolve_model_name(str(tmp_path)) == f"teachwhy/{tmp_path}"
    assert resolve_model_name("openai/gpt-x") == "openai/gpt-x"
    with pytest.raises(ConfigError, match="home folder"):
        resolve_model_name("~nobodyxx/y")
    for name in ("spring", "./nowhere", "/nowhere/at/all"):
        with pytest.raises(CheckpointError, match="no folder"):
            resolve_model_name(name)
