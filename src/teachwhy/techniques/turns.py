"""Units that run side by side take their turns in the order of their index."""

from __future__ import annotations

from dataclasses import dataclass, field

import anyio


@dataclass
class Turns:
    """Whose turn it is; begins with 0."""

    now: int = 0
    _waiting: dict[int, anyio.Event] = field(default_factory=dict)
    _passed: anyio.Event = field(default_factory=anyio.Event)

    async def wait_for(self, index: int) -> None:
        """Return when all earlier turns were passed on."""
        if index != self.now:
            event = self._waiting.setdefault(index, anyio.Event())
            await event.wait()

    def pass_on(self) -> None:
        """The next one's turn."""
        self.now += 1
        if event := self._waiting.pop(self.now, None):
            event.set()
        self._passed.set()
        self._passed = anyio.Event()

    async def wait_for_any(self) -> None:
        """Return when a turn was passed on."""
        await self._passed.wait()
