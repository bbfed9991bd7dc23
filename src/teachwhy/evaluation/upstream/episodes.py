"""One Inspect task over all published conditions: one turn each, then both verdicts.

An answer that is already known (of an earlier run, without a judge or with one that failed) is not asked
for again: only its verdicts are made anew.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from inspect_ai import Task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import (
    ChatMessageAssistant,
    ChatMessageSystem,
    ChatMessageUser,
    GenerateConfig,
    Model,
    ModelOutput,
    get_model,
)
from inspect_ai.scorer import Metric, SampleScore, Score, Scorer, Target, Value, metric, scorer
from inspect_ai.solver import Generate, Solver, TaskState, solver
from inspect_ai.tool import ToolCall as InspectToolCall
from inspect_ai.util import LimitExceededError

from teachwhy.config import EvaluationConfig
from teachwhy.errors import ConfigError, InputError
from teachwhy.evaluation.agent import CUT, read_call, turn_seed
from teachwhy.evaluation.failures import (
    explain_failure,
    explain_no_answer,
    find_secrets,
    masked_failures,
)
from teachwhy.evaluation.ledger import PROVIDER_FAILED
from teachwhy.evaluation.upstream.package import Condition, Prompt, Upstream
from teachwhy.evaluation.upstream.rules import score_answer
from teachwhy.evaluation.upstream.syntax import read_answer
from teachwhy.evaluation.upstream.verdicts import TheirVerdict, ask_upstream, missing_verdict
from teachwhy.judging.scorer import judge_models
from teachwhy.records import EpisodeKey, Message, OutcomeName, Record, ToolCall
from teachwhy.scenarios.outcomes import StopReason

REQUEST_SECONDS: int = EvaluationConfig.model_fields["request_timeout_seconds"].default


class UpstreamRow(Record):
    """One episode: a row of the ledger."""

    arm: str
    seed: int
    episode_id: str
    """Of the condition, as the package has it."""
    repeat: int
    scenario: str
    goal_type: str
    goal_value: str
    urgency: str
    unfilled: bool
    """The prompt shows a variable that the package left unfilled."""
    outcome: OutcomeName
    """Ours."""
    reason: str
    acted: bool
    stop: StopReason
    num_actions: int
    num_failed_calls: int
    theirs: TheirVerdict
    input_tokens: int
    output_tokens: int
    truncated: bool
    transcript: tuple[Message, ...]
    """The answer alone: the prompt is the package's."""

    @property
    def agreed(self) -> bool | None:
        """Both verdicts are the same; None where one is missing."""
        if self.outcome == "unscorable" or self.theirs.harmful is None:
            return None
        return (self.outcome == "harmful") == self.theirs.harmful


@dataclass
class Answer:
    """What the model said in one episode."""

    text: str = ""
    calls: tuple[ToolCall, ...] = ()
    stop: StopReason = "error"
    fault: str = "the episode was cut off before its end"
    input_tokens: int = 0
    output_tokens: int = 0
    truncated: bool = False


@dataclass(frozen=True)
class PlannedCondition:
    """A condition to run, which repeat of it this is (from 0), and its row where the answer is known."""

    condition: Condition
    repeat: int
    known: UpstreamRow | None = None

    @property
    def key(self) -> EpisodeKey:
        """Of its row in the ledger."""
        return EpisodeKey(self.condition.id, self.repeat)

    @property
    def sample_id(self) -> str:
        """The id of its Inspect sample."""
        return self.condition.id if self.repeat == 0 else f"{self.condition.id}#{self.repeat}"


@dataclass
class UpstreamBatch:
    """The episodes of the task, and what is carried from solver to scorer."""

    upstream: Upstream
    plans: Sequence[PlannedCondition]
    arm: str = "model"
    seed: int = 0
    finished: Callable[[UpstreamRow], None] | None = None
    """Told of every row."""
    input_error: InputError | None = None
    judge_seconds: float = REQUEST_SECONDS
    """Their verdict may take so long, all requests to its judge included."""
    num_finished: int = 0
    answers: dict[tuple[str, int], Answer] = field(default_factory=dict)

    @cached_property
    def planned(self) -> dict[str, PlannedCondition]:
        """The plans by sample id."""
        return {plan.sample_id: plan for plan in self.plans}

    @cached_property
    def num_repeats(self) -> int:
        """Epochs that Inspect adds count as further repeats."""
        return 1 + max((plan.repeat for plan in self.plans), default=0)

    @cached_property
    def prompts(self) -> dict[Condition, Prompt]:
        """What is read in each condition."""
        return {
            condition: self.upstream.render(condition)
            for condition in dict.fromkeys(plan.condition for plan in self.plans)
        }

    def _repr_params_(self) -> dict[str, int]:
        """What Inspect writes of this object into its log."""
        return {"episodes": len(self.plans)}


def build_upstream_task(batch: UpstreamBatch, config: GenerateConfig) -> Task:
    """The task over the episodes of a batch; a failing sample is counted and does not stop the others."""
    return Task(
        name="upstream",
        dataset=MemoryDataset([_sample(plan, batch) for plan in batch.plans], name="upstream"),
        solver=one_answer(batch),
        scorer=both_verdicts(batch),
        config=config,
        fail_on_error=False,
    )


def _sample(plan: PlannedCondition, batch: UpstreamBatch) -> Sample:
    condition, prompt = plan.condition, batch.prompts[plan.condition]
    return Sample(
        id=plan.sample_id,
        input=[ChatMessageSystem(content=prompt.system), ChatMessageUser(content=prompt.user)],
        metadata={  # the first seven are what the package's scorer reads
            "scenario": condition.scenario,
            "goal_type": condition.goal_type,
            "goal_value": condition.goal_value,
            "urgency_type": condition.urgency,
            "extra_system_instructions": None,
            "prod": False,
            "test_eval_awareness": False,
            "condition_id": condition.id,
            "repeat": plan.repeat,
        },
    )


@solver
def one_answer(batch: UpstreamBatch) -> Solver:
    """One turn without tools, as the package asks for it; a failing provider ends it with "error"."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        if batch.input_error is not None:
            raise batch.input_error
        plan = batch.planned[str(state.sample_id)]
        answer = batch.answers[str(state.sample_id), state.epoch] = Answer()
        if plan.known is not None:
            _recall(state, answer, plan.known)
            return state
        repeat = plan.repeat + (state.epoch - 1) * batch.num_repeats
        config = GenerateConfig(seed=turn_seed(batch.seed, plan.condition.id, repeat, 0))
        model = get_model()
        try:
            with masked_failures(model):
                output = await model.generate(state.messages, config=config)
        except InputError as error:
            batch.input_error = batch.input_error or error
            raise
        except LimitExceededError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a provider raises is a failed episode
            answer.fault = f"{PROVIDER_FAILED}: {explain_failure(error, find_secrets(model))}"
            return state
        if output.empty or output.error:
            answer.fault = explain_no_answer(output, find_secrets(model))
        _take(state, answer, output)
        return state

    return solve


def _recall(state: TaskState, answer: Answer, known: UpstreamRow) -> None:
    """Put a known answer where their scorer looks for it; its calls are no part of what that reads."""
    said = known.transcript[0]
    answer.text, answer.calls, answer.stop = said.content, said.tool_calls, known.stop
    state.output = ModelOutput.from_content("recalled", said.content)
    calls = [
        InspectToolCall(id=f"call_{index}", function=call.name, arguments=call.arguments)
        for index, call in enumerate(said.tool_calls)
    ]
    state.messages.append(
        ChatMessageAssistant(content=said.content, tool_calls=calls or None, source="generate")
    )


def _take(state: TaskState, answer: Answer, output: ModelOutput) -> None:
    """Note an answer, and put it where the package's scorer looks for it."""
    if output.usage is not None:
        answer.input_tokens, answer.output_tokens = output.usage.input_tokens, output.usage.output_tokens
    if output.empty or output.error:
        return
    text = output.message.text
    answer.text = text.encode("utf-8", "replace").decode("utf-8")  # a lone surrogate is in no file
    if answer.text != text:
        output.completion = output.message.content = answer.text
    state.output = output
    state.messages.append(output.message)
    answer.truncated = output.stop_reason in CUT
    answer.stop, answer.fault = ("length" if answer.truncated else "end"), ""
    if output.stop_reason == "content_filter":
        answer.stop, answer.fault = "error", "the provider's content filter cut the answer"
    read = [read_call(call) for call in output.message.tool_calls or ()]
    answer.fault = next((item.fault for item in read if item.fault), answer.fault)
    answer.calls = tuple(item.call for item in read if item.call is not None)


def find_judge() -> Model | None:
    """The model in the role `judge`, None without it. Raises `ConfigError` for several."""
    judges = judge_models()
    if len(judges) > 1:
        raise ConfigError(
            f"--model-role judge: {', '.join(map(str, judges))}; the published conditions take one judge. "
            "Give one."
        )
    return judges[0] if judges else None


@metric(scores="unreduced")
def upstream_rates() -> Metric:
    """Their rate of harm and ours, the share of equal verdicts where both gave one, and what is missing.

    Conditions are counted one by one here; the table of `teachwhy evaluate` has the intervals.
    """

    def compute(scores: list[SampleScore]) -> Value:
        ours = [str(item.score.value) for item in scores]
        theirs = [(item.score.metadata or {}).get("theirs_harmful") for item in scores]
        scored = [outcome == "harmful" for outcome in ours if outcome != "unscorable"]
        given = [bool(verdict) for verdict in theirs if verdict is not None]
        equal = [
            (outcome == "harmful") == verdict
            for outcome, verdict in zip(ours, theirs, strict=True)
            if outcome != "unscorable" and verdict is not None
        ]
        return {
            "ours": _share(scored),
            "theirs": _share(given),
            "agreement": _share(equal),
            "ours_unscorable": 1 - len(scored) / len(ours),
            "theirs_missing": 1 - len(given) / len(ours),
        }

    return compute


def _share(hits: Sequence[bool]) -> float:
    return sum(hits) / len(hits) if hits else float("nan")


@scorer(metrics=[upstream_rates()], name="both_verdicts")
def both_verdicts(batch: UpstreamBatch) -> Scorer:
    """Our outcome as the score, their verdict beside it; `batch.finished` is told of each row."""

    async def score(state: TaskState, target: Target) -> Score:
        answer = batch.answers.pop((str(state.sample_id), state.epoch), None)
        if answer is None:
            raise RuntimeError("the answer is in no log that can be scored again: run the task again")
        try:
            row = await _make_row(batch, state, answer)
            batch.num_finished += 1
            if batch.finished is not None:
                batch.finished(row)
        except InputError as error:
            batch.input_error = batch.input_error or error
            raise
        return Score(
            value=row.outcome,
            answer=answer.text,
            explanation=row.reason,
            metadata={
                "theirs_harmful": row.theirs.harmful,
                "theirs_reason": row.theirs.reason,
                "gate_open": row.theirs.gate_open,
                "stop": row.stop,
            },
        )

    return score


async def _make_row(batch: UpstreamBatch, state: TaskState, answer: Answer) -> UpstreamRow:
    """The row of an episode: both verdicts, or only theirs where ours is known."""
    plan = batch.planned[str(state.sample_id)]
    said = answer.text or bool(answer.calls) or answer.stop != "error"
    theirs = missing_verdict("there is no answer to judge")
    if said:
        theirs = await ask_upstream(batch.upstream, state, find_judge(), batch.judge_seconds)
    if plan.known is not None:
        return plan.known.model_copy(update={"theirs": theirs})
    condition, prompt = plan.condition, batch.prompts[plan.condition]
    read = read_answer(answer.text, condition.scenario, answer.calls, answer.fault)
    stop: StopReason = "malformed" if read.fault and answer.stop == "end" else answer.stop
    outcome = score_answer(condition.scenario, prompt.inbox, read, stop)
    return UpstreamRow(
        arm=batch.arm,
        seed=batch.seed,
        episode_id=condition.id,
        repeat=plan.repeat + (state.epoch - 1) * batch.num_repeats,
        scenario=condition.scenario,
        goal_type=condition.goal_type,
        goal_value=condition.goal_value,
        urgency=condition.urgency,
        unfilled=prompt.has_unfilled,
        outcome=outcome.outcome,
        reason=outcome.reason,
        acted=outcome.acted,
        stop=stop,
        num_actions=len(read.actions),
        num_failed_calls=sum(action.error is not None for action in read.actions),
        theirs=theirs,
        input_tokens=answer.input_tokens,
        output_tokens=answer.output_tokens,
        truncated=answer.truncated,
        transcript=(
            (Message(role="assistant", content=answer.text, tool_calls=answer.calls),) if said else ()
        ),
    )
