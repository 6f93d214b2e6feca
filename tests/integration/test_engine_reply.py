"""A called resident's key through the engine: telephone, signature, ledger, receipt; and no key is no answer."""

from collections import Counter
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from pathlib import Path

import pytest

from channels.voice import Settings, Voice
from hub.asking import Asking
from hub.channel import Receipt
from hub.clock import utc_now
from hub.delivery import Outcome, ProviderRef
from hub.exposure import Exposure
from hub.hazard import Hazard
from hub.language import Language
from hub.ledger import replies
from hub.ledger.register import Registration
from hub.recipient import Kind, Targeting, Town, WholeCity
from hub.reply import Reply, counts
from operator_ui.residents.portal import Telephone
from tests.integration.engine import KEYS, OUTBOUND, Engine, engine, until
from tests.unit.residents import portal_setup
from tests.unit.residents.portal_setup import Shelters, served
from yobikake.rehearsal.inbox import Inbox
from yobikake.rehearsal.twilio import TwilioGateway

ACCOUNT, TOKEN = f"AC{'7' * 32}", "not-a-token-of-anybody"
EXPOSURE = Exposure(leaving={Hazard.FLOOD: frozenset({Town("river")})})


@pytest.fixture
async def twilio() -> AsyncIterator[TwilioGateway]:
    async with TwilioGateway(Inbox(), account_sid=ACCOUNT, auth_token=TOKEN) as gateway:
        yield gateway


@pytest.fixture
async def hub(tmp_path: Path, twilio: TwilioGateway) -> AsyncIterator[Engine]:
    token = tmp_path / "twilio.token"
    token.write_text(TOKEN)
    settings = Settings(
        account_sid=ACCOUNT, auth_token_file=token, from_number="+815012345678", base_url=twilio.url,
        callback_url="http://127.0.0.1:1/callbacks/voice", calls_per_s=30,
    )  # fmt: skip
    voice = Voice(settings, outbound=OUTBOUND, clock=utc_now)
    async with engine(tmp_path, channels={"voice": voice}) as made:
        made.exposure = EXPOSURE
        town = portal_setup.Town(
            ledger=made.ledger, keys=KEYS, shelters=Shelters(), now=made.clock(), url="http://127.0.0.1"
        )
        town.telephone = telephone(made, voice)
        async with served(town) as url:
            made.public_url = url
            yield made


def telephone(hub: Engine, voice: Voice) -> Telephone:
    def form(headers: Mapping[str, str], body: bytes, url: str) -> Mapping[str, str]:
        path = url.removeprefix("http://127.0.0.1")  # the listener's port is known once it listens
        return voice.signed_form(headers, body, url=f"{hub.public_url}{path}")

    async def answered(ref: ProviderRef, at: datetime) -> None:
        await hub.postbox.post("voice", [Receipt(ref=ref, outcome=Outcome.ANSWERED, at=at)])

    return Telephone(
        asking=Asking(keys=KEYS, exposure=EXPOSURE, public_url="http://127.0.0.1"),
        form=form, answered=answered, voices={},
    )  # fmt: skip


async def test_keys_are_answers_and_who_presses_none_is_only_called(
    hub: Engine, twilio: TwilioGateway
) -> None:
    people = [
        Registration(
            kind=Kind.RESIDENT,
            language=Language.JA,
            town=Town("river"),
            contacts={"voice": f"+8190000000{n:02}"},
        )
        for n in range(12)
    ]
    ids = await hub.register(people)
    twilio.fates.keys = ("1", "3", "")
    async with hub.running():
        alert = await hub.send(targeting=Targeting(audience=WholeCity(), channels=("voice",)))

        async def answered() -> bool:
            return (await hub.tally(alert))["voice"].answered == 8

        await until(answered)
    tally = (await hub.tally(alert))["voice"]
    assert (tally.planned, tally.answered, tally.awaiting) == (12, 8, 4), "who pressed nothing did not answer"
    given = await hub.ledger.read(lambda conn: replies.of_alert(conn, alert))
    assert counts(given) == Counter({Reply.SHELTER: 4, Reply.CANNOT: 4})
    assert {each.recipient for each in given if each.reply is Reply.CANNOT} == set(ids[1::3])
    assert all(
        "市が受け付けました" in call.heard for call in twilio.calls if call.heard and call.to[-1] in "147"
    )
    texts = [arrival.text for n in range(12) for arrival in twilio.inbox.of("voice", f"+8190000000{n:02}")]
    assert all("避難が難しい方は、3" in text and "上の階にいる" not in text for text in texts)
    await hub.audited()
