"""`teachwhy sprig build`: corpus, tokenizer, pretraining, chat training, and a standard Hugging Face folder.

Works in `OUT_DIR.building/` beside the result, which is renamed to OUT_DIR when whole; the same command goes
on where a killed one was. Writes config.json, generation_config.json, model.safetensors (bf16), the
tokenizer's files with chat_template.jinja, and sprig.json: preset, seed, knobs, corpus figures, losses,
times, versions.
"""

from __future__ import annotations

import json
import platform
import re
import shutil
from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import torch
import transformers
from pydantic import BaseModel
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

from teachwhy.errors import CheckpointError, StorageError
from teachwhy.run_dir import fingerprint
from teachwhy.sprig.card import RECIPE_FILE, KindFigures, SprigRecipe, StageFigures
from teachwhy.sprig.packing import (
    Chunk,
    TextSource,
    chat_chunk,
    chunk_seed,
    document_chunk,
    render,
)
from teachwhy.sprig.presets import SprigPreset, find_preset
from teachwhy.sprig.pretrain import (
    StageState,
    has_fast_bfloat16,
    mean_loss,
    new_model,
    read_state,
    share_word_vectors,
    train_stage,
)
from teachwhy.sprig.tokenizer import encode_rendered, render_chat, train_tokenizer

BUILD_CODE = (
    "records.py",
    "prompts.py",
    "scenarios/dialect.py",
    "scenarios/episodes.py",
    "scenarios/families",
    "scenarios/lexicon.toml",
    "scenarios/office.py",
    "scenarios/shared.toml",
    "scenarios/situations.py",
    "scenarios/tasks.toml",
    "scenarios/tools.py",
    "sprig/build.py",
    "sprig/chat_template.jinja",
    "sprig/corpus.py",
    "sprig/grammar",
    "sprig/kernels.py",
    "sprig/packing.py",
    "sprig/presets.py",
    "sprig/pretrain.py",
    "sprig/tokenizer.py",
)
HELD_OUT_TOKENS = 60_000
_SAMPLE, _HELD_OUT = "sample", "held-out"
WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")


def corpus_source(knobs: BaseModel | None = None) -> TextSource:
    """sprig's own corpus under `knobs` (a CorpusConfig; None: its defaults)."""
    from teachwhy.sprig import corpus  # here, so that a build on another source needs no grammar

    config = knobs if isinstance(knobs, corpus.CorpusConfig) else corpus.CorpusConfig()
    return TextSource(
        partial(corpus.documents, config), partial(corpus.chats, config), config.model_dump(mode="json")
    )


def build_sprig(
    preset: str | SprigPreset,
    out_dir: Path,
    seed: int,
    progress: bool = True,
    source: TextSource | None = None,
    device: str = "auto",
) -> SprigRecipe:
    """Train a sprig from scratch into `out_dir`, or go on with an unfinished build; returns its recipe.

    `source` replaces the generated corpus. CheckpointError when `out_dir` already holds something.
    """
    preset = find_preset(preset) if isinstance(preset, str) else preset
    source = source or corpus_source()
    if out_dir.exists() and any(out_dir.iterdir()):
        raise CheckpointError(f"{out_dir}: there is something already; remove it or choose another folder")
    console = Console(stderr=True, quiet=not progress)
    console.print(_announce(preset, seed))
    digits = _fingerprint(preset, seed, source)
    work_dir = _open_work_dir(out_dir, digits)
    tokenizer, corpus = _prepare_tokenizer(preset, source, seed, work_dir)
    token_ids = {"bos": tokenizer.bos_token_id, "eos": tokenizer.eos_token_id, "pad": tokenizer.pad_token_id}
    model = new_model(preset.shape, len(tokenizer), token_ids, seed)
    model.to(_device(device))  # type: ignore[arg-type]
    share_word_vectors(model, tokenizer.get_vocab())
    stages = {
        stage: partial(_stage_chunk, stage, tokenizer, source, preset, seed)
        for stage in ("pretraining", "chat")
    }
    figures = {}
    with _progress(console, progress) as bars:
        for stage, make_chunk in stages.items():
            figures[stage] = _run_stage(model, stage, make_chunk, preset, work_dir, bars)
    recipe = SprigRecipe(
        preset=preset,
        seed=seed,
        knobs=source.knobs,
        fingerprint=digits,
        num_parameters=sum(p.numel() for p in model.parameters()),
        distinct_words=corpus["distinct_words"],
        corpus=corpus["kinds"],
        precision=preset.precision if has_fast_bfloat16(model.device) else "float32",
        num_threads=torch.get_num_threads(),
        versions={
            "python": platform.python_version(),
            "torch": torch.__version__,
            "transformers": transformers.__version__,
        },
        **figures,
    )
    _save(model, tokenizer, recipe, work_dir, out_dir)
    return recipe


def _progress(console: Console, enabled: bool) -> Progress:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(elapsed_when_finished=False, compact=True),
        TextColumn("{task.fields[note]}"),
    )
    return Progress(*columns, console=console, disable=not enabled)


def _announce(preset: SprigPreset, seed: int) -> str:
    tokens = preset.pretraining.tokens + preset.chat.tokens
    minutes = tokens / preset.expected_tokens_per_second / 60
    return (
        f"sprig {preset.name}, seed {seed}: {preset.shape.num_parameters / 1e6:.1f}M parameters, "
        f"{tokens / 1e6:.1f}M tokens, {preset.pretraining.num_updates + preset.chat.num_updates} updates, "
        f"about {minutes:.0f} minutes at {preset.expected_tokens_per_second:,.0f} tokens/s"
    )


def _device(name: str) -> str:
    if name != "auto":
        return name
    return "cuda" if torch.cuda.is_available() else "cpu"


def _fingerprint(preset: SprigPreset, seed: int, source: TextSource) -> str:
    """Of everything that decides the weights: preset, seed, knobs and the code that writes and trains."""
    return fingerprint(code=BUILD_CODE, preset=preset, seed=seed, knobs=source.knobs)


def _open_work_dir(out_dir: Path, fingerprint: str) -> Path:
    work_dir = out_dir.with_name(f"{out_dir.name}.building")
    mark = work_dir / "fingerprint"
    try:
        if work_dir.exists() and not (mark.is_file() and mark.read_text(encoding="utf-8") == fingerprint):
            shutil.rmtree(work_dir)
        work_dir.mkdir(parents=True, exist_ok=True)
        mark.write_text(fingerprint, encoding="utf-8")
    except OSError as error:
        raise StorageError(f"{work_dir}: cannot be written: {error}; choose another folder") from error
    return work_dir


def _prepare_tokenizer(
    preset: SprigPreset, source: TextSource, seed: int, work_dir: Path
) -> tuple[PreTrainedTokenizerFast, dict[str, Any]]:
    """The tokenizer and the figures of the sample it was trained on; read back if a killed build had them."""
    folder, figures_file = work_dir / "tokenizer", work_dir / "corpus.json"
    if figures_file.exists():
        figures = json.loads(figures_file.read_text(encoding="utf-8"))
        return PreTrainedTokenizerFast.from_pretrained(folder), figures
    stub = train_tokenizer([], 300)  # only for its chat template: rendering needs no merges
    sample = list(islice(source.documents(chunk_seed(seed, _SAMPLE, 0)), preset.tokenizer_documents))
    chats = islice(source.chats(chunk_seed(seed, _SAMPLE, 1)), preset.tokenizer_documents // 8)
    texts = [(document.kind, render(stub, document)) for document in sample]
    texts += [("stage 2 chat", render_chat(stub, example.messages, example.tools)) for example in chats]
    tokenizer = train_tokenizer((text for _, text in texts), preset.shape.vocab_size)
    figures = describe_corpus(tokenizer, texts)
    tokenizer.save_pretrained(folder)
    figures_file.with_suffix(".new").write_text(json.dumps(figures), encoding="utf-8")
    figures_file.with_suffix(".new").rename(figures_file)
    return tokenizer, figures


def describe_corpus(tokenizer: PreTrainedTokenizerFast, texts: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Figures of (kind, rendered text) pairs: {"distinct_words": int, "kinds": {kind: KindFigures as a
    dict}}.
    """
    lengths: dict[str, list[int]] = defaultdict(list)
    words: dict[str, set[str]] = defaultdict(set)
    encoded = encode_rendered(tokenizer, [text for _, text in texts])
    for (kind, text), ids in zip(texts, encoded, strict=True):
        lengths[kind].append(len(ids))
        words[kind].update(WORD.findall(text.lower()))
    total = sum(sum(counts) for counts in lengths.values())
    kinds = {
        kind: KindFigures(
            num_documents=len(counts),
            share_of_tokens=round(sum(counts) / total, 4),
            mean_tokens=round(sum(counts) / len(counts), 1),
            longest_tokens=max(counts),
            distinct_words=len(words[kind]),
        ).model_dump()
        for kind, counts in lengths.items()
    }
    return {"distinct_words": len(set().union(*words.values())), "kinds": kinds}


def _stage_chunk(
    stage: str,
    tokenizer: PreTrainedTokenizerFast,
    source: TextSource,
    preset: SprigPreset,
    seed: int,
    index: int,
) -> Chunk:
    """Chunk `index` of a stage; index -1 is the held-out one."""
    make, recipe = (
        (document_chunk, preset.pretraining) if stage == "pretraining" else (chat_chunk, preset.chat)
    )
    held_out = index < 0
    num_tokens = HELD_OUT_TOKENS if held_out else min(preset.chunk_tokens, recipe.tokens)
    name = f"{stage} {_HELD_OUT}" if held_out else stage
    return make(tokenizer, source, recipe, num_tokens, chunk_seed(seed, name, max(index, 0)))


def _run_stage(
    model: LlamaForCausalLM, stage: str, make_chunk: Any, preset: SprigPreset, work_dir: Path, bars: Progress
) -> StageFigures:
    """Train a stage, or read its figures where an earlier start finished it and went on to the next."""
    figures_file = work_dir / f"{stage}.json"
    found = read_state(work_dir)
    if figures_file.exists() and found is not None and found[1].stage != stage:
        return StageFigures.model_validate_json(figures_file.read_text(encoding="utf-8"))
    state = train_stage(model, make_chunk, preset, stage, work_dir, bars)
    figures = _stage_figures(state, mean_loss(model, make_chunk(-1)))
    figures_file.write_text(figures.model_dump_json(), encoding="utf-8")
    return figures


def _stage_figures(state: StageState, held_out_loss: float) -> StageFigures:
    return StageFigures(
        tokens=state.tokens,
        updates=state.updates,
        seconds=round(state.seconds, 1),
        tokens_per_second=round(state.tokens / max(state.seconds, 1e-9), 1),
        running_loss=round(state.loss, 4),
        held_out_loss=round(held_out_loss, 4),
        num_left_out=state.num_left_out,
        curve=tuple(state.curve),
    )


def _save(
    model: LlamaForCausalLM,
    tokenizer: PreTrainedTokenizerFast,
    recipe: SprigRecipe,
    work_dir: Path,
    out_dir: Path,
) -> None:
    folder = work_dir / "checkpoint"
    model.set_attn_implementation("sdpa")
    model.generation_config.max_new_tokens = 128
    try:
        shutil.rmtree(folder, ignore_errors=True)
        model.to("cpu", torch.bfloat16)  # type: ignore[arg-type]
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        (folder / RECIPE_FILE).write_text(recipe.model_dump_json(indent=1) + "\n", encoding="utf-8")
        if out_dir.exists():
            out_dir.rmdir()
        folder.rename(out_dir)
        shutil.rmtree(work_dir)
    except OSError as error:
        raise StorageError(
            f"{out_dir}: the checkpoint cannot be written: {error}; free some space"
        ) from error
