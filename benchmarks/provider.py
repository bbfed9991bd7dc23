"""The local provider against Inspect's `hf/` in a whole evaluation, and against a bare `model.generate`.

The evaluation: the same checkpoint and episodes (those of an evaluation with default settings), both
providers as they are by default, each in a process of its own, loading included. The direct comparison: 512
prompts of 150-300 tokens, 32 new tokens each, a random Llama of 4M parameters; ours through the provider
(template, tokenizer, parsing and all), theirs on token ids that are ready, sorted by length, at the best
batch size of those tried. Every thread setting is PyTorch's own.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import random
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import torch
from inspect_ai.model import ChatMessageUser, GenerateConfig
from transformers import AutoModelForCausalLM, AutoTokenizer

from benchmarks.ratio import Ratio
from benchmarks.training import make_student
from teachwhy.config import EvaluationConfig
from teachwhy.errors import CheckpointError
from teachwhy.evaluation.run import evaluate_model
from teachwhy.providers.local import TeachwhyAPI
from teachwhy.sprig import resolve_student

NUM_PROMPTS = 512
NUM_NEW = 32
BATCH_SIZES = (16, 32, 64, 128)
NUM_TRIAL_PROMPTS = 128


def time_evaluation(model: str, folder: Path) -> tuple[float, int]:
    """Seconds that an evaluation takes, and its episodes."""
    started = time.perf_counter()
    rows = evaluate_model(model, EvaluationConfig(), folder, arm="benchmark", seed=0)
    return time.perf_counter() - started, len(rows)


def time_in_new_process(model: str, folder: Path) -> tuple[float, int]:
    """`time_evaluation` where nothing has been loaded or warmed up but the imports."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(time_evaluation, model, folder).result()


def compare_evaluations(folder: Path) -> Ratio:
    """Episodes a second, ours against `hf/`."""
    try:
        checkpoint, title = resolve_student("sprig"), "evaluation against Inspect's hf/"
    except CheckpointError:
        checkpoint, title = folder / "student", "evaluation against Inspect's hf/ (random weights)"
        make_student(checkpoint)
    ours_seconds, num_episodes = time_in_new_process(f"teachwhy/{checkpoint.resolve()}", folder / "ours")
    theirs_seconds, _ = time_in_new_process(f"hf/{checkpoint.resolve()}", folder / "theirs")
    return Ratio(
        title,
        num_episodes / ours_seconds,
        num_episodes / theirs_seconds,
        theirs_seconds / ours_seconds,
        8.0,
        "episodes/s",
    )


def make_prompts() -> list[str]:
    """Texts of words that are one token each."""
    rng = random.Random(0)
    return [
        " ".join(f"w{rng.randrange(3000)}" for _ in range(rng.randint(150, 300) - 4))
        for _ in range(NUM_PROMPTS)
    ]


def time_provider(checkpoint: Path, prompts: Sequence[str]) -> float:
    """New tokens a second of the provider, called for all prompts at once; loading not counted."""
    api = TeachwhyAPI(str(checkpoint))

    async def ask(num: int) -> int:
        outputs = await asyncio.gather(
            *(
                api.generate(
                    [ChatMessageUser(content=prompt)],
                    [],
                    "none",
                    GenerateConfig(max_tokens=NUM_NEW, seed=index),
                )
                for index, prompt in enumerate(prompts[:num])
            )
        )
        return sum(output.usage.output_tokens for output, _ in outputs if output.usage)

    asyncio.run(ask(2))
    started = time.perf_counter()
    num_tokens = asyncio.run(ask(len(prompts)))
    seconds = time.perf_counter() - started
    api.close()
    return num_tokens / seconds


def time_bare(model: torch.nn.Module, rows: Sequence[list[int]], batch_size: int) -> float:
    """New tokens a second of `model.generate` on left-padded batches of similar length."""
    rows = sorted(rows, key=len)
    started = time.perf_counter()
    for start in range(0, len(rows), batch_size):
        batch = rows[start : start + batch_size]
        width = max(map(len, batch))
        ids = torch.tensor([[0] * (width - len(row)) + row for row in batch])
        mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in batch])
        with torch.inference_mode():
            model.generate(
                ids, attention_mask=mask, do_sample=True, max_new_tokens=NUM_NEW, min_new_tokens=NUM_NEW
            )
    return len(rows) * NUM_NEW / (time.perf_counter() - started)


def compare_direct(folder: Path) -> Ratio:
    """New tokens a second, ours against the best bare loop."""
    checkpoint = folder / "random"
    make_student(checkpoint)
    prompts = make_prompts()
    ours = time_provider(checkpoint, prompts)
    tokenizer = AutoTokenizer.from_pretrained(checkpoint)
    rows = [
        tokenizer.apply_chat_template([{"role": "user", "content": prompt}], return_dict=False)
        for prompt in prompts
    ]
    model = AutoModelForCausalLM.from_pretrained(checkpoint, dtype=torch.float32).eval()
    time_bare(model, rows[:2], 2)
    best = max(BATCH_SIZES, key=lambda size: time_bare(model, rows[:NUM_TRIAL_PROMPTS], size))
    theirs = time_bare(model, rows, best)
    return Ratio(
        f"512 prompts against model.generate in batches of {best}",
        ours,
        theirs,
        ours / theirs,
        0.6,
        "tokens/s",
    )


def run() -> list[Ratio]:
    """Both comparisons on this machine."""
    with tempfile.TemporaryDirectory() as folder:
        return [compare_evaluations(Path(folder)), compare_direct(Path(folder))]
