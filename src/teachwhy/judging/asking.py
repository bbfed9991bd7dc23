"""Ask several judges at once, each a few requests at a time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import TypeVar

import anyio
from inspect_ai.model import Model

from teachwhy.errors import InputError
from teachwhy.evaluation.run import close_model, open_model, quiet_inspect

Job = TypeVar("Job")


@contextmanager
def open_judges(model_names: Mapping[str, str]) -> Iterator[dict[str, Model]]:
    """The models of judges, each by its name, closed in the end. Raises `ConfigError` for one that there is
    not.

    `model_names`: judge -> name under which Inspect finds it.
    """
    with ExitStack() as stack:
        stack.enter_context(quiet_inspect())
        opened: dict[str, Model] = {}
        for name, model_name in model_names.items():
            opened[name] = open_model(model_name)
            stack.callback(close_model, opened[name])
        yield opened


def ask_all(
    by_judge: Mapping[str, Sequence[Job]],
    models: Mapping[str, Model],
    ask: Callable[[Job, Model], Awaitable[None]],
    connections: int,
) -> None:
    """Work off the jobs of every judge, at most `connections` of each at a time; the first `InputError` of
    `ask` ends it all.
    """
    errors: list[InputError] = []

    async def work_off() -> None:
        async with anyio.create_task_group() as group:

            async def work(jobs: Iterator[Job], model: Model) -> None:
                for job in jobs:
                    try:
                        await ask(job, model)
                    except InputError as error:
                        errors.append(error)
                        group.cancel_scope.cancel()

            for name, jobs in by_judge.items():
                shared = iter(jobs)
                for _ in range(min(connections, len(jobs))):
                    group.start_soon(work, shared, models[name])

    anyio.run(work_off)
    if errors:
        raise errors[0]
