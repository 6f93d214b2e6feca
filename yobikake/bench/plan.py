"""Whether planning an alert takes linear time and constant memory, whatever the size of its audience.

The planner is the hub's own (`hub.fanout` over `hub.source`) with its texts, in a process of its own for each
size, over the embedded ledger in a fresh directory. Two things are not as in a hub that runs: the sealed packs
are written directly, since registering millions one by one takes hours and planning reads nothing else of the
register; and the bus takes what is published and forgets it.
"""

import asyncio
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import Connection, insert

from hub import keys as key_files
from hub import settings, typed
from hub.alert import DecisionMethod, Mode
from hub.blocks import blocks
from hub.city import City
from hub.errors import Refused
from hub.intake import Approval
from hub.keys import Keys
from hub.language import Language
from hub.ledger import packs, tables
from hub.ledger.packs import Trait
from hub.recipient import Kind, RecipientId, Town
from hub.settings import Settings
from yobikake import compose, initialise
from yobikake.assembly import assemble
from yobikake.bench.figures import Machine, Say, machine
from yobikake.bench.hub_apart import only_mail
from yobikake.bench.plan_apart import CHANNEL, Planned
from yobikake.rehearsal import evening
from yobikake.rehearsal.city import Conditions, rehearsal_city
from yobikake.rehearsal.evening import Clerk

PACKS_AT_ONCE = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """One alert to so many people. Bytes are the database file's: of the register, and what the alert added."""

    residents: int
    seconds: float
    seconds_per_million: float
    batches: int
    texts: int
    memory_growth_bytes: int
    """The peak of the planner's resident memory, over what it was before the first step."""
    register_bytes: int
    alert_bytes: int
    bytes_per_recipient: float
    bytes_per_batch: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    sizes: Sequence[Size]
    machine: Machine


class Lost(Exception):
    """Somebody was not planned, or twice."""


async def measure(residents: Sequence[int], *, say: Say) -> Measured:
    """Raises `Lost` if the batches do not hold each resident exactly once."""
    if sys.platform != "linux":
        raise Refused("memory is read from /proc, which only Linux has / メモリーの計測には Linux が必要です")
    found = machine("sqlalchemy", "msgspec", "cryptography")
    return Measured(sizes=[await _size(number, say=say) for number in residents], machine=found)


async def _size(residents: int, *, say: Say) -> Size:
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="yobikake-bench-")))
        found, city, people = await _hub(folder)
        await _pack(found, city, residents, say=say)
        alert = await _accepted(found, people)
        planned = await _planned(folder / "yobikake.toml", alert, say=say)
    if (planned.recipients, planned.distinct) != (residents, residents):
        raise Lost(
            f"{planned.distinct:,} of {residents:,} residents were planned, {planned.recipients:,} times"
        )
    alert_bytes = planned.bytes_after - planned.bytes_before
    return Size(
        residents=residents,
        seconds=planned.seconds,
        seconds_per_million=1_000_000 * planned.seconds / residents,
        batches=planned.batches,
        texts=planned.texts,
        memory_growth_bytes=planned.peak_bytes - planned.resident_bytes,
        register_bytes=planned.bytes_before,
        alert_bytes=alert_bytes,
        bytes_per_recipient=alert_bytes / residents,
        bytes_per_batch=alert_bytes / planned.batches,
    )


async def _hub(folder: Path) -> tuple[Settings, City, tuple[Clerk, Clerk]]:
    people = evening.clerks()
    async with rehearsal_city(folder, residents_port=0, staff_port=0, conditions=Conditions()) as town:
        only_mail(folder / "yobikake.toml", town.smtp.port)
        await evening.set_up(town, people, number=0, seed=1, progress=lambda *_: None)
        return settings.load(folder / "yobikake.toml"), town.city, people


async def _pack(found: Settings, city: City, residents: int, *, say: Say) -> None:
    keys = key_files.load(found.keys)
    async with initialise.opened(found) as ledger:
        written = 0
        for rows in blocks(invented(keys, city, residents), PACKS_AT_ONCE):
            await ledger.write(partial(_insert, rows))
            before, written = written, written + sum(len(row["ids"]) for row in rows)
            if before // 1_000_000 < written // 1_000_000:
                say(f"sealed the addresses of {written:,} of {residents:,} residents")


def invented(keys: Keys, city: City, residents: int) -> Iterator[dict[str, Any]]:
    """The packs of so many invented residents, as many in each language and town."""
    towns, languages = list(city.towns.values()), tuple(Language)
    for zone in sorted({town.zone for town in towns}):
        here = {place: town.code for place, town in enumerate(towns) if town.zone == zone}
        for number, language in enumerate(languages):
            people = (
                (RecipientId(n + 1), town)
                for begin in range(number, residents, len(languages) * len(towns))
                for place, town in here.items()
                if (n := begin + place * len(languages)) < residents
            )
            for block in blocks(people, packs.PACK):
                yield _packed(keys, language, zone, block)


def _packed(
    keys: Keys, language: Language, zone: str, block: Sequence[tuple[RecipientId, Town]]
) -> dict[str, Any]:
    return packs.written(
        keys,
        CHANNEL,
        language,
        zone,
        ids=[id_ for id_, _ in block],
        traits=[Trait(town, Kind.RESIDENT, drills=False, suppressed=False) for _, town in block],
        addresses=[f"bench{id_}@mail.example" for id_, _ in block],
        support=[False] * len(block),
    )


def _insert(rows: Sequence[dict[str, Any]], conn: Connection) -> None:
    conn.execute(insert(tables.packs), rows)


async def _accepted(found: Settings, people: tuple[Clerk, Clerk]) -> str:
    """An evacuation order for the whole city, approved, in a text for each language and zone."""
    author, approver = (clerk.actor for clerk in people)
    async with assemble(found) as assembly:
        message = compose.message(
            compose.template(evening.TEMPLATE),
            assembly.city,
            area=None,
            mode=Mode.LIVE,
            channels=(CHANNEL,),
            method=DecisionMethod.HEADQUARTERS,
            ordered_at=assembly.clock(),
            grounds="bench",
        )
        saved = await assembly.intake.save(message, author)
        draft = await assembly.intake.submit(saved.id, author, seen=saved.version)
        approval = Approval(draft=draft.id, version=draft.version, typed=message.level)
        return (await assembly.intake.accept(approval, approver)).alert.identifier


async def _planned(path: Path, alert: str, *, say: Say) -> Planned:
    """What the planner's process tells; what it says on the way is passed on."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "yobikake.bench.plan_apart", str(path), alert,
        stdout=asyncio.subprocess.PIPE,
        env=os.environ | {"MALLOC_ARENA_MAX": "1"},  # mallopt(3): threads share one, whatever runs when
    )  # fmt: skip
    try:
        assert process.stdout is not None  # noqa: S101 - a pipe was asked for
        last = b""
        async for line in process.stdout:
            if last:
                say(last.decode().strip())
            last = line
        if await process.wait():
            raise Lost("the planner ended early; what it said stands above / 計画が途中で終わりました")
        return typed.from_json(last, Planned)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
