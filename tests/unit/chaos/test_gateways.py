"""The gateways of a run, spoken to by the program's own connectors, and what happens to them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, cast
from uuid import uuid4

import msgspec
import pytest
from aiohttp import web

from hub import settings
from hub.alert import Mode
from hub.channel import Callbacks, Channel, Parcel, Receipt
from hub.clock import utc_now
from hub.delivery import BatchId, Outcome, Result
from hub.errors import DeliveryFailure
from hub.language import Language
from hub.ledger import Ledger
from hub.outbound import Deployment, Outbound
from hub.recipient import Recipient, RecipientId
from hub.testing import parcels
from yobikake import connectors
from yobikake.chaos.faults import gateway as gateway_faults
from yobikake.chaos.gateways import Gateways
from yobikake.chaos.plan import CHANNELS, FLOOD, Act, Plan, Step
from yobikake.chaos.run import Run
from yobikake.chaos.shapes import Embedded
from yobikake.rehearsal.residents import Place, residents
from yobikake.rehearsal.servers.port import free_port

NUMBER = "2026-0147"


@dataclass(slots=True, kw_only=True)
class Sender:
    """A hub's connectors without the hub: what is sent is sent once, and a callback is only counted."""

    gateways: Gateways
    channels: dict[str, Channel]
    receipts: list[Receipt] = field(default_factory=list)

    async def send(self, channel: str, *, number: str = NUMBER) -> list[Result]:
        """To some dozen people, or by one post."""
        parcel = a_parcel(channel, number)
        try:
            async with asyncio.timeout(120):
                return [result async for result in self.channels[channel].send(parcel)]
        except DeliveryFailure:
            return []

    async def take(self, request: web.Request) -> web.Response:
        voice = cast(Callbacks, self.channels["voice"])
        self.receipts += voice.parse(request.headers, await request.read())
        return web.Response(status=204)


def a_parcel(channel: str, number: str = NUMBER) -> Parcel:
    told = msgspec.structs.replace(
        parcels.content(Language.JA),
        number=number,
        mode=Mode.LIVE,
        sent=utc_now(),
        identifier=f"hub.example-{number}",
        link=f"http://127.0.0.1/ja/a/{number}",
    )
    people = [persona.registration for persona in residents([Place("t", "z", 1)], n=80, voice_max=8)]
    addresses = (
        ["post:ja"]
        if channel == "x"
        else [person.contacts[channel] for person in people if channel in person.contacts]
    )
    return Parcel(
        batch_id=BatchId(str(uuid4())),
        attempt=1,
        idempotency_key=uuid4(),
        mode=Mode.LIVE,
        expires_at=utc_now(),
        content=told,
        to=[Recipient(id=RecipientId(id_), address=address) for id_, address in enumerate(addresses)],
        gate=lambda: None,
    )


@asynccontextmanager
async def a_sender(folder: Path, seed: int = 0) -> AsyncIterator[Sender]:
    """The callbacks' listener ends last: the gateways report to it until they are stopped."""
    port, made = free_port(), list[Sender]()

    async def take(request: web.Request) -> web.Response:
        return await made[0].take(request)

    async with AsyncExitStack() as stack:
        app = web.Application()
        app.add_routes([web.post("/callbacks/voice", take)])
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", port).start()
        gateways = await stack.enter_async_context(Gateways(folder, residents_port=port, seed=seed))
        stanzas: dict[str, Any] = gateways.stanzas()
        values = settings.convert(
            {"data": str(folder / "data"), "city": "akishima", "channels": stanzas},
            settings.Settings,
            where="test",
        )
        outbound = Outbound(deployment=Deployment.REHEARSAL)
        built = connectors.build(values, outbound, utc_now)
        sender = Sender(gateways=gateways, channels={kind: each.channel for kind, each in built.items()})
        made.append(sender)
        for channel in sender.channels.values():
            await channel.open()
            stack.push_async_callback(channel.close)
        yield sender


@pytest.fixture
async def sender(tmp_path: Path) -> AsyncIterator[Sender]:
    async with a_sender(tmp_path) as sender:
        yield sender


@pytest.mark.parametrize("channel", CHANNELS)
async def test_a_hub_can_send_through_them_and_they_know_what_it_sent(sender: Sender, channel: str) -> None:
    results = await sender.send(channel)
    assert {result.outcome for result in results} == {Outcome.ACCEPTED}
    entries = sender.gateways.log.entries()
    assert [each.address for each in entries.taken] == [each.address for each in a_parcel(channel).to]
    assert {(each.channel, each.number, each.drill, each.answered) for each in entries.taken} == {
        (channel, NUMBER if channel != "voice" else "", False, True)
    }


@pytest.mark.parametrize("channel", CHANNELS)
async def test_every_connector_finds_them_well(sender: Sender, channel: str) -> None:
    assert (await sender.channels[channel].probe()).ok


async def test_calls_are_reported_to_the_hub(sender: Sender) -> None:
    await sender.send("voice")
    async with asyncio.timeout(120):
        while sender.gateways.busy:
            await asyncio.sleep(0.01)
    assert len(sender.receipts) == len(a_parcel("voice").to)


async def test_secrets_are_nobody_elses(tmp_path: Path) -> None:
    Gateways(tmp_path, residents_port=1)
    files = list((tmp_path / "secrets").iterdir())
    assert files
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}


def a_run(sender: Sender, folder: Path) -> Run:
    """Of an operator who uses every channel; there is no hub process in it."""
    step = Step(act=Act.SEND, template=FLOOD, channels=CHANNELS)
    return Run(
        plan=Plan(seed=0, steps=(step,), hits=()),
        folder=folder,
        shape=Embedded(),
        people={},
        gateways=sender.gateways,
        hub={},
        ledger=Ledger(f"sqlite:///{folder / 'none.db'}"),
    )


async def sending(sender: Sender) -> None:
    """On every channel, again and again, each time about another alert: nothing is sent twice."""
    number = 0
    while True:
        number += 1
        await asyncio.gather(*(sender.send(channel, number=f"2026-{number:04}") for channel in CHANNELS))


FOR_GOOD = {"refused_5xx", "partial_refusals"}
"""Who does not exist does not exist afterwards either."""


@pytest.mark.parametrize("kind", gateway_faults.FAULTS)
async def test_every_kind_hits_a_hub_that_sends_and_is_over_then(
    sender: Sender, tmp_path: Path, kind: str
) -> None:
    run = a_run(sender, tmp_path)
    busy = asyncio.create_task(sending(sender))
    try:
        assert await gateway_faults.FAULTS[kind](run, Random(1))
    finally:
        busy.cancel()
        await asyncio.gather(busy, return_exceptions=True)
    struck = len(sender.gateways.log.entries().struck)
    for channel in CHANNELS if kind not in FOR_GOOD else ():
        assert {each.outcome for each in await sender.send(channel, number="2026-9999")} == {Outcome.ACCEPTED}
    assert len(sender.gateways.log.entries().struck) == struck


@pytest.mark.parametrize("kind", gateway_faults.FAULTS)
async def test_what_finds_nobody_to_hit_did_not_fire(sender: Sender, tmp_path: Path, kind: str) -> None:
    run = a_run(sender, tmp_path)
    run.over.set()
    assert not await gateway_faults.FAULTS[kind](run, Random(0))


async def test_the_same_seed_gives_the_same_unknown_addresses(tmp_path: Path) -> None:
    refused = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        async with a_sender(tmp_path / name, seed=5) as sender:
            sender.gateways.faults("mail").permanent = 0.5
            await sender.send("mail")
            refused.append([each.address for each in sender.gateways.log.entries().refused])
    assert refused[0] == refused[1] != []
