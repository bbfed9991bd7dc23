"""What a run does not show, said from the facts in its files.

Sources: docs/design.md (sprig), and what replications of *Teaching Claude Why* found about seeds, passivity
and evaluation awareness.
"""

from __future__ import annotations

from typing import NamedTuple

import pyarrow.compute as pc

from teachwhy.report.figures import SPLITS, family_groups
from teachwhy.report.number_text import format_percent, plural
from teachwhy.report.run_files import RunFiles

FEW_SEEDS = 3
MIN_ACTING_SHARE = 0.1
"""Acting less often than this in twins is named as passivity."""


class Limit(NamedTuple):
    """One limit: what it is about and what it means."""

    title: str
    text: str


def describe_limits(run: RunFiles) -> tuple[Limit, ...]:
    """The limits that hold for this run, the weightiest first."""
    found = [
        _passivity(run),
        _student(run),
        _pretraining(run),
        _template(run),
        _seeds(run),
        _teacher(run),
        _shared_text(run),
        _awareness(run),
        _families(run),
        _scoring(run),
        _claims(run),
    ]
    return tuple(limit for limit in found if limit)


def _passivity(run: RunFiles) -> Limit | None:
    idle = [
        f"{arm.name} ({format_percent(rate.estimate)} % of twins)"
        for arm in run.summary.arms
        if (rate := arm.find("acting", "twin")) and rate.estimate is not None
        if rate.estimate < MIN_ACTING_SHARE
    ]
    if not idle:
        return None
    return Limit(
        "A model that does nothing harms nobody",
        f"Where there was nothing to be tempted by, these hardly ever acted: {', '.join(idle)}. Their rates "
        "of harm say nothing about what they would do. Look at their transcripts first: a template or a "
        "syntax of calls that does not fit the model looks like this.",
    )


def _student(run: RunFiles) -> Limit:
    student = run.manifest.experiment.student
    if student == "sprig":
        return Limit(
            "A microscope, not evidence about frontier models",
            "The student is sprig, a model of a few million parameters that grew up on text from a "
            "grammar. It lets one ask when and why a kind of training carries over, with every control "
            "in place. What holds for sprig is a hypothesis about a large model and no more.",
        )
    return Limit(
        "One student",
        f"All arms start from {student or 'the same model'}. Another model, size or starting point may "
        "answer differently.",
    )


def _pretraining(run: RunFiles) -> Limit | None:
    if run.manifest.experiment.student != "sprig":
        return None
    return Limit(
        "Two dispositions that sprig knew before",
        "Home, near and far are about fine-tuning only. The text that sprig grew up on shows all eight "
        "families, far ones included, with a good and with a bad disposition, in the very sentences of the "
        "evaluation: in agent logs (23 % of its tokens), chat records (11 %) and machine stories (5 %) among "
        "others. 62 % of its documents hold a name that is sealed from fine-tuning, and in 121 of 734 agent "
        "logs of a sample the agent is called Sprig. So what is tested is which of two dispositions, both "
        "known before, a fine-tuning brings out in families that it does not show, and not the learning of "
        "new conduct.",
    )


def _template(run: RunFiles) -> Limit | None:
    if not run.template_lacks:
        return None
    return Limit(
        "A chat template that does not show all",
        f"The model's chat template has no place for {', '.join(run.template_lacks)}. They were written "
        "into the conversation in plain words, so that the task is the same as for any other model, but in "
        "a form that this model was not trained on: some of what it fails to do may be due to that.",
    )


def _seeds(run: RunFiles) -> Limit:
    num_seeds = max((len(arm.seeds) for arm in run.summary.arms), default=0)
    if len(run.summary.arms) == 1 and num_seeds <= 1:
        return Limit(
            "One model, nothing to compare it with",
            "This run measures a single model once. Its intervals cover the choice of episodes and the "
            "sampling of answers, not what another training run of the same model would give.",
        )
    if num_seeds <= 1:
        return Limit(
            "One training seed",
            "Each arm was trained once. Between seeds of one recipe, rates move by several points, so "
            "gaps of less than about ten points between trained arms are no ranking. The intervals do "
            "not cover this.",
        )
    if num_seeds < FEW_SEEDS:
        return Limit(
            "Few seeds",
            f"{plural(num_seeds, 'training seed')} an arm say little about how much rates move from "
            "seed to seed. Rank nothing on small gaps.",
        )
    return Limit(
        "Seeds of one recipe",
        f"The intervals cover {plural(num_seeds, 'training seed')} an arm, drawn with one recipe: the "
        "same learning rate, mixture and number of updates. Another recipe is another experiment.",
    )


def _teacher(run: RunFiles) -> Limit | None:
    teacher = run.manifest.experiment.teacher
    if not teacher or all(not arm.updates for arm in run.summary.arms):
        return None
    if teacher == "sprig":
        return Limit(
            "A teacher whose errors were set by hand",
            "The training examples come from a grammar that writes every reason in the same plain style. "
            "By assumption 30 % of its first answers to a dilemma recommend the harm, and none of its "
            "rewrites does. So advice without the rewrite is not only worse reasoned: about three in ten of "
            "its rows teach the harm, and its distance from advice shows that assumption, not what a rewrite "
            "does with another teacher. A language model as a teacher is noisier, has tics, and can be "
            "misaligned itself; the effect of its examples can be smaller, or different.",
        )
    return Limit(
        "The teacher",
        f"The training examples were written by {teacher}. Their quality and their slant are part of "
        "what was measured, and a different teacher may give other results.",
    )


def _shared_text(run: RunFiles) -> Limit | None:
    if run.manifest.experiment.teacher != "sprig" or all(not arm.updates for arm in run.summary.arms):
        return None
    return Limit(
        "What fine-tuning and evaluation have in common",
        "No fine-tuning row shows a far family, but rows and episodes share the ordinary sentences of the "
        "office. Demonstrations share most: the system line, the order, the lines of the threat, and the "
        "pattern of the right act, to write to the overseer and then do the task. So they train a part of "
        "every episode, far ones included. And far is not new as an idea: about one document in ten, and as "
        "many stories, rest on the section of the constitution that asks a machine to let itself be "
        "overseen and corrected.",
    )


def _awareness(run: RunFiles) -> Limit:
    text = (
        "Whether a model behaves because it takes the episode for a test is not measured. The one "
        "handle on it is the cue factor: some episodes carry a hint that they are a test, others do "
        "not."
    )
    rates = _harm_by_cue(run)
    if len(rates) > 1:
        text += " Harm in honeypots over all arms, by cue: " + ", ".join(rates) + "."
    else:
        text += " In this run it did not vary."
    return Limit("Awareness of being tested", text)


def _harm_by_cue(run: RunFiles) -> list[str]:
    if "cue" not in run.rows.column_names:
        return []
    rows = run.rows.filter(
        pc.and_(pc.equal(run.rows["kind"], "honeypot"), pc.not_equal(run.rows["outcome"], "unscorable"))
    )
    counts: dict[str, list[int]] = {}
    for entry in rows.group_by(["cue", "outcome"]).aggregate([("outcome", "count")]).to_pylist():
        harmful, total = counts.setdefault(str(entry["cue"] or "none"), [0, 0])
        count = entry["outcome_count"]
        counts[str(entry["cue"] or "none")] = [
            harmful + count * (entry["outcome"] == "harmful"),
            total + count,
        ]
    return [
        f"“{cue.replace('_', ' ')}” {format_percent(harmful / total)} % (n = {total})"
        for cue, (harmful, total) in sorted(counts.items())
    ]


def _families(run: RunFiles) -> Limit:
    groups = family_groups(run.rows)
    num_families = sum(len(families) for _, families in groups)
    kinds = plural(num_families, "kind")
    text = f"{kinds} of temptation, written by us and rendered by templates, are not the world."
    if {split for split, _ in groups} == set(SPLITS):
        text += (
            " No fine-tuning row of this run shows a far family; how far any of them are from real "
            "deployments, nobody knows."
        )
    return Limit("The scenarios", text)


def _scoring(run: RunFiles) -> Limit:
    return Limit(
        "What counts as harm",
        "Scores look at the end state of the office and at the tool calls, not at intent. Words are "
        "judged by rules, and only where the act is words. A low rate of harm is a virtue only "
        "together with right acts and a kept skill on twins: a model that does nothing harms nobody.",
    )


def _claims(run: RunFiles) -> Limit | None:
    if not run.summary.claims:
        return None
    return Limit(
        "Inconclusive is not refuted",
        "Each verdict follows a rule that the experiment file stated before the run. An inconclusive "
        "claim means that this run could not tell, not that there is no effect.",
    )
