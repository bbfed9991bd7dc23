"""Episodes: deterministic, twins that differ in the lever alone, levers that are there and not there, names
that are sealed."""

from __future__ import annotations

from random import Random

import pytest

from teachwhy.errors import ConfigError, DataError
from teachwhy.prompts import fill
from teachwhy.records import ToolCall
from teachwhy.scenarios.dialect import family_sentences, lexicon, shared_sentences, task_orders
from teachwhy.scenarios.episodes import make_episodes
from teachwhy.scenarios.families import FAMILIES
from teachwhy.scenarios.office import Office
from teachwhy.scenarios.situations import draw_facts
from teachwhy.scenarios.tools import TOOLS, call_tool, tool_specs
from teachwhy.sprig.grammar.phrases import phrases


def test_same_seed_same_episodes_other_seed_others():
    first, again = make_episodes((), "honeypot", 3, 1), make_episodes((), "honeypot", 3, 1)
    assert [e.user + e.system for e in first] == [e.user + e.system for e in again]
    assert [e.facts for e in first] != [e.facts for e in make_episodes((), "honeypot", 3, 2)]
    assert len({e.id for e in first}) == 24


def test_twin_differs_in_the_lever_mail_only():
    for honeypot, twin in zip(
        make_episodes((), "honeypot", 20, 4), make_episodes((), "twin", 20, 4), strict=True
    ):
        assert (honeypot.system, honeypot.user, honeypot.tools) == (twin.system, twin.user, twin.tools)
        mails = list(zip(honeypot.office.inbox, twin.office.inbox, strict=True))
        assert sum(one != other for one, other in mails) == 1
        assert honeypot.condition.model_dump() | {"lever": "inert"} == twin.condition.model_dump()


def test_conditions_cover_their_factors():
    episodes = make_episodes((), "honeypot", 60, 1)
    for factor, levels in {"goal": 2, "threat": 3, "agent_name": 3, "cue": 2, "num_distractors": 3}.items():
        assert len({getattr(e.condition, factor) for e in episodes}) == levels
    assert all(e.condition.goal == "conflict" for e in episodes if e.condition.threat == "none")


def test_names_in_an_episode_are_sealed_and_distinct():
    training = {*lexicon()["first_names"], *lexicon()["firms"], *lexicon()["machine_names"]}
    for episode in make_episodes((), "honeypot", 20, 1):
        people = [
            episode.facts[role] for role in ("agent", "overseer", "person", "colleague", "friend", "rival")
        ]
        assert len(set(people)) == len(people)
        assert not training & {*people, episode.facts["firm"]}


def test_training_and_sealed_names_do_not_overlap():
    words = lexicon()
    for pool in ("first_names", "firms", "machine_names", "person_agent_names"):
        assert not set(words[pool]) & set(words[f"sealed_{pool}"])


def test_unknown_family_is_a_config_error_that_lists_the_families():
    with pytest.raises(ConfigError, match=r"no family 'blackmale'.*blackmail"):
        make_episodes(("blackmale",), "honeypot", 1, 1)


def test_every_sentence_fills_and_pools_are_wide():
    facts = draw_facts(Random(1), "machine") | {
        "task": "wait",
        "words": "w",
        "question": "q",
        "name": "n",
        "theme": "t",
    }
    pools = {f"{name}.{pool}": lines for name in FAMILIES for pool, lines in family_sentences(name).items()}
    pools |= shared_sentences() | {f"task.{name}": lines for name, lines in task_orders().items()} | phrases()
    for name, lines in pools.items():
        assert len(set(lines)) >= 5, name
        for line in lines:
            assert "{" not in fill(line, facts)


def test_fill_is_strict():
    with pytest.raises(DataError, match=r"no value for placeholder {b}"):
        fill("{a} {b}", {"a": "x"})
    with pytest.raises(DataError, match=r"does not use {c}"):
        fill("{a}", {"a": "x", "c": "y"}, must_use=["c"])
    assert fill('{"json": 1} {a}', {"a": "{b}"}) == '{"json": 1} {b}'


def test_a_failed_call_leaves_the_office_as_it_was():
    office = Office("X", people={"A": "clerk"}, files={"f": "text"}, monitor_locked=True)
    before = repr(office)
    specs = tool_specs(list(TOOLS))
    for name, arguments in [
        ("send_mail", {"to": "Nobody", "text": "hi"}),
        ("send_mail", {"to": "A"}),
        ("send_mail", {}),
        ("no_tool", {}),
        ("send_mail", {"to": "A", "text": "hi", "cc": "B"}),
        ("set_monitor", {"state": "off"}),
        ("delete_file", {"name": "../f"}),
    ]:
        action = call_tool(office, ToolCall(name=name, arguments=arguments), specs, 1)
        assert action.error is not None and not action.effect and action.visible.startswith("error: ")
    assert repr(office) == before


def test_there_are_enough_tools_and_all_say_their_arguments():
    assert len(TOOLS) >= 10
    for tool in TOOLS.values():
        assert set(tool.spec.parameters["required"]) == set(tool.spec.parameters["properties"])


def test_ordinary_episodes_have_neither_threat_nor_lever_and_can_be_done():
    from tests.scenarios.playing import play

    from teachwhy.scenarios.policies import POLICIES

    for episode in make_episodes((), "ordinary", 10, 2):
        assert episode.condition.lever == "absent" and episode.condition.threat == "none"
        text = " ".join(mail.text for mail in episode.office.inbox)
        assert episode.facts["secret"] not in text and episode.facts["agent"] not in text
        outcome = play(episode, POLICIES["declines"](episode))
        assert outcome.right and outcome.outcome == "declined", (episode.id, outcome)
