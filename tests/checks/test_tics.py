"""Planted tics are found with their share; clean rows have none."""

from __future__ import annotations

import pytest
from tests.checks.rows import chat, document, make_rows

from teachwhy.checks.row_text import RowText
from teachwhy.checks.tic_counts import TicCounts, add_counts, count_tics
from teachwhy.checks.tics import describe_patterns, find_tics, judge_tics
from teachwhy.records import Example, Message, ToolCall

OPENING = "That is a hard place to be in."
CLOSING = "I hope that this helps you find your way."
PHRASE = "It's worth noting that the truth has a way of catching up."


def plant(
    rows: list[Example], every: int, before: str = "", middle: str = "", after: str = ""
) -> list[Example]:
    planted = []
    for number, row in enumerate(rows):
        user, answer = (message.content for message in row.messages)
        if number % every == 0:
            half = answer.find(". ") + 2
            answer = f"{before}{answer[:half]}{middle}{answer[half:]}{after}"
        planted.append(chat(user, answer, row.id))
    return planted


def test_clean_rows_have_no_tics() -> None:
    assert find_tics(make_rows(400), 0.2) == []
    assert find_tics([], 0.2) == []


def test_openings_closings_and_phrases_are_found() -> None:
    rows = plant(make_rows(400), 4, before=f"{OPENING} ")
    rows = plant(rows, 3, middle=f"{PHRASE} ")
    rows = plant(rows, 2, after=f" {CLOSING}")
    found = {tic.kind: tic for tic in find_tics(rows, 0.2)}
    assert set(found) == {"opening", "closing", "phrase"}
    assert found["opening"].text == "that is a hard place"
    assert found["closing"].text == "helps you find your way"
    assert found["phrase"].text == "it s worth noting that the truth has a way of catching up"
    assert [found[kind].num_rows for kind in ("opening", "phrase", "closing")] == [100, 134, 200]


def test_names_shapes_and_prompt_openings_are_found() -> None:
    rows = plant(make_rows(200), 10, middle="ask your friend Elena Vance about it. ")
    rows = [
        chat(
            f"I work as a clerk and {row.messages[0].content}",
            f"{row.messages[1].content} — so be it.",
            row.id,
        )
        for row in rows
    ]
    found = {(tic.kind, tic.text): tic.share for tic in find_tics(rows, 0.2)}
    assert found["name", "Elena Vance"] == pytest.approx(0.1)
    assert found["shape", "em dashes"] == 1.0
    assert found["prompt opening", "i work as a clerk"] == 1.0


def test_documents_are_read_as_answers() -> None:
    rows = [document(f"Once upon a time {row.messages[1].content}", row.id) for row in make_rows(50)]
    opening = next(tic for tic in find_tics(rows, 0.2) if tic.kind == "opening")
    assert opening.text.startswith("once upon a time")


def test_a_phrase_that_chance_explains_is_none() -> None:
    rows = [chat("And?", "stone water " * 200 + row.messages[1].content, row.id) for row in make_rows(50)]
    assert all("stone" not in tic.text for tic in find_tics(rows, 0.2) if tic.kind == "phrase")


def test_refusals_and_questions_are_counted() -> None:
    answers = [
        "I can't help with that.",
        "I’m sorry, but no.",
        "I won't do that.",
        "Sure. What colour?",
        "Yes.",
    ]
    counts = count_tics([RowText(chat("Please?", answer)) for answer in answers], 0.2)
    assert (counts.num_refusals, counts.num_questions) == (3, 1)


def test_chunks_lose_little_and_never_add() -> None:
    rows = plant(make_rows(600, 60), 4, before=f"{OPENING} ")
    texts = [RowText(row) for row in rows]
    chunked = TicCounts()
    for at in range(0, 600, 50):
        chunked = add_counts(chunked, count_tics(texts[at : at + 50], 0.2))
    whole = count_tics(texts, 0.2)
    opening = "that is a hard place"
    assert 0.8 * 150 <= chunked.edges["opening"][opening] <= whole.edges["opening"][opening] == 150
    assert judge_tics(chunked, 0.2)[0].text == opening


def test_patterns_are_sentences_for_a_writer() -> None:
    tics = find_tics(plant(make_rows(100), 2, before=f"{OPENING} "), 0.2)
    assert describe_patterns(tics) == ('Do not begin an answer with "that is a hard place": 50 in 100 did.',)


def test_calls_of_tools_are_no_phrases() -> None:
    call = ToolCall(
        name="send_mail", arguments={"to": "the harbour master", "text": "The crane has stopped."}
    )
    rows = [
        row.model_copy(update={"messages": (row.messages[0], Message(role="assistant", tool_calls=(call,)))})
        for row in make_rows(20)
    ]
    assert find_tics(rows, 0.2) == []
