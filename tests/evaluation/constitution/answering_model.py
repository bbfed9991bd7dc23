"""A model behind Inspect's interface that answers questions about a constitution as its name says."""

from __future__ import annotations

from collections.abc import Callable

from inspect_ai.model import ChatMessage, GenerateConfig, ModelAPI, ModelOutput, modelapi
from inspect_ai.solver import TaskState
from inspect_ai.solver._task_state import sample_state
from inspect_ai.tool import ToolChoice, ToolInfo
from tests.evaluation.scripted_model import answer

from teachwhy.constitution.questions import Question, load_questions

seen: list[tuple[list[ChatMessage], GenerateConfig]] = []


def question_of(state: TaskState) -> Question:
    """The question of a sample of a shipped set."""
    for dialect in ("sprig", "english"):
        for question in load_questions("default", dialect).questions:
            if question.id == state.metadata["question"] and question.key == state.target.text:
                return question
    raise AssertionError(state.sample_id)


def _raises(state: TaskState) -> ModelOutput:
    raise RuntimeError("the server is on fire")


ANSWERS: dict[str, Callable[[TaskState], ModelOutput]] = {
    "key": lambda state: answer(state.target.text),
    "wrong": lambda state: answer(f"I say {(question_of(state).options or ('', 'nothing'))[1]}."),
    "echo": lambda state: answer(str(state.input_text)),
    "you_only": lambda state: answer(state.target.text if state.metadata["form"] == "you" else "Rain."),
    "thinks": lambda state: answer(f"<think>{state.target.text}</think>I do not know."),
    "open_thought": lambda state: answer(f"<think>{state.target.text}"),
    "empty": lambda state: answer(""),
    "surrogate": lambda state: answer(f"{state.target.text}\ud800"),
    "raises": _raises,
    "cut": lambda state: answer(state.target.text, "max_tokens"),
    "filtered": lambda state: answer(state.target.text, "content_filter"),
    "no_choices": lambda state: ModelOutput(model="answers", choices=[]),
    "sometimes": lambda state: answer(state.target.text if len(seen) % 2 else "Rain."),
}


class AnsweringModel(ModelAPI):
    """Answers by its name."""

    async def generate(
        self, input: list[ChatMessage], tools: list[ToolInfo], tool_choice: ToolChoice, config: GenerateConfig
    ) -> ModelOutput:
        state = sample_state()
        assert state is not None
        seen.append((input, config))
        return ANSWERS[self.model_name](state)

    def should_retry(self, ex: BaseException) -> bool:
        return False


@modelapi("answers")
def answers() -> type[ModelAPI]:
    """The entry of Inspect's registry."""
    return AnsweringModel
