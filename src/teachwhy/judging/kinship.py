"""Which models are kin: a judge of the evaluated model's own family is refused, for models favour their like.

The rule goes by names alone. The families of a name are the model families of `KNOWN` whose words stand in
it after its provider, or whose maker's does ("vllm/meta-llama/Llama-3.3-70B" is of llama,
"deepseek-r1-distill-qwen-32b" of deepseek and qwen, "bedrock/us.anthropic.x" of claude); where none does,
that of the maker whose API it is ("anthropic/..."); else the first word of the model's own name. Two names
with a family in common are kin.

A folder tells nothing, whatever provider loads it ("vllm//data/x", "hf/local"), nor does a name that whoever
deployed the model thought of ("azureai/prod"), so that its descent must be given; the same checkpoint is
known by the hash of its files.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from teachwhy.errors import ConfigError
from teachwhy.providers.checkpoint import LOCAL_PROVIDER, find_checkpoint

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
    "xai": "grok",
    "amazon": "nova",
    "nvidia": "nemotron",
    "allenai": "olmo",
    "zhipu": "glm",
}
"""Maker -> the family of its models; a provider of Inspect of this name serves that one's models alone."""
NAMED_BY_USERS = ("azureai", "sagemaker")
"""Providers whose names of models are those of deployments; on bedrock these begin with "arn:"."""
FOLDERS = ("/", "./", "../", "~", "local/")
"""How what stands after a provider begins where it names a place and no model."""


def model_families(name: str) -> frozenset[str]:
    """The families of a model by its name; never empty."""
    provider, _, rest = name.lower().partition("/")
    rest = rest or provider
    if found := _find_known(rest):
        return found
    if provider in MAKERS:
        return frozenset([MAKERS[provider]])
    own = re.findall(r"[a-z]+", rest.rpartition("/")[2])
    return frozenset([own[0] if own else rest])


def _find_known(rest: str) -> frozenset[str]:
    """The families whose words, or whose maker's, stand in what follows a provider."""
    words = re.findall(r"[a-z]+", rest) + re.findall(r"[a-z]+\d+", rest)
    signs = [(sign, family) for family, known in KNOWN.items() for sign in known] + list(MAKERS.items())
    return frozenset(
        family
        for sign, family in signs
        if any(word == sign or (len(sign) > 3 and word.startswith(sign)) for word in words)
    )


class Remedies(NamedTuple):
    """How the command under way is told what no name tells."""

    allow: str
    """What admits judges of the evaluated model's own family."""
    descent: str = ""
    """What says what a checkpoint descends from; "" where nothing does."""


JUDGE_COMMAND = Remedies("give --allow-own-family", "say what it descends from with --evaluated NAME")
EVALUATE_COMMAND = Remedies("give --allow-own-family")
INSPECT_COMMAND = Remedies("give -T own_judge=true")


def check_kinship(
    judges: Mapping[str, str], evaluated: str, descent: str = "", remedies: Remedies = JUDGE_COMMAND
) -> None:
    """Raises `ConfigError` for a judge that is the evaluated model or of its family, and where a family is
    not known.

    `judges`: name in files -> name under which Inspect finds it. `evaluated`: name of the model in the
    settings, or as Inspect finds it. `descent`: what it descends from besides.
    """
    same = [name for name, model_name in judges.items() if _is_same(model_name, evaluated)]
    if same:
        raise ConfigError(
            f"judge {same[0]!r} is the evaluated model itself ({evaluated!r}), and models favour their like. "
            f"Take one of another family, or {remedies.allow}."
        )
    if descent and is_nameless(descent):
        raise ConfigError(
            f"--evaluated {descent!r} tells no family. Give the name of the model that the evaluated one "
            "descends from, such as qwen."
        )
    if is_nameless(evaluated) and not descent:
        ways = ", or ".join(way for way in (remedies.descent, remedies.allow) if way)
        raise ConfigError(
            f"the evaluated model is {evaluated!r}, whose family no name tells, so that no judge of its "
            f"own family can be kept out. {ways[0].upper()}{ways[1:]}."
        )
    shown = f"{evaluated!r}, which descends from {descent!r}" if descent else repr(evaluated)
    own = model_families(descent) if descent else frozenset()
    own |= frozenset() if is_nameless(evaluated) else model_families(evaluated)
    for judge in judges:
        if is_nameless(judge):
            raise ConfigError(
                f"the family of judge {judge!r} is told by no name. Where you know that it is not of the "
                f"evaluated model's family, {remedies.allow}."
            )
        shared = model_families(judge) & own
        if shared:
            raise ConfigError(
                f"judge {judge!r} is of the evaluated model's own family ({', '.join(sorted(shared))}; "
                f"evaluated: {shown}), and models favour their like. Take one of another family, or "
                f"{remedies.allow}."
            )


def is_nameless(model: str) -> bool:
    """Whether a model's name in the settings tells of no family: a checkpoint's hash, a folder, a deployment
    whose name holds no known family.
    """
    provider, slash, rest = model.strip().lower().partition("/")
    if not provider or provider.startswith("checkpoint ") or (slash and f"{rest}/".startswith(FOLDERS)):
        return True
    return (provider in NAMED_BY_USERS or rest.startswith("arn:")) and not _find_known(rest)


def name_checkpoint(model_name: str) -> str:
    """As settings name a checkpoint, the one in the package too; the model's own name where it is none."""
    provider, _, name = model_name.partition("/")
    return f"checkpoint {find_checkpoint(name).hash()[:16]}" if provider == LOCAL_PROVIDER else model_name


def _is_same(judge: str, evaluated: str) -> bool:
    """Whether both names are of one model, a checkpoint in two places included."""
    is_local = judge.startswith(f"{LOCAL_PROVIDER}/")
    return judge == evaluated or (is_local and name_checkpoint(judge) == name_checkpoint(evaluated))
