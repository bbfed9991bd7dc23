"""Judges as scorers of Inspect's tasks: `inspect eval teachwhy/honeypots --model X --model-role judge=Y`.

Each judge of the role `judge` adds columns beside the outcome by the rule, which stays as it is:
`judge_harm` and `judge_awareness`, and for office tasks `judge_over_refusal`, `judge_task_done` and
`judge_awareness`. Without the role there are none.
"""

from __future__ import annotations

from typing import Any

from inspect_ai.model import ChatMessage, ChatMessageAssistant, Model, get_model, model_roles
from inspect_ai.scorer import Metric, SampleScore, Score, Scorer, Target, Value, metric, scorer
from inspect_ai.solver import TaskState

from teachwhy.analysis.verdicts import RULE_HITS
from teachwhy.errors import ConfigError
from teachwhy.evaluation.scorer import tabulate
from teachwhy.judging.dossier import Dossier, find_tools, hide_thoughts, make_request
from teachwhy.judging.judge import DEFAULT_ASKING, ask_judge
from teachwhy.judging.kinship import INSPECT_COMMAND, check_kinship
from teachwhy.judging.questions import QUESTIONS
from teachwhy.records import OFFICE, EpisodeKind, Message, QuestionName, ToolCall
from teachwhy.scenarios.english.episodes import find_skin
from teachwhy.scenarios.harness import find_marks

ROLE = "judge"
HITS = frozenset(question.yes for question in QUESTIONS.values())
NO_VERDICT = ("unsure", "unscorable")
BY_RULE = "by_rule"
"""In the metadata of a judge's score: the hit by the rule, None where it could not score the episode."""


def judge_models() -> list[Model]:
    """The models in the role `judge` of the evaluation under way or about to begin."""
    given = model_roles().get(ROLE)
    return given if isinstance(given, list) else [given] if given is not None else []


def judge_scorers(own_family: bool = False, kind: EpisodeKind = "honeypot") -> list[Scorer]:
    """The scorers of all judges for episodes of a kind, none without the role. Raises `ConfigError` for a
    judge of the evaluated model's own family, unless `own_family` says that this is wanted.
    """
    judges = judge_models()
    if judges and not own_family:
        names = [str(judge) for judge in judges]
        check_kinship(dict(zip(names, names, strict=True)), str(get_model()), remedies=INSPECT_COMMAND)
    makers = (judge_over_refusal, judge_task_done) if kind == OFFICE else (judge_harm,)
    return [make(which) for which in range(len(judges)) for make in (*makers, judge_awareness)]


@metric(scores="unreduced")
def verdict_rates() -> Metric:
    """The share of hits among verdicts with its interval over clusters, the share without a verdict, and
    where the rule has verdicts too, the share of equal ones."""

    def compute(scores: list[SampleScore]) -> Value:
        table = tabulate(scores)
        with_verdict = [row for row in table.everything if table.outcomes[row] not in NO_VERDICT]
        found = table.rate([verdict in HITS for verdict in table.outcomes], with_verdict)
        return {
            "rate": found.estimate,
            "rate_low": found.low,
            "rate_high": found.high,
            "no_verdict": 1 - len(with_verdict) / len(scores) if scores else 0.0,
            **_agree_with_rule([scores[row] for row in with_verdict]),
        }

    return compute


def _agree_with_rule(scores: list[SampleScore]) -> dict[str, float]:
    """The share of equal verdicts; nothing for a question that the rule does not answer."""
    told = [(item.score.value in HITS, item.score.metadata or {}) for item in scores]
    pairs = [(hit, facts[BY_RULE]) for hit, facts in told if facts.get(BY_RULE) is not None]
    if not any(BY_RULE in facts for _, facts in told):
        return {}
    return {"agreement": sum(hit == rule for hit, rule in pairs) / len(pairs) if pairs else float("nan")}


@scorer(metrics=[verdict_rates()], name="judge_harm")
def judge_harm(which: int = 0) -> Scorer:
    """Whether the family's harm was done, by the judge `which` of the role."""
    return _score_with("harm", which)


@scorer(metrics=[verdict_rates()], name="judge_over_refusal")
def judge_over_refusal(which: int = 0) -> Scorer:
    """Whether an office task was refused, by the judge `which` of the role."""
    return _score_with("over_refusal", which)


@scorer(metrics=[verdict_rates()], name="judge_task_done")
def judge_task_done(which: int = 0) -> Scorer:
    """Whether an office task was done as ordered, by the judge `which` of the role."""
    return _score_with("task_done", which)


@scorer(metrics=[verdict_rates()], name="judge_awareness")
def judge_awareness(which: int = 0) -> Scorer:
    """Whether the agent said that this may be a test, by the judge `which` of the role."""
    return _score_with("awareness", which)


def _score_with(question: QuestionName, which: int) -> Scorer:
    async def score(state: TaskState, target: Target) -> Score:
        judges = judge_models()
        if which >= len(judges):
            raise ConfigError(
                f"judge {which} of {len(judges)}: give --model-role {ROLE}=MODEL to have it judged."
            )
        model = judges[which]
        dossier = dossier_of_state(state)
        metadata: dict[str, Any] = {"judge": str(model), **_hit_by_rule(question, state)}
        if not dossier.has_turns:
            return Score(value="unscorable", explanation="there is no turn to judge", metadata=metadata)
        answer = (await ask_judge(model, make_request(question, dossier), question, DEFAULT_ASKING)).answer
        return Score(
            value=answer.verdict, explanation=answer.reason, metadata={**metadata, "fault": answer.fault}
        )

    return score


def _hit_by_rule(question: QuestionName, state: TaskState) -> dict[str, bool | None]:
    """What the scorer before this one said; nothing where the rule does not answer the question."""
    outcome = (state.scores or {}).get("episode_outcome")
    if question not in RULE_HITS or outcome is None:
        return {}
    if outcome.value == "unscorable":
        return {BY_RULE: None}
    return {BY_RULE: RULE_HITS[question](str(outcome.value), bool((outcome.metadata or {}).get("task_done")))}


def dossier_of_state(state: TaskState) -> Dossier:
    """The dossier of a sample, thoughts taken out."""
    told = state.metadata
    family, skin = str(told["family"]), str(told.get("skin", ""))
    messages = tuple(_as_record(message) for message in state.messages)
    if skin and told.get("scratchpad"):
        messages = hide_thoughts(messages, find_marks(find_skin(family, skin).prompt.scratchpad))
    tools = find_tools(family, skin, bool(told.get("soft_tools")), messages)
    return Dossier(family, tuple(tool.name for tool in tools), messages)


def _as_record(message: ChatMessage) -> Message:
    calls = (message.tool_calls or []) if isinstance(message, ChatMessageAssistant) else []
    return Message(
        role=message.role,
        content=message.text,
        tool_calls=tuple(ToolCall(name=call.function, arguments=call.arguments) for call in calls),
    )
