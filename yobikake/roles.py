"""The roles of `yobikake serve`: what runs in a process, alone or side by side.

    api        staff console, residents' pages, callbacks, readings by HTTP
    fanout     alerts become batches
    sweep      outbox, takeovers, expiry, dead letters, what is scheduled
    receipts   what providers report later
    shelters   readings become occupancy
    bounces    reports on mail, where `[channels.mail.bounces_from]` says how they come in
    <channel>  mail, line, x, voice, sms, fax, webpush, wifi, website, webhook, manual: one role each

A role that fails ends the process: whatever watches over it starts it again, and nothing is lost. A connector that
cannot be opened ends nothing: its channel begins once it can (`hub.opening`).
"""

import asyncio
import gc
import sys
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial
from typing import Any

import structlog

from hub.alert import Lane
from hub.background import beat
from hub.disk import EVERY_S, watch
from hub.errors import BadSettings
from hub.health import Prober
from hub.opening import Opening
from yobikake import (
    api,
    bounce_role,
    canary_role,
    shelter_role,
    sweep_role,
    trial_role,
    website_role,
    wifi_role,
)
from yobikake.assembly import Assembly

log = structlog.get_logger(__name__)

Run = Callable[[Assembly], Coroutine[Any, Any, None]]

API = "api"
SWEEP = "sweep"
BOUNCES = "bounces"

ENGINE: dict[str, Run] = {
    "fanout": lambda assembly: assembly.planner.run(),
    SWEEP: sweep_role.run,
    "receipts": lambda assembly: assembly.postbox.run(),
    "shelters": shelter_role.run,
    BOUNCES: bounce_role.run,
}

BESIDE: dict[str, Run] = {wifi_role.KIND: wifi_role.run, website_role.KIND: website_role.run}
"""What runs once in the whole hub beside a channel's workers: its state, as the alerts in force want it."""


def names(assembly: Assembly) -> list[str]:
    """All roles of this hub."""
    engine = [role for role in ENGINE if role != BOUNCES or bounce_role.configured(assembly.settings)]
    return [API, *engine, *assembly.channels]


async def run(assembly: Assembly, roles: Iterable[str], *, ready: Callable[[], None] = lambda: None) -> None:
    """Run these roles until cancelled; `ready` is called once the listeners listen, and each channel is open or known
    not to be.

    Raises:
        BadSettings: a role there is not, or a setting that cannot work.
        Refused: a gateway of the other kind of hub (I6).
    """
    wanted = list(roles)
    unknown = set(wanted) - set(names(assembly))
    if unknown:
        raise BadSettings(
            f"--role {min(unknown)}",
            f"there is no such role; there are {', '.join(names(assembly))} / この役割はありません",
        )
    kinds = [role for role in wanted if role in assembly.channels]
    canary_role.check(assembly)
    async with AsyncExitStack() as stack:
        if kinds or SWEEP in wanted:
            await stack.enter_async_context(assembly.life.lived())
        openings = {kind: _openings(assembly, kind) for kind in kinds}
        await _begin(_each(openings), stack)
        if API in wanted:
            await api.listen(assembly, stack)
        async with asyncio.TaskGroup() as group:
            for role in wanted:
                if role in ENGINE:
                    group.create_task(ENGINE[role](assembly), name=role)
            for kind, by_lane in openings.items():
                _start(assembly, kind, by_lane, group)
            if kinds:
                _watch(assembly, openings, group)
            if API in wanted and SWEEP not in wanted:
                group.create_task(assembly.sweeper.relay(), name="outbox")
            group.create_task(beat(lambda: watch(assembly.disk, assembly.pager.page), EVERY_S), name="disk")
            _settle()
            log.info("roles are running", roles=wanted)
            ready()
            await asyncio.Event().wait()


def _settle() -> None:
    """Ready for a burst: of what an alert allocates little is garbage, and of what is there by now nothing will
    be; and the thread that writes gets the interpreter back within half a millisecond, not within five."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    sys.setswitchinterval(0.0005)


Openings = Mapping[Lane, Opening]


def _openings(assembly: Assembly, kind: str) -> Openings:
    """Of both lanes; one and the same where they share an instance."""
    configured = assembly.channels[kind]
    urgent, routine = configured.by_lane[Lane.URGENT], configured.by_lane[Lane.ROUTINE]
    opening = partial(Opening, live=assembly.live, clock=assembly.clock, page=assembly.pager.page)
    if urgent is routine:
        return dict.fromkeys(Lane, opening(urgent, list(Lane), name=kind))
    return {
        Lane.URGENT: opening(urgent, [Lane.URGENT], name=kind),
        Lane.ROUTINE: opening(
            routine, [Lane.ROUTINE], name=f"{kind} routine" if _apart(assembly, kind) else kind
        ),
    }


def _apart(assembly: Assembly, kind: str) -> bool:
    """The routine lane has a transport of its own."""
    return bool(assembly.settings.channels[kind].get("routine"))


def _each(openings: Mapping[str, Openings]) -> list[Opening]:
    return list(dict.fromkeys(opening for by_lane in openings.values() for opening in by_lane.values()))


async def _begin(openings: Sequence[Opening], stack: AsyncExitStack) -> None:
    """All at once: one that is slow holds up no other. Raises as `Opening.begin`."""
    for opening in openings:
        stack.push_async_callback(opening.close)
    for said in await asyncio.gather(*(each.begin() for each in openings), return_exceptions=True):
        if said is not None:
            raise said


def _start(assembly: Assembly, kind: str, by_lane: Openings, group: asyncio.TaskGroup) -> None:
    """What a channel does, each part once what it sends by is open."""

    def start(name: str, lane: Lane, run: Callable[[], Coroutine[Any, Any, None]]) -> None:
        group.create_task(_once_open(by_lane[lane], run), name=f"{kind} {name}")

    for lane in Lane:
        start(lane, lane, partial(_work, assembly, kind, lane))
    if kind in BESIDE:
        start("state", Lane.URGENT, partial(BESIDE[kind], assembly))
    start("canary", Lane.URGENT, partial(canary_role.run, assembly, [kind]))
    start("trials", Lane.ROUTINE, partial(trial_role.run, assembly, [kind]))


async def _once_open(opening: Opening, run: Callable[[], Coroutine[Any, Any, None]]) -> None:
    await opening.opened()
    await run()


async def _work(assembly: Assembly, kind: str, lane: Lane) -> None:
    await assembly.worker(kind, lane).run()


def _watch(assembly: Assembly, openings: Mapping[str, Openings], group: asyncio.TaskGroup) -> None:
    """The probes, and whoever tries to open what is not open."""
    probed = {kind: by_lane[Lane.URGENT] for kind, by_lane in openings.items()}
    for kind, by_lane in openings.items():
        routine = by_lane[Lane.ROUTINE]
        if _apart(assembly, kind) or not (routine is probed[kind] or routine.is_open):
            probed[f"{kind} routine"] = routine
    prober = Prober(
        channels=probed,
        live=assembly.live,
        clock=assembly.clock,
        page=assembly.pager.page,
        recovered=assembly.pager.recovered,
    )
    group.create_task(prober.run(), name="probes")
    for opening in _each(openings):
        if not opening.is_open:
            group.create_task(_open_at_last(opening, prober), name="opening")


async def _open_at_last(opening: Opening, prober: Prober) -> None:
    await opening.run()
    prober.poke()
