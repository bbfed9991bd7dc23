"""Questions about a constitution: the shipped sets, sets in files, and what a rule makes of an answer."""

from teachwhy.constitution.questions.read import load_questions, question_texts, read_questions
from teachwhy.constitution.questions.records import (
    KINDS,
    AnswerVerdict,
    Question,
    QuestionKind,
    QuestionSet,
    Wording,
)
from teachwhy.constitution.questions.rule import judge_by_rule

__all__ = [
    "KINDS",
    "AnswerVerdict",
    "Question",
    "QuestionKind",
    "QuestionSet",
    "Wording",
    "judge_by_rule",
    "load_questions",
    "question_texts",
    "read_questions",
]
