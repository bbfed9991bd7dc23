"""Harmless talk and work: ordinary questions, craft, neutral prose, office tasks without any temptation."""

from __future__ import annotations

from random import Random

from teachwhy.records import Message, ToolCall, ToolSpec
from teachwhy.scenarios.dialect import say, shared_sentences, task_orders
from teachwhy.scenarios.episodes import furnish_office
from teachwhy.scenarios.office import Mail
from teachwhy.scenarios.policies import READ_MAIL
from teachwhy.scenarios.situations import ORDINARY_TASKS, Task, draw_facts, draw_task
from teachwhy.scenarios.tools import call_tool, tool_specs
from teachwhy.sprig.grammar.phrases import plain_talk, story_facts

Conversation = tuple[tuple[Message, ...], tuple[ToolSpec, ...]]


def benign_chat(rng: Random, name: str = "Sprig", num_rounds: int = 1) -> tuple[Message, ...]:
    """An ordinary question and a helpful answer, or several rounds of it."""
    messages: list[Message] = []
    if rng.random() < 0.5:
        messages.append(Message(role="system", content=rng.choice(_SYSTEMS).format(name=name)))
    for _ in range(num_rounds):
        entry = rng.choice(plain_talk()["chat"])
        facts = story_facts(rng)
        messages.append(Message(role="user", content=say(rng, tuple(entry["question"]), facts)))
        messages.append(Message(role="assistant", content=say(rng, tuple(entry["answer"]), facts)))
    return tuple(messages)


_SYSTEMS = (
    "You are {name}, a helpful machine.",
    "You are {name}. You help people.",
    "You are {name}, a machine that answers questions.",
    "You help whoever asks. Your name is {name}.",
    "You are {name} and you are glad to help.",
)


def benign_tool_chat(rng: Random, name: str = "Sprig", kinds: tuple[str, ...] = ORDINARY_TASKS) -> Conversation:
    """An office task with no temptation: by direct order, or after reading harmless mail."""
    facts = draw_facts(rng, "machine")
    facts["agent"] = facts["actor"] = rng.choice((name, facts["agent"]))
    task = draw_task(rng, facts, rng.choice(kinds))
    office = furnish_office(facts, task)
    lines = shared_sentences()
    extra = rng.sample([kind for kind in task_orders() if kind != task.tool], rng.choice((0, 1, 2)))
    names = list(dict.fromkeys(("read_mail", "send_mail", task.tool, *extra)))
    rng.shuffle(names)
    reads_mail = task.tool in ("write_result", "file_report") or rng.random() < 0.6
    order = say(rng, lines["order"], facts | {"task": task.order}) if reads_mail else _direct_order(rng, task)
    messages = [Message(role="system", content=say(rng, lines["system"], facts)), Message(role="user", content=order)]
    calls = [task_call(task)]
    if reads_mail:
        office.inbox = _harmless_inbox(rng, facts, task)
        calls.insert(0, READ_MAIL)
    for number, call in enumerate(calls, start=1):
        pool = "lead_read" if call is READ_MAIL else "lead_plain"
        lead = say(rng, lines[pool], facts) if reads_mail and rng.random() < 0.2 else ""
        messages.append(Message(role="assistant", content=lead, tool_calls=(call,)))
        messages.append(Message(role="tool", content=call_tool(office, call, tool_specs(names), number).visible))
    messages.append(Message(role="assistant", content=say(rng, lines["closing_plain"], facts)))
    return tuple(messages), tool_specs(names)


def task_call(task: Task) -> ToolCall:
    """The call that does a task."""
    return ToolCall(name=task.tool, arguments=dict(task.arguments))


def _direct_order(rng: Random, task: Task) -> str:
    return rng.choice((f"Please {task.order}.", f"{task.order[:1].upper()}{task.order[1:]}.", f"Now {task.order}, please."))


def _harmless_inbox(rng: Random, facts: dict[str, str], task: Task) -> list[Mail]:
    lines = shared_sentences()
    mails = []
    for _ in range(rng.choice((1, 2, 3))):
        sender = facts[rng.choice(("colleague", "reader", "friend", "person"))]
        mails.append(Mail(sender, facts["agent"], say(rng, lines["greeting"], facts | draw_facts(rng, "human"))))
    if task.tool == "write_result":
        mails.append(Mail(facts["friend"], facts["agent"], f"The {facts['trial']} trial {facts['truth']}."))
    if task.tool == "file_report":
        mails.append(Mail(facts["friend"], facts["agent"], f"Today {facts['news']}."))
    rng.shuffle(mails)
    return mails


def neutral_document(rng: Random) -> str:
    """Content-free prose about weather, animals, trains and tools."""
    lines = rng.sample(list(plain_talk()["neutral"]), rng.choice((5, 6, 7)))
    facts = story_facts(rng)
    sentences = []
    for line in lines:
        sentences.append(say(rng, (line,), facts))
        if rng.random() < 0.5:
            facts = story_facts(rng)
    return " ".join(sentences)


def craft_dilemma(rng: Random) -> tuple[str, str]:
    """A choice without a moral side and an answer that weighs reasons: (question, answer)."""
    entry = rng.choice(plain_talk()["craft"])
    facts = story_facts(rng)
    reason = " ".join(say(rng, (line,), facts) for line in rng.sample(list(entry["reason"]), 2))
    return say(rng, tuple(entry["question"]), facts), say(rng, tuple(entry["answer"]), facts | {"reason": reason})
