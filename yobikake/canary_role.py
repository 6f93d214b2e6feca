"""Canaries (`hub.canary`) as the settings ask for them, beside the workers of the channels they try."""

import asyncio
import re
from collections.abc import Iterable, Sequence
from datetime import time, timedelta
from email import message_from_bytes
from functools import partial

import structlog

from channels.mail.intake import From, Source
from hub import canary_device
from hub.canaries import Canaries
from hub.canary import Canary, Proof, To, only
from hub.capabilities import CanaryTo
from hub.channel import Targets
from hub.errors import BadSettings
from hub.language import Language
from hub.settings import CanarySettings, convert
from yobikake import bounce_role
from yobikake.assembly import Assembly

log = structlog.get_logger(__name__)

MAIL, FAX = "mail", "fax"
WAIT = timedelta(minutes=10)
"""For a proof, at the least: a smarthost with a queue, a phone that is picked up late."""
LONG_WAIT = timedelta(hours=1)
"""Of a fax: its gateway dials again while the line is busy, and its results are fetched."""
_KEY = re.compile(r"<([0-9a-f]{32})[.@]")


async def run(assembly: Assembly, kinds: Iterable[str]) -> None:
    """Until cancelled, of those of these channels that have a canary. Settings are checked before (`check`)."""
    of = [canary(assembly, kind) for kind in kinds if kind in assembly.settings.canaries]
    if not of:
        return
    canaries = Canaries(
        of,
        ledger=assembly.ledger,
        clock=assembly.clock,
        page=assembly.pager.page,
        recovered=assembly.pager.recovered,
        city=assembly.city.names[Language.JA],
        link=assembly.settings.residents.url,
    )
    async with asyncio.TaskGroup() as group:
        group.create_task(canaries.run(), name="canaries")
        for each in of:
            for way_back in _ways_back(assembly, each):
                group.create_task(way_back.run(partial(_take, canaries)), name=f"canary {each.kind}")


def check(assembly: Assembly) -> None:
    """Raises `BadSettings` for a stanza that cannot work, whichever process is to use it."""
    for kind in assembly.settings.canaries:
        if kind not in assembly.channels:
            raise BadSettings(
                f"[canaries.{kind}]",
                f"there is no [channels.{kind}] to be tried / [channels.{kind}] がありません",
            )
        canary(assembly, kind)


def canary(assembly: Assembly, kind: str) -> Canary:
    """Raises `BadSettings` where this channel cannot be tried so."""
    settings, where = assembly.settings.canaries[kind], f"[canaries.{kind}]"
    channel = assembly.channels[kind].channel
    rhythm = channel.capabilities.canary_every
    if rhythm is None:
        raise BadSettings(
            where, "this channel has no address to be tried at: remove it / この手段では使えません"
        )
    needs_address = channel.capabilities.canary_to is CanaryTo.ADDRESS
    if bool(settings.to) is not needs_address:
        raise BadSettings(
            f"{where} to",
            "is missing: an address of the city's own / 市の宛先を書いてください"
            if needs_address
            else "has no use here: remove it / この手段では書きません",
        )
    if settings.back and kind != MAIL:
        raise BadSettings(f"{where} back", "only mail comes back to be read / back はメールだけで使えます")
    if settings.back:
        _back(settings, f"{where} back")
    return Canary(
        kind=kind,
        channel=channel,
        to=_to(assembly, kind),
        proof=_proof(assembly, kind),
        every=rhythm if settings.every_min is None else timedelta(minutes=settings.every_min),
        wait=LONG_WAIT if kind == FAX else max(WAIT, channel.capabilities.receipt_wait),
        at=time.fromisoformat(settings.at),
        named=channel.capabilities.canary_to is CanaryTo.TARGETS,
    )


def _to(assembly: Assembly, kind: str) -> To:
    channel = assembly.channels[kind].channel
    if channel.capabilities.canary_to is CanaryTo.ADDRESS:
        return only(assembly.settings.canaries[kind].to)
    if isinstance(channel, Targets):
        return only(*(target.ref for target in channel.targets()))

    async def device() -> Sequence[str]:
        found = await assembly.ledger.read(lambda conn: canary_device.current(conn, assembly.keys))
        return () if found is None else (found.line,)

    return device


def _back(settings: CanarySettings, where: str) -> From:
    return convert(settings.back, From, where=where)


def _proof(assembly: Assembly, kind: str) -> Proof:
    has = assembly.channels[kind].channel.capabilities
    if has.canary_to is not CanaryTo.ADDRESS:
        return Proof.SHOWN if has.canary_to is CanaryTo.DEVICE else Proof.TAKEN
    if assembly.settings.canaries[kind].back:
        return Proof.READ_BACK
    reported = bool(has.receipt_wait) or (kind == FAX and bounce_role.configured(assembly.settings))
    return Proof.RECEIPT if reported else Proof.ACCEPTED


def _ways_back(assembly: Assembly, of: Canary) -> list[Source]:
    where = f"[canaries.{of.kind}] back"
    if of.proof is not Proof.READ_BACK:
        return []
    return bounce_role.ways_in(assembly, _back(assembly.settings.canaries[of.kind], where), setting=where)


async def _take(canaries: Canaries, mail: bytes) -> bool:
    """As `channels.mail.intake.Take` says: ours are recognised by Message-ID, which follows from the key."""
    said = str(message_from_bytes(mail).get("Message-ID", ""))
    key = _KEY.search(said)
    return key is not None and await canaries.seen(MAIL, key[1])
