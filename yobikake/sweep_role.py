"""The role `sweep`: what must happen though nobody asks for it: dead letters, what is scheduled, telegrams that come in,
rules that call staff, addresses that are none."""

import asyncio
from collections.abc import Collection

from hub import gone, muster_rules, organisation
from hub import silence as silences
from hub.background import beat
from hub.capabilities import Unit
from hub.contact import TYPED
from hub.inbound.folder import TelegramFolder
from hub.muster_watch import EVERY_S, MusterWatch
from hub.mustering import Mustering
from hub.silence import Silence
from yobikake import canary_role
from yobikake.assembly import Assembly

TIMES_S = 1.0


async def run(assembly: Assembly) -> None:
    """Until cancelled."""
    watch = muster_watch(assembly)
    async with asyncio.TaskGroup() as group:
        group.create_task(assembly.sweeper.run())
        group.create_task(assembly.office.run())
        group.create_task(beat(assembly.intake.keep_times, TIMES_S))
        group.create_task(beat(telegrams(assembly, watch.codes).look, EVERY_S), name="telegrams")
        group.create_task(beat(watch.look, EVERY_S), name="muster rules")
        group.create_task(settling(assembly).run(), name="addresses that are none")
        group.create_task(beat(silence(assembly).look, silences.LOOK_EVERY_S), name="silence")


def settling(assembly: Assembly) -> gone.Settling:
    return gone.Settling(
        assembly.capabilities,
        ledger=assembly.ledger,
        keys=assembly.keys,
        clock=assembly.clock,
        page=assembly.pager.page,
    )


def silence(assembly: Assembly) -> Silence:
    """Over every channel of the hub, whichever process has it."""
    return Silence(
        {kind: has.japanese for kind, has in assembly.capabilities.items()},
        [canary_role.canary(assembly, kind) for kind in assembly.settings.canaries],
        ledger=assembly.ledger,
        live=assembly.live,
        clock=assembly.clock,
        page=assembly.pager.page,
        recovered=assembly.pager.recovered,
    )


def telegrams(assembly: Assembly, codes: Collection[str]) -> TelegramFolder:
    return TelegramFolder(
        assembly.settings.telegrams,
        ledger=assembly.ledger,
        codes=codes,
        page=assembly.pager.page,
        clock=assembly.clock,
    )


def muster_watch(assembly: Assembly) -> MusterWatch:
    own = organisation.load(assembly.city_folder)
    return MusterWatch(
        ledger=assembly.ledger,
        keys=assembly.keys,
        city=assembly.city,
        organisation=own,
        rules=muster_rules.load(assembly.city_folder, own),
        sites={str(code): site.name for code, site in assembly.sites.items()},
        channels=[
            kind for kind, has in assembly.capabilities.items() if has.unit is Unit.PEOPLE and kind in TYPED
        ],
        mustering=Mustering(
            ledger=assembly.ledger, keys=assembly.keys, intake=assembly.intake, clock=assembly.clock
        ),
        page=assembly.pager.page,
        clock=assembly.clock,
    )
