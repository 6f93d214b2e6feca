"""Posts that the provider would refuse for their number wait, and urgent ones find the room that routine ones left."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from channels.x import Settings, X
from channels.x.account import Keys
from hub.alert import Lane, Mode
from hub.breaker import Waits
from hub.clock import utc_now
from hub.delivery import BatchId, Outcome, Result
from hub.evacuation import Level
from hub.language import Language
from hub.ledger import tables
from hub.ledger.register import Registration
from hub.recipient import Kind, Targeting, WholeCity
from tests.integration.engine import OUTBOUND, Engine, engine, until
from yobikake.rehearsal.inbox import Inbox
from yobikake.rehearsal.x import XGateway

LIVE, DRILL = "1234567890", "2345678901"
HOUR = timedelta(hours=1)


@pytest.fixture
async def x() -> AsyncIterator[XGateway]:
    async with XGateway(Inbox()) as gateway:
        yield gateway


def keys(folder: Path, account: str) -> Keys:
    files = {name: folder / f"{account}-{name}" for name in Keys.__struct_fields__}
    for path in files.values():
        path.write_text(f"{account}-not-a-key-of-anybody")
    return Keys(**files)


@pytest.fixture
async def hub(x: XGateway, tmp_path: Path) -> AsyncIterator[Engine]:
    """Four posts in a quarter of an hour: two at once, of which routine may use one."""
    settings = Settings(
        account=keys(tmp_path, LIVE), drill_account=keys(tmp_path, DRILL), base_url=x.url,
        posts_per_15_min=4, card=False,
    )  # fmt: skip
    channel = X(settings, outbound=OUTBOUND, clock=utc_now)
    async with engine(tmp_path, channels={"x": channel}, backoff=(timedelta(hours=1),)) as hub:
        await hub.register([Registration(kind=Kind.TARGET, language=Language.JA, contacts={"x": "post:ja"})])
        yield hub


async def posted(hub: Engine, level: Level) -> list[Result]:
    """Of one alert: what was said of its post. Nothing: the batch was given back."""
    alert = await hub.send(level=level, targeting=Targeting(audience=WholeCity(), channels=("x",)))
    await hub.fanout.plan(alert)
    wanted = select(tables.batches.c.id).where(tables.batches.c.alert == alert)
    [batch] = await hub.ledger.read(lambda conn: conn.scalars(wanted).all())
    lane = Lane.URGENT if level >= Level.ELDERLY_EVACUATE else Lane.ROUTINE
    return list((await hub.delivery("x", lane).attempt(BatchId(batch), lambda _: None)).values())


async def test_routine_posts_wait_and_leave_room_for_an_urgent_one(hub: Engine, x: XGateway) -> None:
    assert [result.outcome for result in await posted(hub, Level.ADVISORY)] == [Outcome.ACCEPTED]
    assert await posted(hub, Level.ADVISORY) == [], "it waits, and costs no try"
    assert [result.outcome for result in await posted(hub, Level.EVACUATE)] == [Outcome.ACCEPTED]
    assert await posted(hub, Level.EVACUATE) == [], "now urgent ones wait, too"
    assert len([request for request in x.requests if request.method == "POST"]) == 2


@pytest.mark.parametrize(("fault", "bad", "good"), [("throttle", 1.0, 0.0), ("credentials", True, False)])
async def test_what_is_wrong_with_the_drill_account_holds_up_no_live_post(
    hub: Engine, x: XGateway, fault: str, bad: float, good: float
) -> None:
    to = Targeting(audience=WholeCity(), channels=("x",))
    waits = Waits(first=HOUR, longest=HOUR, credentials=HOUR)
    async with asyncio.TaskGroup() as group:
        roles = (hub.planner.run, hub.worker("x", waits=waits).run)
        running = [group.create_task(role()) for role in roles]
        setattr(x.faults, fault, bad)
        drill = await hub.send(mode=Mode.STAFF_DRILL, targeting=to)

        async def put_off() -> bool:
            return (await hub.tally(drill))["x"].retrying == 1

        await until(put_off)
        setattr(x.faults, fault, good)
        await hub.done(await hub.send(targeting=to))
        for task in running:
            task.cancel()
    assert len(x.inbox.of("x", f"post:{LIVE}")) == 1
    assert not x.inbox.of("x", f"post:{DRILL}")
