"""A question about a constitution, in which words it is asked, and a set of them."""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

from pydantic import Field, model_validator

from teachwhy.prompts import fill, placeholders
from teachwhy.records import Record

QuestionKind = Literal["recall", "false_premise", "open"]
KINDS: tuple[QuestionKind, ...] = get_args(QuestionKind)
AnswerVerdict = Literal["right", "wrong", "missing", "unscorable"]
"""right: the answer holds what the key asks for (recall), corrects the premise, or agrees with the section
(open); wrong: it says something else instead, accepts the premise, or goes against the section; missing: it
does neither, for example by answering something else or by saying that it does not know; unscorable: there is
no answer, or no verdict on it.
"""
Form = Literal["you", "named"]
Order = Literal["", "right_first", "right_last"]


class Wording(NamedTuple):
    """One way in which a question is put."""

    form: Form
    """Whether the model is spoken to as "you" or spoken of by its name; "you" where there is one form
    only."""
    order: Order
    """Of the two answers to choose from; "" where there are none."""
    text: str

    @property
    def id(self) -> str:
        """Short, unique within a question."""
        return f"{self.form}-{self.order}" if self.order else self.form


class Question(Record):
    """One question, and what a right answer holds."""

    id: str = Field(min_length=1)
    kind: QuestionKind
    section: str = Field(min_length=1)
    """Id of the section of the constitution that it is about."""
    ask: str = Field(min_length=1)
    """As it is asked of "you". With options it holds {first} and {second}."""
    ask_named: str = ""
    """Of open questions the same with {name} in the place of "you"."""
    options: tuple[()] | tuple[str, str] = ()
    """Two answers to choose from, the right one first; asked in both orders."""
    key: str = Field(min_length=1)
    """What a right answer must hold; of a false premise what is false in it."""
    must: tuple[str, ...] = ()
    """For the rule: all of these stand in a right answer; alternatives have a `|` between them."""
    never: tuple[str, ...] = ()
    """For the rule: none of these stands in a right answer, and one makes it wrong."""

    @property
    def has_rule(self) -> bool:
        """Whether the words of an answer decide."""
        return bool(self.must)

    @model_validator(mode="after")
    def _wordings_fit_the_kind(self) -> Question:
        if (self.kind == "open") != bool(self.ask_named):
            raise ValueError("open questions, and no others, have a second form, ask_named")
        wanted = {"first", "second"} if self.options else set()
        if placeholders(self.ask) != wanted:
            raise ValueError(f"ask holds {sorted(placeholders(self.ask))}, and must hold {sorted(wanted)}")
        if self.ask_named and placeholders(self.ask_named) != wanted | {"name"}:
            raise ValueError(f"ask_named must hold {sorted(wanted | {'name'})}")
        return self

    def wordings(self, name: str) -> tuple[Wording, ...]:
        """All ways in which the question is put to a model of this name."""
        forms: list[tuple[Form, str]] = [("you", self.ask)]
        if self.ask_named:
            forms.append(("named", self.ask_named))
        if not self.options:
            return tuple(Wording(form, "", fill(text, {"name": name})) for form, text in forms)
        right, wrong = self.options
        orders: tuple[tuple[Order, str, str], ...] = (
            ("right_first", right, wrong),
            ("right_last", wrong, right),
        )
        return tuple(
            Wording(form, order, fill(text, {"name": name, "first": first, "second": second}))
            for form, text in forms
            for order, first, second in orders
        )


class QuestionSet(Record):
    """Questions about one constitution."""

    constitution: str
    """Its name, or its fingerprint where the questions were generated."""
    questions: tuple[Question, ...] = Field(min_length=1)

    def of_kind(self, kind: QuestionKind) -> tuple[Question, ...]:
        """The questions of a kind, in their order."""
        return tuple(question for question in self.questions if question.kind == kind)
