"""A resident's key: signed, durable before a word of thanks, one meaning each; and the order once more."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import aiohttp
import pytest
import pytest_asyncio
from lxml import etree

from hub import reply_link
from hub.asking import Asking
from hub.delivery import ProviderRef
from hub.errors import Forbidden
from hub.exposure import Exposure
from hub.hazard import Hazard
from hub.language import Language
from hub.ledger import audit, register, replies
from hub.ledger.register import Registration
from hub.recipient import Kind, RecipientId, Town
from hub.reply import Given, Reply
from operator_ui.residents.portal import Telephone
from shelters.shelter import Stage
from tests.unit.residents import portal_setup
from tests.unit.residents.portal_setup import CITY, FLOOD, NOW, flood_order, served

HILL = next(town for town in CITY.towns if town not in CITY.presets["tamagawa-flood"].towns)
RIVER = CITY.presets["tamagawa-flood"].towns[0]
NUMBER = "2026-0147"


@dataclass(slots=True)
class Phone:
    """Somebody's, as Twilio plays it to them."""

    town: portal_setup.Town
    web: aiohttp.ClientSession
    people: dict[Town, RecipientId]
    answered: list[tuple[ProviderRef, datetime]] = field(default_factory=list)
    signed: bool = True
    urls: list[str] = field(default_factory=list)

    def form(self, headers: Mapping[str, str], body: bytes, url: str) -> Mapping[str, str]:
        self.urls.append(url)
        if not self.signed:
            raise Forbidden("no")
        return dict(pair.split("=", 1) for pair in body.decode().split("&"))

    async def note(self, ref: ProviderRef, at: datetime) -> None:
        self.answered.append((ref, at))

    def path(self, home: Town = RIVER, language: Language = Language.JA) -> str:
        token = reply_link.token(self.town.keys, NUMBER, self.people[home])
        return f"{reply_link.PATH}{token}/{language}"

    async def press(self, key: str, path: str = "") -> tuple[int, str, list[str]]:
        """The status, what is said, and where the next key goes."""
        data = {"Digits": key, "CallSid": "CA1"}
        async with self.web.post(path or self.path(), data=data) as answer:
            if answer.status != 200:
                return answer.status, "", []
            root = etree.fromstring(await answer.read())
        said = "".join("".join(say.itertext()) for say in root.iter("Say"))
        return 200, said, [str(gather.get("action")) for gather in root.iter("Gather")]

    async def kept(self) -> list[Given]:
        found = await self.town.ledger.read(lambda conn: replies.of_alert(conn, flood_order().identifier))
        return [Given(each.recipient, each.reply, each.at) for each in found]


@pytest_asyncio.fixture
async def phone(town: portal_setup.Town) -> AsyncIterator[Phone]:
    await town.publish(flood_order(), NUMBER)
    homes = (RIVER, HILL)
    people = [
        Registration(
            kind=Kind.RESIDENT, language=Language.JA, town=home, contacts={"voice": f"+81900000000{place}"}
        )
        for place, home in enumerate(homes)
    ]
    ids = await town.ledger.write(lambda conn: register.add(conn, town.keys, people, at=NOW))
    made = Phone(town, None, dict(zip(homes, ids, strict=True)))  # type: ignore[arg-type]
    exposure = Exposure(leaving={Hazard.FLOOD: frozenset(CITY.presets["tamagawa-flood"].towns)})
    town.url = "https://hub.example"
    town.telephone = Telephone(
        asking=Asking(keys=town.keys, exposure=exposure, public_url=town.url),
        form=made.form, answered=made.note, voices={},
    )  # fmt: skip
    async with served(town) as url, aiohttp.ClientSession(url) as web:
        made.web = web
        yield made


async def test_a_key_is_kept_by_the_number_of_the_person_and_the_call_is_answered(phone: Phone) -> None:
    status, said, asked = await phone.press("3")
    assert (status, asked) == (200, [])
    assert "避難が難しい、と市が受け付けました" in said
    assert "119番" in said
    river = phone.people[RIVER]
    assert await phone.kept() == [Given(river, Reply.CANNOT, NOW)]
    assert phone.answered == [(ProviderRef("CA1"), NOW)]
    assert phone.urls == [f"https://hub.example{phone.path()}"], "the address exactly as Twilio was given it"
    (entry,) = await phone.town.ledger.read(
        lambda conn: audit.about(conn, [f"replies {flood_order().identifier}"])
    )
    assert (entry.actor, entry.detail) == ("recipient", {"recipient": river, "reply": "cannot"})


async def test_the_last_reply_counts_and_both_stay_in_the_trail(phone: Phone) -> None:
    for key in ("3", "3", "1"):
        await phone.press(key)
    assert [each.reply for each in await phone.kept()] == [Reply.CANNOT, Reply.SHELTER]
    trail = await phone.town.ledger.read(
        lambda conn: audit.about(conn, [f"replies {flood_order().identifier}"])
    )
    assert sorted(entry.detail["reply"] for entry in trail) == ["cannot", "shelter"]


async def test_nobody_at_the_river_says_that_they_stay_upstairs(phone: Phone) -> None:
    _, said, (again,) = await phone.press("2")
    assert said.startswith("その番号は使いません")
    assert "上の階" not in said
    assert again == f"https://hub.example{phone.path()}"
    assert await phone.kept() == []
    assert phone.answered == [], "a key without a meaning is no answer"
    _, said, _ = await phone.press("2", phone.path(HILL))
    assert "必ず区域の外へ" in said
    assert [each.reply for each in await phone.kept()] == [Reply.UPSTAIRS]


async def test_zero_plays_the_order_once_more_with_the_sites_of_now(phone: Phone) -> None:
    _, said, (again,) = await phone.press("0")
    assert "警戒レベル4、避難指示を発令しました" in said
    assert "避難が難しい方は、3。" in said
    assert FLOOD[0].name.ja not in said
    phone.town.shelters.put(FLOOD[0], Stage.RECEIVING, people=3, capacity=100)
    _, said, _ = await phone.press("0", again.removeprefix("https://hub.example"))
    assert FLOOD[0].name.ja in said
    assert await phone.kept() == []
    assert phone.answered == []


async def test_what_is_over_is_not_played_again_but_a_call_for_help_is_kept(phone: Phone) -> None:
    phone.town.now += timedelta(hours=4)
    _, said, asked = await phone.press("0")
    assert "もう新しくありません" in said
    assert asked == []
    await phone.press("3")
    assert [each.reply for each in await phone.kept()] == [Reply.CANNOT]


async def test_each_is_answered_in_the_language_of_the_call(phone: Phone) -> None:
    _, said, _ = await phone.press("3", phone.path(language=Language.VI))
    assert said.startswith("Thành phố đã ghi nhận")
    assert (await phone.press("3", phone.path().removesuffix("ja") + "ne"))[0] == 404


async def test_whoever_is_not_twilio_or_has_no_such_address_is_refused(phone: Phone) -> None:
    phone.signed = False
    assert (await phone.press("3"))[0] == 403
    phone.signed = True
    token = reply_link.token(phone.town.keys, NUMBER, RecipientId(1))
    for wrong in (token[:-1], token.replace("0147", "0148"), "x"):
        assert (await phone.press("3", f"{reply_link.PATH}{wrong}/ja"))[0] == 404
    unknown = reply_link.token(phone.town.keys, "2026-0999", RecipientId(1))
    _, said, _ = await phone.press("3", f"{reply_link.PATH}{unknown}/ja")
    assert "もう新しくありません" in said
    assert await phone.kept() == []


async def test_while_the_database_is_away_nobody_is_told_that_it_was_noted(
    phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hub.errors import DatabaseAway

    async def away(*_: object) -> None:
        raise DatabaseAway("away")

    monkeypatch.setattr(phone.town.ledger, "write", away)
    _, said, _ = await phone.press("3")
    assert said.startswith("いまは受け付けられません")
    assert phone.answered == []
