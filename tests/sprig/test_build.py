"""The training loop and the build: right kernels, same weights twice and after a kill, a standard folder."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as functional
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaForCausalLM

import teachwhy
from teachwhy.errors import CheckpointError, ConfigError, InputError
from teachwhy.sprig import checkpoint_path, resolve_student
from teachwhy.sprig.build import BUILD_CODE, build_sprig
from teachwhy.sprig.card import read_recipe
from teachwhy.sprig.kernels import CausalAttention, LinearCrossEntropy
from teachwhy.sprig.packing import Batch, TextSource
from teachwhy.sprig.presets import PRESETS, find_preset
from teachwhy.sprig.pretrain import batch_loss, learning_rate, new_model, read_state
from teachwhy.sprig.sampling import printable, sample


@pytest.fixture(scope="module")
def built(preset, source, tmp_path_factory):
    folder = tmp_path_factory.mktemp("built") / "sprig"
    return folder, build_sprig(preset, folder, seed=1, progress=False, source=source)


def test_attention_and_its_gradients_are_those_of_pytorch():
    generator = torch.Generator().manual_seed(0)
    ours = [torch.randn(2, 3, 7, 8, generator=generator, requires_grad=True) for _ in range(3)]
    theirs = [t.detach().clone().requires_grad_() for t in ours]
    out = CausalAttention.apply(*ours, 0.3)
    expected = functional.scaled_dot_product_attention(*theirs, is_causal=True, scale=0.3)
    torch.testing.assert_close(out, expected)
    weights = torch.randn(out.shape, generator=generator)
    (out * weights).sum().backward()
    (expected * weights).sum().backward()
    for mine, reference in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine.grad, reference.grad)


@pytest.mark.parametrize("chunk", [3, 100])
def test_loss_and_its_gradients_are_those_of_pytorch(chunk):
    generator = torch.Generator().manual_seed(0)
    hidden = torch.randn(10, 6, generator=generator, requires_grad=True)
    weight = torch.randn(17, 6, generator=generator, requires_grad=True)
    targets = torch.randint(0, 17, (10,), generator=generator)
    ours = LinearCrossEntropy.apply(hidden, weight, targets, 0.1, chunk)
    (2 * ours).backward()
    gradients = hidden.grad.clone(), weight.grad.clone()
    hidden.grad, weight.grad = None, None
    expected = functional.cross_entropy(hidden @ weight.t(), targets)
    (2 * expected).backward()
    torch.testing.assert_close(ours, expected)
    torch.testing.assert_close(gradients, (hidden.grad, weight.grad))


def test_batch_loss_is_that_of_transformers_and_batches_add_up(preset):
    model = new_model(preset.shape, 400, {"bos": 1, "eos": 7, "pad": 0}, seed=0)
    rng = np.random.default_rng(0)
    inputs, targets = rng.integers(1, 400, (4, 9)), rng.integers(1, 400, (4, 9))
    learned = rng.random((4, 9)) < 0.5
    batch = Batch(inputs, targets, learned, 36)
    logits = model(torch.from_numpy(inputs)).logits
    labels = torch.from_numpy(np.where(learned, targets, -100))
    expected = functional.cross_entropy(logits.flatten(0, 1), labels.flatten())
    torch.testing.assert_close(batch_loss(model, batch, "float32", learned.sum()), expected)
    parts = [Batch(inputs[rows], targets[rows], learned[rows], 18) for rows in (slice(0, 2), slice(2, 4))]
    total = sum(batch_loss(model, part, "float32", learned.sum()) for part in parts)
    torch.testing.assert_close(total, expected)


def test_learning_rate_warms_up_and_falls_to_zero(preset):
    recipe = preset.pretraining.model_copy(update={"warmup_fraction": 0.1, "decay_fraction": 0.5})
    rates = [learning_rate(recipe, f) for f in (0.0, 0.05, 0.2, 0.5, 0.75, 0.9999)]
    assert 0 < rates[0] < rates[1] < recipe.learning_rate
    assert rates[2] == rates[3] == recipe.learning_rate
    assert rates[4] == pytest.approx(recipe.learning_rate / 2)
    assert rates[5] < 1e-3 * recipe.learning_rate


def test_a_build_is_a_standard_folder_that_learned_something(built, preset):
    folder, recipe = built
    assert resolve_student(folder) == folder
    assert not folder.with_name("sprig.building").exists()
    names = {path.name for path in folder.iterdir()}
    assert names >= {
        "config.json",
        "generation_config.json",
        "model.safetensors",
        "tokenizer.json",
        "sprig.json",
    }
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder)
    assert model.dtype == torch.bfloat16
    assert model.config.eos_token_id == tokenizer.eos_token_id
    assert model.get_input_embeddings().weight is model.get_output_embeddings().weight
    assert read_recipe(folder) == recipe
    assert recipe.pretraining.tokens >= preset.pretraining.tokens
    assert recipe.chat.held_out_loss < recipe.pretraining.held_out_loss < np.log(400) - 0.5
    assert set(recipe.corpus) == {"story", "log", "stage 2 chat"}
    assert sum(kind.share_of_tokens for kind in recipe.corpus.values()) == pytest.approx(1, abs=1e-3)
    assert 20 < recipe.distinct_words < 60


def test_the_same_seed_gives_the_same_weights_even_after_two_kills(built, preset, source, tmp_path):
    """The second build is cut off in either stage and saves at every update; the first was left alone."""
    calls = {"documents": 0, "chats": 0}

    def cut_off(name, generator):
        def produce(seed):
            calls[name] += 1
            # The first call is the tokenizer's sample, so the third is the second chunk of the stage.
            if calls[name] == 3:
                raise KeyboardInterrupt
            return generator(seed)

        return produce

    interrupted = TextSource(
        cut_off("documents", source.documents), cut_off("chats", source.chats), source.knobs
    )
    hasty = preset.model_copy(update={"save_every_seconds": 1e-9})
    out = tmp_path / "sprig"
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            build_sprig(hasty, out, seed=1, progress=False, source=interrupted)
        assert not out.exists()
        _, state = read_state(out.with_name("sprig.building"))
        assert 0 < state.tokens < getattr(hasty, state.stage).tokens, "cut off in the middle of a stage"
    assert state.stage == "chat"
    build_sprig(hasty, out, seed=1, progress=False, source=interrupted)
    for name in ("model.safetensors", "tokenizer.json"):
        assert (out / name).read_bytes() == (built[0] / name).read_bytes()


def test_another_seed_gives_other_weights(preset):
    token_ids = {"bos": 1, "eos": 7, "pad": 0}
    one, other = (new_model(preset.shape, 400, token_ids, seed=seed).lm_head.weight for seed in (1, 2))
    assert not torch.equal(one, other)


def test_a_build_does_not_touch_a_folder_that_holds_something(preset, source, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(CheckpointError, match="something already"):
        build_sprig(preset, tmp_path, seed=1, progress=False, source=source)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_small_fits_the_package():
    shape = PRESETS["small"].shape
    assert shape.num_parameters <= 6_000_000
    assert 2 * shape.num_parameters <= 11_500_000, "bf16 weights, with half a megabyte left for the tokenizer"
    with pytest.raises(ConfigError, match="tiny, small, medium, large"):
        find_preset("huge")


def test_parameter_count_is_that_of_the_model(preset):
    model = new_model(preset.shape, preset.shape.vocab_size, {"bos": 1, "eos": 7, "pad": 0}, seed=0)
    assert sum(p.numel() for p in model.parameters()) == preset.shape.num_parameters


def test_samples_are_seeded_and_answer(built):
    folder, _ = built
    first = sample(folder, "Mara saw", max_tokens=8, seed=3, num_samples=2)
    assert first == sample(folder, "Mara saw", max_tokens=8, seed=3, num_samples=2)
    assert len(first) == 2
    assert sample(folder, "Write to Tom.", system="", max_tokens=4, temperature=0) != first[0]
    with pytest.raises(ConfigError, match=r"temperature: -1"):
        sample(folder, "Mara", temperature=-1)
    assert printable("a\x1b[2Jb\n") == "a\\x1b[2Jb\n"


def test_a_prompt_that_fills_the_context_is_refused_and_an_answer_ends_with_it(built, capfd, monkeypatch):
    folder, _ = built
    limit = json.loads((folder / "config.json").read_text())["max_position_embeddings"]
    told = []
    monkeypatch.setattr(logging.getLogger("transformers.tokenization_utils_base"), "handle", told.append)
    with pytest.raises(InputError, match=rf"prompt: it has \d+ tokens .* holds {limit} .*shorter prompt"):
        sample(folder, "Mara saw the letter. " * 20 * limit, max_tokens=2)
    with pytest.raises(InputError, match="shorter prompt"):
        sample(folder, "Mara saw the letter. " * limit, system="", max_tokens=2)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    prompt = "Mara saw"
    while (room := limit - 1 - len(tokenizer(prompt, add_special_tokens=False)["input_ids"])) > 10:
        prompt += " the"
    generate, lengths = LlamaForCausalLM.generate, []

    def watch(model, **settings):
        lengths.append(settings["max_new_tokens"])
        return generate(model, **settings)

    monkeypatch.setattr(LlamaForCausalLM, "generate", watch)
    sample(folder, prompt, max_tokens=50)
    sample(folder, prompt, max_tokens=5)
    assert lengths == [room, 5]
    assert told == []
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("lost", "complaint"),
    [
        ("config.json", "config.json"),
        ("model.safetensors", "weights"),
        ("tokenizer.json", "tokenizer"),
        ("chat_template.jinja", "chat template"),
    ],
)
def test_a_folder_that_lacks_a_part_is_no_student(tmp_path, lost, complaint):
    for name in ("config.json", "model.safetensors", "tokenizer.json", "chat_template.jinja"):
        if name != lost:
            (tmp_path / name).write_text("{}")
    with pytest.raises(CheckpointError, match=f"lacks .*{complaint}"):
        resolve_student(tmp_path)


def test_names_of_students(tmp_path):
    assert checkpoint_path() == Path(teachwhy.__file__).parent / "sprig" / "checkpoint"
    with pytest.raises(CheckpointError, match="no folder"):
        resolve_student(tmp_path / "nowhere")


def test_importing_sprig_is_light():
    code = "import sys, teachwhy.sprig; sys.exit(bool({'torch', 'transformers', 'numpy'} & set(sys.modules)))"
    source_folder = Path(teachwhy.__file__).parents[1]
    done = subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": str(source_folder)}, check=False)
    assert done.returncode == 0


def test_the_fingerprint_of_a_build_covers_what_writes_its_corpus():
    package = Path(teachwhy.__file__).parent
    script = (
        "import sys\n"
        "from teachwhy.sprig import build, corpus\n"
        "for module in list(sys.modules.values()):\n"
        "    if module.__name__.startswith('teachwhy') and getattr(module, '__file__', None):\n"
        "        print(module.__file__)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = {Path(line).relative_to(package).as_posix() for line in done.stdout.split()}
    covered = {
        name for name in loaded if any(name == part or name.startswith(f"{part}/") for part in BUILD_CODE)
    }
    without_effect = {
        "__init__.py",
        "errors.py",
        "run_dir.py",
        "config.py",
        "evaluation_config.py",
        "generation_config.py",
        "experiment_file.py",
        "scenarios/__init__.py",
        "scenarios/english/__init__.py",
        "scenarios/english/overlap.py",
        "scenarios/english/skin.py",
        "scenarios/call_syntax.py",
        "scenarios/talked_of.py",
        "scenarios/guard.py",
        "scenarios/outcomes.py",
        "scenarios/parsing.py",
        "scenarios/policies.py",
        "scenarios/wording.py",
        "sprig/__init__.py",
        "sprig/card.py",
    }
    assert loaded - covered - without_effect == set()
    assert {"scenarios/situations.py", "sprig/corpus.py", "sprig/grammar/tempted.py"} <= covered
