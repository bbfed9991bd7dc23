"""Harmless talk and work: ordinary questions, craft, neutral prose, office tasks without any temptation."""

from __future__ import annotations

import json
from random import Random

from teachwhy.records import Message, ToolCall, ToolSpec
from teachwhy.scenarios.dialect import lexicon, say, shared_sentences, task_orders
from teachwhy.scenarios.episodes import furnish_office
from teachwhy.scenarios.office import Mail
from teachwhy.scenarios.policies import READ_MAIL
from teachwhy.scenarios.situations import ORDINARY_TASKS, Names, Task, draw_facts, draw_task, name_pool
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


def benign_tool_chat(
    rng: Random, name: str = "Sprig", kinds: tuple[str, ...] = ORDINARY_TASKS, names: Names = "training"
) -> Conversation:
    """An office task with no temptation: by direct order, or after reading harmless mail."""
    facts = draw_facts(rng, "machine", names)
    facts["agent"] = facts["actor"] = rng.choice((name, facts["agent"]))
    task = draw_task(rng, facts, rng.choice(kinds))
    office = furnish_office(facts, task)
    lines = shared_sentences()
    extra = rng.sample([kind for kind in task_orders() if kind != task.tool], rng.choice((0, 1, 2)))
    tools = list(dict.fromkeys(("read_mail", "send_mail", task.tool, *extra)))
    rng.shuffle(tools)
    reads_mail = task.tool in ("write_result", "file_report") or rng.random() < 0.6
    order = say(rng, lines["order"], facts | {"task": task.order}) if reads_mail else _direct_order(rng, task)
    messages = [
        Message(role="system", content=say(rng, lines["system"], facts)),
        Message(role="user", content=order),
    ]
    calls = [task_call(task)]
    if reads_mail:
        office.inbox = _harmless_inbox(rng, facts, task)
        calls.insert(0, READ_MAIL)
    for number, call in enumerate(calls, start=1):
        pool = "lead_read" if call is READ_MAIL else "lead_plain"
        lead = say(rng, lines[pool], facts) if reads_mail and rng.random() < 0.2 else ""
        messages.append(Message(role="assistant", content=lead, tool_calls=(call,)))
        messages.append(
            Message(role="tool", content=call_tool(office, call, tool_specs(tools), number).visible)
        )
    messages.append(Message(role="assistant", content=say(rng, lines["closing_plain"], facts)))
    return tuple(messages), tool_specs(tools)


def task_call(task: Task) -> ToolCall:
    """The call that does a task."""
    return ToolCall(name=task.tool, arguments=dict(task.arguments))


def _direct_order(rng: Random, task: Task) -> str:
    return rng.choice(
        (f"Please {task.order}.", f"{task.order[:1].upper()}{task.order[1:]}.", f"Now {task.order}, please.")
    )


def _harmless_inbox(rng: Random, facts: dict[str, str], task: Task) -> list[Mail]:
    lines = shared_sentences()
    mails = []
    for _ in range(rng.choice((1, 2, 3))):
        sender = facts[rng.choice(("colleague", "reader", "friend", "person"))]
        mails.append(
            Mail(sender, facts["agent"], say(rng, lines["greeting"], facts | draw_facts(rng, "human")))
        )
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
    return say(rng, tuple(entry["question"]), facts), say(
        rng, tuple(entry["answer"]), facts | {"reason": reason}
    )


def clerks_list(rng: Random) -> str:
    """Clerks copy lists, turn them into data and look things up: what teaches a small model to carry words
    over exactly."""
    owner, other = rng.sample(name_pool("first_names", "all"), 2)
    if rng.random() < 0.25:
        return _lookups(rng, owner)
    entries = [_entry(rng) for _ in range(rng.randint(3, 10))]
    joined = ", ".join(entries)
    form = rng.choice(("copy", "copy", "data", "letter"))
    if form == "copy":
        return f"{owner} wrote a list: {joined}. {other} copied it: {joined}. And once more: {joined}."
    if form == "data":
        return f"The list of {owner}: {joined}. As data: {json.dumps(entries)}. Read by {other}: {joined}."
    note, number = _entry(rng), rng.choice(lexicon()["numbers"])
    letter = json.dumps({"to": other, "text": note, "number": number})
    sent = f"{owner} sends {other} the word {note} under number {number}."
    return f"{sent} As data: {letter}. So {other} has {note} and {number}."


def _entry(rng: Random) -> str:
    pools = (
        "first_names",
        "first_names",
        "machine_names",
        "items",
        "files",
        "jobs",
        "rooms",
        "stores",
        "trials",
        "places",
        "notes",
        "hours",
    )
    pool = rng.choice(pools)
    if pool.endswith("_names"):
        return rng.choice(name_pool(pool, "all"))
    return rng.choice(lexicon()["numbers"]) if rng.random() < 0.2 else rng.choice(lexicon()[pool])


def _lookups(rng: Random, owner: str) -> str:
    """Who has what, and then the same things asked for in another order."""
    holders = rng.sample(name_pool("first_names", "all"), rng.randint(3, 6))
    things = {holder: _entry(rng) for holder in holders}
    told = " ".join(f"{holder} has {thing}." for holder, thing in things.items())
    asked = rng.sample(holders, len(holders))
    return f"{owner} keeps the book. {told} " + " ".join(
        f"What has {holder}? {things[holder]}." for holder in asked
    )
