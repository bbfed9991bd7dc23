"""Drawing tokens: the right distribution, the right candidates, independent numbers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import chisquare, kstest
from transformers import TopKLogitsWarper, TopPLogitsWarper

from teachwhy.providers.sampling import Sampler, SamplingParameters, request_key, uniform_draws

CPU = torch.device("cpu")


def draw_many(logits: torch.Tensor, parameters: SamplingParameters, num: int) -> np.ndarray:
    sampler = Sampler([parameters] * num, [request_key(seed, (1, 2)) for seed in range(num)], CPU)
    return sampler.draw(logits.expand(num, -1)).token_B.numpy()


def test_draws_follow_the_probabilities() -> None:
    logits = torch.tensor([0.0, 1.0, 2.0, float("-inf"), -1.0])
    drawn = np.bincount(
        draw_many(logits, SamplingParameters(1, seed=0, temperature=0.7), 20_000), minlength=5
    )
    expected = (logits / 0.7).softmax(-1).numpy() * 20_000
    assert drawn[3] == 0
    keep = expected > 0
    assert chisquare(drawn[keep], expected[keep] * drawn.sum() / expected.sum()).pvalue > 1e-3


@pytest.mark.parametrize(("top_p", "top_k"), [(0.8, 0), (1.0, 3), (0.5, 4), (1e-6, 0)])
def test_top_p_and_top_k_keep_what_transformers_keeps(top_p: float, top_k: int) -> None:
    torch.manual_seed(1)
    logits = torch.randn(12) * 2
    kept = logits[None]
    if top_k:
        kept = TopKLogitsWarper(top_k)(None, kept)
    if top_p < 1:
        kept = TopPLogitsWarper(top_p)(None, kept)
    allowed = set(torch.isfinite(kept[0]).nonzero()[:, 0].tolist())
    drawn = set(draw_many(logits, SamplingParameters(1, seed=0, top_p=top_p, top_k=top_k), 4000).tolist())
    assert drawn <= allowed
    probabilities = kept[0].softmax(-1)
    assert {index for index in allowed if probabilities[index] > 0.01} <= drawn


def test_the_numbers_are_uniform_over_seeds_and_over_steps() -> None:
    keys = np.array([request_key(seed, (7,)) for seed in range(4000)], dtype=np.uint64)
    over_seeds = uniform_draws(keys, np.zeros(4000, dtype=np.uint64))
    over_steps = uniform_draws(np.repeat(keys[:1], 4000), np.arange(4000, dtype=np.uint64))
    for numbers in (over_seeds, over_steps):
        assert numbers.min() >= 0 and numbers.max() < 1
        assert kstest(numbers, "uniform").pvalue > 1e-3
    assert abs(np.corrcoef(over_steps[:-1], over_steps[1:])[0, 1]) < 0.05


def test_the_same_seed_on_another_prompt_draws_other_numbers() -> None:
    assert request_key(0, (1, 2)) != request_key(0, (1, 3))
    assert request_key(0, (1, 2)) != request_key(1, (1, 2))
    assert request_key(0, (1, 2)) == request_key(0, [1, 2])


def test_greedy_and_sampled_rows_share_a_batch() -> None:
    parameters = [
        SamplingParameters(1, seed=0, temperature=0),
        SamplingParameters(1, seed=0, top_k=1),
        SamplingParameters(1, seed=0),
    ]
    sampler = Sampler(parameters, [1, 2, 3], CPU)
    logits = torch.tensor([[0.0, 3.0, 1.0]]).expand(3, -1)
    assert sampler.draw(logits).token_B[:2].tolist() == [1, 1]
    sampler.keep_rows([1])
    assert sampler.draw(logits[:1]).token_B.tolist() == [1]


@pytest.mark.parametrize(
    "parameters",
    [
        SamplingParameters(1, seed=0),
        SamplingParameters(1, seed=0, temperature=0),
        SamplingParameters(1, seed=0, top_p=0.7),
        SamplingParameters(1, seed=0, top_k=3),
    ],
    ids=["sampled", "greedy", "top-p", "top-k"],
)
def test_noise_changes_no_draw_that_is_not_told_as_close(parameters: SamplingParameters) -> None:
    num = 20_000
    torch.manual_seed(2)
    logits = torch.randn(num, 40) * 2
    logits[::50, 1] = logits[::50, 0] = logits[::50].amax(-1) + 3  # ties at the top
    noisy = logits + (torch.rand_like(logits) - 0.5) * 2e-5
    keys = [request_key(seed, (1, 2)) for seed in range(num)]
    token_B, is_close_B = Sampler([parameters] * num, keys, CPU).draw(logits)
    other_B = Sampler([parameters] * num, keys, CPU).draw(noisy).token_B
    assert ((token_B != other_B) <= is_close_B).all()
    assert 0 < is_close_B.float().mean() < 0.03


def test_a_row_drawn_again_gets_its_own_number() -> None:
    torch.manual_seed(3)
    logits = torch.randn(8, 50)
    sampler = Sampler([SamplingParameters(1, seed=0)] * 8, range(8), CPU)
    for _ in range(3):
        token_B = sampler.draw(logits).token_B
        assert [sampler.draw_again(logits[row : row + 1], row) for row in range(8)] == token_B.tolist()
