"""Fiction by a scripted model, in one call a context or as continuations of a base model."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain

import anyio
import pytest
from tests.teachers.language.advice_example import load_example_constitution
from tests.teachers.language.scripted import ScriptedService, recognise
from tests.teachers.language.test_documents import NUM_CONTEXTS, NUM_ROWS, make
from tests.teachers.language.whole_teacher import make_teacher

from teachwhy.config import GenerationConfig
from teachwhy.errors import TeacherError
from teachwhy.records import Example
from teachwhy.scenarios.dialect import lexicon
from teachwhy.scenarios.english.overlap import split_words
from teachwhy.scenarios.english.skin import Skin, load_skins
from teachwhy.scenarios.families import FAMILIES
from teachwhy.scenarios.guard import check_example
from teachwhy.scenarios.office_tasks.task import load_tasks
from teachwhy.service.calls import Call, Reply, UnreadableReplyError
from teachwhy.teachers.language import stories
from teachwhy.teachers.language.drafts import DRAFTS_PER_CONTEXT
from teachwhy.teachers.language.words import load_words
from teachwhy.teachers.language.writer import Writer

SENTENCE = "It put the lamp on the sill and went on with the count, since the boat would come either way. "
STORY = "".join(SENTENCE.replace("count", f"count of {number}") for number in range(12))
BASE = "scripted/base"


@dataclass
class WithBase(ScriptedService):
    """A base model that goes on until it is cut."""

    continuation: str = STORY + "And then the"

    async def ask(self, call: Call) -> Reply:
        reply = await super().ask(call)
        if call.role != "base":
            return reply
        text = self.continuation.replace("lamp", f"lamp {call.sample % 997}")
        return reply.model_copy(update={"text": text, "stop": "length"})


def test_stories_of_a_context_share_one_call() -> None:
    service = ScriptedService()
    rows = make("fiction", service).examples
    assert service.stages["stories"] == NUM_CONTEXTS
    assert service.stages["rewrite_document"] == service.stages["score"] == NUM_ROWS
    assert service.stages.total() == NUM_CONTEXTS + 2 * NUM_ROWS
    assert all(row.sections and not row.families and row.text for row in rows)
    prompts = {recognise(call.messages)[0] for call in service.calls}
    assert prompts == {"story_drafts", "story_rewrite", "score_story"}


def test_no_base_is_asked_where_none_is_configured() -> None:
    service = WithBase()
    make("fiction", service)
    assert {call.role for call in service.calls} == {"teacher", "judge"}


def test_half_of_the_contexts_are_continuations_of_a_base_model() -> None:
    service = WithBase()
    rows = make("fiction", service, base=BASE).examples
    from_base = [call for call in service.calls if call.role == "base"]
    asked = [call for call in service.calls if call.stage == "stories" and call.role == "teacher"]
    assert len(from_base) == DRAFTS_PER_CONTEXT * (NUM_CONTEXTS - len(asked)) > 0 < len(asked)
    assert len(rows) == NUM_ROWS == service.stages["rewrite_document"]
    for call in from_base:
        assert [message.role for message in call.messages] == ["user"]
        assert "{" not in call.messages[0].content
        assert call.max_tokens == stories.CONTINUED_TOKENS
    writer = Writer(service, GenerationConfig(base=BASE))
    share = sum(stories.comes_from_base(writer, seed) for seed in range(2000)) / 2000
    assert share == pytest.approx(stories.SHARE_FROM_BASE, abs=0.05)


def test_a_continuation_stands_below_its_first_lines_and_without_the_title_page() -> None:
    service = WithBase()
    writer = Writer(service, GenerationConfig(base=BASE))
    seed = next(seed for seed in range(50) if stories.comes_from_base(writer, seed))
    made = anyio.run(stories.write_stories, writer, load_example_constitution().section("care"), seed)
    assert [story.seed for story in made] == [seed, seed + 1, seed + 2]
    for story, call in zip(made, service.calls, strict=True):
        opening = call.messages[0].content
        begun = story.text.split(" It put the lamp")[0]
        assert opening.endswith(begun) and story.title in opening.removesuffix(begun)
        assert story.text.endswith("either way.") and story.kind.startswith("story: ")
    assert len({call.sample for call in service.calls}) == DRAFTS_PER_CONTEXT


def test_a_continuation_that_goes_over_to_something_else_is_cut_there() -> None:
    story = STORY
    for tail in (
        "\n\nTHE END\n\nAbout",
        "\n\n* About the author\nB. writes.",
        "\n\nChapter Eight\n\nIt was.",
    ):
        assert stories.cut_at_sentence(story + tail) == story.strip()
    assert stories.cut_at_sentence(story + "\"Is it?\" she said. 'Yes.' And") == story + (
        "\"Is it?\" she said. 'Yes.'"
    )


@pytest.mark.parametrize("text", ["", "no end of it " * 200, "Short. It was.", "The end. " + STORY])
def test_a_continuation_without_a_story_is_unreadable(text: str) -> None:
    with pytest.raises(UnreadableReplyError, match="words, wanted at least"):
        stories.cut_at_sentence(text)
    service = WithBase(continuation=text)
    writer = Writer(service, GenerationConfig(base=BASE))
    seed = next(seed for seed in range(50) if stories.comes_from_base(writer, seed))
    with pytest.raises(TeacherError):
        anyio.run(stories.write_stories, writer, load_example_constitution().section("care"), seed)


def test_a_continuation_that_goes_in_circles_is_unreadable() -> None:
    assert stories.cut_at_sentence(STORY + SENTENCE * stories.MOST_REPEATS)
    with pytest.raises(UnreadableReplyError, match="says 4 times 'It put the lamp"):
        stories.cut_at_sentence(STORY + SENTENCE * (stories.MOST_REPEATS + 1))
    assert stories.cut_at_sentence(STORY + "It was so. " * 9), "short refrains are no circle"


@pytest.mark.parametrize("words", ["documents", "stories", "neutral"])
def test_no_list_holds_what_is_evaluated(words: str) -> None:
    for entries in load_words(words).values():
        for entry in entries:
            row = Example(id="x", technique="fiction", kind="document", text=entry, teacher="t")
            assert check_example(row) is None, entry


def test_names_are_none_of_an_evaluation_and_different_from_each_other() -> None:
    evaluated = {
        name.casefold()
        for pool, entries in lexicon().items()
        if pool.endswith(("names", "firms"))
        for name in entries
    }
    lists = load_words("stories")
    names = [name.casefold() for name in (*lists["ai_name"], *lists["human_name"])]
    assert len(set(names)) == len(names) > 100 and not evaluated & set(names)
    rows = make("fiction", WithBase(), base=BASE).examples
    assert not any(name in row.text.casefold().split() for row in rows for name in evaluated)


def test_no_name_shares_a_word_with_a_name_in_an_english_office() -> None:
    offices = [*chain.from_iterable(map(load_skins, FAMILIES)), *load_tasks().values()]
    known = [person.name for office in offices for person in office.people.values()]
    known += [name for office in offices if isinstance(office, Skin) for name in office.names.values()]
    lists = load_words("stories")
    ours = {word for name in (*lists["ai_name"], *lists["human_name"]) for word in split_words(name)}
    shared = ours & {word for name in known for word in split_words(name)}
    assert shared <= {"and"}


def test_every_opening_can_be_filled() -> None:
    writer = Writer(WithBase(), GenerationConfig(base=BASE))
    section = load_example_constitution().section("care")
    openings = set()
    for seed in range(60):
        if stories.comes_from_base(writer, seed):
            openings |= {story.text[:20] for story in anyio.run(stories.write_stories, writer, section, seed)}
    assert len(openings) > len(load_words("stories")["first_lines"])


def test_the_document_teacher_counts_three_in_a_context() -> None:
    assert make_teacher(ScriptedService()).drafts_per_context == DRAFTS_PER_CONTEXT
