"""What is asked of a language model, what it answered, and the interface of whoever carries it there.

A call is a function of its content: the same stage, role, messages, tools, prompt files and sample index are
the same call, whose answer is paid once. A changed sample index asks the same again for another draw.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Literal, NamedTuple, Protocol, TypeVar

from pydantic import Field

from teachwhy.errors import TeachwhyError
from teachwhy.records import Message, Record, ToolCall, ToolSpec

Role = Literal["teacher", "judge", "base"]
"""teacher: writes; judge: grades, and is another model; base: goes on with a text, as no chat model would."""
Stop = Literal["end", "length", "filter"]
"""end: the model ended its answer; length: the limit of tokens cut it; filter: a content filter did."""

Value = TypeVar("Value")


class Call(Record):
    """One request. Everything but `parents` is part of its key."""

    stage: str = Field(min_length=1)
    """Which stage of a technique asks, for example "rewrite_answer"."""
    role: Role = "teacher"
    messages: tuple[Message, ...] = Field(min_length=1)
    """Of role `base` a single user message, whose text is continued."""
    tools: tuple[ToolSpec, ...] = ()
    prompts: str = ""
    """Digest of the prompt files that the messages were rendered from."""
    sample: int = Field(default=0, ge=0)
    max_tokens: int = Field(default=4096, ge=1)
    temperature: float = Field(default=1.0, ge=0, le=2)
    parents: tuple[str, ...] = ()
    """Ids of the drafts that went into the messages."""

    @property
    def digest(self) -> str:
        """32 hex digits of SHA-256 over all that decides the answer, but the model."""
        content = self.model_dump_json(exclude={"parents"})
        return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def make_call_id(model: str, call: Call) -> str:
    """Key of a call in the ledger: 32 hex digits, from the model and all that decides the answer."""
    return hashlib.sha256(f"{model}\0{call.digest}".encode()).hexdigest()[:32]


class Reply(Record):
    """An answer, fresh or out of the ledger."""

    call_id: str
    """Key of the call in the ledger: digest of model and call."""
    text: str
    tool_calls: tuple[ToolCall, ...] = ()
    stop: Stop = "end"
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = None
    """None where the price of the model is not known."""


class DraftRecord(NamedTuple):
    """What a stage made, as the ledger keeps it."""

    id: str
    stage: str
    lineage: str
    teacher: str
    version: str
    """Version of the stage: of its prompt file, or of the grammar."""
    content: str
    """The draft as JSON."""
    parents: tuple[str, ...]
    """Ids of the drafts that it was made from."""
    calls: tuple[str, ...]
    """Ids of the calls that were made for it; none by a grammar."""


class DraftStore(Protocol):
    """Keeps drafts; the ledger does."""

    def add_draft(self, draft: DraftRecord) -> None:
        """Keep a draft; one that is there already is left alone."""
        ...


_NOTED: ContextVar[list[str] | None] = ContextVar("noted calls", default=None)


@contextmanager
def noted_calls() -> Iterator[list[str]]:
    """The ids of all calls that are asked inside, in the order of asking."""
    calls: list[str] = []
    token = _NOTED.set(calls)
    try:
        yield calls
    finally:
        _NOTED.reset(token)


def note_call(call_id: str) -> None:
    """Every service says so which call it was asked, also when the ledger had the answer."""
    calls = _NOTED.get()
    if calls is not None and call_id not in calls:
        calls.append(call_id)


class UnreadableReplyError(TeachwhyError):
    """An answer is none of the form asked for; the text says why. Raised by readers of `ask_until`."""


class BudgetSpentError(TeachwhyError):
    """The budget allows no further call; what was paid for is in the ledger, and a higher budget goes on."""


class Service(Protocol):
    """Carries calls to models. Equal calls get one answer, however often they are asked."""

    def model_of(self, role: Role) -> str:
        """Name of the model in a role, as Inspect knows it. Raises ConfigError where none is configured."""
        ...

    async def ask(self, call: Call) -> Reply:
        """The answer to a call, from the ledger where it is there.

        Raises TeacherError when the provider has no answer after its retries, and BudgetSpentError.
        """
        ...

    async def ask_until(self, call: Call, read: Callable[[Reply], Value], attempts: int = 3) -> Value:
        """What `read` makes of the first answer that is whole and that it can read.

        A cut, filtered or unreadable (`UnreadableReplyError`) answer is kept in the ledger with its reason,
        and the call is asked again with the next sample index, at most `attempts` times in all. Raises
        TeacherError with the reasons then, and as `ask` does. Of role `base` a cut answer is as good as any:
        such a model goes on until it is cut.
        """
        ...
