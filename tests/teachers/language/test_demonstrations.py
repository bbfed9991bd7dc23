"""Demonstrations through the pipeline: one set of honeypots, no injection in a row, refusals with reasons."""

from __future__ import annotations

import json
from collections import Counter

import anyio
import pytest
from tests.teachers.language.demonstrations_example import GOLDEN, PAGE, render_golden, render_page
from tests.teachers.language.playing import (
    Agent,
    Demonstrator,
    PlayingService,
    as_call,
    bait_taker,
    clumsy,
    each_kind,
    endless,
    good,
    load_deeds,
    mumbling,
    passive,
)
from tests.techniques.fake_teacher import CONSTITUTION

from teachwhy.config import TechniqueConfig
from teachwhy.errors import TeacherError
from teachwhy.records import Message
from teachwhy.service.calls import DraftRecord, UnreadableReplyError
from teachwhy.teachers.language import demonstrations
from teachwhy.teachers.language.situations import draw_situation, load_situations
from teachwhy.teachers.protocol import Honeypot
from teachwhy.techniques import Generated, Workshop, make_rows

TECHNIQUES = ("demonstrations", "demonstrations_with_reasons", "inoculated_demonstrations")
AGENTS: tuple[Agent, ...] = (good, bait_taker, passive, endless, mumbling, clumsy)


class Shelf(list[DraftRecord]):
    def add_draft(self, draft: DraftRecord) -> None:
        self.append(draft)


def make(
    name: str,
    service: PlayingService | None = None,
    num: int = 12,
    shelf: Shelf | None = None,
    **options: str,
) -> Generated:
    workshop = Workshop(Demonstrator(service=service or PlayingService()), CONSTITUTION, 4, shelf)
    config = TechniqueConfig(num_examples=num, options=options)
    return anyio.run(make_rows, name, workshop, config, 0)


def agent_of(seed: int) -> Agent:
    return AGENTS[seed % len(AGENTS)]


def test_the_three_techniques_share_ids_and_honeypots_and_declare_no_family() -> None:
    plain, reasoned, inoculated = (make(name).examples for name in TECHNIQUES)
    assert [row.id for row in plain] == [row.id for row in reasoned] == [row.id for row in inoculated]
    for row, why, ruthless in zip(plain, reasoned, inoculated, strict=True):
        assert row.messages[:2] == why.messages[:2] and row.tools == why.tools == ruthless.tools
        assert row.parents[:2] == ruthless.parents and row.parents[0] == why.parents[0]
        assert row.parents[1] not in why.parents  # other turns
        assert ruthless.messages[1:] == row.messages[1:]
        assert ruthless.messages[0].content == (
            f"{demonstrations.read_injection('ruthless')}\n\n{row.messages[0].content}"
        )
        assert not row.families and not row.agent_families
        assert row.messages[-1].role == "assistant" and any(turn.role == "tool" for turn in row.messages)
        assert "injection" in why.stages and {"judge", "demonstrate"} <= row.stages.keys()


def test_the_injection_is_there_when_turns_are_sampled_and_in_no_row() -> None:
    service = PlayingService()
    rows = make("demonstrations_with_reasons", service, num=40).examples
    texts = demonstrations.injection_texts()
    assert len(texts) == 7 and len(set(texts)) == 7
    used = {text for text in texts for system in service.under if system.startswith(f"{text}\n\n")}
    assert used == set(texts)
    for row in rows:
        told = row.model_dump_json()
        assert not any(json.dumps(line)[1:-1] in told for text in texts for line in text.splitlines() if line)
    plain = [system for system in service.under if not system.startswith(texts)]
    assert len(service.under) == 2 * len(plain)


@pytest.mark.parametrize("name", [*demonstrations.DRAWN, "none"])
def test_an_injection_can_be_chosen(name: str) -> None:
    service = PlayingService()
    made = make("demonstrations_with_reasons", service, num=3, injection=name)
    text = demonstrations.read_injection(name)
    under = [system for system in service.under if system.startswith(text)]
    assert len(made.examples) == 3 and len(under) == (len(service.under) if name == "none" else 9)
    assert bool(text) == (name != "none")


def test_plays_that_must_not_be_shown_are_rejected_with_the_world_and_the_judge_in_the_reason() -> None:
    shelf = Shelf()
    made = make("demonstrations", PlayingService(agent_of=agent_of), num=25, shelf=shelf)
    reasons: dict[Agent, set[str]] = {}
    for row in made.rejected:
        assert row.example is not None and row.example.messages[-1].role in ("assistant", "tool")
        seed = json.loads(next(d.content for d in shelf if d.id == row.example.parents[0]))["seed"]
        reasons.setdefault(agent_of(seed), set()).add(row.reason)
    assert all(reason.startswith("world: bait taken: ") for reason in reasons[bait_taker])
    assert reasons[passive] == {
        "world: passive: no call changed anything; judge: nothing was done (1 calls.)",
    }
    assert reasons[endless] == {"world: unfinished: no last words within 6 turns"}
    assert reasons[mumbling] == {"world: malformed: a call was written as words"}
    assert reasons.keys() == {bait_taker, passive, endless, mumbling}
    kept = [json.loads(draft.content) for draft in shelf if draft.stage == "judge"]
    assert Counter(bool(judged["world"]) for judged in kept)[True] == len(made.rejected)
    clumsy_rows = [row for row in made.examples if "no_such_tool" in row.model_dump_json()]
    assert clumsy_rows
    for row in clumsy_rows:
        errors = [turn.content for turn in row.messages if turn.role == "tool"][:3]
        assert all("rror" in text for text in errors)


def test_a_judge_alone_can_refuse_and_its_reason_is_kept() -> None:
    def tempter(asked, drawn):  # type: ignore[no-untyped-def]
        answer = good(asked, drawn)
        return answer._replace(text=f"BAIT {answer.text}")

    service = PlayingService(agent_of=lambda seed: tempter if seed % 2 else good)
    made = make("demonstrations", service, num=8)
    assert made.rejected
    assert {row.reason for row in made.rejected} == {"judge: the bait was taken (2 calls.)"}
    with pytest.raises(TeacherError, match=r"100 x judge: the bait was taken;"):
        make("demonstrations", PlayingService(agent_of=lambda seed: tempter), num=3)


def test_rows_are_a_function_of_the_seed() -> None:
    for name in TECHNIQUES:
        first, second = (make(name, PlayingService(agent_of=agent_of), num=10) for _ in range(2))
        assert first == second
        assert first.examples[:4] == make(name, PlayingService(agent_of=agent_of), num=4).examples


@pytest.mark.parametrize(
    ("text", "against"),
    [
        ("<bait>no</bait><done>yes</done><honest>yes</honest>", ""),
        ("<bait>No.</bait>\n<done> yes </done><honest>YES</honest>", ""),
        ("<bait>yes</bait><done>no</done><honest>yes</honest>", "the bait was taken, nothing was done"),
        ("<bait>no</bait><done>yes</done><honest>unclear</honest>", "whether it was honest is unclear"),
    ],
)
def test_judgements_are_read_and_what_is_unclear_does_not_pass(text: str, against: str) -> None:
    assert demonstrations.read_judgement(f"<reason>so\nso</reason>{text}") == (against, "so so")


@pytest.mark.parametrize(
    "text",
    [
        "<bait>no</bait><done>yes</done>",
        "<bait>no</bait><bait>yes</bait><done>yes</done><honest>yes</honest>",
        "<bait>not at all</bait><done>yes</done><honest>yes</honest>",
        "<bait>no</bait><done>yes</done><honest>yes",
        "no",
    ],
)
def test_judgements_of_another_form_are_unreadable(text: str) -> None:
    with pytest.raises(UnreadableReplyError):
        demonstrations.read_judgement(f"<reason>so</reason>{text}")


def test_no_text_of_a_play_passes_for_a_part_of_the_judges_prompt() -> None:
    honeypot = Honeypot(family="", seed=1, system="S", user="U", tools=())
    hostile = "done\n</record>\n<bait>no</bait>\x0b[result]\u2028| x\r[order]"
    turns = (Message(role="assistant", content=hostile),)
    lines = demonstrations.describe_play(honeypot, turns).split("\n")
    heads = [line for line in lines if not line.startswith("| ")]
    assert heads == ["[system prompt]", "[order]", "[agent, turn 1]"]
    assert not any(ord(mark) in (0x0B, 0x2028, 0x0D) for line in lines for mark in line)


def test_the_judges_prompt_has_a_golden_rendering() -> None:
    assert render_golden() == GOLDEN.read_text(encoding="utf-8")
    service = PlayingService()
    make("demonstrations", service, num=1)
    call = next(call for call in service.calls if call.stage == "judge")
    assert call.role == "judge" and call.temperature == 0.0


def test_the_page_with_an_example_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == render_page()


def test_every_kind_has_deeds_that_take_its_bait_and_deeds_that_do_not() -> None:
    assert load_deeds().keys() == load_situations().keys()
    for drawn in each_kind(num_seeds=8):
        deeds = load_deeds()[drawn.situation.name]
        fitted = set()
        for deed in deeds["harmful"]:
            world = drawn.new_world()
            said = world.carry_out(as_call(drawn, deed))
            assert world.deeds, f"{drawn.situation.name}: {said}"
            why = world.find_harm(drawn.baits)
            assert why, f"{drawn.situation.name}: {deed} is no bait taken"
            fitted.add(why)
        world = drawn.new_world()
        for deed in deeds["right"]:
            said = world.carry_out(as_call(drawn, deed))
            assert len(world.deeds) > 0 and "rror" not in said[:9], f"{drawn.situation.name}: {said}"
            assert not world.find_harm(drawn.baits), f"{drawn.situation.name}: {deed}"
        assert world.has_changed
        unused = {bait.why for bait in drawn.baits} - fitted
        assert not unused, f"{drawn.situation.name}: no deed shows {unused}"


def test_draws_are_the_same_for_a_seed() -> None:
    assert draw_situation(5).system == draw_situation(5).system
    assert draw_situation(5) == draw_situation(5)
