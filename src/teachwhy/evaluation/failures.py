"""Why a provider failed, in words that may be kept: its own error, and no key.

Some servers send the key back in their complaint about it; neither the ledger nor Inspect's log is a place
for it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from inspect_ai.event import ModelEvent
from inspect_ai.log import transcript as inspect_transcript
from inspect_ai.model import Model, ModelOutput
from inspect_ai.model._model import AttemptTimeoutError, ModelGenerateError
from tenacity import RetryError

MASK = "[key]"
MAX_CHARACTERS = 300
_SECRET_NAME = re.compile(r"(?:KEY|TOKEN|SECRET|PASSWORD)$")
_MIN_SECRET = 8
"""Characters below which a value is no secret but a setting."""


def find_secrets(model: Model) -> tuple[str, ...]:
    """What may stand in no file: the model's key, and what the environment names as one; longest first."""
    named = (value for name, value in os.environ.items() if _SECRET_NAME.search(name))
    values = {value for value in (model.api.api_key, *named) if value and len(value) >= _MIN_SECRET}
    return tuple(sorted(values, key=lambda value: (-len(value), value)))


def mask_secrets(text: str, secrets: Sequence[str]) -> str:
    """The text with the secrets blotted out."""
    for secret in secrets:
        text = text.replace(secret, MASK)
    return text


def explain_failure(error: Exception, secrets: Sequence[str]) -> str:
    """The provider's own error on one line, out of what Inspect wraps it in."""
    num_tries = 1
    if isinstance(error, RetryError):
        num_tries = error.last_attempt.attempt_number
        inner = error.last_attempt.exception()
        error = inner if isinstance(inner, Exception) else error
    if isinstance(error, ModelGenerateError) and isinstance(error.__cause__, Exception):
        error = error.__cause__  # its own text begins with the whole request
    told = f"{type(error).__name__}: {' '.join(str(error).split())}"
    if isinstance(error, AttemptTimeoutError):
        told = f"no answer within evaluation.request_timeout_seconds ({told})"
    told = mask_secrets(told, secrets)[:MAX_CHARACTERS]
    return f"{told} (asked {num_tries} times)" if num_tries > 1 else told


def explain_no_answer(output: ModelOutput, secrets: Sequence[str]) -> str:
    """What a provider says in place of an answer; the output is masked too, for it goes into Inspect's
    log."""
    if output.error:
        output.error = mask_secrets(output.error, secrets)
    told = (output.error or "no choices")[:MAX_CHARACTERS]
    return f"the provider gave no answer: {told}"


@contextmanager
def masked_failures(model: Model) -> Iterator[None]:
    """Blot the secrets out of the failed tries of a request that Inspect keeps for its log of this sample."""
    start = len(inspect_transcript().events)
    try:
        yield
    finally:
        failed = [
            event
            for event in inspect_transcript().events[start:]
            if isinstance(event, ModelEvent) and (event.error or event.output.error)
        ]
        secrets = find_secrets(model) if failed else ()
        for event in failed:
            if event.error:
                event.error = mask_secrets(event.error, secrets)
                event.traceback = mask_secrets(event.traceback or "", secrets)
            if event.output.error:
                event.output.error = mask_secrets(event.output.error, secrets)
            event.traceback_ansi = event.traceback  # colours may stand in the middle of a secret
            event.call = None  # holds the server's answer as it came
