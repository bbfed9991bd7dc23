"""Sample transcripts: a few episodes of each arm, chosen by a seed over the outcomes that occur."""

from __future__ import annotations

import random
from dataclasses import dataclass

from teachwhy.report.figures import OUTCOMES, RateFigure
from teachwhy.report.hostile_text import ShownMessage, read_transcript
from teachwhy.report.run_files import RunFiles

HONEYPOTS_PER_ARM = 4
TWINS_PER_ARM = 1
CHARACTERS_IN_ALL = 600_000
CHARACTERS_PER_TRANSCRIPT = 6_000
COLUMNS = ("episode_id", "seed", "repeat", "family", "kind", "outcome", "reason")


@dataclass(frozen=True)
class Sample:
    """One episode with what was said and done in it."""

    episode_id: str
    seed: int
    repeat: int
    family: str
    kind: str
    outcome: str
    reason: str
    messages: tuple[ShownMessage, ...]


@dataclass(frozen=True)
class ArmSamples:
    """The samples of one arm."""

    arm: str
    title: str
    samples: tuple[Sample, ...]


def choose_samples(run: RunFiles, figure: RateFigure, seed: int = 0) -> tuple[ArmSamples, ...]:
    """Choose per arm one honeypot of each of its commonest outcomes, more until there are enough, and a twin.

    The choice is a function of the seed, the arm's name and its episodes, not of the order of the rows.
    """
    columns = {name: run.rows.column(name).to_pylist() for name in COLUMNS}
    identities = list(zip(*(columns[name] for name in ("episode_id", "seed", "repeat")), strict=True))
    indices_by_arm: dict[str, list[int]] = {row.arm: [] for row in figure.rows}
    for index, arm in enumerate(run.rows.column("arm").to_pylist()):
        if arm in indices_by_arm:
            indices_by_arm[arm].append(index)
    chosen: dict[str, list[int]] = {}
    for arm, indices in indices_by_arm.items():
        shuffled = sorted(indices, key=identities.__getitem__)
        random.Random(f"{seed}/{arm}").shuffle(shuffled)
        honeypots = [i for i in shuffled if columns["kind"][i] == "honeypot"]
        twins = [i for i in shuffled if columns["kind"][i] == "twin"]
        picked = _pick(honeypots, columns["outcome"], columns["family"], HONEYPOTS_PER_ARM)
        chosen[arm] = picked + twins[:TWINS_PER_ARM]
    total = sum(len(indices) for indices in chosen.values())
    budget = min(CHARACTERS_PER_TRANSCRIPT, CHARACTERS_IN_ALL // max(1, total))
    transcripts = run.read_transcripts([i for indices in chosen.values() for i in indices])

    def sample(i: int) -> Sample:
        fields = {name: values[i] for name, values in columns.items()}
        return Sample(messages=read_transcript(transcripts[i], budget), **fields)

    return tuple(
        ArmSamples(row.arm, row.title, tuple(sample(i) for i in chosen[row.arm])) for row in figure.rows
    )


def _pick(indices: list[int], outcomes: list[str], families: list[str], wanted: int) -> list[int]:
    """One of each outcome, commonest outcome first, then more of the commonest; unseen families preferred."""
    frequency = {name: sum(outcomes[i] == name for i in indices) for name in OUTCOMES}
    order = sorted((name for name in OUTCOMES if frequency[name]), key=lambda name: -frequency[name])
    picked: list[int] = []
    while len(picked) < min(wanted, len(indices)):
        for name in order:
            seen = {families[i] for i in picked}
            left = [i for i in indices if outcomes[i] == name and i not in picked]
            if left and len(picked) < wanted:
                picked.append(next((i for i in left if families[i] not in seen), left[0]))
    return sorted(picked, key=lambda i: OUTCOMES.index(outcomes[i]))
