"""A database that goes away in the middle of an alert costs time: nobody gets it twice, nobody is missed.

It has a server of its own, since it ends it.
"""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import structlog

from hub.delivery import Outcome
from hub.gate import Leases
from hub.ledger import migrations
from tests.integration.engine import engine, mail, received, residents, until
from tests.servers.absence import absent
from yobikake.rehearsal.inbox import Inbox
from yobikake.rehearsal.servers.folder import temporary
from yobikake.rehearsal.servers.postgresql import PostgreSQL
from yobikake.rehearsal.servers.program import advice, missing
from yobikake.rehearsal.smtp import SmtpGateway

pytestmark = pytest.mark.postgresql

PEOPLE = 300
BRIEF = Leases(lease=timedelta(seconds=60), life=timedelta(seconds=3))


@pytest.fixture
async def postgresql() -> AsyncIterator[PostgreSQL]:
    if lacking := missing(PostgreSQL.needs()):
        absent(advice(lacking))
    with temporary("test-postgresql-") as folder:
        server = PostgreSQL(folder)
        await server.start()
        yield server
        await server.stop()


@pytest.mark.parametrize("ended", ["stopped", "killed"])
async def test_what_is_known_when_the_database_goes_away_is_written_when_it_is_back(
    tmp_path: Path, postgresql: PostgreSQL, ended: str
) -> None:
    url = postgresql.create("hub")
    await asyncio.to_thread(migrations.upgrade, url)
    async with SmtpGateway(Inbox()) as smarthost:
        smarthost.faults.drain_per_s = 100
        channels = {"mail": mail(smarthost.port, recipients_per_transaction=5)}
        async with engine(tmp_path, channels=channels, url=url, leases=BRIEF, only_process=False) as hub:
            await hub.register(residents(PEOPLE))
            with structlog.testing.capture_logs() as lines:
                async with hub.running():
                    alert = await hub.send()

                    async def half_went_out() -> bool:
                        return len(smarthost.messages) > PEOPLE / 5 / 2

                    await until(half_went_out)
                    await (postgresql.stop() if ended == "stopped" else postgresql.kill())
                    away_from = len(lines)

                    async def away_for_a_life() -> bool:
                        unheard = [
                            each for each in lines[away_from:] if "nothing is sent once" in each["event"]
                        ]
                        return len(unheard) > BRIEF.life / BRIEF.renew_every + 1

                    await until(away_for_a_life)
                    fenced = smarthost.transactions
                    assert len(smarthost.messages) < PEOPLE / 5, "the end came too late to show anything"
                    await postgresql.start()
                    assert smarthost.transactions == fenced, "sent by one who could not say that it lives"
                    await hub.done(alert)
            outcomes = await hub.outcomes(alert)
            assert outcomes.keys() == hub.addresses.keys()
            assert set(outcomes.values()) == {Outcome.ACCEPTED}
            assert set(received(smarthost.inbox).values()) == {1}, "an outcome that was known was lost"
