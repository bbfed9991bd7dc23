"""Draws an arm's rows and lays out its batches, all fixed up front by the mixture and the seed.

Every arm gets the same number of tokens in the same number of optimizer updates. Rows of a technique are
drawn without replacement until all are used up, then again in another order. Each update takes its share
from every technique of the mixture; inside an update the rows are sorted by length and cut into micro-
batches, so that little of a batch is padding and the order in which techniques are seen does not depend on
the length of their rows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from teachwhy.training.formatting import TokenRow

MAX_TOKENS_PER_FORWARD = 16_384
"""Padded tokens in one forward pass, at most, unless one row alone is longer."""
MAX_CUTS = 48
"""Places considered for a cut between micro-batches."""
MICRO_BATCH_COST_TOKENS = 100
"""What one more forward and backward pass costs, in tokens' worth of computing."""


class DrawnRow(NamedTuple):
    """One row as it will be seen once in training."""

    technique: str
    epoch: int
    """0 for the first pass over the technique's rows."""
    row: TokenRow


class Batches(NamedTuple):
    """All batches of one arm and seed, in order."""

    rows: tuple[TokenRow, ...]
    """Distinct rows, by number."""
    micro_batches: tuple[tuple[int, ...], ...]
    """Row numbers of each forward pass; `num_micro_batches` of them make an update. Some may be empty."""
    num_micro_batches: int

    def count_tokens(self, from_update: int = 0) -> int:
        """Tokens, padding not counted, of all updates but the first `from_update`."""
        remaining = self.micro_batches[from_update * self.num_micro_batches :]
        return sum(self.rows[number].num_tokens for numbers in remaining for number in numbers)

    @property
    def digest(self) -> str:
        """Identifies content and order of all batches."""
        content = hashlib.sha256(repr(self.micro_batches).encode())
        for row in self.rows:
            content.update(repr((row.input_ids, row.labels)).encode())
        return content.hexdigest()


def draw_rows(technique: str, rows: Sequence[TokenRow], num_tokens: int, seed: int) -> list[DrawnRow]:
    """Rows of about `num_tokens` tokens in all: stops where one more row would end further from the target.

    The order depends on seed, pass and row id only, so that ablations with the same ids see the same order.
    """
    drawn: list[DrawnRow] = []
    total, epoch = 0, 0
    while True:
        for row in sorted(rows, key=lambda row: _draw_key(row.id, seed, epoch)):
            overshoot = total + row.num_tokens - num_tokens
            if overshoot > 0 and overshoot > num_tokens - total:
                return drawn
            drawn.append(DrawnRow(technique, epoch, row))
            total += row.num_tokens
            if total >= num_tokens:
                return drawn
        epoch += 1


def _draw_key(row_id: str, seed: int, epoch: int) -> bytes:
    return hashlib.sha256(f"{seed}:{epoch}:{row_id}".encode("utf-8", "surrogatepass")).digest()


def draw_mixture(
    rows_by_technique: Mapping[str, Sequence[TokenRow]],
    mixture: Mapping[str, float],
    tokens_per_arm: int,
    seed: int,
) -> dict[str, list[DrawnRow]]:
    """Each technique's rows for its share of the arm's tokens, in the order in which they are seen."""
    return {
        technique: draw_rows(technique, rows_by_technique[technique], round(share * tokens_per_arm), seed)
        for technique, share in mixture.items()
    }


def split_updates(drawn: Mapping[str, Sequence[DrawnRow]], num_updates: int) -> list[list[DrawnRow]]:
    """Deals the rows of all techniques into `num_updates` updates of about equal tokens and equal shares."""
    placed: list[tuple[float, str, int, DrawnRow]] = []
    for technique, rows in drawn.items():
        total = sum(one.row.num_tokens for one in rows)
        position = 0
        for index, one in enumerate(rows):
            placed.append(((position + one.row.num_tokens / 2) / total, technique, index, one))
            position += one.row.num_tokens
    placed.sort(key=lambda place: place[:3])
    updates: list[list[DrawnRow]] = [[] for _ in range(num_updates)]
    total = sum(place[3].row.num_tokens for place in placed)
    position = 0
    for *_, one in placed:
        middle = position + one.row.num_tokens / 2
        updates[min(int(middle / total * num_updates), num_updates - 1)].append(one)
        position += one.row.num_tokens
    return updates


def split_by_length(lengths: Sequence[int], num_parts: int) -> list[list[int]]:
    """Cuts rows, sorted by length, into `num_parts` groups with the fewest padded tokens.

    Exact for up to MAX_CUTS rows; more rows are cut at MAX_CUTS evenly spread places only. Returns
    positions in `lengths`. Groups are empty where there are fewer rows than parts.
    """
    order = sorted(range(len(lengths)), key=lambda index: (lengths[index], index))
    num_blocks = min(len(order), max(MAX_CUTS, num_parts))
    ends = [round(block * len(order) / num_blocks) for block in range(num_blocks + 1)] if order else [0]
    # padded[b]: fewest padded tokens of the first b blocks in the parts so far.
    padded = [end * lengths[order[end - 1]] if end else 0 for end in ends]
    starts: list[list[int]] = []
    for _ in range(num_parts - 1):
        longest = [lengths[order[end - 1]] if end else 0 for end in ends]
        start_of = [
            min(
                range(block + 1),
                key=lambda start: padded[start] + (ends[block] - ends[start]) * longest[block],
            )
            for block in range(len(ends))
        ]
        padded = [
            padded[start] + (ends[block] - ends[start]) * longest[block]
            for block, start in enumerate(start_of)
        ]
        starts.append(start_of)
    cuts = [len(ends) - 1]
    for start_of in reversed(starts):
        cuts.append(start_of[cuts[-1]])
    cuts.append(0)
    return [order[ends[start] : ends[end]] for start, end in pairwise(reversed(cuts))]


def count_padded(groups: Sequence[Sequence[int]], lengths: Sequence[int]) -> int:
    """Tokens with padding of all groups."""
    return sum(len(group) * max(lengths[index] for index in group) for group in groups if group)


def make_batches(
    rows_by_technique: Mapping[str, Sequence[TokenRow]],
    mixture: Mapping[str, float],
    tokens_per_arm: int,
    num_updates: int,
    seed: int,
) -> Batches:
    """All batches of an arm: a function of rows, mixture and seed.

    The number of micro-batches is the same in every update: the one that computes least, padding and the
    cost of a pass considered, and fits into MAX_TOKENS_PER_FORWARD.
    """
    updates = split_updates(draw_mixture(rows_by_technique, mixture, tokens_per_arm, seed), num_updates)
    number_of: dict[int, int] = {}
    distinct: list[TokenRow] = []
    numbered: list[list[int]] = []
    for update in updates:
        numbers = []
        for one in update:
            if id(one.row) not in number_of:
                number_of[id(one.row)] = len(distinct)
                distinct.append(one.row)
            numbers.append(number_of[id(one.row)])
        numbered.append(numbers)
    lengths = [[distinct[number].num_tokens for number in numbers] for numbers in numbered]
    parts = _choose_num_parts(lengths)
    micro_batches = tuple(
        tuple(numbers[index] for index in group)
        for numbers, of_update in zip(numbered, lengths, strict=True)
        for group in split_by_length(of_update, parts)
    )
    return Batches(tuple(distinct), micro_batches, parts)


def _choose_num_parts(lengths: Sequence[Sequence[int]]) -> int:
    """Micro-batches in an update: counts are tried upwards until one more no longer pays."""
    most_rows = max(len(of_update) for of_update in lengths)
    best_cost, best_parts = float("inf"), 1
    for parts in range(1, most_rows + 1):
        splits = [(split_by_length(of_update, parts), of_update) for of_update in lengths]
        largest = max(count_padded([group], of_update) for groups, of_update in splits for group in groups)
        if largest > MAX_TOKENS_PER_FORWARD and parts < most_rows:
            continue
        cost = sum(count_padded(groups, of_update) for groups, of_update in splits)
        cost += parts * MICRO_BATCH_COST_TOKENS * len(lengths)
        if cost >= best_cost:
            break
        best_cost, best_parts = cost, parts
    return best_parts
