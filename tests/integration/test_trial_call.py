"""The trial call: one registered number rings, hears that it is no disaster, and nobody is called twice."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from hub import trial
from hub.alert import Mode
from hub.authorise import Actor, Role
from hub.delivery import Outcome, Result
from hub.errors import BadInput, BadSettings, Conflict, Forbidden
from hub.evacuation import Level
from hub.language import Language
from hub.ledger import audit, register
from hub.ledger.register import Registration
from hub.outbound import Deployment
from hub.recipient import Kind
from hub.settings import Settings
from tests.unit.residents.portal_setup import CITY, NOW, Town, a_town, flood_order
from yobikake import trial_call
from yobikake.rehearsal.inbox import Inbox
from yobikake.rehearsal.twilio import TwilioGateway

ACCOUNT, TOKEN = f"AC{'7' * 32}", "not-a-token-of-anybody"
ABE = Actor(login="abe", name="阿部", roles=frozenset({Role.PHONES}))
PEOPLE = {"090-1111-0000": Language.JA, "090-1111-0001": Language.VI, "090-1111-0002": Language.NE}


@dataclass(slots=True)
class Desk:
    town: Town
    gateway: TwilioGateway
    settings: Settings

    async def call(self, number: str, actor: Actor = ABE) -> Result:
        return await trial_call.call(
            self.settings, self.town.ledger, self.town.keys, number, actor, city=CITY, clock=self.town.clock
        )

    def heard(self, number: str) -> list[str]:
        address = f"+81{number.replace('-', '')[1:]}"
        return [arrival.text for arrival in self.gateway.inbox.of("voice", address)]


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    (tmp_path / "token").write_text(TOKEN)
    gateway = TwilioGateway(Inbox(), account_sid=ACCOUNT, auth_token=TOKEN, clock=lambda: NOW)
    async with a_town(tmp_path, deployment=Deployment.REHEARSAL) as town, gateway:
        people = [
            Registration(kind=Kind.RESIDENT, language=language, contacts={"voice": f"+8190111100{place:02}"})
            for place, language in enumerate(PEOPLE.values())
        ]
        await town.ledger.write(lambda conn: register.add(conn, town.keys, people, at=NOW))
        voice = {
            "account_sid": ACCOUNT,
            "auth_token_file": str(tmp_path / "token"),
            "from_number": "+815012345678",
            "callback_url": "http://127.0.0.1:1/callbacks/voice",
            "base_url": gateway.url,
        }
        yield Desk(town, gateway, Settings(data=tmp_path, city="akishima", channels={"voice": voice}))


async def test_the_number_rings_and_hears_twice_that_it_is_no_disaster(desk: Desk) -> None:
    result = await desk.call("０９０－１１１１－００００")
    assert result.outcome is Outcome.ACCEPTED
    (text,) = desk.heard("090-1111-0000")
    assert text.count("災害の情報ではありません") == 2
    assert "昭島市" in text
    assert "訓練" not in text
    assert len(desk.gateway.calls) == 1
    (entry,) = await desk.town.ledger.read(lambda conn: audit.about(conn, [trial.SUBJECT]))
    assert (entry.actor, entry.detail) == ("abe", {"recipient": result.recipient, "channel": "voice"})


@pytest.mark.parametrize(
    ("number", "words"), [("090-1111-0001", "Đây không phải"), ("090-1111-0002", "no disaster information")]
)
async def test_it_speaks_their_language_or_its_fallback(desk: Desk, number: str, words: str) -> None:
    await desk.call(number)
    assert desk.heard(number)[0].count(words) == 2


@pytest.mark.parametrize(("number", "wrong"), [("090-9999-9999", "not registered"), ("110", "no telephone")])
async def test_whoever_is_not_registered_is_not_called(desk: Desk, number: str, wrong: str) -> None:
    with pytest.raises(BadInput, match=wrong) as refused:
        await desk.call(number)
    assert number not in refused.value.message
    assert desk.gateway.calls == []


async def test_nobody_is_called_twice_in_ten_minutes_nor_two_at_once(desk: Desk) -> None:
    await desk.call("090-1111-0000")
    with pytest.raises(Conflict, match="five seconds"):
        await desk.call("090-1111-0001")
    desk.town.now += timedelta(seconds=5)
    await desk.call("090-1111-0001")
    desk.town.now += timedelta(minutes=9)
    with pytest.raises(Conflict, match="ten minutes"):
        await desk.call("090-1111-0000")
    desk.town.now += timedelta(minutes=1)
    await desk.call("090-1111-0000")
    assert len(desk.gateway.calls) == 3


async def test_a_call_made_by_a_clock_that_was_wrong_keeps_nobody_from_calling(desk: Desk) -> None:
    desk.town.now = NOW + timedelta(days=30)
    await desk.call("090-1111-0000")
    desk.town.now = NOW
    await desk.call("090-1111-0000")
    with pytest.raises(Conflict, match="ten minutes"):
        await desk.call("090-1111-0000")


async def test_the_lines_are_free_while_an_urgent_alert_is_in_force(desk: Desk) -> None:
    await desk.town.publish(flood_order(number="2026-0150", mode=Mode.STAFF_DRILL), "2026-0150")
    await desk.town.publish(flood_order(number="2026-0151", level=Level.ADVISORY), "2026-0151")
    await desk.call("090-1111-0000")
    await desk.town.publish(flood_order(), "2026-0147")
    desk.town.now += timedelta(minutes=1)
    with pytest.raises(Conflict, match="lines are kept free"):
        await desk.call("090-1111-0001")


async def test_a_gateway_that_refuses_is_said_and_not_raised(desk: Desk) -> None:
    desk.gateway.faults.permanent = 1.0
    result = await desk.call("090-1111-0000")
    assert (result.outcome, result.reason) == (Outcome.PERMANENT, "21211")


async def test_it_takes_the_right_and_a_telephone(desk: Desk) -> None:
    viewer = Actor(login="ono", name="小野", roles=frozenset({Role.VIEWER, Role.ADMIN}))
    with pytest.raises(Forbidden):
        await desk.call("090-1111-0000", viewer)
    desk.settings = Settings(data=Path(), city="akishima")
    with pytest.raises(BadSettings, match=r"channels\.voice"):
        await desk.call("090-1111-0000")
    assert desk.gateway.calls == []


def test_every_text_says_that_it_is_no_disaster_and_no_drill() -> None:
    assert trial.WORDS.keys() == set(Language) - {Language.NE}
    for text in trial.WORDS.values():
        assert "訓練" not in text
        assert "drill" not in text.lower()
