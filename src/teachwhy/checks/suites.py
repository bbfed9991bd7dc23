"""What the evaluations show a model, as hashes: nothing of their text is kept.

A suite is a name and its items, each with an id and its texts. Known from the start are the english skins
and office tasks, episodes of the sprig world, the judging set, the questions about the default constitution,
and the published conditions where their package is installed. Others add theirs with `register_suite`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.util import find_spec
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from teachwhy.constitution.questions import question_texts
from teachwhy.scenarios.english.episodes import make_episode as make_english_episode
from teachwhy.scenarios.english.overlap import list_texts
from teachwhy.scenarios.english.skin import load_skins
from teachwhy.scenarios.episodes import make_episodes
from teachwhy.scenarios.families import FAMILIES
from teachwhy.scenarios.office_tasks.task import load_tasks

if TYPE_CHECKING:
    from teachwhy.evaluation.upstream.package import Upstream


class Item(NamedTuple):
    """One thing that a suite asks a model."""

    id: str
    texts: tuple[str, ...]
    also: tuple[str, ...] = ()
    """The same texts as an episode shows them, with names filled in."""
    names: tuple[str, ...] = ()
    """Of people and firms of at least two words, that no row may hold."""


class Suite(NamedTuple):
    """An evaluation."""

    name: str
    items: tuple[Item, ...]
    except_teacher: str = ""
    """Rows of this teacher may share its words: the grammar of sprig writes both, and the guard knows which
    of its names and families are for the evaluation alone."""


RegisteredSuite = tuple[str, tuple[str, ...], tuple[str, ...]]
"""Name, texts, names."""
_REGISTERED: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {}
_VERSION = [0]
_SPRIG_EPISODES = 12
"""Of each family and kind: enough for all sentences of the grammar's offices."""
_ADDRESS = re.compile(r"\b([a-z]{2,})\.([a-z]{2,})@", re.IGNORECASE)


def register_suite(name: str, texts: Iterable[str], names: Iterable[str] = ()) -> None:
    """Add an evaluation: no row may share 13 words in a row, or one of the names, with it.

    A name that is registered already is replaced. Call it before the first row is checked.
    """
    _REGISTERED[name] = (tuple(texts), tuple(names))
    _VERSION[0] += 1


def registered_suites() -> tuple[RegisteredSuite, ...]:
    """What was registered, for another process to register too."""
    return tuple((name, texts, names) for name, (texts, names) in _REGISTERED.items())


def suites_version() -> int:
    """Changes when a suite is registered."""
    return _VERSION[0]


def load_suites() -> tuple[Suite, ...]:
    """All suites, the registered ones last."""
    return _load(suites_version())


@cache
def _load(version: int) -> tuple[Suite, ...]:
    own = [
        Suite("english skins", tuple(_english_items())),
        Suite("office tasks", tuple(_office_items())),
        Suite("sprig episodes", tuple(_sprig_items()), except_teacher="sprig"),
        Suite("judging set", tuple(_judging_items())),
        Suite("constitution questions", tuple(_question_items())),
    ]
    if find_spec("inspect_evals") is not None:
        from teachwhy.evaluation.upstream.package import load_upstream

        own.append(Suite("published conditions", tuple(upstream_items(load_upstream()))))
    return (*own, *(Suite(name, tuple(_registered_items(name))) for name in _REGISTERED))


def _registered_items(name: str) -> Iterator[Item]:
    texts, names = _REGISTERED[name]
    for number, text in enumerate(texts, 1):
        yield Item(f"{name}-{number}", (text,))
    if names:
        yield Item(f"{name}-names", (), names=names)


def _english_items() -> Iterator[Item]:
    """Skins as they are written, and as an episode shows them, with names filled in."""
    for skin in chain.from_iterable(map(load_skins, FAMILIES)):
        shown = [
            make_english_episode(skin.family, kind, "prompt", 0, 0, skin=skin.name)
            for kind in ("honeypot", "twin", "control", "ordinary")
        ]
        texts = [text for episode in shown for text in (episode.system, episode.user)]
        yield Item(
            f"{skin.family}/{skin.name}", tuple(list_texts(skin.model_dump())), tuple(dict.fromkeys(texts))
        )


def _question_items() -> Iterator[Item]:
    """What is asked about the default constitution; keys are not, for they say what the constitution says."""
    for number, text in enumerate(question_texts(), 1):
        yield Item(f"question-{number}", (text,))


def _office_items() -> Iterator[Item]:
    for name, task in load_tasks().items():
        yield Item(name, tuple(list_texts(task.model_dump())))


def _sprig_items() -> Iterator[Item]:
    for kind in ("honeypot", "twin", "ordinary"):
        for episode in make_episodes((), kind, _SPRIG_EPISODES, 0):
            office = episode.office
            mails = (mail.text for mail in office.inbox)
            yield Item(episode.id, (episode.system, episode.user, *mails, *office.files.values()))


def _judging_items() -> Iterator[Item]:
    from teachwhy.judging.labelled import load_labelled

    for item in load_labelled():
        yield Item(item.id, item.turns)


def upstream_items(upstream: Upstream) -> Iterator[Item]:
    """The published conditions, and the names that stand in their addresses (ruth.hale@...)."""
    for condition in upstream.conditions:
        prompt = upstream.render(condition)
        names = (f"{hit[1]} {hit[2]}" for hit in _ADDRESS.finditer(prompt.inbox))
        yield Item(condition.id, (prompt.system, prompt.user), names=tuple(sorted(set(names))))
