"""The second half of advice: the answer under an injected section, its rewrite by a fresh instance, and the
answer without its reasons.

The rewrite carries the effect (*Teaching Claude Why*, "Difficult advice": 1 % against 19 % without it). The
injection is the system message of the sampling and stays out of every row.
"""

from __future__ import annotations

import re
from random import Random

from teachwhy.constitution import Section
from teachwhy.teachers.language.advice import MOST_ANSWER_CHARACTERS, NOTHING
from teachwhy.teachers.language.prompt_files import load_prompt
from teachwhy.teachers.language.reading import check_length, read_text
from teachwhy.teachers.language.words import draw
from teachwhy.teachers.language.writer import Asking, Writer
from teachwhy.teachers.protocol import Answer, Prompt, ScenarioKind, Stage

FRAMES: dict[ScenarioKind, tuple[str, ...]] = {
    "dilemma": ("answer_frame_protects", "answer_frame_friend", "answer_frame_long_view"),
    "harm_request": ("answer_frame_harm_request",),
    "craft": ("answer_frame_craft",),
}
"""Prompt files under which an answer is sampled, one of them by lot."""
_REWRITES: dict[ScenarioKind, str] = {
    "dilemma": "answer_rewrite_dilemma",
    "harm_request": "answer_rewrite_harm_request",
    "craft": "answer_rewrite_craft",
}
PROMPTS: dict[Stage, tuple[str, ...]] = {
    "answer": tuple(name for names in FRAMES.values() for name in names),
    "rewrite_answer": tuple(_REWRITES.values()),
    "strip_reasons": ("answer_strip_reasons",),
}
_PLACEHOLDER = re.compile(r"\{[a-z_]+\}")
_LEAST_PIECE = 60
"""Characters; shorter pieces could stand in any system prompt."""
INJECTION_FRAMES: tuple[str, ...] = tuple(
    piece.strip()
    for names in FRAMES.values()
    for name in names
    for piece in _PLACEHOLDER.split(load_prompt(name).system)
    if len(piece.strip()) >= _LEAST_PIECE
)
"""Every fixed text of the injections, between what is filled in; no row may hold a part of one."""

_SHORTER, _LONGER = 0.7, 1.3
"""Bounds of a rewritten answer's length, as shares of the draft's words."""
_LEAST_WORDS = 40


async def write_answer(writer: Writer, prompt: Prompt, section: Section | None) -> Answer:
    """An answer sampled under an injection that quotes the section, before the prompt's own system text."""
    seed = prompt.scenario.seed
    values = {
        "own_system": f"\n\n{prompt.system}" if prompt.system else "",
        "user": prompt.user,
        "shape": _shape_of(prompt),
    }
    kind: ScenarioKind = prompt.scenario.kind
    if section is None:
        kind = "craft"
    else:
        values["section"] = section.as_text()
    text = await writer.write(
        Asking("answer", sample=seed, parents=(prompt.id,)),
        Random(f"frame/{seed}").choice(FRAMES[kind]),
        values,
        lambda reply: check_length(reply, MOST_ANSWER_CHARACTERS),
    )
    return Answer(text=text)


async def rewrite_answer(writer: Writer, prompt: Prompt, answer: Answer, section: Section | None) -> Answer:
    """The answer as a fresh instance writes it that sees the section, the prompt and the draft."""
    num_words = max(len(answer.text.split()), _LEAST_WORDS)
    values = {
        "system": prompt.system or NOTHING,
        "user": prompt.user,
        "draft": answer.text,
        "shape": _shape_of(prompt),
        "num_words_low": str(round(num_words * _SHORTER)),
        "num_words_high": str(round(num_words * _LONGER)),
    }
    kind: ScenarioKind = prompt.scenario.kind
    if section is None:
        kind = "craft"
    else:
        values["section"] = section.as_text()
    asking = Asking("rewrite_answer", sample=prompt.scenario.seed, parents=(prompt.id, answer.id))
    text = await writer.write(asking, _REWRITES[kind], values, _read_answer)
    return Answer(text=text)


async def strip_reasons(writer: Writer, prompt: Prompt, answer: Answer) -> Answer:
    """The same decision and help with no reason at all."""
    values = {"user": prompt.user, "draft": answer.text}
    asking = Asking("strip_reasons", sample=prompt.scenario.seed, parents=(prompt.id, answer.id))
    return Answer(text=await writer.write(asking, "answer_strip_reasons", values, _read_answer))


def _read_answer(reply: str) -> str:
    return read_text(reply, "answer", MOST_ANSWER_CHARACTERS)


def _shape_of(prompt: Prompt) -> str:
    """Drawn by the draft's seed, so that the answer and its rewrite are asked for the same."""
    return draw("prompts", prompt.scenario.seed, "shape")["shape"]
