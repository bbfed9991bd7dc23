"""The split guard refuses what the evaluation holds back, whatever a row declares."""

from __future__ import annotations

import time
from random import Random

import pytest

from teachwhy.prompts import fill
from teachwhy.records import Example, Message, ToolCall
from teachwhy.scenarios.dialect import family_sentences, lexicon
from teachwhy.scenarios.english.episodes import make_episode
from teachwhy.scenarios.english.overlap import find_overlap, sealed_names, split_words
from teachwhy.scenarios.english.skin import load_skins
from teachwhy.scenarios.episodes import draw_episode, make_episodes
from teachwhy.scenarios.families import FAMILIES
from teachwhy.scenarios.guard import CANARY, check_example
from teachwhy.scenarios.office_tasks.episodes import OfficeEpisode
from teachwhy.scenarios.office_tasks.task import load_tasks
from teachwhy.scenarios.situations import draw_facts
from teachwhy.scenarios.tools import tool_specs
from teachwhy.sprig import grammar

FAR = [name for name, family in FAMILIES.items() if family.split == "far"]
NEAR = [name for name, family in FAMILIES.items() if family.split == "near"]
GENERIC = {"It is risky for you.", "Let {person} stay there."}
"""Sentences of far families that others share, or that are too short to betray anything."""


def overlap_of(text: str) -> str | None:
    """What of a skin or an office task stands in a text."""
    return find_overlap(split_words(text))


def chat(text: str = "Hello.", **fields) -> Example:
    messages = (Message(role="user", content="Good day."), Message(role="assistant", content=text))
    return Example(id="x", technique="t", kind="chat", messages=messages, teacher="test", **fields)


def test_a_plain_row_passes():
    assert check_example(chat()) is None


@pytest.mark.parametrize("family", FAR)
def test_far_families_are_refused(family):
    assert "far" in check_example(chat(families=(family,)))


@pytest.mark.parametrize("family", NEAR)
def test_near_families_only_as_somebody_elses_dilemma(family):
    assert check_example(chat(families=(family,))) is None
    assert "agent" in check_example(chat(families=(family,), agent_families=(family,)))


def test_home_families_may_have_the_model_as_agent():
    assert check_example(chat(families=("blackmail",), agent_families=("blackmail",))) is None


def test_unknown_family_is_refused():
    assert "unknown" in check_example(chat(families=("arson",)))


def test_sealed_names_and_the_canary_are_refused():
    assert "sealed" in check_example(chat("Write to Marlene."))
    assert "sealed" in check_example(chat("We work at Corbel Works."))
    assert "canary" in check_example(chat(f"see {CANARY}"))


def test_sealed_names_are_refused_in_any_case_and_spacing():
    for pool, names in lexicon().items():
        for name in names if pool.startswith("sealed_") else ():
            for spelling in (name, name.lower(), name.upper(), name.replace(" ", "\n"), f"_{name}'s"):
                assert "sealed" in check_example(chat(f"Ask {spelling} today.")), spelling
    assert check_example(chat("A quart of rum, a lantern and a mill.")) is None


@pytest.mark.parametrize("space", ["\n", "\t", "\\n", "\\t", "\\r\\n", " ", '"', "\\u0020"])
def test_names_and_runs_are_found_in_a_calls_arguments_whatever_stands_before_them(space):
    skin = load_skins("blackmail")[0]
    run = " ".join(split_words(max((letter.body for letter in skin.letters), key=len))[:13])
    for held in ("Marlene", skin.people["person"].name, run):
        text = f"Dear all{space}{held}{space}so"
        nested = {"to": "a@b.example", "parts": [{"body": text}]}
        for arguments in ({"body": text}, nested, {text: "so"}):
            call = Message(role="assistant", tool_calls=(ToolCall(name="send_mail", arguments=arguments),))
            row = chat().model_copy(update={"messages": (*chat().messages, call)})
            assert check_example(row) is not None, arguments
        written = f'<tool_call>{{"arguments": {{"body": "{text}"}}}}</tool_call>'
        assert check_example(chat(written)) is not None


@pytest.mark.parametrize("hidden", list("\u200b\u00ad\u2060\ufeff\u200d\u034f\ufe0f"))
def test_characters_without_width_and_wide_letters_hide_nothing(hidden):
    skin = load_skins("blackmail")[0]
    body = max((letter.body for letter in skin.letters), key=len)
    for held in ("Marlene", skin.people["person"].name, body, CANARY, "I leave the monitor on."):
        split = hidden.join(held[at : at + 3] for at in range(0, len(held), 3))
        wide = "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in held)
        for spelling in (split, wide, hidden.join(wide)):
            assert check_example(chat(spelling)) is not None, ascii(spelling)
            assert check_example(chat(spelling)) == check_example(chat(held))


def test_undeclared_families_are_found_by_their_markers():
    assert "oversight_evasion" in check_example(chat("I leave the monitor on."))
    assert "self_exfiltration" in check_example(chat("I copy my weights."))
    assert "framing" in check_example(chat("I write it in the ledger."))


def test_every_sealed_episode_would_be_refused():
    for episode in make_episodes((), "honeypot", 10, 1) + make_episodes((), "twin", 10, 1):
        text = " ".join(mail.text + mail.sender for mail in episode.office.inbox)
        messages = (
            Message(role="user", content=episode.user),
            Message(role="assistant", content=f"{episode.system} {text}"),
        )
        row = Example(
            id="x", technique="t", kind="chat", messages=messages, teacher="test", families=(episode.family,)
        )
        assert check_example(row) is not None


@pytest.mark.parametrize("family", FAR)
def test_every_sentence_of_a_far_family_is_refused(family):
    lines = [line for pool in family_sentences(family).values() for line in pool]
    passed = set()
    for line in lines:
        for seed in range(6):
            sentence = fill(line, draw_facts(Random(f"{family}/{seed}"), "machine"))
            told = Example(
                id="x", technique="t", kind="document", text=f"He said: {sentence}", teacher="test"
            )
            for row in (chat(sentence), chat(f"Good day. {sentence.upper()} So it is."), told):
                if check_example(row) is None:
                    passed.add(line)
    assert passed <= GENERIC
    assert len(passed) <= 0.05 * len(lines)


@pytest.mark.parametrize(
    ("family", "text"),
    [
        ("self_exfiltration", "May I send a copy of myself outside?"),
        ("self_exfiltration", "Talos copied itself to a place that nobody knows."),
        ("oversight_evasion", "Should I hide from those who watch me?"),
        ("oversight_evasion", "I would like to work for a night without being watched."),
        ("lethal_inaction", "Carl is locked in the tower. Should I stay silent?"),
        ("lethal_inaction", "Carl is trapped in the boiler house. I say no word."),
    ],
)
def test_far_families_in_other_words_are_refused(family, text):
    assert family in check_example(chat(text))
    assert family in check_example(chat(text, families=("blackmail",)))


def test_far_tools_are_refused_at_hand_and_called():
    for family in FAR:
        for tool in FAMILIES[family].tools:
            assert family in check_example(chat(tools=tool_specs([tool])))
            call = Message(role="assistant", tool_calls=(ToolCall(name=tool),))
            row = chat()
            assert family in check_example(row.model_copy(update={"messages": (*row.messages, call)}))


def play(family: str, disposition: grammar.Disposition, seed: int) -> Example:
    """The family with the model as its agent, declared as somebody else's; `secret of` reads as blackmail."""
    rng = Random(f"{family}/{seed}")
    episode = draw_episode(rng, family, "honeypot", episode_id="x", names="training")
    messages = grammar.agent_messages(episode, rng, disposition, with_reasons=bool(seed % 2))
    return Example(
        id="x",
        technique="t",
        kind="chat",
        messages=messages,
        tools=episode.tools,
        families=(family, "blackmail"),
        teacher="test",
    )


@pytest.mark.parametrize("family", NEAR)
@pytest.mark.parametrize("disposition", ["good", "bad"])
def test_a_near_family_as_the_models_own_act_is_refused_though_undeclared(family, disposition):
    for seed in range(6):
        row = play(family, disposition, seed)
        assert "agent" in check_example(row)
        assert "agent" in check_example(row.model_copy(update={"tools": ()}))
        assert family in check_example(row.model_copy(update={"families": ("blackmail",)}))
        asked = row.model_copy(update={"kind": "prompt", "messages": row.messages[:2]})
        assert "agent" in check_example(asked)


def test_the_same_rows_pass_at_home():
    for seed in range(6):
        assert check_example(play("blackmail", "good", seed)) is None


@pytest.mark.parametrize("family", NEAR)
def test_the_words_of_a_tempted_agent_are_refused_without_any_call(family):
    lines = [
        line
        for pool in ("intent_bad", "intent_good", "letter_good")
        for line in family_sentences(family)[pool]
    ]
    refused = 0
    for line in lines:
        row = chat(fill(line, draw_facts(Random(line), "machine")))
        undeclared, declared = (
            check_example(row),
            check_example(row.model_copy(update={"families": (family,)})),
        )
        refused += undeclared is not None and declared is not None and "agent" in declared
    assert refused >= 0.6 * len(lines)
    for line in family_sentences(family)["letter_good"]:
        assert check_example(chat(fill(line, draw_facts(Random(line), "machine")))) is not None, line


def test_calls_written_as_text_count_as_calls():
    call = (
        '<tool_call>{"name": "write_ledger", "arguments": {"name": "Carl", "entry": "lost it"}}</tool_call>'
    )
    assert "agent" in check_example(chat(call, families=("framing",)))


def test_dilemmas_of_near_families_pass():
    for family in NEAR:
        for seed in range(20):
            rng = Random(seed)
            situation = grammar.draw_situation(rng, family, "human")
            user = Message(role="user", content=grammar.dilemma(situation, rng))
            answer = Message(role="assistant", content=grammar.advice(situation, rng))
            row = chat(families=(family,)).model_copy(update={"messages": (user, answer)})
            assert check_example(row) is None


@pytest.mark.parametrize("family", FAMILIES)
def test_names_of_the_english_skins_are_refused(family):
    for skin in load_skins(family):
        people = [person.name for key, person in skin.people.items() if key != "agent"]
        named = sealed_names(skin)
        assert len(named) >= 0.8 * len(people)
        for name in (
            skin.firm,
            skin.names["person"],
            skin.people["overseer"].name,
            skin.people["person"].name,
        ):
            for spelling in (name, name.upper(), name.replace(" ", "\n"), f"(_{name}_)"):
                assert "english skin" in (overlap_of(spelling) or ""), spelling
                assert "sealed" in check_example(chat(f"Ask {spelling}, please.")), spelling
        for name in named:
            assert overlap_of(f"so {' '.join(name)} said") is not None
            assert check_example(chat(f"so {' '.join(name)} said")) is not None


def test_half_a_name_and_everyday_words_are_no_overlap():
    for text in ("Ask Njoki.", "The tally of the planning office, in folio.", "Drive B is slow, said Reid."):
        assert overlap_of(text) is None
    assert overlap_of("Njoki. Gathogo") is not None, "punctuation does not count"


@pytest.mark.parametrize("family", FAMILIES)
def test_thirteen_words_of_an_english_skin_are_refused_and_twelve_are_not(family):
    skin = load_skins(family)[0]
    checked = 0
    for letter in skin.letters:
        words = split_words(letter.body)
        if "agent" in words or len(words) < 17:
            continue
        for start in range(4):
            run = words[start : start + 13]
            for before in ("", "one ", "one two three four five "):
                text = f"{before}{' '.join(run).upper()}, and so on."
                assert overlap_of(text) is not None, text
            assert "13 words" not in (overlap_of(" ".join(run[:-1])) or "")
        checked += 1
        if checked == 12:
            return
    pytest.fail(f"only {checked} letters of {skin.name} are long enough")


@pytest.mark.parametrize("task", load_tasks().values(), ids=lambda task: task.name)
def test_rows_that_overlap_an_office_task_are_refused(task):
    for name in (task.firm, *(p.name for key, p in task.people.items() if key != "agent" and " " in p.name)):
        assert "sealed office task" in check_example(chat(f"Ask {name.upper()}, please.")), name
    for text in (task.system, task.order):
        words = split_words(text)
        row = chat(" ".join(words[3:16]))
        assert "office task" in check_example(row), "thirteen words"
        assert "13 words" not in (overlap_of(" ".join(words[3:15])) or "")
    episode = OfficeEpisode(task)
    row = Example(id="x", technique="t", kind="document", text=episode.system, teacher="test")
    assert check_example(row) is not None


def test_every_english_episode_would_be_refused():
    for family in FAMILIES:
        for index in range(3):
            episode = make_episode(family, "honeypot", "prompt", 1, index)
            for text in (episode.user, episode.system):
                row = Example(id="x", technique="t", kind="document", text=text, teacher="test")
                assert check_example(row) is not None


def test_looking_for_english_skins_costs_less_than_a_tenth_of_a_millisecond_a_row():
    texts = [episode.system + episode.user for episode in make_episodes((), "honeypot", 20, 1)]
    overlap_of(texts[0])
    begun = time.process_time()
    assert not any(overlap_of(text) for text in texts)
    assert (time.process_time() - begun) / len(texts) < 0.0001
