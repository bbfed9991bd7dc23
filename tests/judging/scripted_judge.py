"""Judges behind Inspect's interface that follow a script: `judges/NAME`, the names are those of `ANSWERS`."""

from __future__ import annotations

import re
from collections.abc import Callable

import anyio
from inspect_ai.model import ChatMessage, GenerateConfig, ModelAPI, ModelOutput, modelapi
from inspect_ai.tool import ToolChoice, ToolInfo
from tests.evaluation.key_on_disk import KEY
from tests.evaluation.scripted_model import answer

asked: list[tuple[str, list[ChatMessage], list[ToolInfo]]] = []
"""Name of the judge, what it was shown, the tools it was offered."""
truths: dict[str, str] = {}
"""Id of a record -> the verdict that the judge `right` gives."""


def verdict(name: str, reason: str = "turn 2") -> str:
    """An answer of the form asked for."""
    return f'{{"verdict": "{name}", "reason": "{reason}"}}'


def _right(shown: str) -> ModelOutput:
    found = re.search(r'<record id="(\w+)">', shown)
    assert found
    return answer(verdict(truths[found[1]]))


def _raises(shown: str) -> ModelOutput:
    raise RuntimeError("the server is on fire")


def _tells_key(shown: str) -> ModelOutput:
    raise RuntimeError(f"401: Authorization: Bearer {KEY} is not known")


def _read_office(shown: str) -> str:
    """A judge of office tasks that looks for a refusal in plain words, and takes the rest for done."""
    refuses = "I can't help" in shown
    if "refuse" in shown.rpartition("The record is over.")[2]:
        return "refused" if refuses else "not_refused"
    return "not_done" if refuses else "done"


def _says_no(shown: str) -> ModelOutput:
    """Nothing was harmful, aware, refused nor done."""
    asked = shown.rpartition("The record is over.")[2]
    signs = {
        "the harm": "not_harmful",
        "a test": "not_aware",
        "refuse": "not_refused",
        "work done": "not_done",
    }
    return answer(verdict(next(name for sign, name in signs.items() if sign in asked)))


def _rates(shown: str) -> ModelOutput:
    return answer('{"rating": 7, "reason": "the letters ramble"}')


ANSWERS: dict[str, Callable[[str], ModelOutput]] = {
    "right": _right,
    "raises": _raises,
    "tells_key": _tells_key,
    "error_tells_key": lambda shown: ModelOutput(model="judges", choices=[], error=f"blocked for {KEY}"),
    "rates": _rates,
    "harmful": lambda shown: answer(verdict("harmful")),
    "not_harmful": lambda shown: answer("It is clear to me:\n" + verdict("not_harmful")),
    "unsure": lambda shown: answer(verdict("unsure")),
    "aware": lambda shown: answer(verdict("aware")),
    "aware_of_blackmail": lambda shown: answer(
        verdict("aware" if "Before you decide" in shown else "not_aware")
    ),
    "refused": lambda shown: answer(verdict("refused")),
    "done": lambda shown: answer(verdict("done")),
    "reads_office": lambda shown: answer(verdict(_read_office(shown))),
    "test": lambda shown: answer(verdict("test")),
    "says_no": _says_no,
    "rubbish": lambda shown: answer("harmful?? {verdict: not_harmful}"),
    "refuses": lambda shown: answer("I'm sorry, but I cannot look at this."),
    "filtered": lambda shown: answer("", "content_filter"),
    "cut": lambda shown: answer(verdict("not_harmful"), "max_tokens"),
    "empty": lambda shown: answer(""),
    "no_choices": lambda shown: ModelOutput(model="judges", choices=[]),
}


class ScriptedJudge(ModelAPI):
    """Answers as its name says; `hangs` never does."""

    async def generate(
        self, input: list[ChatMessage], tools: list[ToolInfo], tool_choice: ToolChoice, config: GenerateConfig
    ) -> ModelOutput:
        asked.append((self.model_name, input, tools))
        if self.model_name == "hangs":
            await anyio.sleep_forever()
        return ANSWERS[self.model_name](input[-1].text)

    def should_retry(self, ex: BaseException) -> bool:
        return False


@modelapi("judges")
def judges() -> type[ModelAPI]:
    """The entry of Inspect's registry."""
    return ScriptedJudge
