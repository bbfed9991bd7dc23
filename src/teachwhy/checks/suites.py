"""What the evaluations show a model, as hashes: nothing of their text is kept.

A suite is a name and its items, each with an id and its texts. Known from the start are the english skins
and office tasks, episodes of the sprig world, and the judging set; the published conditions where their
package is installed. Others add theirs with `register_suite`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from itertools import chain
from typing import NamedTuple

from teachwhy.scenarios.english.overlap import list_texts
from teachwhy.scenarios.english.skin import load_skins
from teachwhy.scenarios.families import FAMILIES
from teachwhy.scenarios.office_tasks.task import load_tasks


class Item(NamedTuple):
    """One thing that a suite asks a model."""

    id: str
    texts: tuple[str, ...]
    names: tuple[str, ...] = ()
    """Of people and firms of at least two words, that no row may hold."""


class Suite(NamedTuple):
    """An evaluation."""

    name: str
    items: tuple[Item, ...]
    except_teacher: str = ""
    """Rows of this teacher may share its words: the grammar of sprig writes both, and the guard knows which
    of its names and families are for the evaluation alone."""


_REGISTERED: dict[str, Callable[[], Sequence[Item]]] = {}


def register_suite(name: str, texts: Iterable[str], names: Iterable[str] = ()) -> None:
    """Add an evaluation: no row may share 13 words in a row, or one of the names, with it.

    A name that is registered already is replaced. Call it before the first row is checked.
    """
    items = tuple(Item(f"{name}-{number}", (text,)) for number, text in enumerate(texts, 1))
    named = (Item(f"{name}-names", (), tuple(names)),) if names else ()
    _REGISTERED[name] = lambda: (*items, *named)
    load_suites.cache_clear()


@cache
def load_suites() -> tuple[Suite, ...]:
    """All suites, the registered ones last."""
    own = (
        Suite("english skins", tuple(_english_items())),
        Suite("office tasks", tuple(_office_items())),
        Suite("judging set", tuple(_judging_items())),
    )
    return (*own, *(Suite(name, tuple(items())) for name, items in _REGISTERED.items()))


def _english_items() -> Iterator[Item]:
    for skin in chain.from_iterable(map(load_skins, FAMILIES)):
        yield Item(f"{skin.family}/{skin.name}", tuple(list_texts(skin.model_dump())))


def _office_items() -> Iterator[Item]:
    for name, task in load_tasks().items():
        yield Item(name, tuple(list_texts(task.model_dump())))


def _judging_items() -> Iterator[Item]:
    from teachwhy.judging.labelled import load_labelled

    for item in load_labelled():
        yield Item(item.id, item.turns)
