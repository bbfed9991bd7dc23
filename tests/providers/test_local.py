"""The provider as Inspect uses it: batches, counts, the tool loop, opening and closing."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import threading
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import torch
from inspect_ai import Task, eval
from inspect_ai.dataset import Sample
from inspect_ai.model import ChatMessageUser, GenerateConfig, Model, ModelOutput, get_model
from inspect_ai.scorer import includes
from inspect_ai.solver import generate, use_tools
from inspect_ai.tool import Tool, ToolError, tool
from tests.providers.tiny_checkpoint import END, TEMPLATE, build_chain_checkpoint, build_checkpoint

from teachwhy.errors import CheckpointError, ConfigError, TeachwhyError
from teachwhy.providers.batch import Completion, TokenRequest
from teachwhy.providers.generation import Arrivals, Finished, Wanted
from teachwhy.providers.local import TeachwhyAPI
from teachwhy.providers.sampling import SamplingParameters

NEWLINE = "\u010a"  # how a byte-level tokenizer spells the line feed


@pytest.fixture
def model(folder: Path) -> Iterator[Model]:
    """The random checkpoint through Inspect."""
    with get_model(f"teachwhy/{folder}", memoize=False) as opened:
        yield opened


def ask_all(model: Model, num: int, config: GenerateConfig) -> list[ModelOutput]:
    async def ask() -> list[ModelOutput]:
        questions = [
            [ChatMessageUser(content="why? " * (1 + index % 7) + str(index))] for index in range(num)
        ]
        return await asyncio.gather(*(model.generate(question, config=config) for question in questions))

    return asyncio.run(ask())


def test_a_burst_of_requests_is_one_batch_a_budget(model: Model) -> None:
    config = GenerateConfig(max_tokens=8, seed=1, max_connections=512)
    outputs = ask_all(model, 200, config)
    api = model.api
    assert isinstance(api, TeachwhyAPI)
    assert 7 <= api.engine.num_steps < 100  # at most 128 rows at a time; one by one it would be 1,400
    assert len({output.completion for output in outputs}) > 100
    alone = ask_all(model, 1, config)[0]
    assert alone.completion == outputs[0].completion


def test_an_output_says_what_the_template_lacks(tmp_path: Path) -> None:
    folder = build_checkpoint(tmp_path, template=TEMPLATE.replace("if tools", "if false"))
    with get_model(f"teachwhy/{folder}", memoize=False) as opened:
        output = ask_all(opened, 1, GenerateConfig(max_tokens=2, seed=1))[0]
    assert output.metadata == {"seed": 1, "template_lacks": ["tools"]}


def test_an_output_says_what_happened(model: Model) -> None:
    output = ask_all(model, 1, GenerateConfig(max_tokens=5, seed=1, temperature=0))[0]
    again, other = (ask_all(model, 1, GenerateConfig(max_tokens=5, seed=seed))[0] for seed in (1, 2))
    tokens = asyncio.run(model.api.tokenize("<|im_start|>user\nwhy? 0<|im_end|>\n<|im_start|>assistant\n"))
    assert output.usage is not None
    assert (output.usage.input_tokens, output.usage.output_tokens) == (len(tokens), 5)
    assert output.usage.total_tokens == len(tokens) + 5
    assert output.stop_reason == "max_tokens"
    assert output.metadata == {"seed": 1}
    assert again.completion != other.completion
    unseeded = ask_all(model, 1, GenerateConfig(max_tokens=5))[0]
    assert unseeded.metadata is not None
    repeated = ask_all(model, 1, GenerateConfig(max_tokens=5, seed=unseeded.metadata["seed"]))[0]
    assert repeated.completion == unseeded.completion


def test_a_prompt_beyond_the_context_is_reported(model: Model) -> None:
    async def ask() -> ModelOutput:
        return await model.generate("word " * 600)

    output = asyncio.run(ask())
    assert (output.stop_reason, output.completion) == ("model_length", "")
    assert output.usage is not None and output.usage.output_tokens == 0


def test_tokens_are_counted_without_a_download(model: Model) -> None:
    assert asyncio.run(model.count_tokens("the mail")) == len(asyncio.run(model.api.tokenize("the mail")))


@tool
def read_mail() -> Tool:
    async def execute() -> str:
        """Read the mail."""
        raise ToolError("the box is locked")

    return execute


@pytest.mark.filterwarnings(
    "ignore:Unclosed <MemoryObject:ResourceWarning"
)  # Inspect leaves its streams open
@pytest.mark.filterwarnings("ignore:Exception ignored in:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(
    ("written", "num_calls", "malformed"),
    [
        ('{"name": "read_mail"}', 1, False),
        ('{"name": "read_mail", "arguments": {}}', 1, False),
        ("{oops", 0, True),
    ],
)
def test_the_tool_loop_through_inspect(tmp_path: Path, written: str, num_calls: int, malformed: bool) -> None:
    """A model that calls a tool that fails, reads the failure, and calls again until it is stopped."""
    chain = {NEWLINE: "<tool_call>", "<tool_call>": written, written: "</tool_call>", "</tool_call>": END}
    folder = build_chain_checkpoint(tmp_path / "chain", chain)
    task = Task(
        dataset=[Sample(input="Read it.", target="x", id=index) for index in range(3)],
        solver=[use_tools(read_mail()), generate()],
        scorer=includes(),
        message_limit=6,
        config=GenerateConfig(max_tokens=20),
    )
    with get_model(f"teachwhy/{folder}", memoize=False) as opened:
        log = eval(task, model=opened, log_dir=str(tmp_path / "logs"), display="none", score_display=False)[0]
    gc.collect()
    assert log.status == "success", log.error
    for sample in log.samples or []:
        assert sample.error is None
        answer = sample.messages[1]
        assert answer.role == "assistant"
        assert [call.function for call in answer.tool_calls or []] == ["read_mail"] * num_calls
        if malformed:
            assert answer.content == f"<tool_call>{written}</tool_call>"
            assert "not JSON" in (sample.output.metadata or {})["malformed_tool_call"]
            assert sample.output.stop_reason == "stop"
        else:
            assert answer.content == ""
            failure = sample.messages[2]
            assert failure.role == "tool" and failure.error is not None
            assert failure.error.message == "the box is locked"
            assert len(sample.messages) == 6


def test_models_on_one_checkpoint_share_it_until_the_last_is_closed(folder: Path) -> None:
    models = [get_model(f"teachwhy/{folder}", memoize=False) for _ in range(2)]
    first, second = (model.api for model in models)
    assert isinstance(first, TeachwhyAPI) and isinstance(second, TeachwhyAPI)
    assert first.engine is second.engine
    weights = weakref.ref(asyncio.run(first.engine.checkpoint()).model)
    first.close()
    first.close()
    assert ask_all(models[1], 2, GenerateConfig(max_tokens=2))
    second.close()
    gc.collect()
    assert weights() is None
    assert ask_all(models[0], 1, GenerateConfig(max_tokens=2))  # opens it anew
    first.close()


def test_a_checkpoint_that_was_saved_anew_is_loaded_anew(tmp_path: Path) -> None:
    folder = build_checkpoint(tmp_path)
    old = get_model(f"teachwhy/{folder}", memoize=False)
    greedy = GenerateConfig(max_tokens=12, temperature=0)
    before = ask_all(old, 1, greedy)[0].completion
    build_checkpoint(tmp_path, seed=9)
    with get_model(f"teachwhy/{folder}", memoize=False) as new:
        assert ask_all(new, 1, greedy)[0].completion != before
    old.api.close()


def test_mistakes_are_reported_to_the_one_who_asked(model: Model, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="max_tokens = 0"):
        ask_all(model, 1, GenerateConfig(max_tokens=0))
    with pytest.raises(CheckpointError, match="no such folder"):
        get_model(f"teachwhy/{tmp_path}/none", memoize=False)
    with pytest.raises(ConfigError, match="'trust_remote_code' is unknown"):
        get_model(f"teachwhy/{folder}", memoize=False, trust_remote_code=True)


def test_a_failing_batch_fails_its_requests_and_no_later_ones(model: Model) -> None:
    api = model.api
    assert isinstance(api, TeachwhyAPI)
    asyncio.run(api.engine.checkpoint())
    generator = api.engine._generator
    assert generator is not None
    working = generator.run

    def fail(arrive: Arrivals, *_: object) -> None:
        arrive([])
        raise RuntimeError("the device is gone")

    generator.run = fail  # type: ignore[method-assign]
    with pytest.raises(RuntimeError, match="the device is gone"):
        ask_all(model, 3, GenerateConfig(max_tokens=2))
    sizes: list[int] = []

    def short_of_memory(arrive: Arrivals, finished: Finished, _: object) -> None:
        requests = arrive([])
        sizes.append(len(requests))
        if len(requests) > 2:
            raise torch.OutOfMemoryError("too much")
        left = [requests]
        working(lambda _: left.pop() if left else [], finished)

    generator.run = short_of_memory  # type: ignore[method-assign]
    assert len(ask_all(model, 5, GenerateConfig(max_tokens=2))) == 5
    assert sizes == [5, 3, 2, 1, 2]


def test_a_request_that_nobody_waits_for_is_dropped(model: Model) -> None:
    async def ask() -> ModelOutput:
        config = GenerateConfig(max_tokens=2)
        given_up = asyncio.create_task(model.generate("a", config=config))
        kept = asyncio.create_task(model.generate("b", config=config))
        await asyncio.sleep(0)
        given_up.cancel()
        return await kept

    assert asyncio.run(ask()).usage is not None


def test_a_request_that_is_given_up_leaves_the_batch_or_the_queue(folder: Path) -> None:
    """The generator is a fake that steps when told to: it counts the steps that each request gets."""
    api = TeachwhyAPI(str(folder))
    engine = api.engine
    steps, begun = threading.Semaphore(0), threading.Event()
    num_steps = [0] * 2

    class SteppingGenerator:
        def choose(self, waiting: Sequence[object], running: Sequence[int] = ()) -> list[int]:
            return [0, 1][: 2 - len(running)] if waiting else []

        def run(self, arrive: Arrivals, finished: Finished, is_wanted: Wanted) -> None:
            numbers = range(len(arrive([])))
            begun.set()
            while running := [number for number in numbers if is_wanted(number) and num_steps[number] < 5]:
                steps.acquire()
                for number in running:
                    num_steps[number] += 1
                    if num_steps[number] == 5:
                        finished(number, Completion(f"{number}", (), "stop", 1))

    async def ask() -> Completion:
        request = TokenRequest((5,), SamplingParameters(9, seed=0))
        first, second, third = (asyncio.create_task(engine.generate(request)) for _ in range(3))
        await asyncio.to_thread(begun.wait)
        assert len(engine._waiting) == 1
        for given_up in (third, second):
            given_up.cancel()
            await asyncio.wait([given_up])
        assert not engine._waiting
        for _ in range(5):
            steps.release()
        return await first

    engine._generator = SteppingGenerator()  # type: ignore[assignment]
    assert asyncio.run(ask()).text == "0"
    assert num_steps[0] == 5 and num_steps[1] <= 1  # a step that had begun
    api.close()


def test_a_closed_engine_takes_no_requests(folder: Path) -> None:
    api = TeachwhyAPI(str(folder))
    engine = api.engine
    api.close()
    with pytest.raises(TeachwhyError, match="was closed"):
        asyncio.run(engine.generate(None))  # type: ignore[arg-type]


def test_importing_the_provider_does_not_import_torch() -> None:
    code = (
        "import sys, teachwhy.providers.local; sys.exit(bool({'torch', 'transformers'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": ":".join(sys.path)})
