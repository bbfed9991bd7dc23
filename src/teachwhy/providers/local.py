"""The Inspect model API `teachwhy`: local Hugging Face checkpoints ("teachwhy/sprig", "teachwhy//abs/path").

Model arguments (`-M name=value`): `base` (folder of the model that an adapter changes), `device` ("cpu",
"cuda:0"), `dtype` ("float32", "bfloat16", "float16"). Inspect lets a model begin with 20 requests at a time
and grow to 100; for larger batches give `max_connections`. Importing this module imports neither torch nor
transformers.
"""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING, Any

from inspect_ai.model import (
    ChatCompletionChoice,
    ChatMessage,
    ChatMessageAssistant,
    GenerateConfig,
    ModelAPI,
    ModelCall,
    ModelOutput,
    ModelUsage,
    modelapi,
)
from inspect_ai.tool import ToolChoice, ToolInfo
from tenacity import wait_none

from teachwhy.errors import ConfigError
from teachwhy.providers.checkpoint import find_checkpoint
from teachwhy.providers.engine import Engine, open_engine, release_engine
from teachwhy.providers.messages import known_arguments, read_turn, render_prompt

if TYPE_CHECKING:
    from teachwhy.providers.batch import Completion
    from teachwhy.providers.sampling import SamplingParameters

DEFAULT_MAX_TOKENS = 2048
MAX_CONNECTIONS_GPU = 512
MAX_CONNECTIONS_CPU = 96
"""As many conversations as the default prefix store holds for a model of sprig's size: with more, each turn
would push out the heads of the next turns before they are used, which costs more than wider batches save."""
MODEL_ARGUMENTS = ("base", "device", "dtype")


class TeachwhyAPI(ModelAPI):
    """Generates with a checkpoint on this machine, in batches over all concurrent requests.

    The metadata of each output holds `seed` (the one used); where a tool call could not be read,
    `malformed_tool_call` (why; the call itself then stays in the content as it was written); and where the
    chat template does not show all, `template_lacks` (what was written into the conversation in plain words).
    """

    def __init__(
        self,
        model_name: str,
        base_url: str | None = None,
        api_key: str | None = None,
        config: GenerateConfig | None = None,
        **model_args: Any,
    ) -> None:
        super().__init__(model_name, base_url, api_key, [], config or GenerateConfig())
        unknown = sorted(set(model_args) - set(MODEL_ARGUMENTS))
        if unknown:
            raise ConfigError(
                f"model argument {unknown[0]!r} is unknown to teachwhy/; "
                f"allowed: {', '.join(MODEL_ARGUMENTS)}."
            )
        self._folder = find_checkpoint(model_name, model_args.get("base"))
        self._device: str | None = model_args.get("device")
        self._dtype: str | None = model_args.get("dtype")
        self._engine: Engine | None = None

    @property
    def engine(self) -> Engine:
        """The shared engine, opened when first needed (again, after `close`)."""
        if self._engine is None:
            self._engine = open_engine(self._folder, self._device, self._dtype)
        return self._engine

    async def generate(
        self,
        input: list[ChatMessage],
        tools: list[ToolInfo],
        tool_choice: ToolChoice,
        config: GenerateConfig,
    ) -> tuple[ModelOutput, ModelCall]:
        """One assistant turn. Raises `CheckpointError`, and `ConfigError` for settings that make no sense."""
        from teachwhy.providers.batch import TokenRequest

        checkpoint = await self.engine.checkpoint()
        sampling = _sampling(config)
        prompt_ids = render_prompt(input, tools, checkpoint)
        started = time.monotonic()
        completion = await self.engine.generate(TokenRequest(prompt_ids, sampling))
        seconds = time.monotonic() - started
        output = self._output(completion, tools, sampling, prompt_ids)
        if checkpoint.template_lacks:
            output.metadata = {**(output.metadata or {}), "template_lacks": list(checkpoint.template_lacks)}
        output.time = seconds
        call = ModelCall(
            request={
                "num_prompt_tokens": len(prompt_ids),
                "seed": sampling.seed,
                "temperature": sampling.temperature,
                "top_p": sampling.top_p,
                "top_k": sampling.top_k,
                "max_tokens": sampling.max_new_tokens,
                "stop_seqs": list(sampling.stop_strings),
            },
            response={
                "text": completion.text,
                "stop": completion.stop,
                "num_tokens": len(completion.token_ids),
            },
            time=seconds,
        )
        return output, call

    def _output(
        self,
        completion: Completion,
        tools: list[ToolInfo],
        sampling: SamplingParameters,
        prompt_ids: tuple[int, ...],
    ) -> ModelOutput:
        offered = {tool.name: known_arguments(tool) for tool in tools}
        turn = read_turn(completion.text, offered, f"{sampling.seed}|{hash(prompt_ids)}")
        metadata: dict[str, Any] = {"seed": sampling.seed}
        if turn.malformed is not None:
            metadata["malformed_tool_call"] = turn.malformed
        message = ChatMessageAssistant(
            content=turn.content,
            tool_calls=list(turn.tool_calls) or None,
            model=self.model_name,
            source="generate",
        )
        num_output = len(completion.token_ids)
        return ModelOutput(
            model=self.model_name,
            choices=[ChatCompletionChoice(message=message, stop_reason=completion.stop)],
            usage=ModelUsage(
                input_tokens=completion.num_input_tokens,
                output_tokens=num_output,
                total_tokens=completion.num_input_tokens + num_output,
            ),
            metadata=metadata,
        )

    async def count_text_tokens(self, text: str) -> int:
        """Tokens by the checkpoint's own tokenizer."""
        return len(await self.tokenize(text))

    async def tokenize(self, text: str) -> list[int]:
        """Token ids by the checkpoint's own tokenizer, without special tokens added."""
        checkpoint = await self.engine.checkpoint()
        token_ids: list[int] = checkpoint.tokenizer(text, add_special_tokens=False)["input_ids"]
        return token_ids

    def max_tokens(self) -> int:
        """Tokens of an answer where the request does not say."""
        return DEFAULT_MAX_TOKENS

    def max_connections(self) -> int:
        """Requests under way at a time; they are what batches are made of."""
        import torch

        is_on_gpu = self._device != "cpu" and torch.cuda.is_available()
        return MAX_CONNECTIONS_GPU if is_on_gpu else MAX_CONNECTIONS_CPU

    def retry_wait(self) -> wait_none:
        """No wait: what fails on this machine fails again, and is never retried."""
        return wait_none()

    def connection_key(self) -> str:
        """Models on one engine share its connections."""
        return str(self._folder.path)

    def close(self) -> None:
        """Let go of the model, unless another user has it open."""
        if self._engine is not None:
            engine, self._engine = self._engine, None
            release_engine(engine)


@modelapi(name="teachwhy")
def teachwhy() -> type[ModelAPI]:
    """The provider under its name in Inspect."""
    return TeachwhyAPI


def _sampling(config: GenerateConfig) -> SamplingParameters:
    from teachwhy.providers.sampling import SamplingParameters

    return SamplingParameters(
        max_new_tokens=DEFAULT_MAX_TOKENS if config.max_tokens is None else config.max_tokens,
        seed=secrets.randbits(31) if config.seed is None else config.seed,
        temperature=1.0 if config.temperature is None else config.temperature,
        top_p=1.0 if config.top_p is None else config.top_p,
        top_k=config.top_k or 0,
        stop_strings=tuple(config.stop_seqs or ()),
    )
