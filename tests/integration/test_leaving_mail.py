"""An alert, its mail, one click, and the next alert."""

import email
import email.policy
from collections import Counter
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import aiohttp
import pytest

from hub import unsubscribe
from hub.delivery import Outcome
from hub.ledger import audit
from tests.integration.engine import KEYS, Engine, engine, mail, received, residents
from tests.unit.residents.portal_setup import Shelters, Town, served
from yobikake.rehearsal.inbox import Inbox
from yobikake.rehearsal.smtp import SmtpGateway


@pytest.fixture
async def smarthost() -> AsyncIterator[SmtpGateway]:
    async with SmtpGateway(Inbox()) as gateway:
        yield gateway


@pytest.fixture
async def hub(tmp_path: Path, smarthost: SmtpGateway) -> AsyncIterator[Engine]:
    channel = mail(smarthost.port, personal=True)
    async with engine(tmp_path, channels={"mail": channel}) as made, served(_pages(made)) as url:
        channel.leave_by(url + unsubscribe.PATH, partial(unsubscribe.token, KEYS, "mail"))
        yield made


def _pages(hub: Engine) -> Town:
    return Town(ledger=hub.ledger, keys=KEYS, shelters=Shelters(), now=hub.clock())


def ways_out(smarthost: SmtpGateway) -> dict[str, str]:
    """The one-click address that stands in each one's mail."""
    found = {}
    for octets in smarthost.messages:
        message = email.message_from_bytes(octets, policy=email.policy.default)
        assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        found[str(message["To"])] = str(message["List-Unsubscribe"]).strip("<>")
    return found


async def click(address: str) -> None:
    async with aiohttp.ClientSession() as provider:
        body = {"List-Unsubscribe": "One-Click"}
        async with provider.post(address, data=body, allow_redirects=False) as answer:
            assert answer.status == 200


async def test_the_next_alert_does_not_go_to_who_has_left(hub: Engine, smarthost: SmtpGateway) -> None:
    ids = await hub.register(residents(7))
    async with hub.running():
        first = await hub.send()
        await hub.done(first)
        ways = ways_out(smarthost)
        assert ways.keys() == set(hub.addresses.values())
        await click(ways[hub.addresses[ids[2]]])
        second = await hub.send()
        await hub.done(second)
    assert set((await hub.outcomes(first)).values()) == {Outcome.ACCEPTED}, "what was sent stays as it is"
    assert set(await hub.outcomes(second)) == set(ids) - {ids[2]}
    got = received(smarthost.inbox)
    assert got.pop(hub.addresses[ids[2]]) == 1
    assert Counter(got.values()) == {2: 6}
    (entry,) = await hub.ledger.read(lambda conn: audit.about(conn, [f"recipient {ids[2]}"]))
    assert entry.action == "register.leave"
    await hub.audited()


async def test_what_was_planned_and_not_begun_finds_no_address(hub: Engine, smarthost: SmtpGateway) -> None:
    ids = await hub.register(residents(6))
    async with hub.running():
        await hub.done(await hub.send())
    ways = ways_out(smarthost)
    async with hub.running("fanout"):
        second = await hub.send()
        await hub.planned(second)
    await click(ways[hub.addresses[ids[0]]])
    async with hub.running():
        await hub.done(second)
    outcomes = await hub.outcomes(second)
    assert outcomes.pop(ids[0]) is Outcome.NO_ADDRESS
    assert set(outcomes.values()) == {Outcome.ACCEPTED}
