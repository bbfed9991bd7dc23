"""How calls travel: in this process, or spread over a few processes where one event loop is too slow.

A call of a provider costs about 2 ms of CPU in the provider's own client, so one process sends about 400 a
second at most.
"""

from __future__ import annotations

from types import TracebackType
from typing import Protocol, Self

from inspect_ai.model import Model

from teachwhy.evaluation.run import close_model, open_model
from teachwhy.service.calls import Call
from teachwhy.service.sending import Answered, Failed, send


class Transport(Protocol):
    """Carries calls to models."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    async def send(self, model: str, call: Call, seed: int, timeout_seconds: float) -> Answered | Failed:
        """Ask a model once. Raises ConfigError for a model that there is not."""
        ...


class DirectTransport:
    """Models in this process, each opened when it is first asked."""

    def __init__(self) -> None:
        """Nothing is opened yet."""
        self._models: dict[str, Model] = {}

    async def send(self, model: str, call: Call, seed: int, timeout_seconds: float) -> Answered | Failed:
        """Ask a model once. Raises ConfigError for a model that there is not."""
        if model not in self._models:
            self._models[model] = opened = open_model(model)
            client = getattr(opened.api, "client", None)
            if client is not None and hasattr(client, "max_retries"):
                client.max_retries = 0  # retries are the service's
        return await send(self._models[model], call, seed, timeout_seconds)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for model in self._models.values():
            await model.api.aclose()
            close_model(model)
        self._models.clear()
