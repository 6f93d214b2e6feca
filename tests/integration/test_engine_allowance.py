"""Posts that the provider would refuse for their number wait, and urgent ones find the room that routine ones left."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import select

from channels.x import Settings, X
from channels.x.account import Keys
from hub.alert import Lane
from hub.clock import utc_now
from hub.delivery import BatchId, Outcome, Result
from hub.evacuation import Level
from hub.language import Language
from hub.ledger import tables
from hub.ledger.register import Registration
from hub.recipient import Kind, Targeting, WholeCity
from tests.integration.engine import OUTBOUND, Engine, engine
from yobikake.rehearsal.inbox import Inbox
from yobikake.rehearsal.x import XGateway


@pytest.fixture
async def x() -> AsyncIterator[XGateway]:
    async with XGateway(Inbox()) as gateway:
        yield gateway


@pytest.fixture
async def hub(x: XGateway, tmp_path: Path) -> AsyncIterator[Engine]:
    """Four posts in a quarter of an hour: two at once, of which routine may use one."""
    keys = {name: tmp_path / name for name in Keys.__struct_fields__}
    for path in keys.values():
        path.write_text("1234567890-not-a-key-of-anybody")
    settings = Settings(account=Keys(**keys), base_url=x.url, posts_per_15_min=4, card=False)
    channel = X(settings, outbound=OUTBOUND, clock=utc_now)
    async with engine(tmp_path, channels={"x": channel}) as hub:
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
