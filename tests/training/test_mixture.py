"""Draws and batches: matched, mixed, deterministic."""

from __future__ import annotations

import itertools
import random

from teachwhy.training.formatting import IGNORED, TokenRow
from teachwhy.training.mixture import Batches, count_padded, draw_rows, make_batches, split_by_length


def make_rows(name: str, count: int, low: int, high: int) -> tuple[TokenRow, ...]:
    rng = random.Random(name)
    lengths = [rng.randint(low, high) for _ in range(count)]
    return tuple(
        TokenRow(f"{name}-{index}", tuple(range(length)), (IGNORED, *range(1, length)), 0)
        for index, length in enumerate(lengths)
    )


ROWS = {"short": make_rows("short", 60, 10, 40), "long": make_rows("long", 20, 60, 120)}
MIXTURE = {"short": 0.25, "long": 0.75}


def split(batches: Batches) -> list[list[TokenRow]]:
    """The rows of each update."""
    size = batches.num_micro_batches
    return [
        [batches.rows[number] for group in batches.micro_batches[start : start + size] for number in group]
        for start in range(0, len(batches.micro_batches), size)
    ]


def test_rows_are_used_up_before_they_repeat_and_in_another_order() -> None:
    rows = ROWS["short"]
    total = sum(row.num_tokens for row in rows)
    drawn = draw_rows("short", rows, round(2.5 * total), seed=3)
    first, second = drawn[:60], drawn[60:120]
    assert {one.row.id for one in first} == {one.row.id for one in second} == {row.id for row in rows}
    assert [one.row.id for one in first] != [one.row.id for one in second]
    assert [one.epoch for one in drawn] == sorted(one.epoch for one in drawn)
    assert drawn[-1].epoch == 2
    assert abs(sum(one.row.num_tokens for one in drawn) - 2.5 * total) <= 20


def test_the_order_hangs_on_seed_and_ids_only() -> None:
    rows = ROWS["short"]
    drawn = [one.row.id for one in draw_rows("short", rows, 500, seed=3)]
    assert drawn == [one.row.id for one in draw_rows("ablation", rows[::-1], 500, seed=3)]
    assert drawn != [one.row.id for one in draw_rows("short", rows, 500, seed=4)]


def test_updates_match_in_number_tokens_and_shares() -> None:
    batches = make_batches(ROWS, MIXTURE, 12_000, 20, seed=1)
    updates = split(batches)
    assert len(updates) == 20
    sizes = [sum(row.num_tokens for row in update) for update in updates]
    assert abs(sum(sizes) / 12_000 - 1) < 0.02
    assert sum(sizes) == batches.count_tokens()
    assert sum(sizes[5:]) == batches.count_tokens(from_update=5)
    assert max(sizes) - min(sizes) <= 2 * 120
    for update, size in zip(updates, sizes, strict=True):
        share = sum(row.num_tokens for row in update if row.id.startswith("short")) / size
        assert 0.05 < share < 0.5


def test_batches_are_a_function_of_the_seed() -> None:
    again = [make_batches(ROWS, MIXTURE, 6000, 20, seed=seed).digest for seed in (1, 1, 2)]
    assert again[0] == again[1] != again[2]


def test_micro_batches_waste_little_on_padding() -> None:
    batches = make_batches(ROWS, MIXTURE, 40_000, 20, seed=1)
    lengths = [row.num_tokens for row in batches.rows]
    assert batches.num_micro_batches > 1
    assert count_padded(batches.micro_batches, lengths) < 1.2 * batches.count_tokens()


def test_cuts_by_length_are_the_best_there_are() -> None:
    rng = random.Random(0)
    for size, parts in itertools.product(range(8), (1, 2, 3)):
        lengths = [rng.randint(1, 9) for _ in range(size)]
        groups = split_by_length(lengths, parts)
        assert len(groups) == parts
        assert sorted(itertools.chain(*groups)) == list(range(size))
        ordered = sorted(lengths)
        best = min(
            sum(
                (end - start) * ordered[end - 1]
                for start, end in itertools.pairwise((0, *cuts, size))
                if end > start
            )
            for cuts in itertools.combinations_with_replacement(range(size + 1), parts - 1)
        )
        assert count_padded(groups, lengths) == best


def test_no_pass_holds_more_than_fits() -> None:
    rows = {"one": make_rows("one", 400, 900, 1000)}
    batches = make_batches(rows, {"one": 1.0}, 300_000, 3, seed=1)
    assert (
        max(
            count_padded([group], [row.num_tokens for row in batches.rows]) for group in batches.micro_batches
        )
        <= 16_384
    )
