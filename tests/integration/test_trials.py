"""New numbers tried over the real wire: what the provider reports of a trial comes by its callback, and no alert takes a
trial's call for its own."""

import asyncio
from collections.abc import AsyncIterator
from datetime import time, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import Connection

import config
from hub import city as cities
from hub import settings
from hub.clock import JST, utc_now
from hub.deliver import _surely_ours
from hub.delivery import ProviderRef
from hub.ledger import register
from hub.ledger import trials as record
from hub.ledger.trials import Finding, Trial
from hub.recipient import RecipientId
from hub.trials import Hours, Trials
from tests.integration.engine import KEYS, Engine, residents, until
from tests.integration.test_engine_receipts import ACCOUNT, NUMBER, TOKEN, telephone_hub
from yobikake import roles
from yobikake.assembly import assemble
from yobikake.bench.town import ended
from yobikake.rehearsal import evening
from yobikake.rehearsal.city import Conditions, rehearsal_city
from yobikake.rehearsal.inbox import Inbox
from yobikake.rehearsal.twilio import TwilioGateway
from yobikake.rehearsal.twilio_phones import Fates

ALWAYS = Hours(begin=time(0), end=time.max)


@pytest.fixture
async def twilio() -> AsyncIterator[TwilioGateway]:
    async with TwilioGateway(Inbox(), account_sid=ACCOUNT, auth_token=TOKEN, fates=Fates()) as gateway:
        yield gateway


async def registered(hub: Engine) -> tuple[RecipientId, Trials]:
    (new,) = await hub.register(residents(1, channel="voice", address=NUMBER))
    await hub.ledger.write(lambda conn: record.ask(conn, [(new, "voice")], at=hub.clock()))
    names = cities.load(config.folder("akishima")).names
    return new, Trials(
        [hub.delivery("voice").channel], ledger=hub.ledger, keys=KEYS, clock=hub.clock, hours=ALWAYS,
        city=names, link="https://here.example",
    )  # fmt: skip


async def known(hub: Engine, recipient: RecipientId) -> Trial:
    found = await hub.ledger.read(lambda conn: record.of(conn, recipient, "voice"))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("fate", "finding", "due"), [("", Finding.CONFIRMED, False), ("no_answer", Finding.NONE, True)]
)
async def test_the_providers_callback_says_what_became_of_it(
    tmp_path: Path, twilio: TwilioGateway, fate: str, finding: Finding, *, due: bool
) -> None:
    if fate:
        setattr(twilio.fates, fate, 1.0)
    async with telephone_hub(tmp_path, twilio) as hub:
        new, trials = await registered(hub)
        async with hub.running():
            await trials.look()
            assert (await known(hub, new)).waiting

            async def heard() -> bool:
                await trials.look()
                return not (await known(hub, new)).waiting

            await until(heard)
        assert (await known(hub, new)).finding is finding
        again = await hub.ledger.read(
            lambda conn: record.due(conn, "voice", at=hub.clock() + timedelta(days=1))
        )
        assert (again is not None) is due
    assert len(twilio.calls) == 1


@pytest.mark.parametrize("answer_lost", [False, True])
async def test_an_alerts_second_try_never_takes_a_trials_call_for_its_own(
    tmp_path: Path, twilio: TwilioGateway, *, answer_lost: bool
) -> None:
    async with telephone_hub(tmp_path, twilio) as hub:
        new, trials = await registered(hub)
        accepted: Any = SimpleNamespace(alert=SimpleNamespace(identifier="another", sent=utc_now()))
        attempt: Any = SimpleNamespace(accepted=accepted)
        other = {ProviderRef("CA1")}
        assert await _surely_ours(hub.delivery("voice"), attempt, new, other) == other
        twilio.faults.silent = float(answer_lost)
        await trials.look()
        (call,) = twilio.calls
        found = {ProviderRef(call.sid)}
        assert await _surely_ours(hub.delivery("voice"), attempt, new, found) == frozenset()


async def test_the_process_of_the_channel_tries_what_is_due(tmp_path: Path) -> None:
    noon = utc_now().astimezone(JST).replace(hour=12, minute=0)
    people = evening.clerks()
    async with rehearsal_city(tmp_path, residents_port=0, staff_port=0, conditions=Conditions()) as town:
        await evening.set_up(town, people, number=0, seed=1, progress=lambda *_: None)
        async with assemble(settings.load(tmp_path / "yobikake.toml"), clock=lambda: noon) as assembly:
            new = residents(1, channel="voice", address=NUMBER)

            def add(conn: Connection) -> None:
                (id_,) = register.add(conn, assembly.keys, new, at=noon)
                record.ask(conn, [(id_, "voice")], at=noon)

            await assembly.ledger.write(add)
            running = asyncio.create_task(roles.run(assembly, ["voice"]))

            async def rang() -> bool:
                return bool(town.inbox.of("voice", NUMBER(0)))

            await until(rang)
            await ended(running)
        (arrival,) = town.inbox.of("voice", NUMBER(0))
    assert "災害の情報ではありません" in arrival.text
