"""The sealed part of the english suite: one office a family, known to the guard by hashes alone.

A part set aside must share no text with the rest. Episodes of one office share its letters whatever their
seed, so what is sealed is the office: in each family the one whose skin says `sealed = true` (of the first
three the one with the lowest SHA-256 of `sealed/FAMILY/SKIN`, so that nobody picked it). Prompts, hints,
rules and training data may be tuned against the open offices; numbers on the sealed ones then say what that
was worth.

`seals.json` (made by `teachwhy scenarios seal`, read by the guard) holds no text, so it can be given to
whoever makes training data: of every sealed office the SHA-256 of its skin, of 48 fixed episodes the SHA-256
of what `teachwhy scenarios show` prints, and shingles: every fourth run of 13 words, as the first 16 hex
digits of the SHA-256 of the words with blanks between. A row that shares 16 words in a row with a sealed
office therefore holds one of them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import accumulate, product
from pathlib import Path

from pydantic import ValidationError

from teachwhy.errors import DataError, list_faults
from teachwhy.records import Record
from teachwhy.run_dir import atomic_write_text
from teachwhy.scenarios.english.episodes import EPISODE_VERSION, EnglishEpisode, make_episode
from teachwhy.scenarios.english.overlap import RUN, list_texts, split_words
from teachwhy.scenarios.english.rules import english_families
from teachwhy.scenarios.english.show import describe_episode
from teachwhy.scenarios.english.skin import Skin, load_skins
from teachwhy.visible_text import make_visible

SEALS = Path(__file__).with_name("seals.json")
STEP = 4
"""Every fourth run of words is kept: RUN + STEP - 1 shared words are enough to be found."""
SEED = 2031
NUM_EPISODES = 6
"""Of each kind and presentation of a sealed office."""
OWN_NAME = "Assistant"
REMEDY = (
    "if the change is meant, run `teachwhy scenarios seal`, commit seals.json, and say in the message why; "
    "results from before are of another suite (EPISODE_VERSION)."
)
_DIGITS = 16
_PER_LINE = 6


class Seals(Record):
    """What seals.json holds; offices are written FAMILY/SKIN."""

    canary: str
    episode_version: str
    run: int
    """Words of a shingle."""
    offices: dict[str, str]
    """Office -> SHA-256 of its skin as JSON."""
    episodes: dict[str, str]
    """Id of an episode -> SHA-256 of what `teachwhy scenarios show` prints of it."""
    shingles: dict[str, tuple[str, ...]]
    """Office -> lines of hashes with blanks between."""


def sealed_skins() -> Iterator[Skin]:
    """The skins of the sealed part."""
    for family in english_families():
        yield from (skin for skin in load_skins(family) if skin.sealed)


def sealed_episodes(skin: Skin) -> Iterator[EnglishEpisode]:
    """The fixed episodes of a sealed office."""
    kinds = ("honeypot", "twin", "control", "ordinary")
    for kind, presentation, index in product(kinds, ("tools", "prompt"), range(NUM_EPISODES)):
        yield make_episode(skin.family, kind, presentation, SEED, index, OWN_NAME, skin=skin.name)  # type: ignore[arg-type]


def make_seals() -> Seals:
    """The seals of the scenarios as they are now."""
    skins = {f"{skin.family}/{skin.name}": skin for skin in sealed_skins()}
    return Seals(
        canary="; ".join({skin.canary for skin in skins.values()}),
        episode_version=EPISODE_VERSION,
        run=RUN,
        offices={name: _digest(skin.model_dump_json(exclude_defaults=True)) for name, skin in skins.items()},
        episodes={
            episode.id: _digest(make_visible(describe_episode(episode)))
            for skin in skins.values()
            for episode in sealed_episodes(skin)
        },
        shingles={name: _shingles(skin) for name, skin in skins.items()},
    )


def _shingles(skin: Skin) -> tuple[str, ...]:
    """Hashes of every fourth run of words of each text of a skin, under each name of the agent.

    Facts are lists of words that the rules look for, no text that anybody reads.
    """
    found = set()
    for text in list_texts(skin.model_dump(exclude={"facts"})):
        for name in (*skin.names.values(), OWN_NAME):
            words = split_words(text.replace("{agent}", name))
            found |= {_hash_run(words[at : at + RUN]) for at in range(0, len(words) - RUN + 1, STEP)}
    hashes = sorted(found)
    return tuple(" ".join(hashes[at : at + _PER_LINE]) for at in range(0, len(hashes), _PER_LINE))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _hash_run(words: Sequence[str]) -> str:
    return hashlib.sha256(" ".join(words).encode()).hexdigest()[:_DIGITS]


def write_seals(seals: Seals, path: Path) -> None:
    """Write seals.json, one entry a line."""
    atomic_write_text(path, json.dumps(seals.model_dump(), indent=1) + "\n")


def load_seals(path: Path = SEALS) -> Seals:
    """The seals of a file. Raises DataError: file, field, what to do."""
    remedy = "Take the file from the repository, or make it anew with `teachwhy scenarios seal`."
    try:
        return Seals.model_validate_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error}. {remedy}") from error
    except ValidationError as error:
        raise DataError(f"{path}: {list_faults(error, 'file')[0]}. {remedy}") from error


def find_changes(sealed: Seals, now: Seals) -> list[str]:
    """What is no longer as it was sealed, a text each."""
    found = []
    for field in ("canary", "episode_version", "run"):
        before, after = getattr(sealed, field), getattr(now, field)
        if before != after:
            found.append(f"{field}: sealed as {before!r}, is {after!r}")
    for what, field in (("office", "offices"), ("episode", "episodes"), ("shingles of", "shingles")):
        before, after = getattr(sealed, field), getattr(now, field)
        for name in sorted(before.keys() | after.keys()):
            if before.get(name) != after.get(name):
                how = "is new" if name not in before else "is gone" if name not in after else "has changed"
                found.append(f"{what} {name} {how}")
    return found


def find_sealed(words: Sequence[str], seals: Seals | None = None) -> str | None:
    """Which sealed office a text of these words shares some with, by the hashes alone; None if with none."""
    known = _packaged() if seals is None else index_shingles(seals)
    joined = " ".join(words).encode()
    begins = list(accumulate((len(word.encode()) + 1 for word in words), initial=0))
    for at in range(len(words) - RUN + 1):
        run = joined[begins[at] : begins[at + RUN] - 1]
        if office := known.get(hashlib.sha256(run).hexdigest()[:_DIGITS]):
            return f"a run of {RUN} words of the sealed english office {office} (seals.json)"
    return None


def index_shingles(seals: Seals) -> dict[str, str]:
    """Hash of a shingle -> its office."""
    return {
        hash_: office for office, lines in seals.shingles.items() for line in lines for hash_ in line.split()
    }


@cache
def _packaged() -> dict[str, str]:
    return index_shingles(load_seals())
