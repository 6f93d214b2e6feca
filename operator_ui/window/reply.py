"""What the window answers: sentences whose every part says where it comes from, alerts, and sites."""

from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple

import msgspec

from hub.evacuation import Level
from hub.hazard import Hazard
from hub.language import Language
from shelters.public_list import Entry


class Kind(StrEnum):
    """What a reply is about, or why it is none."""

    EMERGENCY = "emergency"
    """Somebody is in danger now: 119 and 110 come before anything else."""
    SITES = "sites"
    WHICH_HAZARD = "which_hazard"
    """No alert is in force, and which site is right depends on what happens: one of `choices` is to be asked."""
    ALERTS = "alerts"
    CURATED = "curated"
    """An answer of the bank."""
    OUTSIDE = "outside"
    """A place that is not this city's."""
    POLITE = "polite"
    """A greeting, or talk that the window does not join in."""
    STUCK = "stuck"
    """Nothing could be checked for some minutes: no site is named."""
    UNSURE = "unsure"
    """Not understood; the number to call is given."""


class Origin(StrEnum):
    """Who answers for a part of a sentence."""

    BANK = "bank"
    """Words of `config/faq`, to the letter."""
    ALERT = "alert"
    """The approved text of an alert, as the renderer filled it."""
    LIVE = "live"
    """A value the hub knows: a name, a number, a time, an official word."""


class Span(NamedTuple):
    text: str
    origin: Origin


class Said(msgspec.Struct, frozen=True):
    """One sentence or more, in one line or more."""

    spans: tuple[Span, ...]

    @property
    def text(self) -> str:
        return "".join(span.text for span in self.spans)


class NamedAlert(msgspec.Struct, frozen=True, kw_only=True):
    """An alert in force. `path`: of its page, behind the address of the residents' listener."""

    number: str
    level: Level | None
    drill: Said | None
    """The renderer's line of a drill: it stands above everything else of this alert."""
    event: Said
    short: Said
    path: str

    def said(self) -> Iterator[Said]:
        if self.drill is not None:
            yield self.drill
        yield self.event
        yield self.short


class NamedSite(msgspec.Struct, frozen=True, kw_only=True):
    """A site that is designated for every hazard of the reply and receives (I16). `metres`: straight, from who asks."""

    entry: Entry
    line: Said
    metres: int | None = None


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """One touch instead of typing: `ask` is the question it stands for, which the window is sure to understand."""

    label: Said
    ask: str


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """Read in the order of its fields. `topic`: the name of the bank's file it was taken for, empty when it is unsure.

    `answer`: what the bank says to the alerts above it. `hazards`: those for which every named site is designated. `more`: the
    answers to what else was asked, less urgent than this one; they have no `more`. `in_part`: something in the question was not
    understood, and its last sentences say so.
    """

    kind: Kind
    language: Language
    topic: str = ""
    lead: tuple[Said, ...] = ()
    alerts: tuple[NamedAlert, ...] = ()
    answer: Said | None = None
    heading: Said | None = None
    sites: tuple[NamedSite, ...] = ()
    closing: tuple[Said, ...] = ()
    choices: tuple[Choice, ...] = ()
    hazards: tuple[Hazard, ...] = ()
    more: "tuple[Reply, ...]" = ()
    in_part: bool = False

    def each(self) -> "tuple[Reply, ...]":
        """This answer and those to what else was asked."""
        return (self, *self.more)

    def said(self) -> Iterator[Said]:
        """Everything in it that is read, from top to bottom."""
        yield from self.lead
        for alert in self.alerts:
            yield from alert.said()
        if self.answer is not None:
            yield self.answer
        if self.heading is not None:
            yield self.heading
        yield from (site.line for site in self.sites)
        yield from self.closing
        for other in self.more:
            yield from other.said()

    @property
    def text(self) -> str:
        """As one text, for a channel that has nothing else. The choices are the channel's to show."""
        return "\n".join(each.text for each in self.said())
