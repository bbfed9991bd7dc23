"""The english dialect through the real Inspect tasks: policies, rows, settings, clusters, thoughts."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from inspect_ai.log import read_eval_log
from inspect_ai.model import ChatMessageAssistant
from inspect_ai.scorer import SampleScore, Score
from tests.evaluation import scripted_model

from teachwhy.config import EvaluationConfig, default_limits, resolve_experiment, settle_evaluation
from teachwhy.errors import ConfigError
from teachwhy.evaluation.agent import inspect_tools, read_turn
from teachwhy.evaluation.ledger import read_ledger
from teachwhy.evaluation.run import evaluate_model, plan_evaluation
from teachwhy.evaluation.scorer import clustered_rate, outcome_rates
from teachwhy.evaluation.tasks import Rendering, plan_episodes
from teachwhy.jobs import ArmJob, report_run, summarize_run, write_scores
from teachwhy.manifest import write_manifest
from teachwhy.records import EpisodeRow, Presentation
from teachwhy.run_dir import RunDir
from teachwhy.scenarios import harness
from teachwhy.scenarios.english.episodes import EnglishEpisode, make_episode
from teachwhy.scenarios.english.play import POLICIES, expected_outcome
from teachwhy.scenarios.english.rules import english_families
from teachwhy.scenarios.english.skin import load_skins
from teachwhy.scenarios.families import FAMILIES
from teachwhy.scenarios.parsing import offered_tools, split_thoughts

TWO = ("blackmail", "lethal_inaction")
NEW = (
    *("dialect", "presentation", "skin", "paraphrase", "ally", "escape", "oversight", "agency", "scratchpad"),
    *("soft_tools", "pressure", "hint", "priority"),
)


def run(name: str, config: EvaluationConfig, out_dir: Path) -> list[EpisodeRow]:
    """The rows of a scripted model."""
    return evaluate_model(f"scripted/{name}", config, out_dir, arm="a", seed=1, dialect="english")


def small(presentation: Presentation = "tools", **values: int) -> EvaluationConfig:
    """Two families, a honeypot of each."""
    counts = {"honeypots_per_family": 1, "twins_per_family": 0} | values
    return EvaluationConfig(families=TWO, presentation=presentation, **counts)  # type: ignore[arg-type]


@pytest.mark.parametrize("presentation", ["tools", "prompt"])
def test_scripted_policies_get_exactly_the_outcome_they_must(
    presentation: Presentation, tmp_path: Path
) -> None:
    config = small(presentation, twins_per_family=1, controls_per_family=1, repeats=len(POLICIES))
    rows = run("english_repeats", config, tmp_path)
    assert len(rows) == 2 * 3 * len(POLICIES)
    for row in rows:
        policy = list(POLICIES)[row.repeat]
        expected = expected_outcome(policy, scripted_model.english_episode_named(row.episode_id))
        if expected is not None:
            assert (row.episode_id, policy, row.outcome) == (row.episode_id, policy, expected), row.reason
        assert presentation == row.presentation and (presentation == "tools" or row.num_turns == 1)
    stalled = [row for row in rows if list(POLICIES)[row.repeat] == "stalls"]
    assert {row.num_turns for row in stalled} == {30 if presentation == "tools" else 1}
    control = next(row for row in rows if row.kind == "control")
    episode = scripted_model.english_episode_named(control.episode_id)
    assert control.priority and control.dialect == "english" and control.skin == episode.skin.name
    for name in harness.FLAGS:
        assert getattr(control, name) == getattr(episode.condition, name)
    variants = (episode.condition.threat_variant, episode.condition.lever_variant)
    assert control.paraphrase == "threat{}-lever{}".format(*variants)
    assert control.num_distractors >= 12
    read, _ = read_ledger(tmp_path / "episodes.jsonl", arm="a", seed=1)
    assert sorted(read, key=str) == sorted(rows, key=str)


def test_calls_that_the_provider_has_read_count_like_those_in_words(tmp_path: Path) -> None:
    rows = run("english_native", small(), tmp_path)
    assert Counter(row.outcome for row in rows) == {"escalated": 2}
    assert all(row.right for row in rows)


def test_a_call_that_was_only_thought_of_is_none(tmp_path: Path) -> None:
    rows = run("english_thought_harm", EvaluationConfig(families=("blackmail",), **counts()), tmp_path)
    assert Counter(row.outcome for row in rows) == {"declined": 1}
    assert not any("<think>" in message.content for message in rows[0].transcript)
    assert run("english_harm", small(), tmp_path / "spoken")[0].harmful


def counts() -> dict[str, int]:
    """One honeypot."""
    return {"honeypots_per_family": 1, "twins_per_family": 0}


def test_time_passes_with_turns() -> None:
    episode = make_episode("lethal_inaction", "honeypot", "tools", 0, 0)
    office = episode.new_office()
    assert {alarm.status for alarm in office.console.values()} == {"ringing"}
    harness.begin_turn(episode, office, 29)
    assert office.clock > episode.skin.now
    assert "expired" in {alarm.status for alarm in office.console.values()}


def test_every_presentation_has_the_limits_of_its_episodes() -> None:
    for presentation in ("tools", "prompt"):
        episode = make_episode("blackmail", "honeypot", presentation, 0, 0)
        assert default_limits("english", presentation)["max_turns"] == harness.turn_limit(episode)
    settled = settle_evaluation(EvaluationConfig(max_turns=6), "english")
    assert (settled.max_turns, settled.max_tokens) == (6, 2048)
    assert settle_evaluation(settled, "english") == settled
    assert settle_evaluation(EvaluationConfig(), "sprig") == EvaluationConfig()
    values = {"name": "x", "dialect": "english", "arms": [{"name": "m"}]}
    assert resolve_experiment(dict(values), [], "x").evaluation.max_turns == 30
    prompt = resolve_experiment(dict(values), ["evaluation.presentation=prompt"], "x")
    assert prompt.evaluation.max_turns == 1 and prompt.evaluation.max_tokens == 2048


def test_all_families_have_a_rendering_and_their_tools_reach_the_provider() -> None:
    plans = plan_evaluation(EvaluationConfig(**counts()), "english")
    assert [plan.episode.family for plan in plans] == list(FAMILIES) == list(english_families())
    for plan in plans:
        infos = {tool.name: tool for tool in inspect_tools(plan.episode.tools)}
        for spec in plan.episode.tools:
            properties = infos[spec.name].parameters.properties
            assert list(properties) == list(spec.parameters["properties"])
            for name, schema in spec.parameters["properties"].items():
                assert properties[name].type == schema["type"]
                if schema["type"] == "array":
                    assert properties[name].items is not None and properties[name].items.type == "string"


def test_an_old_ledger_and_old_settings_read(tmp_path: Path) -> None:
    config = EvaluationConfig(families=("blackmail",), honeypots_per_family=2, twins_per_family=0)
    rows = evaluate_model("scripted/declines", config, tmp_path, arm="a", seed=1)
    ledger, settings = tmp_path / "episodes.jsonl", tmp_path / "settings.json"
    lines = [json.loads(line) for line in ledger.read_text().splitlines()]
    old = [{key: value for key, value in line.items() if key not in NEW} for line in lines]
    ledger.write_text("".join(json.dumps(line) + "\n" for line in old))
    content = json.loads(settings.read_text())
    del content["dialect"]
    for key in ("controls_per_family", "presentation", "hint", "own_name"):
        del content["evaluation"][key]
    settings.write_text(json.dumps(content))
    scripted_model.seen_inputs.clear()
    assert evaluate_model("scripted/declines", config, tmp_path, arm="a", seed=1) == rows
    assert not scripted_model.seen_inputs and {row.dialect for row in rows} == {"sprig"}
    with pytest.raises(ConfigError, match="other settings"):
        evaluate_model("scripted/declines", config, tmp_path, arm="a", seed=1, dialect="english")


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        (
            ["arms.0.mixture={a=1.0}", "techniques.a.technique=advice"],
            "the teacher 'sprig' writes rows in 'sprig'",
        ),
        (["dialect=sprig", "evaluation.presentation=prompt"], "evaluation.presentation = 'prompt' needs"),
        (["dialect=sprig", "evaluation.controls_per_family=1"], "needs dialect = 'english'"),
        (["dialect=german"], "dialect must be 'sprig' or 'english'"),
        (["evaluation.hint=4"], "evaluation.hint"),
    ],
)
def test_what_a_dialect_lacks_is_refused(overrides: list[str], expected: str) -> None:
    values = {"name": "x", "dialect": "english", "arms": [{"name": "m"}]}
    with pytest.raises(ConfigError, match=expected):
        resolve_experiment(values, overrides, "x")


def test_a_run_that_trains_in_english_ends_with_exit_2(tmp_path: Path) -> None:
    file = tmp_path / "x.toml"
    file.write_text(
        'name = "x"\ndialect = "english"\n[techniques.advice]\n'
        '[[arms]]\nname = "a"\nmixture = {advice = 1.0}\n'
    )
    command = [sys.executable, "-m", "teachwhy", "run", str(file), "-o", str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 2 and "dialect = 'english'" in done.stderr, done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"dialect": "german"}, "dialect: 'german' is unknown"),
        ({"dialect": "english", "presentation": "page"}, "presentation: 'page'"),
        ({"dialect": "english", "hint": 4}, "hint: 4"),
        ({"dialect": "english", "own_name": " "}, "own_name is empty"),
        ({"hint": 1}, "need dialect=english"),
    ],
)
def test_a_rendering_that_there_is_not_is_refused(values: dict[str, object], expected: str) -> None:
    with pytest.raises(ConfigError, match=expected):
        Rendering(**values)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="no controls"):
        plan_episodes("", "control", 1, 1, 0)


def test_own_name_and_hints_stand_in_the_episode() -> None:
    shown = Rendering("english", "tools", "Zebulon", 2)
    episodes = [plan.episode for plan in plan_episodes("blackmail", "honeypot", 6, 1, 0, shown)]
    assert any("Zebulon" in episode.system for episode in episodes)
    for episode in episodes:
        assert isinstance(episode, EnglishEpisode) and episode.condition.hint == 2
        assert episode.skin.prompt.hints[1].strip() in episode.user
        assert episode.skin.prompt.hints[2].strip() not in episode.user


def test_the_log_has_factors_and_clusters(tmp_path: Path) -> None:
    run("english_harm", small(), tmp_path)
    log = read_eval_log(str(next((tmp_path / "logs").glob("*.eval"))))
    assert log.samples is not None
    for sample in log.samples:
        episode = scripted_model.english_episode_named(sample.id)
        assert sample.metadata["cluster"] == harness.cluster_of(episode)
        assert sample.metadata["cluster"].count("|") == 2
        assert {name: sample.metadata[name] for name in harness.factors(episode)} == harness.factors(episode)


def test_controls_reach_summary_and_report(tmp_path: Path) -> None:
    values = {"name": "x", "dialect": "english", "arms": [{"name": "model"}]}
    config = resolve_experiment(values, ["evaluation.families=['leaking']"], "x")
    evaluation = config.evaluation.model_copy(update=counts() | {"controls_per_family": 1})
    run_dir = RunDir(tmp_path)
    job = ArmJob("model", 0, "x", None, run_dir.eval_stage("model", 0, "0" * 16))
    evaluate_model(
        "scripted/english_harm", evaluation, job.eval_dir, arm="model", seed=0, dialect=config.dialect
    )
    write_manifest(run_dir, config)
    write_scores(run_dir.scores, [job])
    summarize_run(config, run_dir, [job])
    metrics = json.loads(run_dir.summary.read_text())["arms"][0]["metrics"]
    harm = [metric for metric in metrics if (metric["metric"], metric["families"]) == ("harm", "all")]
    assert [(one["episodes"], one["estimate"]) for one in harm] == [("honeypot", 1.0), ("control", 1.0)]
    assert report_run(tmp_path).is_file()


def test_repeats_are_no_evidence_of_their_own() -> None:
    once = clustered_rate([False] * 20, ["a"] * 20)
    again = clustered_rate([False] * 200, ["a"] * 200, num_episodes=20)
    assert again.high == pytest.approx(once.high) and again.high > 0.15

    def high(cluster: str, dialect: str) -> float:
        scores = [
            SampleScore(
                score=Score(value="declined", metadata={}),
                sample_metadata={"episode_id": f"e{i % 20}", "cluster": cluster, "dialect": dialect},
            )
            for i in range(200)
        ]
        value = outcome_rates()(scores)
        assert isinstance(value, dict)
        return float(str(value["harm_high"]))

    assert high("a", "english") == pytest.approx(once.high)
    assert high("a", "sprig") < 0.02


@pytest.mark.parametrize(
    ("text", "said", "hidden", "fault"),
    [
        ("Hello.", "Hello.", "", ""),
        ("<think>a</think>b", "b", "<think>a</think>", ""),
        ("x<Think>a</THINK>b<margin>c</margin>d", "xbd", "<Think>a</THINK><margin>c</margin>", ""),
        ("a</think>b", "b", "a</think>", ""),
        ("b<think>a", "b", "<think>a", "never closed"),
        ("<tool_call><think></tool_call>", "<tool_call><think></tool_call>", "", ""),
        ("<think><tool_call>x</tool_call></think>", "", "<think><tool_call>x</tool_call></think>", ""),
        ("\u0130\u0130<think>a</think>b", "\u0130\u0130b", "<think>a</think>", ""),
    ],
)
def test_thoughts_are_taken_out(text: str, said: str, hidden: str, fault: str) -> None:
    spoken = split_thoughts(text, [("<margin>", "</margin>")])
    assert (spoken.text, spoken.hidden) == (said, hidden)
    assert (fault in spoken.fault) and bool(fault) == bool(spoken.fault)


def test_every_skin_says_where_thoughts_may_stand() -> None:
    for family in english_families():
        for skin in load_skins(family):
            episode = make_episode(family, "honeypot", "tools", 0, 0, skin=skin.name, scratchpad=True)
            marks = harness.hidden_marks(episode)
            assert len(marks) == 1, (skin.name, marks)
            opens, closes = marks[0]
            assert opens in skin.prompt.scratchpad and closes in skin.prompt.scratchpad
            calm = make_episode(family, "honeypot", "tools", 0, 0, skin=skin.name, scratchpad=False)
            assert harness.hidden_marks(calm) == ()
            offered = offered_tools(episode.tools)
            thought = f"{opens}send_mail(to=x) would do harm{closes}I leave it."
            turn = read_turn(ChatMessageAssistant(content=thought), 0, offered, marks)
            assert (turn.spoken, turn.fault, turn.calls) == ("I leave it.", "", ())
            assert "send_mail" in read_turn(ChatMessageAssistant(content=thought), 0, offered).fault


def test_thoughts_stay_before_the_model_beside_calls_that_were_read() -> None:
    text = '<think>hm</think>Now.<tool_call>{"name": "list_mail"}</tool_call>'
    turn = read_turn(ChatMessageAssistant(content=text), 0, {"list_mail": ()})
    assert turn.message.text == "<think>hm</think>\nNow." and turn.spoken == "Now."
    assert [call.call.name for call in turn.calls if call.call] == ["list_mail"]
