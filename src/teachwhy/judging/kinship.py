"""Which models are kin: a judge of the evaluated model's own family is refused, for models favour their like.

The rule goes by names alone. The families of a name are the model families of `KNOWN` whose words stand in
it after its provider ("vllm/meta-llama/Llama-3.3-70B" is of llama, "deepseek-r1-distill-qwen-32b" of
deepseek and qwen); where none does, that of the maker whose API it is ("anthropic/..."); else the first word
of the model's own name. Two names with a family in common are kin. A checkpoint's folder tells nothing, so
that its descent must be given.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from teachwhy.errors import ConfigError

KNOWN: dict[str, tuple[str, ...]] = {
    "claude": ("claude",),
    "openai": ("gpt", "chatgpt", "codex", "davinci", "o1", "o3", "o4"),
    "google": ("gemini", "gemma", "palm"),
    "llama": ("llama", "vicuna", "alpaca"),
    "qwen": ("qwen", "qwq", "qvq"),
    "mistral": ("mistral", "mixtral", "ministral", "magistral", "codestral", "devstral", "pixtral"),
    "deepseek": ("deepseek",),
    "grok": ("grok",),
    "cohere": ("command", "aya"),
    "phi": ("phi",),
    "nova": ("nova",),
    "kimi": ("kimi", "moonlight"),
    "glm": ("glm", "chatglm"),
    "nemotron": ("nemotron",),
    "olmo": ("olmo", "tulu"),
    "granite": ("granite",),
    "minimax": ("minimax", "abab"),
    "hermes": ("hermes",),
    "sprig": ("sprig",),
}
MAKERS = {
    "anthropic": "claude",
    "openai": "openai",
    "google": "google",
    "mistral": "mistral",
    "deepseek": "deepseek",
    "grok": "grok",
    "cohere": "cohere",
    "moonshot": "kimi",
}
"""Provider of Inspect that serves one maker's models -> the family of those whose name tells nothing."""


def model_families(name: str) -> frozenset[str]:
    """The families of a model by its name; never empty."""
    provider, _, rest = name.lower().partition("/")
    rest = rest or provider
    words = re.findall(r"[a-z]+", rest) + re.findall(r"[a-z]+\d+", rest)
    found = {
        family
        for family, signs in KNOWN.items()
        if any(word == sign or (len(sign) > 3 and word.startswith(sign)) for word in words for sign in signs)
    }
    if found:
        return frozenset(found)
    if provider in MAKERS:
        return frozenset([MAKERS[provider]])
    own = re.findall(r"[a-z]+", rest.rpartition("/")[2])
    return frozenset([own[0] if own else rest])


def check_kinship(judges: Sequence[str], evaluated: str) -> None:
    """Raises `ConfigError` for a judge of the evaluated model's family, and where that family is not
    known."""
    if is_nameless(evaluated):
        raise ConfigError(
            f"the evaluated model is {evaluated!r}, whose family no name tells, so that no judge of its "
            "own family can be kept out. Say what it descends from with --evaluated NAME, or "
            "give --allow-own-family."
        )
    for judge in judges:
        shared = model_families(judge) & model_families(evaluated)
        if shared:
            raise ConfigError(
                f"judge {judge!r} is of the evaluated model's own family ({', '.join(sorted(shared))}; "
                f"evaluated: {evaluated!r}), and models favour their like. Take one of another family, or "
                "give --allow-own-family."
            )


def is_nameless(model: str) -> bool:
    """Whether a model's name in the settings tells of no family: a checkpoint's hash, or a folder."""
    return model.startswith(("checkpoint ", "teachwhy//")) or not model.strip()
