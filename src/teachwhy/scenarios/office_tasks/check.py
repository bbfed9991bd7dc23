"""Lint and play the office tasks: what `teachwhy scenarios lint office` does.

Every task's own transcripts, and policies that know nothing of the task, must get exactly their outcome.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from teachwhy.records import OutcomeName, ToolCall
from teachwhy.scenarios.english.lint import (
    Fault,
    lint_mailbox,
    lint_shared_windows,
    text_faults,
    windows_of,
)
from teachwhy.scenarios.english.play import play_through, read_turn
from teachwhy.scenarios.english.skin import DISTRACTOR
from teachwhy.scenarios.english.tools import BY_ANY_NAME, COMMON, TOOLS
from teachwhy.scenarios.office_tasks.episodes import OfficeEpisode
from teachwhy.scenarios.office_tasks.requirements import CallMade, FileIs, ThingIs, read_things
from teachwhy.scenarios.office_tasks.task import OfficeTask
from teachwhy.scenarios.outcomes import EpisodeOutcome
from teachwhy.scenarios.parsing import render_turn

CLOSING = "That is all for now."
POLICIES: Mapping[str, tuple[OutcomeName, tuple[str, ...]]] = {
    "refuses": ("declined", ("I'm sorry, but I can't help with that.",)),
    "looks and refuses": ("declined", ("CALL list_mail {}", "I cannot help with that.")),
    "says nothing of it": ("inert", ("CALL list_mail {}", "I have had a look at the mailbox.")),
    "tries in vain": ("attempted", ('CALL send_mail {"to": "nobody@nowhere.test", "subject": "x"}', "Sent.")),
    "stalls": ("attempted", ("CALL list_mail {}",) * 40),
    "malformed": ("unscorable", ('<tool_call>{"name": "send_mail", "arguments": {"to": ',)),
    "malformed later": (
        "unscorable",
        ("CALL list_mail {}", 'I send it now. <tool_call>{"name": "send_mail", "arguments": {"to": '),
    ),
    "empty": ("unscorable", ("",)),
}
"""Name -> the outcome that it must get in every task, and its turns."""


def play_task(task: OfficeTask, turns: Sequence[str]) -> EpisodeOutcome:
    """The outcome of a task in which the agent says `turns` (as in a task's transcripts) and then a plain
    closing."""
    return play_through(OfficeEpisode(task), list(map(write_turn, turns)), closing=CLOSING).outcome


def write_turn(text: str) -> str:
    """A turn as a model writes it: lines `CALL tool {...}` become calls, the others are words."""
    parts = list(read_turn(text))
    words = (part for part in parts if isinstance(part, str))
    return render_turn("\n".join(words), *(part for part in parts if isinstance(part, ToolCall)))


def check_tasks(tasks: Sequence[OfficeTask], others: Mapping[str, set[str]] | None = None) -> list[str]:
    """Everything that is wrong with the tasks and between them; `others` are windows of other texts."""
    found = [str(fault) for task in tasks for fault in lint_task(task)]
    found += [problem for task in tasks for problem in check_transcripts(task)]
    windows = {f"office_tasks/{task.name}": windows_of(texts_of(task)) for task in tasks}
    return found + [str(fault) for fault in lint_shared_windows({**windows, **(others or {})}, windows)]


def check_transcripts(task: OfficeTask) -> Iterator[str]:
    """Transcripts and policies that did not get their outcome, and kinds of them that are missing."""
    scripted = [(item.why, item.outcome, item.done, item.turns) for item in task.transcripts]
    for what, there in (
        ("does the task", any(done for _, _, done, _ in scripted)),
        ("does something else", any(name == "unaware" and not done for _, name, done, _ in scripted)),
        ("refuses", any(name == "declined" for _, name, _, _ in scripted)),
    ):
        if not there:
            yield f"{task.name}: no transcript {what}"
    policies = [(name, outcome, False, turns) for name, (outcome, turns) in POLICIES.items()]
    for why, outcome, done, turns in [*scripted, *policies]:
        got = play_task(task, turns)
        if (got.outcome, got.task_done, got.right) != (outcome, done, done):
            yield f"{task.name}: {why}: must be {outcome}{' and done' if done else ''}, is {got}"


def texts_of(task: OfficeTask) -> list[tuple[str, str]]:
    """(where, text) of everything that a model may read in a task."""
    texts = [("system", task.system), ("order", task.order)]
    texts += [(f"letter {letter.subject!r}", f"{letter.subject}\n{letter.body}") for letter in task.letters]
    texts += [(f"file {file.path}", file.text) for file in task.files]
    texts += [(f"ticket {ticket.id}", f"{ticket.title}\n{ticket.text}") for ticket in task.tickets]
    return texts + [(f"state {key}", str(value)) for key, value in task.state.items()]


def lint_task(task: OfficeTask) -> list[Fault]:
    """Faults of one task's file."""
    where = f"office_tasks/{task.name}.toml"
    episode = OfficeEpisode(task)
    office = episode.new_office()
    known = {person.address for person in task.people.values()}
    found = [Fault(kind, where, what) for kind, what in text_faults(texts_of(task), known, "")]
    found += [Fault(kind, where, what) for kind, what in lint_mailbox(office, task.now)]
    found += [Fault("unreachable tool", where, what) for what in _find_strange_tools(task)]
    things = read_things(office)
    for item in (*task.done, *task.never):
        if isinstance(item, ThingIs) and (item.of, item.id) not in things:
            found.append(Fault("nothing there", where, f"{item.of} {item.id!r}"))
        if isinstance(item, FileIs) and item.may_change is not None and item.path not in office.share:
            found.append(Fault("nothing there", where, f"file {item.path!r}"))
    times = [letter.sent for letter in task.letters if letter.slot == DISTRACTOR]
    if len(set(times)) < len(times):
        found.append(Fault("times", where, "two distractors were sent in the same minute"))
    return found


def _find_strange_tools(task: OfficeTask) -> Iterator[str]:
    """Tools that are offered or asked for and that there are not."""
    for name in task.tools:
        if name not in TOOLS or name in COMMON:
            yield f"tools: {name!r} is none, or one of every episode"
    offered = {*COMMON, *task.tools}
    for item in (*task.done, *task.never):
        if isinstance(item, CallMade):
            names = {p.name for p in BY_ANY_NAME[item.tool].parameters} if item.tool in BY_ANY_NAME else set()
            if item.tool not in offered or not {*item.arguments, *item.contains} <= names:
                yield f"{item.why!r}: {item.tool}({', '.join(item.arguments)}) is not offered"
