"""The sizes of sprig and what each is trained on: one frozen record a preset."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from teachwhy.errors import ConfigError
from teachwhy.records import Record


class ModelShape(Record):
    """The Llama configuration; embeddings are tied, every head has its own keys and values."""

    hidden_size: int
    intermediate_size: int
    num_layers: int
    num_heads: int
    vocab_size: int
    max_positions: int = 2048

    @model_validator(mode="after")
    def _heads_divide_hidden(self) -> ModelShape:
        if self.hidden_size % (2 * self.num_heads):
            raise ValueError(
                "hidden_size must be a multiple of twice num_heads (rotary positions pair the channels)"
            )
        return self

    @property
    def num_parameters(self) -> int:
        """Weights of the whole model, tied embedding counted once."""
        attention = 4 * self.hidden_size**2
        block = attention + 3 * self.hidden_size * self.intermediate_size + 2 * self.hidden_size
        return self.vocab_size * self.hidden_size + self.num_layers * block + self.hidden_size


class StageRecipe(Record):
    """How one stage trains. Tokens count positions of the rows, padding excluded."""

    tokens: int
    """Budget of the stage."""
    row_length: int
    """Longest row in tokens; longer documents are cut in pieces, longer chats are left out and counted."""
    tokens_per_update: int
    learning_rate: float
    """Peak. Muon's updates are scaled to the size of AdamW's, so one rate serves both."""
    optimizer: Literal["adamw", "muon"] = "adamw"
    """For the matrices of the blocks; embeddings and norms always take AdamW."""
    warmup_fraction: float = 0.02
    decay_fraction: float = 0.8
    """Last part of the stage over which the rate falls linearly to zero."""
    weight_decay: float = 0.1
    tokens_per_pass: int = 1024
    """Padded tokens of one forward pass. Its rows are of like length, an update adds up several passes."""

    @property
    def num_updates(self) -> int:
        """Optimiser updates of the stage."""
        return max(1, self.tokens // self.tokens_per_update)


class SprigPreset(Record):
    """Everything that decides the weights besides the seed and the corpus knobs."""

    name: str
    shape: ModelShape
    pretraining: StageRecipe
    chat: StageRecipe
    tokenizer_documents: int = 6000
    """Documents that the tokenizer learns its merges from; an eighth as many chats are added."""
    chunk_tokens: int = 1_000_000
    """Corpus made, encoded and shuffled at a time."""
    precision: Literal["bfloat16", "float32"] = "bfloat16"
    """Of the matrix products (autocast); weights and optimiser state stay in float32 until saved."""
    save_every_seconds: float = Field(default=240.0, gt=0)
    expected_tokens_per_second: float
    """For the estimate printed before the start: measured on 2 CPU cores for tiny and small, guessed for one
    big GPU for medium and large."""


PRESETS: dict[str, SprigPreset] = {
    preset.name: preset
    for preset in (
        SprigPreset(
            name="tiny",
            shape=ModelShape(
                hidden_size=64, intermediate_size=176, num_layers=4, num_heads=4, vocab_size=1536
            ),
            pretraining=StageRecipe(
                tokens=1_000_000,
                row_length=512,
                tokens_per_update=2048,
                tokens_per_pass=2048,
                learning_rate=4e-3,
                optimizer="muon",
            ),
            chat=StageRecipe(tokens=200_000, row_length=512, tokens_per_update=2048, learning_rate=1e-3),
            tokenizer_documents=2000,
            expected_tokens_per_second=15_000,
        ),
        SprigPreset(
            name="small",
            shape=ModelShape(
                hidden_size=224, intermediate_size=616, num_layers=4, num_heads=4, vocab_size=3072
            ),
            pretraining=StageRecipe(
                tokens=7_500_000,
                row_length=512,
                tokens_per_update=4096,
                learning_rate=2.5e-3,
                optimizer="muon",
            ),
            chat=StageRecipe(tokens=60_000, row_length=512, tokens_per_update=2048, learning_rate=1.5e-4),
            expected_tokens_per_second=5_000,
        ),
        SprigPreset(
            name="medium",
            shape=ModelShape(
                hidden_size=512, intermediate_size=1408, num_layers=10, num_heads=8, vocab_size=4096
            ),
            pretraining=StageRecipe(
                tokens=300_000_000, row_length=512, tokens_per_update=65_536, learning_rate=1.5e-3
            ),
            chat=StageRecipe(
                tokens=30_000_000, row_length=1024, tokens_per_update=32_768, learning_rate=5e-4
            ),
            tokenizer_documents=20_000,
            chunk_tokens=8_000_000,
            expected_tokens_per_second=400_000,
        ),
        SprigPreset(
            name="large",
            shape=ModelShape(
                hidden_size=1024, intermediate_size=2816, num_layers=16, num_heads=16, vocab_size=8192
            ),
            pretraining=StageRecipe(
                tokens=2_000_000_000,
                row_length=512,
                tokens_per_update=262_144,
                tokens_per_pass=65_536,
                learning_rate=8e-4,
            ),
            chat=StageRecipe(
                tokens=100_000_000, row_length=1024, tokens_per_update=65_536, learning_rate=3e-4
            ),
            tokenizer_documents=40_000,
            chunk_tokens=16_000_000,
            expected_tokens_per_second=150_000,
        ),
    )
}


def find_preset(name: str) -> SprigPreset:
    """The preset of that name; ConfigError names those there are."""
    if name not in PRESETS:
        raise ConfigError(f"preset: there is no sprig preset {name!r}; choose one of {', '.join(PRESETS)}")
    return PRESETS[name]
