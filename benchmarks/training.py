"""Training tokens per second: ours against TRL with default settings and against a bare PyTorch loop.

All three train the same 4M-parameter Llama on the same rows (half chat with loss on the assistant's turns,
half documents) on the CPU. Rows and student are random; only their lengths matter here. The three take
turns, and the best of two rounds counts for each. Their models are loaded and their rows tokenised before
the clock starts.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from torch.nn.functional import cross_entropy
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
from trl import SFTConfig, SFTTrainer

from benchmarks.ratio import Ratio
from teachwhy.config import ArmConfig, TrainingConfig
from teachwhy.records import Example, Message
from teachwhy.sprig.pretrain import has_fast_bfloat16
from teachwhy.training.formatting import TokenRow
from teachwhy.training.mixture import Batches, make_batches
from teachwhy.training.plan import plan_training, tokenize_mixture
from teachwhy.training.train import train_arm

SPECIALS = ("<|pad|>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>", "<|tool|>")
TEMPLATE = (
    "{% for m in messages %}<|{{ m['role'] }}|>{% if m['role'] == 'assistant' %}"
    "{% generation %}{{ m['content'] }}<|end|>{% endgeneration %}{% else %}{{ m['content'] }}<|end|>{% "
    "endif %}"
    "{% endfor %}"
)
VOCABULARY = 3072
SEED = 1
ROUNDS = 2
NUM_UPDATES = 8
TOKENS_PER_UPDATE = 2000


def make_student(folder: Path) -> None:
    """A random Llama of 4M parameters; each word of its vocabulary is one token."""
    torch.manual_seed(SEED)
    words = [*SPECIALS, *(f"w{index}" for index in range(VOCABULARY - len(SPECIALS)))]
    backend = Tokenizer(
        models.WordLevel({word: index for index, word in enumerate(words)}, unk_token="<|pad|>")
    )
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    backend.decoder = decoders.WordPiece()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend,
        pad_token="<|pad|>",
        eos_token="<|end|>",
        extra_special_tokens=list(SPECIALS[2:]),
    )
    tokenizer.chat_template = TEMPLATE
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=256,
        intermediate_size=640,
        num_hidden_layers=5,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=1024,
        tie_word_embeddings=True,
        pad_token_id=0,
        eos_token_id=1,
        bos_token_id=None,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def make_examples() -> dict[str, list[Example]]:
    """400 chat rows of 60 to 260 tokens and 200 documents of 80 to 300."""
    rng = random.Random(SEED)

    def text(low: int, high: int) -> str:
        return " ".join(
            f"w{rng.randrange(VOCABULARY - len(SPECIALS))}" for _ in range(rng.randint(low, high))
        )

    chats = [
        Example(
            id=f"chat-{index}",
            technique="chat",
            kind="chat",
            teacher="random",
            messages=(
                Message(role="system", content=text(5, 60)),
                Message(role="user", content=text(30, 120)),
                Message(role="assistant", content=text(20, 80)),
            ),
        )
        for index in range(400)
    ]
    documents = [
        Example(
            id=f"document-{index}",
            technique="documents",
            kind="document",
            teacher="random",
            text=text(80, 300),
        )
        for index in range(200)
    ]
    return {"chat": chats, "documents": documents}


def time_bare_loop(student: Path, batches: Batches, config: TrainingConfig) -> float:
    """Tokens per second of a plain loop: the rows of each update in one padded batch, all logits, AdamW,
    in the same precision as ours."""
    model = LlamaForCausalLM.from_pretrained(student, dtype=torch.float32)
    optimizer = torch.optim.AdamW(model.parameters(), lr=config.learning_rate, fused=True)
    bf16 = has_fast_bfloat16(torch.device("cpu"))
    model.train()
    started = time.perf_counter()
    for update in range(NUM_UPDATES):
        first = update * batches.num_micro_batches
        groups = batches.micro_batches[first : first + batches.num_micro_batches]
        input_ids_BT, labels_BT, mask_BT = _pad(
            [batches.rows[number] for group in groups for number in group]
        )
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            logits_BTV = model(input_ids=input_ids_BT, attention_mask=mask_BT, use_cache=False).logits
        loss = cross_entropy(
            logits_BTV[:, :-1].flatten(0, 1).float(), labels_BT[:, 1:].flatten(), ignore_index=-100
        )
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
    return batches.count_tokens() / (time.perf_counter() - started)


def _pad(rows: Sequence[TokenRow]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Input ids, labels and attention mask, each (batch, longest row)."""
    longest = max(row.num_tokens for row in rows)
    input_ids = [[*row.input_ids, *[0] * (longest - row.num_tokens)] for row in rows]
    labels = [[*row.labels, *[-100] * (longest - row.num_tokens)] for row in rows]
    mask = [[1] * row.num_tokens + [0] * (longest - row.num_tokens) for row in rows]
    return torch.tensor(input_ids), torch.tensor(labels), torch.tensor(mask)


def time_default_trainer(student: Path, batches: Batches, folder: Path) -> float:
    """Tokens per second of SFTTrainer on the tokenised rows, with no argument beyond what makes it run and
    stop here."""
    rows: list[TokenRow] = [batches.rows[number] for group in batches.micro_batches for number in group]
    dataset = Dataset.from_dict(
        {"input_ids": [list(row.input_ids) for row in rows], "labels": [list(row.labels) for row in rows]}
    )
    arguments: dict[str, Any] = {
        "report_to": "none",
        "disable_tqdm": True,
        "save_strategy": "no",
        "num_train_epochs": 1,
    }
    trainer = SFTTrainer(
        model=LlamaForCausalLM.from_pretrained(student, dtype=torch.float32),
        args=SFTConfig(output_dir=str(folder), use_cpu=True, dataloader_pin_memory=False, **arguments),
        train_dataset=dataset,
        processing_class=PreTrainedTokenizerFast.from_pretrained(student),
    )
    started = time.perf_counter()
    trainer.train()
    return batches.count_tokens() / (time.perf_counter() - started)


def run() -> list[Ratio]:
    """Measures all three on this machine."""
    config = TrainingConfig(
        tokens_per_arm=NUM_UPDATES * TOKENS_PER_UPDATE, updates=NUM_UPDATES, min_updates=1
    )
    mixture = {"chat": 0.5, "documents": 0.5}
    examples = make_examples()
    with tempfile.TemporaryDirectory() as folder:
        student = Path(folder) / "student"
        make_student(student)
        tokenizer = PreTrainedTokenizerFast.from_pretrained(student)
        arms = [ArmConfig(name="bench", mixture=mixture, title="bench")]
        plan = plan_training(arms, examples, tokenizer, config, [SEED]).arms[0]
        rows = tokenize_mixture(mixture, examples, tokenizer, config)
        batches = make_batches(rows, mixture, config.tokens_per_arm, config.updates, SEED)
        ours = bare = default = 0.0
        for number in range(ROUNDS):
            record = train_arm(student, plan, examples, config, SEED, Path(folder) / f"ours-{number}")
            ours = max(ours, record.tokens_per_second)
            bare = max(bare, time_bare_loop(student, batches, config))
            default = max(default, time_default_trainer(student, batches, Path(folder) / f"default-{number}"))
    return [
        Ratio(
            "training against SFTTrainer with default settings",
            ours,
            default,
            ours / default,
            1.5,
            "tokens/s",
        ),
        Ratio("training against a bare PyTorch loop", ours, bare, ours / bare, 0.8, "tokens/s"),
    ]
