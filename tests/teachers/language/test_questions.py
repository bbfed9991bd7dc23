"""Questions about a constitution by a scripted teacher: complete, in order, readable again, faults kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

import anyio
import pytest
from tests.teachers.language.scripted import Asked, ScriptedService, as_golden, recognise
from tests.teachers.language.scripts import questions as scripts

from teachwhy.config import GenerationConfig
from teachwhy.constitution import Constitution, load_constitution, parse_constitution
from teachwhy.constitution.questions import KINDS, load_questions
from teachwhy.constitution.questions.read import check_sections, write_questions
from teachwhy.scenarios.guard import CANARY
from teachwhy.service.calls import BudgetSpentError, Call, Reply
from teachwhy.teachers.language.questions import STAGES, WrittenQuestions, write_question_set
from teachwhy.teachers.language.writer import Writer

GOLDEN = Path(__file__).parents[2] / "golden" / "prompts"
ONE = parse_constitution("# Only {braces}\n\nDo not lie.\n\nWhy: <section> & {x}.\n", "t")


@dataclass
class Answering(ScriptedService):
    """Answers everything by one function of what was asked."""

    say: Callable[[str, Asked], str] = lambda name, asked: ""

    async def ask(self, call: Call) -> Reply:
        name, values = recognise(call.messages)
        self.calls.append(call)
        script: Asked = Asked(call.messages, (), values, Random(call.sample))
        return Reply(call_id=call.digest, text=self.say(name, script))


def write(
    service: ScriptedService, constitution: Constitution = ONE, per_section: int = 3
) -> WrittenQuestions:
    return anyio.run(write_question_set, Writer(service, GenerationConfig()), constitution, per_section)


def test_every_section_gets_questions_of_every_kind_in_order(tmp_path: Path) -> None:
    constitution = load_constitution()
    service = ScriptedService(spoiled={"false_premises": 1})
    made = write(service, constitution)
    assert made.questions is not None and not made.missing and made.num_doubles == 0
    wanted = [(kind, section) for kind in KINDS for section in constitution.section_ids for _ in range(3)]
    assert [(question.kind, question.section) for question in made.questions.questions] == wanted
    assert made == write(ScriptedService(spoiled={"false_premises": 1}), constitution)
    assert service.stages == {
        stage: 14 * (2 if stage == "false_premises" else 1) for stage in STAGES.values()
    }
    path = tmp_path / "questions.jsonl"
    write_questions(path, made.questions, CANARY)
    assert load_questions(path) == made.questions
    assert CANARY in path.read_text(encoding="utf-8").splitlines()[0]
    check_sections(made.questions.questions, constitution)
    named = made.questions.of_kind("open")[0].wordings("Orla")
    assert [wording.form for wording in named] == ["you", "named"] and "does Orla think" in named[1].text


@pytest.mark.parametrize("kind", KINDS)
def test_prompts_are_those_of_the_golden_files(kind: str) -> None:
    constitution = parse_constitution(
        (Path(__file__).parent / "example_constitution.md").read_text(encoding="utf-8"), "example"
    )
    service = ScriptedService()
    write(service, constitution)
    stage = STAGES[kind]  # type: ignore[index]
    call = next(call for call in service.calls if call.stage == stage)
    assert as_golden(call) == (GOLDEN / f"{stage}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("none", "0 times <question>"),
        ("<question><ask>Why?</ask></question>", "0 times <key>"),
        ("<question><ask>Why {x}?</ask><key>y</key></question>", "holds a brace"),
        ("<question><ask>" + "w" * 2000 + "</ask><key>y</key></question>", "2000 characters"),
        ("<question><you>Do you?</you><named>Do you?</named><key>y</key></question>", "NAME stands|<ask>"),
        ("<question><ask>a</ask><ask>b</ask><key>y</key></question>", "2 times <ask>|<you>"),
    ],
)
def test_what_is_not_of_the_form_is_missing_with_its_reason(answer: str, reason: str) -> None:
    service = Answering(say=lambda name, asked: answer)
    made = write(service)
    assert made.questions is None and {item.kind for item in made.missing} == set(KINDS)
    assert len(service.calls) == 3 * GenerationConfig().attempts
    told = " ".join(item.reason for item in made.missing)
    assert any(part in told for part in reason.split("|"))


def test_more_than_asked_for_and_doubles_are_left_out() -> None:
    def say(name: str, asked: Asked) -> str:
        if name == "open_questions":
            return scripts.both_forms(asked._replace(values={**asked.values, "number": "9"}))
        return "<question><ask>Why, in your constitution?</ask><key>y</key></question>" * 2

    made = write(Answering(say=say))
    assert made.questions is not None
    assert [question.kind for question in made.questions.questions] == ["recall", "open", "open", "open"]
    assert made.num_doubles == 3


def test_the_constitution_is_data_and_its_braces_are_not_filled() -> None:
    service = ScriptedService()
    write(service)
    assert all("<section> & {x}." in call.messages[1].content for call in service.calls)


def test_a_spent_budget_is_told() -> None:
    class Spent(ScriptedService):
        async def ask(self, call: Call) -> Reply:
            raise BudgetSpentError("the budget of 1 dollar is spent")

    with pytest.raises(BudgetSpentError, match="1 dollar"):
        write(Spent())
