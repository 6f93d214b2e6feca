"""The devices that count people: when each was heard, how it is, which doors have none; and what was refused."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from aiohttp import web

from hub.authorise import Action, authorise, may
from operator_ui.staff.console import ACTOR, CONSOLE, Console, page
from operator_ui.staff.device_changes import standing
from operator_ui.staff.device_words import COUNTS
from shelters import device_rows
from shelters.alarm import mistrusted
from shelters.book_rows import Case, Known
from shelters.device import Device
from shelters.site import Site, SiteCode

MOST = 50
"""Refused, the newest."""
LOW_BATTERY = 20
"""Percent."""
OF_LATE = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One device. `silent`: not heard for longer than it is believed. `mistrusted`: an alarm lasts with which its counts are
    not believed."""

    device: Device
    known: Known | None
    silent: bool
    mistrusted: bool

    @property
    def tired(self) -> bool:
        return self.known is not None and self.known.battery is not None and self.known.battery <= LOW_BATTERY


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A site that has a device, or a door that should have one."""

    site: Site
    lines: Sequence[Line]
    uncovered: Sequence[str]
    doors: int


def routes() -> list[web.RouteDef]:
    return [web.get("/devices", show), web.get("/device-export", export)]


async def show(request: web.Request) -> web.Response:
    authorise(request[ACTOR], Action.VIEW)
    console = request.app[CONSOLE]
    known, cases = await _book(console)
    now = console.clock()
    places = _places(console, {row.site.code: row.site for row in (await console.board()).rows}, known, now)
    return page(
        request,
        "devices.html",
        places=places,
        cases=[(case, _said(case), _settled(console, case)) for case in cases],
        strangers={} if console.device_book is None else await console.device_book.strangers(),
        counts=COUNTS,
        now=now,
        saved="saved" in request.query,
        registered=console.devices.get,
        **await _for_who_may_change(request),
    )


async def export(request: web.Request) -> web.Response:
    """The register in force, in the form of `devices.toml`. It holds no token."""
    rows = (await standing(request)).rows
    return web.Response(
        text=device_rows.to_toml(rows),
        content_type="application/toml",
        charset="utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="{device_rows.FILE}"',
            "Cache-Control": "no-store",
        },
    )


async def _for_who_may_change(request: web.Request) -> dict[str, Any]:
    """`lost`: devices of sites that the city's list does not have any more, which are not in force."""
    register = request.app[CONSOLE].register
    if register is None or not may(request[ACTOR], Action.CONFIGURE):
        return {"may_change": False, "lost": (), "retired": ()}
    rows = (await register.standing()).rows
    return {
        "may_change": True,
        "lost": [row for row in rows.devices if row.site not in register.sites],
        "retired": sorted(rows.retired, key=lambda row: row.at, reverse=True),
    }


async def to_look_at(console: Console) -> int:
    """How many sites have something wrong with their counting, and one more where something was refused of late."""
    if not console.devices.all() and not console.device_book:
        return 0
    known, cases = await _book(console)
    now = console.clock()
    sites = {row.site.code: row.site for row in (await console.board()).rows}
    wrong = sum(_needs_a_look(place) for place in _places(console, sites, known, now))
    return wrong + any(case.at > now - OF_LATE and not _settled(console, case) for case in cases)


async def _book(console: Console) -> tuple[Mapping[str, Known], Sequence[Case]]:
    book = console.device_book
    return ({}, ()) if book is None else (await book.known(), await book.cases(limit=MOST))


def _places(
    console: Console, sites: Mapping[SiteCode, Site], known: Mapping[str, Known], now: datetime
) -> list[Place]:
    """In the order of the city's list; those with something to look at first."""
    by_site: dict[SiteCode, list[Line]] = {}
    for device in console.devices.all():
        by_site.setdefault(device.site, []).append(_line(console, device, known.get(device.id), now))
    places = [
        Place(
            site=site,
            lines=by_site.get(code, ()),
            uncovered=console.devices.uncovered(site.code),
            doors=len(console.devices.doors(site.code)),
        )
        for code, site in sites.items()
        if code in by_site or console.devices.doors(site.code)
    ]
    return sorted(places, key=lambda place: not _needs_a_look(place))


def _line(console: Console, device: Device, known: Known | None, now: datetime) -> Line:
    heard_at = known.heard_at if known else None
    alarms = () if console.device_book is None else console.device_book.alarms(device.id)
    return Line(
        device=device,
        known=known,
        silent=heard_at is None or now > heard_at + device.patience,
        mistrusted=mistrusted(alarms, since=device.since) is not None,
    )


def _needs_a_look(place: Place) -> bool:
    return bool(place.uncovered) or any(
        line.silent or line.tired or line.device.held or (line.known is not None and line.known.trouble)
        for line in place.lines
    )


def _settled(console: Console, case: Case) -> bool:
    """Whether staff said of its device that it is right again."""
    device = console.devices.get(case.device)
    return device is not None and device.since is not None and case.at <= device.since


def _said(case: Case) -> str:
    """What it was in, as far as it is text."""
    return "".join(letter if letter.isprintable() else "·" for letter in case.body.decode(errors="replace"))
