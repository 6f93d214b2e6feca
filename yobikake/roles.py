"""The roles of `yobikake serve`: what runs in a process, alone or side by side.

    api        staff console, residents' pages, callbacks, readings by HTTP
    fanout     alerts become batches
    sweep      outbox, takeovers, expiry, dead letters, what is scheduled
    receipts   what providers report later
    shelters   readings become occupancy
    bounces    reports on mail, where `[channels.mail.bounces_from]` says how they come in
    <channel>  mail, line, x, voice, sms, fax, webpush, wifi, website, webhook, manual: one role each

A role that fails ends the process: whatever watches over it starts it again, and nothing is lost.
"""

import asyncio
import gc
import sys
from collections.abc import Callable, Coroutine, Iterable
from contextlib import AsyncExitStack
from typing import Any

import structlog

from hub.alert import Lane
from hub.background import beat
from hub.disk import EVERY_S, watch
from hub.errors import BadSettings
from hub.health import Prober
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
    """Run these roles until cancelled; `ready` is called once the channels are open and the
    listeners listen.

    Raises:
        BadSettings: a role there is not.
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
        for kind in kinds:
            await _open(assembly, kind, stack)
        if API in wanted:
            await api.listen(assembly, stack)
        async with asyncio.TaskGroup() as group:
            for role in wanted:
                if role in ENGINE:
                    group.create_task(ENGINE[role](assembly), name=role)
            for kind in kinds:
                for lane in Lane:
                    group.create_task(assembly.worker(kind, lane).run(), name=f"{kind} {lane}")
            for kind in set(kinds) & BESIDE.keys():
                group.create_task(BESIDE[kind](assembly), name=f"{kind} state")
            if kinds:
                group.create_task(_prober(assembly, kinds).run(), name="probes")
                group.create_task(canary_role.run(assembly, kinds), name="canaries")
                group.create_task(trial_role.run(assembly, kinds), name="trials")
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


async def _open(assembly: Assembly, kind: str, stack: AsyncExitStack) -> None:
    for channel in {id(channel): channel for channel in assembly.channels[kind].by_lane.values()}.values():
        await channel.open()
        stack.push_async_callback(channel.close)


def _prober(assembly: Assembly, kinds: list[str]) -> Prober:
    channels = {kind: assembly.channels[kind].channel for kind in kinds}
    for kind in kinds:
        if assembly.settings.channels[kind].get("routine"):  # a transport of its own
            channels[f"{kind} routine"] = assembly.channels[kind].by_lane[Lane.ROUTINE]
    return Prober(
        channels=channels,
        live=assembly.live,
        clock=assembly.clock,
        page=assembly.pager.page,
        recovered=assembly.pager.recovered,
    )
