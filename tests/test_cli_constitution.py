"""`teachwhy constitution`: what a text is read as, and questions about it over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.service.http_model import Fault, ModelServer, Written
from tests.teachers.language.scripted import answer
from tests.test_cli import call

from teachwhy.constitution.questions import read_questions
from teachwhy.records import Message
from teachwhy.scenarios.guard import CANARY

OWN = "# Brevity\n\nBe short.\n\nWhy: time.\n\n# Order {#order}\n\nOne at a time.\n"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.md").write_text(OWN)
    text = 'name = "own"\nteacher = "openai-api/local/writer"\nconstitution = "own.md"\n'
    text += "[[arms]]\nname = 'none'\n[generation]\njudge = 'openai-api/local/judge'\nconnections = 4\n"
    (tmp_path / "own.toml").write_text(text)
    return tmp_path


def test_show_lists_sections_and_what_is_lacking(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("constitution", "show", "own.md", monkeypatch=monkeypatch) == 0
    out = capsys.readouterr().out
    assert "brevity: 4 words, 1 reasons" in out and "2 sections, 8 words, 1 without a reason" in out
    assert "- without a reason: order." in out
    assert call("constitution", "show", monkeypatch=monkeypatch) == 0
    assert "14 sections" in capsys.readouterr().out
    assert call("constitution", "show", "https://example.org", monkeypatch=monkeypatch) == 2
    assert "save the page" in capsys.readouterr().err


def test_questions_are_written_once_and_kept(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def write(request: Mapping[str, Any]) -> Written:
        messages = [Message(role=turn["role"], content=turn["content"]) for turn in request["messages"]]
        return Written(answer(messages, (), 0).text)

    def first_one_fails(request: Mapping[str, Any]) -> tuple[Fault, ...]:
        return ("server_error",)

    arguments = ("constitution", "questions", "--config", "own.toml", "--per-section", "2")
    with ModelServer(write, first_one_fails) as server:
        monkeypatch.setenv("LOCAL_API_KEY", "sk-secret-0123456789")
        monkeypatch.setenv("LOCAL_BASE_URL", server.url)
        assert call(*arguments, monkeypatch=monkeypatch) == 0
        written = read_questions(here / "questions.jsonl")
        assert len(written.questions) == 3 * 2 * 2 and CANARY in (here / "questions.jsonl").read_text()
        assert "questions.jsonl: 12 questions, 0 doubles" in capsys.readouterr().out
        before = sum(server.served.values())
        assert call(*arguments, monkeypatch=monkeypatch) == 0
        assert sum(server.served.values()) == before == 6, "nothing is paid twice"
        assert read_questions(here / "questions.jsonl") == written


def test_the_grammar_writes_no_questions(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("constitution", "questions", "-c", "own.toml", "--set", "teacher='sprig'")
    assert call(*arguments, monkeypatch=monkeypatch) == 2
    assert "Name a" in capsys.readouterr().err and not (here / "questions.jsonl").exists()
