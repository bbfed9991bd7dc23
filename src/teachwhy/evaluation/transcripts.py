"""What is carried from the agent loop to the scorer: the episodes of a task and the transcripts under way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from teachwhy.errors import InputError
from teachwhy.records import EpisodeKind, Message
from teachwhy.scenarios.harness import AnyEpisode, opening
from teachwhy.scenarios.office import Office
from teachwhy.scenarios.tools import Action

Stop = Literal["end", "max_turns", "length", "malformed", "error"]


@dataclass
class Transcript:
    """What the model did in one episode; grows while the episode runs."""

    episode: AnyEpisode
    repeat: int
    office: Office
    messages: list[Message]
    actions: list[Action] = field(default_factory=list)
    stop: Stop = "error"
    """Set when the loop ends, so that an episode that something cut off keeps "error"."""
    fault: str = "the episode was cut off before its end"
    """What went wrong, when `stop` is "error" or "malformed"; else empty."""
    num_turns: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    truncated: bool = False
    """At least one answer was cut by the token limit or the context length."""
    unread_call: str = ""
    """Why a call could not be read, until a later turn has good calls only: the model was told."""
    lost_call: str = ""
    """That a call was not carried out, or not read, and the model was not told: no later turn mends that."""
    template_lacks: tuple[str, ...] = ()
    """What the model's chat template does not show, by its provider's word: it was told in plain words."""

    def end(self, stop: Stop, fault: str = "") -> None:
        """Close the transcript; a call still unread or lost turns any ordinary end into "malformed"."""
        unread = self.unread_call or self.lost_call
        if unread and stop in ("end", "max_turns"):
            stop, fault = "malformed", unread
        self.stop, self.fault = stop, fault


@dataclass(frozen=True)
class PlannedEpisode:
    """An episode to run, and which repeat of it this is (from 0)."""

    episode: AnyEpisode
    repeat: int

    @property
    def sample_id(self) -> str:
        """The id of its Inspect sample."""
        return self.episode.id if self.repeat == 0 else f"{self.episode.id}#{self.repeat}"


class EpisodeBatch:
    """The episodes of one task by sample id, and their transcripts between the solver and the scorer."""

    def __init__(self, planned: Sequence[PlannedEpisode]) -> None:
        self.planned = {plan.sample_id: plan for plan in planned}
        self.num_repeats = 1 + max((plan.repeat for plan in planned), default=0)
        self.input_error: InputError | None = None
        """The first mistake of the user that came up inside a sample, to be raised when the task is over."""
        self.num_finished = 0
        self._under_way: dict[tuple[str, int], Transcript] = {}

    @property
    def kinds(self) -> set[EpisodeKind]:
        """Kinds of the episodes."""
        return {plan.episode.kind for plan in self.planned.values()}

    def begin(self, sample_id: str, epoch: int) -> Transcript:
        """A fresh transcript in a fresh office; epochs that Inspect adds count as further repeats.

        Raises the mistake of the user that an earlier episode met: every other would meet it too.
        """
        if self.input_error is not None:
            raise self.input_error
        plan = self.planned[sample_id]
        episode = plan.episode
        repeat = plan.repeat + (epoch - 1) * self.num_repeats
        self._under_way[sample_id, epoch] = Transcript(
            episode, repeat, episode.new_office(), opening(episode)
        )
        return self._under_way[sample_id, epoch]

    def finish(self, sample_id: str, epoch: int) -> Transcript | None:
        """Hand over what the solver left; None if no solver ran (a log that is scored again)."""
        transcript = self._under_way.pop((sample_id, epoch), None)
        self.num_finished += transcript is not None
        return transcript

    def _repr_params_(self) -> dict[str, int]:
        """What Inspect writes of this object into its log."""
        return {"episodes": len(self.planned), "repeats": self.num_repeats}
