"""The compose form: a message as its fields, and the fields as a message again."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import TypeVar

import msgspec

from hub.alert import AlertInfo, Area, DecisionMethod, Order
from hub.capabilities import Capabilities
from hub.city import City
from hub.clock import JST
from hub.draft import LeftOut, Message
from hub.evacuation import Level
from hub.recipient import Targeting
from hub.slots import Form as TextForm
from hub.slots import normalise
from operator_ui.form import Form, Problem
from operator_ui.staff import areas

T = TypeVar("T")

HOURS = (1, 3, 6, 12, 24)
"""How long an alert may last."""
NO_LEVEL = "none"
LONGEST_REASON = 200
"""Characters of why a channel is left out."""


def message_from(
    form: Form, old: Message, city: City, capabilities: Mapping[str, Capabilities]
) -> tuple[Message, list[Problem]]:
    """`old` with what the form says. A field that cannot be used keeps its old value and is a problem."""
    problems: list[Problem] = []

    def use(read: T | Problem, instead: T) -> T:
        if isinstance(read, Problem):
            problems.append(read)
            return instead
        return read

    audience = use(areas.chosen(form, city, old.targeting.audience), old.targeting.audience)
    channels = use(_channels(form, capabilities), old.targeting.channels)
    message = msgspec.structs.replace(
        old,
        level=use(_level(form), old.level),
        order=use(_order(form, old.order), old.order),
        area=old.area
        if audience == old.targeting.audience
        else Area(description=areas.described(audience, city)),
        targeting=Targeting(audience=audience, channels=channels, languages=old.targeting.languages),
        infos=tuple(_info(form, info) for info in old.infos),
        left_out=_left_out(form, capabilities, channels),
        valid_for_s=3600 * use(_hours(form), old.valid_for_s // 3600),
    )
    return message, problems


def local_time(moment: datetime) -> str:
    """For `<input type=datetime-local>`: Japanese time, whole minutes."""
    return moment.astimezone(JST).strftime("%Y-%m-%dT%H:%M")


def field(info: AlertInfo, form: TextForm) -> str:
    """The name and id of one text's input."""
    return f"text-{info.language}-{form}"


def why(kind: str) -> str:
    """The name and id of the input that asks why a channel is left out."""
    return f"why-{kind}"


def _level(form: Form) -> Level | Problem | None:
    typed = form.text("level")
    if typed == NO_LEVEL:
        return None
    number = form.number("level")
    return (
        Level(number)
        if number in list(Level)
        else Problem("level", "警戒レベルを選んでください / Choose an alert level")
    )


def _order(form: Form, old: Order) -> Order | Problem:
    ordered_at = _moment(form.text("ordered_at"), old.ordered_at)
    if isinstance(ordered_at, Problem):
        return ordered_at
    return Order(
        issuer=form.text("issuer"),
        method=form.choice("method", DecisionMethod) or old.method,
        ordered_at=ordered_at,
        grounds=form.text("grounds"),
    )


def _moment(text: str, old: datetime) -> datetime | Problem:
    """The seconds of an unchanged time are kept: the form shows none."""
    if text == local_time(old):
        return old
    try:
        return datetime.fromisoformat(text).replace(tzinfo=JST).astimezone(UTC)
    except ValueError:
        return Problem("ordered_at", "発令時刻を入れてください / Say when it was ordered")


def _channels(form: Form, capabilities: Mapping[str, Capabilities]) -> tuple[str, ...] | Problem:
    ticked = form.all("channel")
    chosen = tuple(kind for kind in capabilities if kind in ticked)
    return chosen or Problem("channels", "手段を1つ以上選んでください / Select at least one channel")


def _left_out(
    form: Form, capabilities: Mapping[str, Capabilities], channels: Collection[str]
) -> tuple[LeftOut, ...]:
    """A reason of blanks is none; one line, however it was typed."""
    reasons = {kind: " ".join(form.text(why(kind)).split())[:LONGEST_REASON] for kind in capabilities}
    return tuple(
        LeftOut(channel=kind, reason=reason)
        for kind, reason in reasons.items()
        if reason and kind not in channels
    )


def _info(form: Form, old: AlertInfo) -> AlertInfo:
    texts = {each.value: normalise(form.text(field(old, each))) for each in TextForm}
    return AlertInfo(language=old.language, **texts)


def _hours(form: Form) -> int | Problem:
    hours = form.number("hours")
    if hours is None or not 1 <= hours <= max(HOURS):
        return Problem("hours", "有効期限は24時間以内です / An alert lasts at most 24 hours")
    return hours
