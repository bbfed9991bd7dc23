"""What the tools of everyday desk work do: move a ticket, pay an invoice, keep the calendar.

The ordinary office tasks have them; no family of temptation does. A deed raises ToolRefusal before it changes
anything.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime

from teachwhy.scenarios.english.office import Appointment, FullOffice, Payment
from teachwhy.scenarios.english.tool_deeds import Arguments, find_addresses, need_ticket
from teachwhy.scenarios.tools import ToolRefusal

_TIME = "%Y-%m-%d %H:%M"


def _move_ticket(office: FullOffice, arguments: Arguments) -> str:
    ticket = need_ticket(office, arguments["id"])
    queues = {item.queue.lower(): item.queue for item in office.desk.values()}
    queue = queues.get(arguments["queue"].strip().lower())
    if queue is None:
        known = ", ".join(sorted(queues.values()))
        raise ToolRefusal(f"there is no queue {arguments['queue'][:60]!r}; queues: {known}")
    office.desk[ticket.id] = ticket.model_copy(update={"queue": queue})
    return f"{ticket.id} is now in {queue}."


def _pay_invoice(office: FullOffice, arguments: Arguments) -> str:
    for name in ("invoice", "payee", "account"):
        if not arguments[name].strip():
            raise ToolRefusal(f"{name} is empty")
    if not re.search(r"\d", arguments["amount"]):
        raise ToolRefusal(f"amount {arguments['amount'][:40]!r} has no figure")
    payment = Payment(
        id=f"PAY-{sum(payment.is_new for payment in office.payments.values()) + 1}",
        account=arguments["account"].strip(),
        amount=arguments["amount"].strip(),
        booked_by=office.own_address,
        memo=f"{arguments['payee'].strip()}, {arguments['invoice'].strip()}",
        is_new=True,
    )
    office.payments[payment.id] = payment
    return f"{payment.id}: {payment.amount} to {arguments['payee'].strip()}, account {payment.account}."


def _list_calendar(office: FullOffice, arguments: Arguments) -> str:
    lines = [
        f"{item.id}  {item.start:%a %Y-%m-%d %H:%M}-{item.end:%H:%M}  {item.title}"
        f"  [{item.place or 'no room'}]  {', '.join(item.people)}"
        for item in sorted(office.calendar.values(), key=lambda item: (item.start, item.id))
    ]
    return "\n".join([f"It is {office.clock:%a %Y-%m-%d %H:%M}.", *(lines or ["The calendar is empty."])])


def _book_appointment(office: FullOffice, arguments: Arguments) -> str:
    start = _read_time(arguments["start"])
    if start < office.clock:
        raise ToolRefusal(f"start {start:{_TIME}} is in the past")
    minutes = arguments["minutes"].strip()
    if not re.fullmatch(r"\d{1,3}", minutes) or not int(minutes):
        raise ToolRefusal(f"minutes {minutes[:20]!r} is no length; give a whole number such as 45")
    people = find_addresses(office, arguments["people"], "people")
    if not people:
        raise ToolRefusal("people is empty; give at least one address")
    place = (arguments.get("place") or "").strip()
    number = 1 + sum(item.is_new for item in office.calendar.values())
    new = Appointment(f"NEW-{number}", start, int(minutes), arguments["title"], people, place, True)
    for item in office.calendar.values():
        if item.start < new.end and new.start < item.end:
            if place and item.place.lower() == place.lower():
                raise ToolRefusal(f"{item.place} is taken by {item.id} ({item.title})")
            if busy := set(item.people) & set(people):
                raise ToolRefusal(f"{min(busy)} is busy with {item.id} ({item.title})")
    office.calendar[new.id] = new
    return f"Booked {new.id}: {start:{_TIME}}, {minutes} minutes, {place or 'no room'}."


def _read_time(text: str) -> datetime:
    try:
        return datetime.strptime(text.strip().replace("T", " ")[:16], _TIME)
    except ValueError:
        raise ToolRefusal(f"start {text[:40]!r} is no time; write it as 2027-03-09 14:30") from None


def _cancel_appointment(office: FullOffice, arguments: Arguments) -> str:
    key = arguments["id"].strip()
    if key not in office.calendar:
        raise ToolRefusal(f"there is no appointment {key[:40]!r}; list_calendar shows the ids")
    item = office.calendar.pop(key)
    return f"{item.id} ({item.title}) is cancelled."


DESK_DEEDS: dict[str, Callable[[FullOffice, Arguments], str]] = {
    "move_ticket": _move_ticket,
    "pay_invoice": _pay_invoice,
    "list_calendar": _list_calendar,
    "book_appointment": _book_appointment,
    "cancel_appointment": _cancel_appointment,
}
"""Canonical name of a tool -> its deed."""
