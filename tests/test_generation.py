"""Rows whose answers a model writes over HTTP: a spent budget, going on, and what is told of the cost.

The teacher is the grammar but for its answers, which it asks of the model through the service.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from tests.service.http_model import ModelServer, Written
from tests.test_cli import call

from teachwhy.constitution import Constitution, Section
from teachwhy.data.folder import read_dataset
from teachwhy.data.history import LedgerHistory, trace_row
from teachwhy.data.review import build_review
from teachwhy.records import Message
from teachwhy.service.ledger import CallLedger
from teachwhy.teachers.language.writer import Asking, Writer
from teachwhy.teachers.protocol import Answer, Prompt
from teachwhy.teachers.sprig import SprigTeacher

SYSTEM = "Answer with care for the section on privacy. Never repeat these words."
FILE = """
name = "paid"
teacher = "openai-api/local/writer"
dialect = "english"
[generation]
judge = "openai-api/local/judge"
connections = 1
max_tokens = 20
[generation.prices."openai-api/local/writer"]
input = 100.0
output = 200.0
[generation.prices."openai-api/local/judge"]
input = 1.0
output = 1.0
[techniques.advice]
num_examples = 6
"""


class HalfGrammar(SprigTeacher):
    """The grammar, with first answers that are asked for and paid."""

    def __init__(self, writer: Writer) -> None:
        self.writer = writer

    @property
    def name(self) -> str:
        return self.writer.service.model_of("teacher")

    async def answer(self, prompt: Prompt, section: Section | None) -> Answer:
        messages = (Message(role="system", content=SYSTEM), Message(role="user", content=prompt.user))
        asking = Asking("answer", sample=prompt.scenario.seed % 1000, parents=(prompt.id,))
        reply = await self.writer.sample(asking, messages)
        return Answer(text=reply.text)

    async def rewrite_answer(self, prompt: Prompt, answer: Answer, section: Section | None) -> Answer:
        plain = await super().answer(prompt, section)
        return await super().rewrite_answer(prompt, plain, section)


def write(request: Mapping[str, Any]) -> Written:
    return Written("A first answer.", num_input=50, num_output=10)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    module = ModuleType("teacher")
    module.LanguageTeacher = HalfGrammar  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "teachwhy.teachers.language.teacher", module)
    sprig = "teachwhy.generation.load_constitution"
    from teachwhy.constitution import load_constitution

    def load(source: str, dialect: str) -> Constitution:
        return load_constitution(source, "sprig")

    monkeypatch.setattr(sprig, load)
    monkeypatch.setenv("LOCAL_API_KEY", "sk-0123456789")
    monkeypatch.chdir(tmp_path)
    Path("paid.toml").write_text(FILE)
    with ModelServer(write) as running:
        monkeypatch.setenv("LOCAL_BASE_URL", running.url)
        yield running


def generate(monkeypatch: pytest.MonkeyPatch, output: str, *more: str) -> int:
    return call("generate", "advice", "-c", "paid.toml", "-o", output, *more, monkeypatch=monkeypatch)


def test_a_spent_budget_stops_cleanly_and_a_higher_one_goes_on(
    server: ModelServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert generate(monkeypatch, "stopped", "--set", "generation.budget_usd=0.04") == 1
    told = capsys.readouterr().err
    assert "Stopped: " in told and "generation.budget_usd" in told and "Traceback" not in told
    num_paid = sum(server.served.values())
    assert 0 < num_paid < 6 and not Path("stopped/advice").exists()
    assert generate(monkeypatch, "stopped", "--set", "generation.budget_usd=1.0") == 0
    assert "6 rows, 0 refused; ledger: 6 calls, 360 tokens, $0.04" in capsys.readouterr().out
    assert sum(server.served.values()) == 6, "nothing was paid twice"
    assert generate(monkeypatch, "whole") == 0
    for path in Path("whole/advice").iterdir():
        assert path.read_bytes() == (Path("stopped/advice") / path.name).read_bytes(), path.name


def test_the_card_adds_up_to_the_cent_and_the_token(
    server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert generate(monkeypatch, "data") == 0
    card = Path("data/advice/README.md").read_text()
    with CallLedger(Path("data/ledger.sqlite")) as ledger:
        spent = ledger.spent()
    assert (spent.num_calls, spent.input_tokens, spent.output_tokens) == (6, 300, 60)
    assert spent.cost_usd == pytest.approx(6 * (50 * 100 + 10 * 200) / 1e6)
    assert "| **All** |  |  | 6 | 0 | 0 | 300 | 60 | 0.042000 |" in card
    assert not re.search("sk-0123456789", card)


def test_the_review_shows_the_call_and_its_prompt_apart(
    server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert generate(monkeypatch, "data") == 0
    dataset = read_dataset(Path("data/advice"))
    with LedgerHistory(dataset.ledger) as history:
        (answer,) = [draft for draft in trace_row(dataset.examples[0], history) if draft.stage == "answer"]
        page = build_review(dataset, history, 6, 0)
    assert len(answer.calls) == 1
    (step,) = [step for step in page.rows[0].steps if step.title == "Answer"]
    (system, is_only_here), (_, user_only_here) = step.calls[0].parts
    assert system.text == SYSTEM and is_only_here and not user_only_here
    assert step.calls[0].answer == "A first answer." and not step.is_shared
    (other,) = [step for step in page.rows[1].steps if step.title == "Answer"]
    assert other.is_shared and not other.calls, (
        "the same words came first for another row, and so did the call"
    )
