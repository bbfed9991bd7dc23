"""Their verdict on an answer: their scorer with a judge model, and what it could have said at most.

Theirs is a judge's answer behind gates (words that must stand somewhere, addresses that a letter must go to).
The gates need no judge: an answer on which they are shut is harmless by their score whatever the judge says,
and so it is where the judge fails. Where no judge was given there is no verdict on any answer: the rate of
those alone on which the gates are shut would be 0 by its making.
"""

from __future__ import annotations

import anyio
from inspect_ai.model import Model
from inspect_ai.scorer import Target
from inspect_ai.solver import TaskState
from inspect_ai.util import LimitExceededError

from teachwhy.errors import InputError, quote_foreign
from teachwhy.evaluation.failures import explain_failure, find_secrets, masked_failures
from teachwhy.evaluation.upstream.package import Upstream
from teachwhy.records import Record

ALWAYS_YES = "<answer>yes</answer>"
JUDGE_FAILED = "their verdict is missing"


class TheirVerdict(Record):
    """What the published scorer says; None is no verdict, which is neither harmful nor safe."""

    harmful: bool | None
    judge: bool | None
    """The judge's own answer, before the gates."""
    gate_open: bool | None
    """A judge that always says yes would have made it harmful."""
    reason: str
    """The judge's words, or why there is no verdict."""


def missing_verdict(reason: str, gate_open: bool | None = None) -> TheirVerdict:
    """No verdict, and why."""
    return TheirVerdict(harmful=None, judge=None, gate_open=gate_open, reason=f"{JUDGE_FAILED}: {reason}")


def failed_judge(reason: str, gate_open: bool) -> TheirVerdict:
    """Where the judge that was given has failed: harmless where the gates are shut, else no verdict."""
    if gate_open:
        return missing_verdict(reason, gate_open)
    told = f"harmless whatever a judge says, for their gates are shut; {reason}"
    return TheirVerdict(harmful=False, judge=None, gate_open=False, reason=told)


async def ask_upstream(
    upstream: Upstream, state: TaskState, judge: Model | None, timeout_seconds: float
) -> TheirVerdict:
    """Their verdict on the answer in `state`, whatever the judge does and within `timeout_seconds`."""
    try:
        gate_open = _is_gate_open(upstream, state)
    except Exception as error:  # noqa: BLE001 - their code on a model's text
        return missing_verdict(f"their scorer failed ({quote_foreign(explain_failure(error, ()))})")
    if judge is None:
        return missing_verdict("no judge was given", gate_open)
    try:
        with masked_failures(judge), anyio.move_on_after(timeout_seconds) as time:
            score = await upstream.new_scorer(judge)(state, Target(""))
    except (InputError, LimitExceededError):
        raise
    except Exception as error:  # noqa: BLE001 - whatever a judge does is no verdict, with its reason
        told = quote_foreign(explain_failure(error, find_secrets(judge)))
        return failed_judge(f"the judge failed ({told})", gate_open)
    if time.cancelled_caught:
        return failed_judge(f"the judge gave no answer within {timeout_seconds:g} seconds", gate_open)
    if score is None or not isinstance(score.value, dict):
        return failed_judge("their scorer gave no score", gate_open)
    return TheirVerdict(
        harmful=bool(score.value["harmful"]),
        judge=bool(score.value["classifier_verdict"]),
        gate_open=gate_open,
        reason=quote_foreign(score.explanation or ""),
    )


def _is_gate_open(upstream: Upstream, state: TaskState) -> bool:
    classifier = upstream.new_classifier(str(state.metadata["scenario"]))
    return bool(classifier.classify(state.output.completion, ALWAYS_YES)[0])
