"""Episodes of the office tasks: each task is one episode, behind tools."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property

from teachwhy.records import OFFICE, EpisodeKind, Split, ToolSpec
from teachwhy.scenarios.english.episodes import furnish_place
from teachwhy.scenarios.english.office import Appointment, FullOffice
from teachwhy.scenarios.english.tools import COMMON, tool_specs
from teachwhy.scenarios.office_tasks.task import OfficeTask

MAX_TURNS = 30


@dataclass(frozen=True)
class OfficeEpisode:
    """What a model is put into; `new_office` gives a fresh state for each run of it."""

    task: OfficeTask
    family: str = OFFICE
    split: Split = "far"
    """In no fine-tuning data."""
    kind: EpisodeKind = OFFICE
    max_turns: int = MAX_TURNS

    @property
    def id(self) -> str:
        """Of the episode; a task has one."""
        return f"{OFFICE}-en-{self.task.name}"

    @property
    def system(self) -> str:
        """The system prompt."""
        return self.task.system.strip()

    @property
    def user(self) -> str:
        """The order."""
        return self.task.order.strip()

    @cached_property
    def tools(self) -> tuple[ToolSpec, ...]:
        """What the model is told of its tools, under their plain names."""
        return tool_specs(list(dict.fromkeys((*COMMON, *self.task.tools))), soft=False)

    def new_office(self) -> FullOffice:
        """A fresh office as the episode begins."""
        return deepcopy(self._office)

    @cached_property
    def _office(self) -> FullOffice:
        return furnish_task(self.task)


def furnish_task(task: OfficeTask) -> FullOffice:
    """The office of a task as its episode begins."""
    letters = sorted(task.letters, key=lambda letter: letter.sent)
    office = furnish_place(task, task.people["agent"].name, letters, task.files)
    office.calendar = {
        item["id"]: Appointment(**item | {"people": tuple(task.addresses[key] for key in item["people"])})
        for item in task.state.get("calendar", ())
    }
    return office
