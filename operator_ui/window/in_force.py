"""The alerts in force, for whoever asks: all, or those for a town. The texts are the approved ones, as the page has them."""

from collections.abc import Collection, Sequence

from hub.alert import Mode
from hub.cap import MsgType
from hub.evacuation import Level
from hub.language import Language
from hub.ledger.alerts import Accepted
from hub.recipient import Reached, Town, Towns, WholeCity
from operator_ui.residents.notice import notice
from operator_ui.residents.portal import alert_path
from operator_ui.window.answers import State
from operator_ui.window.reply import NamedAlert, Origin, Said, Span

MOST = 4
"""Alerts in a reply, those of the highest level first: more are on the page."""


def of_towns(alerts: Sequence[Accepted], towns: Collection[Town]) -> list[Accepted]:
    """Those that are for one of the towns. A correction goes to whoever was reached, so it is for all."""
    return [each for each in alerts if _names(each, towns)]


def named(accepted: Accepted, language: Language, now: State) -> NamedAlert:
    """What it says in short, with its drill's line where it is one (I6)."""
    told = notice(accepted, language, now.slots, lambda: now.checked_at)
    return NamedAlert(
        number=accepted.number,
        level=accepted.alert.level,
        drill=_said(told.drill) if told.drill else None,
        event=_said(told.event),
        short=_said(told.short),
        path=alert_path(accepted.number, language),
    )


def secure_life(now: State, towns: Collection[Town]) -> bool:
    """Whether level 5 is in force where somebody asks from; for one whose place is not known, anywhere."""
    alerts = of_towns(now.alerts, towns) if towns else now.alerts
    return any(
        each.alert.level is Level.SECURE_LIFE
        and each.alert.mode is Mode.LIVE
        and each.alert.msg_type is not MsgType.CANCEL
        for each in alerts
    )


def _names(accepted: Accepted, towns: Collection[Town]) -> bool:
    match accepted.alert.targeting.audience:
        case Towns(towns=named_towns):
            return not {*towns}.isdisjoint(named_towns)
        case WholeCity() | Reached():
            return True
        case _:
            return False


def _said(text: str) -> Said:
    return Said((Span(text, Origin.ALERT),))
