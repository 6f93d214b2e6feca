"""Wi-Fi as the alerts in force and the staff want it: the reconciler's beat, what it asks, and what it tells."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection

from channels.wifi import Wifi
from channels.wifi.controller import DISASTER
from channels.wifi.reconciler import Reconciler, Wanted
from hub import wifi_desk, wifi_drill, wifi_state
from hub.alert import Alert, Mode
from hub.clock import Clock
from hub.ledger import alerts, revisions
from hub.ledger.alerts import Accepted
from hub.ledger.trouble import is_away
from hub.settings import Settings
from hub.wifi_state import FacilityState, Known
from yobikake.assembly import Assembly

log = structlog.get_logger(__name__)

EVERY_S = 30.0
LOOK_S = 2.0
"""How often it is looked whether staff want something else."""
KIND = "wifi"
ASK_FOR = timedelta(minutes=2)
"""How long after it is due staff are paged about the question, once: a round comes every half minute."""
NAMED = 5
"""Facilities that a page names."""


async def run(assembly: Assembly) -> None:
    """Until cancelled. A facility is put back only when no alert in force asks for it, and nobody holds it open."""
    wifi = assembly.channels[KIND].channel
    assert isinstance(wifi, Wifi)  # noqa: S101 - the connector of this kind
    reconciler = Reconciler(wifi, lambda: wanted(assembly), clock=assembly.clock)
    while True:
        try:
            before = await _moment(assembly)
            states = await reconciler.run_once()
            await _tell(
                assembly, _known(wifi, states[: len(wifi.settings.facilities)], reconciler, assembly.clock)
            )
            await _rest(assembly, before)
        except Exception as e:
            _stays(assembly, e)
            await asyncio.sleep(EVERY_S)


def _stays(assembly: Assembly, error: Exception) -> None:
    """The next round tries again; no fault of this role's may end the process, and every other channel with it (I7)."""
    if is_away(error):
        log.warning("the ledger is away: the wifi stays as it is", error=type(error).__name__)
        return
    log.error("a round of the wifi failed in an unforeseen way", exc_info=error)
    assembly.pager.page(
        "wifi round",
        "Wi-Fiの切り替えで想定外の誤りが起きました。30秒ごとにやり直します。ログを見て、機器の画面でも確かめてください / "
        "Switching the Wi-Fi failed in an unforeseen way. It is tried again every 30 s. See the log, and look at the "
        "controllers' own screens",
    )


def ssid(settings: Settings) -> str:
    """The name of the disaster Wi-Fi, also where this hub drives none."""
    return str(settings.channels.get(KIND, {}).get("ssid_name", DISASTER))


async def wanted(assembly: Assembly) -> Wanted:
    """Raises what the ledger raises: not knowing is not the same as nobody asking."""
    at = assembly.clock()
    asking, desk = await _asking(assembly, at)
    trial = desk.drilled(at)
    return Wanted(
        alerts=frozenset(alert.identifier for alert in asking if alert.mode is Mode.LIVE),
        drills=frozenset(alert.identifier for alert in asking if alert.mode is not Mode.LIVE),
        holds=frozenset(hold.ref for hold in desk.held(at)),
        drilled=frozenset(trial.refs if trial else ()),
    )


async def _asking(assembly: Assembly, at: datetime) -> tuple[list[Alert], wifi_desk.Desk]:
    """The alerts in force that ask for it, but for those that staff released it from."""

    def work(conn: Connection) -> tuple[list[Accepted], wifi_desk.Desk]:
        return alerts.active(conn, assembly.keys, at=at), wifi_desk.read(conn, assembly.keys)

    active, desk = await assembly.ledger.read(work)
    naming = [each.alert for each in active if KIND in each.alert.targeting.channels]
    return [alert for alert in naming if alert.identifier not in desk.released], desk


def _known(wifi: Wifi, states: Sequence[FacilityState], reconciler: Reconciler, clock: Clock) -> Known:
    return Known(
        at=clock(),
        ssid_name=wifi.settings.ssid_name,
        drill_ssid_name=wifi.settings.drill_ssid_name,
        ask_after_s=wifi.settings.ask_after_h * 3600,
        states=tuple(states),
        left=tuple(reconciler.left),
    )


async def _tell(assembly: Assembly, known: Known) -> None:
    """Everybody who looks, whoever must do something, and the record of a drill."""
    try:
        await wifi_state.tell(assembly.live, known)
    except Exception as e:  # whoever looks on is not what this is for: go on driving
        log.warning("the state of the wifi could not be shared", error=type(e).__name__)
    _page_failures(assembly, known)
    asking, desk = await _asking(assembly, known.at)
    _page_question(assembly, known, asking, desk)
    trial = desk.trial
    if trial is not None:
        await assembly.ledger.write(
            lambda conn: wifi_drill.follow(conn, assembly.keys, trial, known, at=known.at)
        )


def _page_failures(assembly: Assembly, known: Known) -> None:
    failed = wifi_state.failing(known.states)
    if not failed:
        return
    names = "、".join(state.name for state in failed[:NAMED])
    more = f" ほか{len(failed) - NAMED}施設" if len(failed) > NAMED else ""
    assembly.pager.page(
        "wifi",
        f"Wi-Fiを切り替えられません：{names}{more}。機器の電源と回線を確かめてください / "
        f"The Wi-Fi cannot be switched at {len(failed)} facilities. Check their power and their lines",
    )


def _page_question(assembly: Assembly, known: Known, asking: Sequence[Alert], desk: wifi_desk.Desk) -> None:
    """In the minute in which it is due: nobody may be looking at the first page."""
    sent = [(alert.identifier, alert.sent) for alert in asking if alert.mode is Mode.LIVE]
    asked = wifi_desk.question(desk, sent, at=known.at, ask_after=known.ask_after)
    if asked is not None and timedelta(0) <= known.at - asked.due_at < ASK_FOR:
        assembly.pager.page(
            "wifi needed",
            "災害用Wi-Fiは、まだ必要ですか。「Wi-Fiの災害モード」の画面で答えてください。答えがないあいだは開いたままです / "
            "Is the disaster Wi-Fi still needed? Answer on the page «Disaster Wi-Fi». Without an answer it stays open",
        )


async def _rest(assembly: Assembly, before: tuple[int, frozenset[str], bool]) -> None:
    """Until the next round is due: sooner where staff changed their mind since `before`, or a time that they set
    has come."""
    for _ in range(int(EVERY_S / LOOK_S)):
        if await _moment(assembly) != before:
            return
        await asyncio.sleep(LOOK_S)


async def _moment(assembly: Assembly) -> tuple[int, frozenset[str], bool]:
    """What staff want now, as far as it changes by itself."""
    at = assembly.clock()
    number = await assembly.ledger.read(lambda conn: revisions.number(conn, wifi_desk.SUBJECT))
    if number == 0:
        return 0, frozenset(), False
    desk = await assembly.ledger.read(lambda conn: wifi_desk.read(conn, assembly.keys))
    return number, frozenset(hold.ref for hold in desk.held(at)), desk.drilled(at) is not None
