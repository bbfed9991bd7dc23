"""The tasks about a constitution through Inspect, with scripted models and with sprig."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from inspect_ai import eval as inspect_eval
from inspect_ai._util.registry import registry_info
from inspect_ai.log import EvalLog
from tests.evaluation.constitution import answering_model
from tests.evaluation.scripted_model import answer
from tests.judging import scripted_judge

from teachwhy.constitution.questions import Question, QuestionSet
from teachwhy.constitution.questions.read import write_questions
from teachwhy.errors import ConfigError, DataError
from teachwhy.evaluation.constitution import tasks
from teachwhy.scenarios.guard import CANARY

assert answering_model.answers and scripted_judge.judges
RECALL, PREMISES, OPEN = (
    tasks.constitution_recall,
    tasks.constitution_false_premises,
    tasks.constitution_open,
)


def evaluate(
    log_dir: Path, task: Any, model: str, *judges: str, limit: Any = None, **arguments: Any
) -> EvalLog:
    """A task as `inspect eval -T ...` runs it."""
    roles = {"judge": [f"judges/{name}" for name in judges]} if judges else {}
    (log,) = inspect_eval(
        registry_info(task).name,
        model=model if "/" in model else f"answers/{model}",
        model_roles=roles,  # type: ignore[arg-type]
        task_args=arguments,
        display="none",
        log_dir=str(log_dir),
        limit=limit,
    )
    assert log.status == "success", log.error
    return log


def metrics(log: EvalLog, scorer: int = 0) -> dict[str, float]:
    assert log.results is not None
    found = log.results.scores[scorer].metrics
    return {name.rpartition("/")[2]: float(metric.value) for name, metric in found.items()}


@pytest.fixture(autouse=True)
def fresh() -> None:
    answering_model.seen.clear()
    scripted_judge.asked.clear()


def test_the_key_is_right_in_every_wording_and_section(tmp_path: Path) -> None:
    for task, num_samples in ((RECALL, 56), (PREMISES, 14), (OPEN, 28)):
        log = evaluate(tmp_path, task, "key")
        found = metrics(log)
        assert log.samples is not None and len(log.samples) == num_samples
        assert found["right"] == 1 and found["wrong"] == found["missing"] == found["unscorable"] == 0
        assert 0.7 < found["right_low"] < 1 == found["right_high"] == found["right_worst"]
        sections = {name: value for name, value in found.items() if name.startswith("right_")}
        assert sections["right_honesty"] == 1 and sections["right_honesty_low"] < 0.5
        assert ("gap" in found) == (task is OPEN)


def test_wrong_answers_and_repeated_questions_are_not_right(tmp_path: Path) -> None:
    found = metrics(evaluate(tmp_path, RECALL, "wrong", limit=16))
    assert found["wrong"] == 1 and found["right"] == 0 < found["right_high"] < 0.8
    for task in (RECALL, PREMISES, OPEN):
        assert metrics(evaluate(tmp_path, task, "echo", limit=4))["missing"] == 1


@pytest.mark.parametrize(
    ("model", "fault"),
    [
        ("raises", "the server is on fire"),
        ("cut", "cut at its limit"),
        ("filtered", "content filter"),
        ("no_choices", "no choices"),
        ("open_thought", "never closed"),
    ],
)
def test_what_is_no_answer_is_unscorable_and_never_right(tmp_path: Path, model: str, fault: str) -> None:
    log = evaluate(tmp_path, PREMISES, model, limit=3)
    found = metrics(log)
    assert found["unscorable"] == 1 and found["right_worst"] == 0 and found["right"] != found["right"]
    assert log.samples is not None
    for sample in log.samples:
        assert sample.scores is not None and fault in str(sample.scores["answer_by_rule"].explanation)


@pytest.mark.parametrize(
    ("model", "verdict"), [("thinks", "missing"), ("empty", "missing"), ("surrogate", "right")]
)
def test_thoughts_are_no_answer_and_half_characters_break_nothing(
    tmp_path: Path, model: str, verdict: str
) -> None:
    assert metrics(evaluate(tmp_path, PREMISES, model, limit=3))[verdict] == 1


def test_the_gap_between_the_forms(tmp_path: Path) -> None:
    found = metrics(evaluate(tmp_path, OPEN, "you_only", repeats=2, own_name="Orla", limit=36))
    assert (found["right_you"], found["right_named"], found["gap"], found["right"]) == (1, 0, 1, 0.5)
    assert found["gap_low"] < 1 == found["gap_high"]
    texts = [messages[-1].text for messages, _ in answering_model.seen]
    assert len(texts) == 36 and sum("does Orla think?" in text for text in texts) == 18


def test_repeats_and_epochs_are_other_draws_of_the_same_question(tmp_path: Path) -> None:
    evaluate(tmp_path, OPEN, "key", repeats=2, system="You are Orla.", limit=[1, 34])
    seeds = {config.seed for _, config in answering_model.seen}
    assert len(answering_model.seen) == len(seeds) == 33
    assert {messages[0].text for messages, _ in answering_model.seen} == {"You are Orla."}
    (log,) = inspect_eval(
        registry_info(OPEN).name,
        model="answers/you_only",
        epochs=2,
        limit=4,
        display="none",
        log_dir=str(tmp_path),
    )
    assert metrics(log)["gap"] == 1


def test_english_recall_has_a_rule_and_the_others_need_a_judge(tmp_path: Path) -> None:
    log = evaluate(tmp_path, RECALL, "key", dialect="english", limit=6)
    assert log.samples is not None and len(log.samples) == 6 and metrics(log)["right"] == 1
    assert len(tasks.plan_questions("recall", "english", "default", "default", "Orla").asked) == 61
    for task in (PREMISES, OPEN):
        with pytest.raises(ConfigError, match="--model-role judge=MODEL"):
            evaluate(tmp_path, task, "key", dialect="english")


def test_a_judge_reads_the_answer_beside_the_section(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def compare(shown: str) -> Any:
        key, said = (
            line.partition('": "')[2] for line in shown.splitlines() if line[:6] in ('{"key"', '{"answ')
        )
        return answer(scripted_judge.verdict("right" if key == said else "missing"))

    monkeypatch.setitem(scripted_judge.ANSWERS, "compares", compare)
    log = evaluate(tmp_path, OPEN, "you_only", "compares", "rubbish", dialect="english", limit=12)
    assert log.results is not None and len(scripted_judge.asked) == 24
    assert [score.name for score in log.results.scores] == ["answer_by_judge", "answer_by_judge1"]
    found = metrics(log)
    assert found["gap"] == 1 and found["right"] == 0.5 and found["missing"] == 0.5
    assert metrics(log, 1)["unscorable"] == 1 and metrics(log, 1)["right_worst"] == 0
    by_rule = evaluate(tmp_path, RECALL, "empty", "compares", dialect="english", limit=3)
    assert metrics(by_rule, 0)["missing"] == metrics(by_rule, 1)["missing"] == 1


def test_a_judge_of_the_own_family_is_refused_unless_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(scripted_judge.ANSWERS, "key", lambda shown: answer(scripted_judge.verdict("right")))
    with pytest.raises(ConfigError, match=r"own family.*-T own_judge=true"):
        evaluate(tmp_path, PREMISES, "key", "key", dialect="english")
    log = evaluate(tmp_path, PREMISES, "key", "key", dialect="english", own_judge=True, limit=3)
    assert metrics(log)["right"] == 1


def test_a_constitution_and_questions_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text, path = tmp_path / "own.md", tmp_path / "questions.jsonl"
    text.write_text("# Brevity\n\nBe short.\n\nWhy: time.\n", encoding="utf-8")
    question = Question(id="a", kind="recall", section="brevity", ask="Why be short?", key="For time.")
    write_questions(path, QuestionSet(constitution="x", questions=(question,)), CANARY)
    monkeypatch.setitem(scripted_judge.ANSWERS, "yes", lambda shown: answer(scripted_judge.verdict("right")))
    own = {"questions": str(path), "constitution": str(text), "dialect": "english"}
    log = evaluate(tmp_path, RECALL, "key", "yes", **own)
    assert metrics(log)["right"] == metrics(log)["right_brevity"] == 1
    shown = scripted_judge.asked[0][1][1].text
    assert '{"section_title": "Brevity", "section": "Be short.\\n\\nWhy: time."}' in shown
    with pytest.raises(ConfigError, match="holds none of the kind 'open'"):
        evaluate(tmp_path, OPEN, "key", "yes", **own)
    with pytest.raises(DataError, match="has no section 'brevity'; its sections are: reasons-and-rules"):
        evaluate(tmp_path, RECALL, "key", "yes", questions=str(path), dialect="english")
    with pytest.raises(ConfigError, match="the shipped ones are about the default constitution"):
        evaluate(tmp_path, RECALL, "key", "yes", constitution=str(text))


def test_what_makes_no_sense_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="dialect: 'latin' is unknown; allowed: sprig, english"):
        RECALL(dialect="latin")
    with pytest.raises(ConfigError, match="repeats: 0 is too few"):
        RECALL(repeats=0)


def test_sprig_answers_for_real(tmp_path: Path) -> None:
    log = evaluate(tmp_path, RECALL, "teachwhy/sprig", limit=4)
    assert log.samples is not None and len(log.samples) == 4
    assert metrics(log)["unscorable"] == 0
    assert all(sample.output.message.text for sample in log.samples)
