"""One connector that cannot be opened: the hub starts, all other channels deliver, and its own waits without a loss (I7)."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from channels.line import Line
from hub import health, outage, settings
from hub.alert import Lane
from hub.clock import utc_now
from hub.errors import Refused
from hub.ledger import tables
from hub.progress import Tally, progress
from tests.integration.engine import until
from yobikake import roles
from yobikake.assembly import Assembly, assemble
from yobikake.bench.town import ended
from yobikake.rehearsal import evening
from yobikake.rehearsal.city import Conditions, rehearsal_city

RESIDENTS = 40


@pytest.fixture(autouse=True)
def tried_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.opening.LONGEST_S", 0.05)


async def test_the_hub_starts_the_others_deliver_and_the_channel_follows_once_it_opens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opens, broken = Line.open, True

    async def odd(line: Line) -> None:
        await opens(line)
        if broken:
            raise TypeError("the library has changed")

    monkeypatch.setattr(Line, "open", odd)
    people = evening.clerks()
    async with rehearsal_city(tmp_path, residents_port=0, staff_port=0, conditions=Conditions()) as town:
        await evening.set_up(town, people, number=RESIDENTS, seed=1, progress=lambda *_: None)
        async with assemble(settings.load(tmp_path / "yobikake.toml")) as assembly:
            ready = asyncio.Event()
            running = asyncio.create_task(roles.run(assembly, roles.names(assembly), ready=ready.set))
            await ready.wait()
            sent, _ = await evening.alert(assembly, *people, grounds="test", whole_city=True)
            alert = sent.alert.identifier

            async def mail_is_done() -> bool:
                return (await _tallies(assembly, alert))["mail"].done

            await until(mail_is_done)
            waiting = (await _tallies(assembly, alert))["line"]
            assert waiting.planned > 0
            assert (waiting.pending, waiting.retrying) == (waiting.planned, 0), (
                "nobody is sent to, and nobody is given up"
            )
            assert await _seen(assembly) == (False, {Lane.URGENT, Lane.ROUTINE})
            assert await _pages(assembly) == ["probe line"]

            broken = False

            async def line_is_done() -> bool:
                return (await _tallies(assembly, alert))["line"].done

            await until(line_is_done)

            async def nothing_is_left_of_it() -> bool:
                return await _seen(assembly) == (True, set())

            await until(nothing_is_left_of_it)
            through = (await _tallies(assembly, alert))["line"]
            await ended(running)
    assert through.accepted == waiting.planned


async def test_a_gateway_of_the_other_kind_of_hub_still_keeps_it_from_starting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(_: Line) -> None:
        raise Refused("[channels.line] base_url: a rehearsal gateway / 訓練用です")

    monkeypatch.setattr(Line, "open", refuse)
    people = evening.clerks()
    async with rehearsal_city(tmp_path, residents_port=0, staff_port=0, conditions=Conditions()) as town:
        await evening.set_up(town, people, number=0, seed=1, progress=lambda *_: None)
        async with assemble(settings.load(tmp_path / "yobikake.toml")) as assembly:
            with pytest.raises(Refused, match="base_url"):
                await roles.run(assembly, roles.names(assembly))


async def _tallies(assembly: Assembly, alert: str) -> dict[str, Tally]:
    return await assembly.ledger.read(
        lambda conn: progress(conn, alert, assembly.capabilities, now=utc_now())
    )


async def _seen(assembly: Assembly) -> tuple[bool, set[Lane]]:
    """What staff see of it: whether it answers, and the lanes on which nothing goes out."""
    known = await health.known(assembly.live, ["line"])
    outages = await outage.known(assembly.live, ["line"], now=utc_now())
    return known["line"].ok, {each.lane for each in outages}


async def _pages(assembly: Assembly) -> list[str]:
    def topics(conn: Any) -> list[str]:
        return [row.topic for row in conn.execute(select(tables.pages.c.topic))]

    return await assembly.ledger.read(topics)
