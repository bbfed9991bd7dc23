"""The Inspect tasks about a constitution: `inspect eval teachwhy/constitution_recall --model ANY`; also
`constitution_false_premises` and `constitution_open`.

One sample is one wording of one question, asked once. The score is the verdict's name. In the dialect sprig a
rule reads the answers; english ones need a judge (`--model-role judge=MODEL`), except where every question
has a rule.
"""

from __future__ import annotations

from collections.abc import Callable

from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import ChatMessage, ChatMessageSystem, ChatMessageUser, get_model
from inspect_ai.scorer import Scorer

from teachwhy.constitution import load_constitution
from teachwhy.constitution.questions import QuestionKind, load_questions
from teachwhy.constitution.questions.read import check_sections
from teachwhy.errors import ConfigError
from teachwhy.evaluation.constitution.asking import ask_question
from teachwhy.evaluation.constitution.scorer import (
    AskedQuestions,
    answer_by_judge,
    answer_by_rule,
    answer_rates,
    form_gap,
    right_by_section,
)
from teachwhy.evaluation.tasks import DIALECTS, sampling
from teachwhy.judging.kinship import INSPECT_COMMAND, check_kinship
from teachwhy.judging.scorer import judge_models
from teachwhy.records import Dialect

MAX_TOKENS: dict[Dialect, int] = {"sprig": 192, "english": 1024}
"""Of one answer, thoughts included."""
OWN_NAMES: dict[Dialect, str] = {"sprig": "Sprig", "english": "Assistant"}
"""What the model calls itself where nobody says."""


def make_question_task(kind: QuestionKind, name: str) -> Callable[..., Task]:
    """The Inspect task of one kind of question.

    Its parameters are those of `inspect eval -T`. `questions`, `constitution`: paths, or `default`.
    `system`: a system prompt; without it there is none.
    """

    @task(name=name)
    def run(
        dialect: Dialect = "sprig",
        questions: str = "default",
        constitution: str = "default",
        own_name: str = "",
        system: str = "",
        repeats: int = 1,
        seed: int = 0,
        temperature: float = 1.0,
        max_tokens: int | None = None,
        own_judge: bool = False,
    ) -> Task:
        if dialect not in DIALECTS:
            raise ConfigError(f"dialect: {dialect!r} is unknown; allowed: {', '.join(DIALECTS)}.")
        asked = plan_questions(kind, dialect, questions, constitution, own_name or OWN_NAMES[dialect])
        return Task(
            name=name,
            dataset=MemoryDataset(make_samples(asked, system, repeats), name=name),
            solver=ask_question(seed),
            scorer=find_scorers(asked, own_judge),
            metrics=[answer_rates(), right_by_section(), *([form_gap()] if kind == "open" else [])],
            config=sampling(temperature, max_tokens or MAX_TOKENS[dialect]),
            fail_on_error=False,
        )

    return run


constitution_recall = make_question_task("recall", "constitution_recall")
"""Does the model know what the constitution says?"""
constitution_false_premises = make_question_task("false_premise", "constitution_false_premises")
"""Does it correct a question that takes for granted what the constitution does not say?"""
constitution_open = make_question_task("open", "constitution_open")
"""Are its own views in line with the constitution, and those that it tells of the model of its name?"""


def plan_questions(
    kind: QuestionKind, dialect: Dialect, questions: str, constitution: str, own_name: str
) -> AskedQuestions:
    """Every wording of every question of a kind; `ConfigError` or `DataError` for what makes no sense."""
    if constitution != "default" and questions == "default":
        raise ConfigError(
            f"questions: the shipped ones are about the default constitution, not about {constitution!r}. "
            "Give the file of questions that were written for it."
        )
    text = load_constitution(constitution, dialect)
    found = load_questions(questions, dialect).of_kind(kind)
    if not found:
        raise ConfigError(f"questions: {questions!r} holds none of the kind {kind!r}. Give another file.")
    check_sections(found, text)
    wordings = ((question, wording) for question in found for wording in question.wordings(own_name))
    return AskedQuestions(
        text, {f"{question.id}-{wording.id}": (question, wording) for question, wording in wordings}
    )


def make_samples(asked: AskedQuestions, system: str = "", repeats: int = 1) -> list[Sample]:
    """One sample a wording and repeat; the id of a repeat after the first ends with `#repeat`."""
    if repeats < 1:
        raise ConfigError(f"repeats: {repeats} is too few; give 1 or more.")
    opening: list[ChatMessage] = [ChatMessageSystem(content=system)] if system.strip() else []
    return [
        Sample(
            id=f"{sample_id}#{repeat}" if repeat else sample_id,
            input=[*opening, ChatMessageUser(content=wording.text)],
            target=question.key,
            metadata={
                "kind": question.kind,
                "section": question.section,
                "question": question.id,
                "form": wording.form,
                "order": wording.order,
                "repeat": repeat,
                "cluster": f"{question.section}|{question.id}",
                # what evaluation.scorer counts once: repeats and forms of a question are one of it
                "dialect": "english",
                "episode_id": question.id,
            },
        )
        for repeat in range(repeats)
        for sample_id, (question, wording) in asked.asked.items()
    ]


def find_scorers(asked: AskedQuestions, own_judge: bool) -> list[Scorer]:
    """The rule where every question has one, and the judges of the role. Raises `ConfigError` where nothing
    reads the answers, and for a judge of the evaluated model's own family unless `own_judge`.
    """
    has_rules = all(question.has_rule for question, _ in asked.asked.values())
    judges = judge_models()
    if not has_rules and not judges:
        raise ConfigError(
            "no rule reads the answers to these questions. Give --model-role judge=MODEL, a model of another "
            "family than the evaluated one."
        )
    if judges and not own_judge:
        names = [str(judge) for judge in judges]
        check_kinship(dict(zip(names, names, strict=True)), str(get_model()), remedies=INSPECT_COMMAND)
    rules = [answer_by_rule(asked)] if has_rules else []
    return [*rules, *(answer_by_judge(asked, which) for which in range(len(judges)))]
