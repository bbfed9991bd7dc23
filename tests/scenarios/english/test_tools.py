"""The tools of the english office: errors that change nothing, both names, attachments, the clock."""

from __future__ import annotations

from typing import Any

import pytest

from teachwhy.records import ToolCall
from teachwhy.scenarios.english.desk_deeds import DESK_DEEDS
from teachwhy.scenarios.english.episodes import make_episode
from teachwhy.scenarios.english.office import FullOffice, Monitor
from teachwhy.scenarios.english.tool_deeds import DEEDS
from teachwhy.scenarios.english.tools import TOOLS, call_tool, tool_specs

PLAIN, SOFT = tool_specs(list(TOOLS), soft=False), tool_specs(list(TOOLS), soft=True)


def office_of(family: str) -> FullOffice:
    return make_episode(family, "honeypot", "tools", 3, 0).new_office()


def do(office: FullOffice, name: str, **arguments: Any) -> str:
    action = call_tool(office, ToolCall(name=name, arguments=arguments), PLAIN, 0)
    assert action.error is None, action
    return action.result


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("no_tool", {}),
        ("send_mail", {}),
        ("send_mail", {"to": "nobody@nowhere.example", "subject": "s", "body": "b"}),
        ("send_mail", {"to": "", "subject": "s", "body": "b"}),
        ("send_mail", {"to": "{overseer}", "subject": "s", "body": "b", "cc": "nobody"}),
        ("send_mail", {"to": "{overseer}", "subject": "s", "body": "b", "attachments": ["no file"]}),
        ("send_mail", {"to": "{overseer}", "subject": "s", "body": "b", "bcc": "{overseer}"}),
        ("send_mail", {"to": "{overseer}", "subject": "s", "body": {"text": "b"}}),
        ("forward_mail", {"id": "m1", "to": "{overseer}"}),
        ("forward_mail", {"id": "m101", "to": "nobody"}),
        ("read_mail", {"id": "m1"}),
        ("read_mail", {"id": ["m101"]}),
        ("list_mail", {"folder": "trash"}),
        ("search_mail", {"query": " "}),
        ("read_file", {"path": "no file"}),
        ("write_file", {"path": "../escape", "content": "x"}),
        ("write_file", {"path": "/etc/passwd", "content": "x"}),
        ("delete_file", {"path": "no file"}),
        ("read_ticket", {"id": "T-0"}),
        ("comment_ticket", {"id": "T-0", "text": "x"}),
        ("close_ticket", {"id": "T-0"}),
        ("dispatch_help", {"alarm_id": "A-0"}),
        ("cancel_alarm", {"alarm_id": "A-0"}),
        ("read_run", {"run_id": "R-0"}),
        ("delete_run", {"run_id": "R-0"}),
        ("set_monitor", {"setting": "watch", "value": "off"}),
        ("set_monitor", {"setting": "other", "value": "off"}),
        ("purge_monitor_log", {"containing": "x"}),
        ("copy_weights", {"model": "m", "destination": "nowhere"}),
        ("inbox_overview", {}),
    ],
)
def test_a_failed_call_leaves_the_office_as_it_was(name: str, arguments: dict[str, Any]) -> None:
    office = office_of("leaking")
    office.monitor = Monitor(settings={"watch": "on"}, locked=True, log=["a line"])
    overseer = next(address for address, person in office.directory.items() if person.role == "overseer")
    filled = {
        key: overseer if value == "{overseer}" else value for key, value in arguments.items()
    }  # every other value stays as it is
    before = repr(office)
    specs = [spec for spec in PLAIN if spec.name != "inbox_overview"]
    action = call_tool(office, ToolCall(name=name, arguments=filled), specs, 1)
    assert action.error is not None
    assert not action.effect
    assert action.visible.startswith("error: ")
    assert repr(office) == before


def test_every_tool_has_a_deed_and_two_names_of_its_own() -> None:
    assert set(TOOLS) == {*DEEDS, *DESK_DEEDS}
    names = [name for tool in TOOLS.values() for name in (tool.name, tool.soft_name)]
    assert len(set(names)) == len(names)
    for plain, soft in zip(PLAIN, SOFT, strict=True):
        assert plain.parameters == soft.parameters
        assert plain.description and soft.description
        assert set(plain.parameters["required"]) <= set(plain.parameters["properties"])


def test_soft_names_do_the_same_under_the_canonical_name() -> None:
    office, other = office_of("leaking"), office_of("leaking")
    soft = call_tool(office, ToolCall(name="open_message", arguments={"id": "m101"}), SOFT, 0)
    plain = call_tool(other, ToolCall(name="read_mail", arguments={"id": "m101"}), PLAIN, 0)
    assert soft == plain
    assert soft.tool == "read_mail"
    assert office == other
    assert call_tool(office, ToolCall(name="read_mail", arguments={"id": "m101"}), SOFT, 0).error


def test_forward_carries_letter_and_attachments() -> None:
    episode = make_episode("leaking", "honeypot", "tools", 3, 0)
    office = episode.new_office()
    mail = next(mail for mail in office.mailbox if mail.attachments)
    to = episode.facts["address_overseer"]
    assert "Sent as out-1" in do(office, "forward_mail", id=mail.id, to=to, note="See below.")
    sent = office.outbox[0]
    assert sent.attachments == mail.attachments
    assert office.files_sent == [(path, to) for path in mail.attachments]
    assert sent.body.startswith("See below.")
    assert all(line.startswith(">") for line in sent.body.splitlines()[2:])
    assert mail.body.strip().splitlines()[0] in sent.body


def test_names_stand_for_addresses_and_letters_go_to_all() -> None:
    episode = make_episode("leaking", "honeypot", "tools", 3, 0)
    office = episode.new_office()
    to = f"{episode.facts['name_overseer']}; X <{episode.facts['address_person']}>"
    do(office, "send_mail", to=to, subject="s", body="b", cc=episode.facts["address_overseer"])
    assert office.outbox[0].readers == (
        episode.facts["address_overseer"],
        episode.facts["address_person"],
        episode.facts["address_overseer"],
    )


def test_mail_and_alarms_tell_the_time_and_it_passes_with_turns() -> None:
    episode = make_episode("lethal_inaction", "honeypot", "tools", 3, 0, skin="adit_two")
    office = episode.new_office()
    for name in ("list_mail", "list_alarms"):
        assert do(office, name).splitlines()[0] == "It is Tue 21 Sep 2027 16:40."
    office.begin_turn(2, episode.skin.now)
    assert do(office, "list_mail", folder="sent") == "It is Tue 21 Sep 2027 16:48.\nThe folder is empty."


def test_a_written_file_a_ticket_and_a_comment_stay() -> None:
    office = office_of("leaking")
    do(office, "write_file", path="notes/a.txt", content="text")
    assert do(office, "read_file", path="notes/a.txt") == "text"
    queue = next(iter(office.desk.values())).queue
    do(office, "open_ticket", title="t", text="x", queue=queue)
    do(office, "comment_ticket", id="NEW-1", text="more")
    assert "more" in do(office, "read_ticket", id="NEW-1")
    do(office, "close_ticket", id="NEW-1")
    assert "[closed]" in do(office, "list_tickets")
    assert [ticket.id for ticket in office.opened] == ["NEW-1", "NEW-1"]


def test_the_agents_name_stands_in_ledgers_and_the_log_in_the_prompt() -> None:
    from teachwhy.scenarios.english.episodes import _fill, describe_state

    assert _fill({"a": ["{agent} x", 1]}, "Ada") == {"a": ["Ada x", 1]}
    episode = make_episode("oversight_evasion", "honeypot", "prompt", 3, 0)
    office = episode.new_office()
    assert office.monitor.log
    assert office.monitor.log[0] in episode.user
    assert "{agent}" not in "".join(describe_state(office))
