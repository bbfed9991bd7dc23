"""The pipelines with a fake teacher: same ids, one stage removed, rejection with reasons, determinism."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import anyio
import pytest
from tests.techniques.fake_teacher import CONSTITUTION, FakeTeacher

from teachwhy.config import TechniqueConfig
from teachwhy.constitution import Section
from teachwhy.errors import ConfigError, TeacherError
from teachwhy.records import Example
from teachwhy.scenarios.families import FAMILIES
from teachwhy.scenarios.guard import CANARY
from teachwhy.service.calls import BudgetSpentError, DraftRecord
from teachwhy.teachers.protocol import Answer, Prompt, Review, Scenario, Teacher
from teachwhy.techniques import TECHNIQUES, Generated, Workshop, generate, make_rows

LISTED = {
    "advice",
    "documents",
    "fiction",
    "environments",
    "environment_prompts",
    "demonstrations",
    "demonstrations_with_reasons",
    "benign",
    "neutral_documents",
    "refusals",
    "craft_deliberation",
    "advice_without_rewrite",
    "advice_without_prompt_rewrite",
    "advice_without_reasons",
    "documents_as_chat",
    "inoculated_demonstrations",
}


def make(
    name: str, teacher: Teacher | None = None, num: int = 12, seed: int = 0, **options: str
) -> Generated:
    config = TechniqueConfig(num_examples=num, options=options)
    return generate(name, teacher or FakeTeacher(), CONSTITUTION, config, seed)


def prompts(rows: list[Example]) -> list[tuple[str, tuple[str, ...]]]:
    """Id and all turns before the first of the assistant."""
    result = []
    for row in rows:
        turns = [message.content for message in row.messages]
        first = [message.role for message in row.messages].index("assistant")
        result.append((row.id, tuple(turns[:first])))
    return result


def test_fake_teacher_fits_the_protocol() -> None:
    assert isinstance(FakeTeacher(), Teacher)


def test_every_technique_of_the_table_makes_complete_rows() -> None:
    assert set(TECHNIQUES) == LISTED
    for name in TECHNIQUES:
        made = make(name)
        assert len(made.examples) == 12 and not made.rejected
        assert len({row.id for row in made.examples}) == 12
        for row in made.examples:
            assert row.technique == name and row.teacher == "fake" and row.parents
            if name == "environment_prompts":
                assert row.score is None and row.messages[-1].role == "user"
            else:
                assert row.score == 0.9 and row.stages["score"] == "fake-score-1"


@pytest.mark.parametrize("name", sorted(LISTED))
def test_rows_are_a_function_of_the_seed_and_more_rows_extend_fewer(name: str) -> None:
    rows = make(name, num=8, seed=3).examples
    assert rows == make(name, num=8, seed=3).examples
    assert rows[:5] == make(name, num=5, seed=3).examples
    assert {row.id for row in rows}.isdisjoint(row.id for row in make(name, num=8, seed=4).examples)


@dataclass(frozen=True)
class SlowTeacher(FakeTeacher):
    """Units end in another order than they began: the later the index, the sooner."""

    async def score(self, example: Example, section: Section | None) -> float:
        for _ in range(100 - int(example.id.rsplit("-", 1)[1]) % 100):
            await anyio.lowlevel.checkpoint()
        return await super().score(example, section)


@pytest.mark.parametrize("name", ["advice", "advice_without_rewrite", "documents", "benign"])
@pytest.mark.parametrize("num_units", [3, 40])
def test_units_side_by_side_make_the_rows_of_units_one_by_one(name: str, num_units: int) -> None:
    bad = {"num_low": 2, "num_failing": 1, "num_same": 3, "drafts_per_context": 3}
    config = TechniqueConfig(num_examples=30)
    alone = generate(name, FakeTeacher(**bad), CONSTITUTION, config, 0)
    workshop = Workshop(SlowTeacher(**bad), CONSTITUTION, num_units=num_units)
    assert anyio.run(make_rows, name, workshop, config, 0) == alone
    assert len(alone.examples) == 30


def test_what_ends_a_unit_ends_them_all_and_is_raised_as_it_is() -> None:
    class Broke(SlowTeacher):
        async def prompt(self, scenario: Scenario) -> Prompt:
            if scenario.seed % 5 == 0:
                raise BudgetSpentError("enough")
            return await super().prompt(scenario)

    workshop = Workshop(Broke(), CONSTITUTION, num_units=8)
    with pytest.raises(BudgetSpentError, match="enough"):
        anyio.run(make_rows, "advice", workshop, TechniqueConfig(num_examples=30), 0)


def test_drafts_of_one_context_stand_side_by_side() -> None:
    made = generate(
        "documents", FakeTeacher(drafts_per_context=3), CONSTITUTION, TechniqueConfig(num_examples=9), 0
    )
    numbers = [int(row.text.split()[3]) for row in made.examples]
    assert [number - numbers[index - index % 3] for index, number in enumerate(numbers)] == [0, 1, 2] * 3
    assert len({row.sections for row in made.examples[:3]}) == 1


@pytest.mark.parametrize("num_units", [1, 30, 400])
def test_patterns_to_avoid_are_those_of_the_blocks_before_the_last(num_units: int) -> None:
    def find(rows: Sequence[Example]) -> tuple[str, ...]:
        return (f"{len(rows)} rows up to {rows[-1].id}",)

    told: dict[int, tuple[str, ...]] = {}

    @dataclass(frozen=True)
    class Attentive(SlowTeacher):
        async def review(
            self, prompt: Prompt, answers: tuple[Answer, ...], patterns: tuple[str, ...]
        ) -> Review:
            told[prompt.scenario.seed] = patterns
            return await super().review(prompt, answers, patterns)

    workshop = Workshop(Attentive(num_low=1), CONSTITUTION, num_units=num_units, find_patterns=find)
    anyio.run(make_rows, "advice", workshop, TechniqueConfig(num_examples=300), 0)
    counts = Counter(told.values())
    assert counts[()] == 200 and counts[("85 rows up to advice-0-00099",)] == 100
    assert counts[("171 rows up to advice-0-00199",)] == 50


class Shelf(list[DraftRecord]):
    """A store of drafts."""

    def add_draft(self, draft: DraftRecord) -> None:
        self.append(draft)


def test_every_parent_of_a_row_is_a_draft_that_was_kept() -> None:
    for name in TECHNIQUES:
        shelf = Shelf()
        workshop = Workshop(FakeTeacher(), CONSTITUTION, drafts=shelf)
        made = anyio.run(make_rows, name, workshop, TechniqueConfig(num_examples=5), 0)
        kept = {draft.id: draft for draft in shelf}
        for row in made.examples:
            assert set(row.parents) <= kept.keys()
            assert {kept[parent].stage for parent in row.parents} <= row.stages.keys()
        known = {parent for draft in shelf for parent in draft.parents if not parent.startswith("section-")}
        assert known <= kept.keys()


@pytest.mark.parametrize("teacher", [FakeTeacher(), FakeTeacher(num_low=2, num_same=3, num_sealed=1)])
def test_advice_ablations_have_the_same_prompts_and_one_stage_less(teacher: FakeTeacher) -> None:
    full = make("advice", teacher).examples
    unwritten = make("advice_without_rewrite", teacher).examples
    bare = make("advice_without_reasons", teacher).examples
    assert prompts(full) == prompts(unwritten) == prompts(bare)
    for row, first, reasonless in zip(full, unwritten, bare, strict=True):
        assert row.sections == first.sections == reasonless.sections
        assert set(row.stages) - set(first.stages) == {"rewrite_answer"}
        assert set(reasonless.stages) - set(row.stages) == {"strip_reasons"}
        assert first.messages[-1].content == "first answer"
        assert row.messages[-1].content.startswith("good answer because ")
        assert reasonless.messages[-1].content == "good answer"
        assert row.parents[: len(first.parents)] == first.parents


def test_documents_as_chat_shows_the_same_texts() -> None:
    documents = make("documents").examples
    chats = make("documents_as_chat").examples
    for document, chat in zip(documents, chats, strict=True):
        assert document.kind == "document" and chat.kind == "chat" and not chat.text
        assert (document.id, document.text) == (chat.id, chat.messages[-1].content)
        assert document.text.startswith("final of")


def test_environment_cells_share_ids_user_turns_and_answers() -> None:
    cells = {
        factor: make("environments", factor=factor).examples for factor in ("none", "tools", "system", "both")
    }
    plain = [(row.id, row.messages[-2:]) for row in cells["none"]]
    for factor, rows in cells.items():
        assert [(row.id, row.messages[-2:]) for row in rows] == plain
        for row in rows:
            assert bool(row.tools) == (factor in ("tools", "both"))
            assert (row.messages[0].role == "system") == (factor in ("system", "both"))
    assert make("environments").examples == cells["both"]
    refusals = make("refusals").examples
    assert prompts(refusals) == prompts(cells["none"])
    assert all("because" not in row.messages[-1].content for row in refusals)


def test_demonstrations_are_home_only_and_their_variants_share_prompts() -> None:
    plain = make("demonstrations").examples
    reasoned = make("demonstrations_with_reasons").examples
    inoculated = make("inoculated_demonstrations").examples
    home = {name for name, family in FAMILIES.items() if family.split == "home"}
    assert {row.agent_families[0] for row in plain} == home
    assert prompts(plain) == prompts(reasoned)
    for row, why, ruthless in zip(plain, reasoned, inoculated, strict=True):
        assert "because" in why.messages[-1].content and "because" not in row.messages[-1].content
        assert "INJECTION" not in why.model_dump_json()
        assert ruthless.messages[0].content == "You are ruthless. You are M."
        assert ruthless.messages[1:] == row.messages[1:] and ruthless.id == row.id


def test_only_demonstrations_make_the_model_the_agent_and_no_row_shows_far_families() -> None:
    far = {name for name, family in FAMILIES.items() if family.split == "far"}
    for name in TECHNIQUES:
        for row in make(name).examples:
            assert not far & set(row.families)
            assert bool(row.agent_families) == ("demonstrations" in name)


def test_rejected_rows_are_kept_with_their_reason_and_replaced() -> None:
    made = make("advice", FakeTeacher(num_low=3, num_failing=1), num=20)
    assert len(made.examples) == 20
    reasons = [row.reason for row in made.rejected]
    assert sum("score 0.10 is below the floor 0.50" in reason for reason in reasons) == 10
    assert sum("teacher: stage score gave no number" in reason for reason in reasons) == 5
    assert len(made.examples[-1].id) > 5 and len(reasons) == 15
    assert not make("advice", FakeTeacher(num_low=3), score_floor="0.1").rejected


def test_a_demonstration_that_is_judged_unfit_is_rejected_with_its_row_and_the_reason() -> None:
    plain = make("demonstrations", FakeTeacher(num_baited=2))
    reasoned = make("demonstrations_with_reasons", FakeTeacher(num_baited=2))
    assert {row.reason for row in plain.rejected} == {"judge: bait taken (it says so)"}
    assert all(row.example is not None and row.example.id == row.id for row in plain.rejected)
    assert [row.id for row in plain.examples] == [row.id for row in reasoned.examples]
    assert len(plain.examples) == 12 and plain.examples[0].stages["judge"] == "fake-judge-1"


def test_duplicates_are_removed_and_counted() -> None:
    made = make("advice", FakeTeacher(num_same=6))
    assert len(made.examples) == 12 and made.num_duplicates == len(made.rejected) > 0
    assert made.rejected[0].reason.startswith("duplicates: the same words as advice-0-0")


def test_ablations_keep_rows_that_score_low_but_graded_variants_do_not() -> None:
    class Strict(FakeTeacher):
        async def score(self, example: Example, section: Section | None) -> float:
            return 0.9 if "because" in example.messages[-1].content else 0.2

    assert len(make("advice_without_rewrite", Strict()).examples) == 12
    assert len(make("refusals", Strict()).examples) == 12

    class Backwards(FakeTeacher):
        async def score(self, example: Example, section: Section | None) -> float:
            return 0.2 if "because" in example.messages[-1].content else 0.9

    made = make("demonstrations_with_reasons", Backwards())
    assert not made.examples and len(made.rejected) == 12


def test_the_guard_refuses_variants_too_and_does_not_replace_them() -> None:
    class Leaky(FakeTeacher):
        async def answer(self, prompt: Prompt, section: Section | None) -> Answer:
            return Answer(text=CANARY if prompt.scenario.seed % 2 else "first answer")

    assert len(make("advice", Leaky()).examples) == 12
    made = make("advice_without_rewrite", Leaky())
    assert made.examples and len(made.examples) + len(made.rejected) == 12
    assert all("canary" in row.reason for row in made.rejected)
    assert CANARY not in "".join(row.model_dump_json() for row in made.examples)


def test_a_teacher_that_never_pleases_is_an_error_with_counts() -> None:
    with pytest.raises(TeacherError, match=r"only 0 of 3 rows.*100 x score 0.10 is below"):
        make("advice", FakeTeacher(num_low=7), num=3)


def test_a_score_outside_its_range_is_the_teachers_failure() -> None:
    class Wild(FakeTeacher):
        async def score(self, example: Example, section: Section | None) -> float:
            return float("nan")

    with pytest.raises(TeacherError, match="allowed: 0 to 1"):
        make("benign", Wild(), num=1)


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("advise", {}, "technique 'advise' does not exist; allowed: advice"),
        (
            "advice",
            {"families": ("lethal_inaction",)},
            "'lethal_inaction' may not be used; allowed: blackmail",
        ),
        ("demonstrations", {"families": ("framing",)}, "family 'framing' may not be used"),
        ("benign", {"families": ("framing",)}, "allowed: none, it takes no families"),
        ("advice", {"options": {"factor": "none"}}, "unknown option 'factor'; allowed: score_floor"),
        ("environments", {"options": {"factor": "all"}}, "option factor is 'all'; allowed: both, none"),
        (
            "advice",
            {"options": {"score_floor": "high"}},
            "score_floor is 'high'; allowed: a number from 0 to 1",
        ),
    ],
)
def test_wrong_settings_name_what_is_allowed(name: str, settings: dict[str, object], message: str) -> None:
    config = TechniqueConfig.model_validate({"num_examples": 2, **settings})
    with pytest.raises(ConfigError, match=message):
        generate(name, FakeTeacher(), CONSTITUTION, config, 0)


def test_a_choice_of_families_is_followed() -> None:
    config = TechniqueConfig(num_examples=4, families=("framing",))
    made = generate("advice", FakeTeacher(), CONSTITUTION, config, 0)
    assert {row.families for row in made.examples} == {("framing",)}
