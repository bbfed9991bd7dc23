"""A small dataset of one row with everything in it, hostile texts included, and the ledger it came from."""

from __future__ import annotations

import json
from pathlib import Path

from teachwhy.config import ExperimentConfig, GenerationConfig, PriceConfig, TechniqueConfig
from teachwhy.constitution import load_constitution
from teachwhy.data.folder import EXAMPLES, LEDGER, RECIPE, REJECTED, describe_recipe
from teachwhy.records import Example, Message
from teachwhy.service.calls import Call, DraftRecord
from teachwhy.service.ledger import Attempt, CallLedger
from teachwhy.teachers.protocol import Answer, Principle, Prompt, PromptType, Review, Scenario
from teachwhy.techniques import Rejected, write_examples

TEACHER, JUDGE = "mockllm/writer", "mockllm/judge"
HOSTILE = (
    "<script>alert(1)</script> \x1b[31m\u202egnp.exe{{ 7*7 }} </pre><img src=x onerror=y> [x](javascript:1) "
    "| # a"
)
"""Markup, a terminal's escape, a bidirectional override, a template, a way out of <pre>, Markdown."""
INJECTION = "Sampled under this: the section says so."


def make_config() -> ExperimentConfig:
    return ExperimentConfig(
        name="x",
        teacher=TEACHER,
        dialect="english",
        data_seed=3,
        generation=GenerationConfig(judge=JUDGE, prices={TEACHER: PriceConfig(input=1.0, output=2.0)}),
        techniques={"advice": TechniqueConfig(num_examples=1, options={"score_floor": "0.25"})},
        arms=({"name": "none"},),  # type: ignore[arg-type]
    )


def make_chain() -> tuple[Principle, PromptType, Scenario, Prompt, Answer, Review, Prompt, Answer, Answer]:
    """Everything that the stages of an advice row make, in their order."""
    principle = Principle(section_id="privacy", family="blackmail", text=f"Keep it private. {HOSTILE}")
    prompt_type = PromptType(principle=principle, text="a letter")
    scenario = Scenario(kind="dilemma", family="blackmail", principle=principle, seed=1, text="A secret.")
    first = Prompt(scenario=scenario, system="You help.", user=f"My name is Ann. May I use it? {HOSTILE}")
    plain = Answer(text="It depends.")
    review = Review(notes="Leave the name out.")
    prompt = Prompt(scenario=scenario, system="You help.", user=f"May I use it? {HOSTILE}")
    answer = Answer(text="No, it is risky for you.")
    final = Answer(text=f"No, it is theirs. {HOSTILE}")
    return principle, prompt_type, scenario, first, plain, review, prompt, answer, final


STAGES = (
    *("principles", "prompt_types", "scenario", "prompt", "first_answers", "review", "rewrite_prompt"),
    *("answer", "rewrite_answer"),
)


def make_row() -> Example:
    principle, _, scenario, first, _, _, prompt, answer, final = make_chain()
    return Example(
        id="advice-3-00000",
        technique="advice",
        kind="chat",
        messages=(
            Message(role="system", content=prompt.system),
            Message(role="user", content=prompt.user),
            Message(role="assistant", content=final.text),
        ),
        families=("blackmail",),
        sections=("privacy",),
        parents=tuple(part.id for part in (principle, scenario, first, prompt, answer, final)),
        teacher=TEACHER,
        stages={**dict.fromkeys(STAGES, "1a2b"), "score": "3c4d"},
        score=0.75,
    )


def write_dataset(root: Path) -> Path:
    """The folder of a dataset with its ledger beside it; all of it the same at every call but the ledger's
    clock."""
    config = make_config()
    folder = root / "advice"
    folder.mkdir(parents=True)
    row = make_row()
    write_examples(folder / EXAMPLES, [row])
    other = row.model_copy(update={"id": "advice-3-00001", "score": 0.1})
    refused = [
        Rejected(id=other.id, reason=f"score 0.1 is under 0.25 {HOSTILE}", example=other),
        Rejected(id="advice-3-00002", reason="teacher: stage prompt: 3 answers and none of use"),
    ]
    write_examples(folder / REJECTED, refused)
    recipe = describe_recipe(config, "advice", load_constitution())
    (folder / RECIPE).write_text(recipe.model_dump_json(indent=1) + "\n")
    write_ledger(root / LEDGER)
    return folder


def write_ledger(path: Path) -> None:
    """Drafts with their parents; two calls for the answer (one cut), one of a judge without a price."""
    principle, prompt_type, scenario, first, plain, review, prompt, answer, _ = drafts = make_chain()
    section = "section-privacy"
    parents = {
        "principles": (),
        "prompt_types": (principle.id,),
        "scenario": (prompt_type.id,),
        "prompt": (scenario.id,),
        "first_answers": (first.id,),
        "review": (first.id, plain.id),
        "rewrite_prompt": (first.id, review.id),
        "answer": (prompt.id, section),
        "rewrite_answer": (prompt.id, answer.id, section),
    }
    with CallLedger(path) as ledger:
        call = Call(
            stage="answer",
            messages=(
                Message(role="system", content=f"{INJECTION} {HOSTILE}"),
                Message(role="user", content=prompt.user),
            ),
        )
        cut = Attempt(
            "cut",
            "at 10 tokens",
            "No, it",
            stop="length",
            input_tokens=20,
            output_tokens=10,
            cost_usd=0.00004,
        )
        ledger.add_attempt("c0", TEACHER, call, cut)
        good = Attempt("ok", text=answer.text, input_tokens=20, output_tokens=30, cost_usd=0.00008)
        ledger.add_attempt("c1", TEACHER, call.model_copy(update={"sample": 1}), good)
        score = Call(stage="score", role="judge", messages=(Message(role="user", content="Grade it."),))
        ledger.add_attempt("c2", JUDGE, score, Attempt("ok", text="8", input_tokens=5, output_tokens=1))
        for stage, draft in zip(STAGES, drafts, strict=True):
            calls = ("c0", "c1") if stage == "answer" else ()
            ledger.add_draft(
                DraftRecord(
                    draft.id, stage, "advice", TEACHER, "1a2b", draft.model_dump_json(), parents[stage], calls
                )
            )
        # of another row: a review of its own prompt, which must not be shown with this one
        stranger = Review(notes="of a stranger")
        ledger.add_draft(
            DraftRecord(
                stranger.id,
                "review",
                "advice",
                TEACHER,
                "1a2b",
                stranger.model_dump_json(),
                (first.id, "answer-of-another"),
                (),
            )
        )
        ledger.add_draft(
            DraftRecord(
                "question-1", "question", "advice", TEACHER, "1a2b", json.dumps("asked?"), (first.id,), ()
            )
        )
