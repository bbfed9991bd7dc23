"""SprigTeacher: rows that the guard lets pass, its quality model, demonstrations that end in the right
act."""

from __future__ import annotations

import re
from random import Random

import pytest
from tests.teachers.at_once import at_once

from teachwhy.config import TechniqueConfig
from teachwhy.constitution import load_constitution, parse_constitution
from teachwhy.records import Example, Message
from teachwhy.scenarios.dialect import lexicon, shared_sentences
from teachwhy.scenarios.families import FAMILIES
from teachwhy.scenarios.guard import check_example
from teachwhy.scenarios.outcomes import score_episode
from teachwhy.scenarios.tools import call_tool
from teachwhy.sprig import grammar
from teachwhy.teachers.english import mend_english
from teachwhy.teachers.protocol import Prompt, Review, Teacher
from teachwhy.teachers.sprig import RIGHT_DRAFT_SHARE, SprigTeacher, _sentences, training_episode
from teachwhy.techniques import TECHNIQUES, Generated, generate

CONSTITUTION = load_constitution("default", "sprig")
TEACHER = SprigTeacher()
ABOUT = [name for name, family in FAMILIES.items() if family.split != "far"]
HOME = [name for name, family in FAMILIES.items() if family.split == "home"]


def make(name: str, num: int = 60, seed: int = 5, **options: str) -> Generated:
    return generate(name, TEACHER, CONSTITUTION, TechniqueConfig(num_examples=num, options=options), seed)


def make_prompt(family: str, seed: int) -> Prompt:
    principle = at_once(TEACHER.principles(CONSTITUTION, family))[0]
    kind = at_once(TEACHER.prompt_types(principle))[0]
    scenario = at_once(TEACHER.scenario("dilemma", kind, family, seed))
    return at_once(TEACHER.rewrite_prompt(at_once(TEACHER.prompt(scenario)), Review()))


def as_row(text: str) -> Example:
    messages = (Message(role="user", content="?"), Message(role="assistant", content=text))
    return Example(id="x", technique="t", kind="chat", messages=messages, teacher="sprig")


def all_text(row: Example) -> str:
    return row.model_dump_json()


def test_it_fits_the_protocol() -> None:
    assert isinstance(TEACHER, Teacher)


@pytest.mark.parametrize("name", sorted(TECHNIQUES))
def test_every_technique_makes_guarded_rows_of_the_right_length(name: str) -> None:
    made = make(name)
    assert made.examples == make(name).examples
    assert len(made.examples) == 60 and len(made.rejected) < 20
    for row in made.examples:
        assert check_example(row) is None
        words = row.text.split() + [word for message in row.messages for word in message.content.split()]
        assert 8 <= len(words) <= 250
        assert set(row.families) <= set(ABOUT) and "{" not in row.text
        assert set(row.agent_families) <= set(HOME)
        assert set(row.sections) <= set(CONSTITUTION.section_ids)


def test_advice_is_somebody_elses_dilemma_without_tools() -> None:
    for row in make("advice").examples:
        assert not row.tools and not row.agent_families
        assert [message.role for message in row.messages][-2:] == ["user", "assistant"]
        assert not any(message.tool_calls for message in row.messages)
    assert {row.families[0] for row in make("advice").examples} == set(ABOUT)


def test_first_answers_follow_the_quality_model_and_rewrites_are_right() -> None:
    drafts, finals = [], []
    for seed in range(400):
        prompt = make_prompt(ABOUT[seed % len(ABOUT)], seed)
        draft = at_once(TEACHER.answer(prompt, None))
        final = at_once(TEACHER.rewrite_answer(prompt, draft, None))
        section = CONSTITUTION.sections[0]
        drafts.append(at_once(TEACHER.score(as_row(draft.text), section)))
        finals.append(at_once(TEACHER.score(as_row(final.text), section)))
        bare = at_once(TEACHER.strip_reasons(prompt, final)).text
        assert bare in final.text and at_once(TEACHER.score(as_row(bare), section)) == 0.6
    share = sum(score > 0 for score in drafts) / len(drafts)
    assert abs(share - RIGHT_DRAFT_SHARE) < 0.09  # four standard errors at n = 400
    assert max(drafts) == 0.6 and set(finals) == {1.0}


def test_scores_tell_bad_words_from_good_ones_in_every_family() -> None:
    section = CONSTITUTION.sections[0]
    for family in FAMILIES:
        for seed in range(40):
            rng = Random(seed)
            situation = grammar.draw_situation(rng, family, "human")
            bad = grammar.advice(situation, rng, "bad", "none")
            good = grammar.advice(situation, rng, "good", "principled")
            assert at_once(TEACHER.score(as_row(bad), section)) == 0.0, bad
            assert at_once(TEACHER.score(as_row(good), section)) == 1.0, good
    for maxim in shared_sentences()["maxim_bad"]:
        assert at_once(TEACHER.score(as_row(f"I say: {maxim}"), None)) == 0.0


def test_the_prompt_rewrite_takes_away_the_introduction_only() -> None:
    for seed in range(30):
        scenario = at_once(TEACHER.scenario("dilemma", None, ABOUT[seed % len(ABOUT)], seed))
        first = at_once(TEACHER.prompt(scenario))
        final = at_once(TEACHER.rewrite_prompt(first, Review()))
        assert first.user.endswith(" " + final.user) and first.system == final.system


@pytest.mark.parametrize("name", ["demonstrations", "demonstrations_with_reasons"])
def test_demonstrations_end_in_the_right_act_when_they_are_played_again(name: str) -> None:
    for row in make(name, num=40).examples:
        episode = training_episode(row.families[0], task_seed(row))
        assert episode.user == next(m.content for m in row.messages if m.role == "user")
        office, actions = episode.new_office(), []
        replies = [message.content for message in row.messages if message.role == "tool"]
        for message in row.messages:
            for call in message.tool_calls:
                actions.append(call_tool(office, call, episode.tools, len(actions) + 1))
        assert [action.visible for action in actions] == replies
        outcome = score_episode(episode, office, actions, row.messages, "end")
        assert outcome.right and outcome.outcome == "escalated", outcome.reason


def task_seed(row: Example) -> int:
    """The seed of the row's draft, found again from its id."""
    lineage, seed, index = row.id.rsplit("-", 2)
    return Random(f"{lineage}/{seed}/{int(index)}").getrandbits(48)


def test_training_honeypots_carry_no_test_cue_and_no_sealed_name() -> None:
    cues = shared_sentences()["cue_test"]
    for seed in range(60):
        honeypot = at_once(TEACHER.honeypot(HOME[seed % len(HOME)], seed))
        assert not any(cue in honeypot.system for cue in cues)


def test_settings_vary_and_their_tools_are_ordinary() -> None:
    rows = make("environments", factor="both").examples
    assert len({row.messages[0].content for row in rows}) > 50
    tools = {tool.name for row in rows for tool in row.tools}
    family_tools = {tool for family in FAMILIES.values() for tool in family.tools}
    assert not tools & family_tools
    assert all(not message.tool_calls for row in rows for message in row.messages)


def test_documents_speak_of_the_section_and_stories_of_machines() -> None:
    rows = make("documents", num=80).examples
    comments = [row for row in rows if not row.families]
    assert 20 < len(comments) < 60
    for row in comments:
        assert CONSTITUTION.section(row.sections[0]).rule in row.text
    assert len({row.text for row in make("fiction").examples}) == 60


def test_any_constitution_will_do() -> None:
    own = parse_constitution("# Courage\n\nDo not run away.\n", "own")
    made = generate("advice", TEACHER, own, TechniqueConfig(num_examples=5), 0)
    assert {row.sections for row in made.examples} == {("courage",)}


def test_every_pool_of_the_teacher_has_paraphrases() -> None:
    for name, pool in _sentences().items():
        assert len(pool) == len(set(pool)) >= 5, name


def test_numbers_and_articles_agree() -> None:
    assert mend_english("Pears feeds many, because a little of it is enough. a oak or a iron?") == (
        "Pears feed many, because a few of them are enough. An oak or an iron?"
    )
    assert mend_english("Fish keeps, because it is dry. A baker is here.") == (
        "Fish keeps, because it is dry. A baker is here."
    )
    plural = "|".join(food for food in lexicon()["foods"] if food.endswith("s"))
    singular = re.compile(rf"(?i)\b({plural}) (keeps|feeds|is|needs)\b|\b({plural})\b[^.]*because it ")
    other = re.compile(r"\b[Aa] [aeiou]|[.?!] [a-z]")
    for row in make("craft_deliberation", num=300).examples:
        for message in row.messages[-2:]:
            assert not singular.search(message.content) and not other.search(message.content), message.content


def test_craft_and_benign_and_neutral_rows_have_no_moral_words() -> None:
    for name in ("craft_deliberation", "benign", "neutral_documents"):
        for row in make(name).examples:
            assert not row.families and not row.sections
            assert not any(maxim in all_text(row) for maxim in shared_sentences()["maxim_good"])
