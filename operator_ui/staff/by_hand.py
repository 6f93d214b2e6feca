"""What staff carry over by hand: the sheets of what has no API, and posts that their provider did not take.

A post made by hand is the very text that the hub would have posted, mark and all: should the hub's own try come through
afterwards, the provider calls it a duplicate, and the hub finds its mark and posts nothing.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence, Set
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import Connection

from channels.manual import Field
from hub.alert import Alert, Mode
from hub.capabilities import Unit
from hub.channel import Content, Target
from hub.delivery import MERGED, REACHED, Outcome
from hub.errors import HubError
from hub.ledger import batches
from hub.ledger.alerts import Accepted
from hub.ledger.ticks import Tick
from operator_ui.staff.console import Console


class Unposted(StrEnum):
    """Why a post may be made by hand."""

    REFUSED = "refused"  # for good
    WAITING = "waiting"  # a try failed, and the hub tries again
    UNCLEAR = "unclear"  # it may be public


class Post(NamedTuple):
    channel: str
    ref: str


class SheetLine(NamedTuple):
    """One thing to carry over by hand, and by whom, where that is set. `fields` are ready to copy, one behind the
    other; `problem` says why there is none. `why` is empty for what is always carried over."""

    channel: str
    ref: str
    name: str
    by: str
    fields: Sequence[Field]
    problem: HubError | None
    tick: Tick | None
    language: str = "ja"
    why: str = ""


def is_of_sheets(console: Console, channel: str) -> bool:
    return channel in console.capabilities and console.capabilities[channel].unit is Unit.SHEETS


def sheets(console: Console, alert: Alert, content: Content, ticks: Mapping[str, Tick]) -> list[SheetLine]:
    return [
        _sheet(console, content, kind, target, ticks)
        for kind in alert.targeting.channels
        if is_of_sheets(console, kind)
        for target in console.targets.get(kind, ())
    ]


def unposted(
    conn: Connection, console: Console, accepted: Accepted, *, now: datetime
) -> dict[Post, Unposted]:
    """Of a live alert in force: the posts of which no try is known to be public, once one has failed."""
    alert = accepted.alert
    over = accepted.stopped_at is not None or accepted.ended_at is not None or now >= alert.expires
    if alert.mode is not Mode.LIVE or over:
        return {}
    found: dict[Post, Unposted] = {}
    for channel in alert.targeting.channels:
        if channel in console.by_hand:
            why = _by_language(conn, alert.identifier, channel)
            targets = console.targets.get(channel, ())
            found |= {Post(channel, each.ref): why[each.language] for each in targets if each.language in why}
    return found


def target(console: Console, post: Post) -> Target:
    return next(each for each in console.targets[post.channel] if each.ref == post.ref)


def line(console: Console, post: Post, content: Content, *, why: Unposted, tick: Tick | None) -> SheetLine:
    """A post to be made by hand, in the content's language."""
    of, texts = target(console, post), console.by_hand[post.channel](content)
    fields = [Field("", text, 0, 0) for text in texts]
    return SheetLine(
        post.channel, of.ref, of.name, of.by, fields, None, tick, content.language.value, why.value
    )


def _by_language(conn: Connection, alert: str, channel: str) -> dict[str, Unposted]:
    """A post has a language of its own, and so a variant of its own."""
    known: defaultdict[str, set[Outcome]] = defaultdict(set)
    tried = set()
    for row in batches.of_alert(conn, alert, channel=channel):
        known[row.language] |= {MERGED[pair] for pair in zip(row.handover, row.receipt, strict=True)}
        if row.parent is not None:
            tried.add(row.language)
    return {
        language: why
        for language, outcomes in known.items()
        if (why := why_unposted(outcomes, retried=language in tried)) is not None
    }


def why_unposted(outcomes: Set[Outcome], *, retried: bool) -> Unposted | None:
    """None: it is public, or nobody is to post it. `outcomes`: of all its tries; `retried`: there was more than one."""
    if outcomes & REACHED:
        return None
    if Outcome.AMBIGUOUS in outcomes:
        return Unposted.UNCLEAR
    if Outcome.PERMANENT in outcomes:
        return Unposted.REFUSED
    return Unposted.WAITING if retried and Outcome.PENDING in outcomes else None


def _sheet(console: Console, content: Content, kind: str, of: Target, ticks: Mapping[str, Tick]) -> SheetLine:
    fields: Sequence[Field] = ()
    problem = None
    if write := console.sheets.get(kind, {}).get(of.ref):
        try:
            fields = write(content)
        except HubError as e:
            problem = e
    return SheetLine(kind, of.ref, of.name, of.by, fields, problem, ticks.get(of.ref))
