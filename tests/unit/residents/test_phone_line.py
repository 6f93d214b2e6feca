"""Who calls in hears what is in force, at once, in their language; then again; and never what is over."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

import aiohttp
import pytest
import pytest_asyncio
from lxml import etree
from multidict import MultiDict
from twilio.request_validator import RequestValidator

from channels.telephone import phone_in
from channels.telephone.phone_in import MENU
from hub.alert import Mode
from hub.asking import Asking
from hub.cap import MsgType
from hub.delivery import ProviderRef
from hub.errors import Forbidden, HubError
from hub.evacuation import Level
from hub.language import Language
from hub.slots import figures
from operator_ui.residents.phone_press import ROUNDS
from operator_ui.residents.portal import PhoneIn, Telephone
from operator_ui.residents.static_site import StaticSite
from shelters.shelter import Stage
from tests.unit.residents import portal_setup
from tests.unit.residents.portal_setup import CITY, FLOOD, NOT_FLOOD, NOW, flood_order, served
from yobikake.rehearsal.twilio_callers import Caller, Heard

TOKEN = "not-a-token-of-anybody"
ORDER = "洪水に関する警戒レベル4、避難指示を発令しました"


@dataclass(slots=True)
class Line:
    town: portal_setup.Town
    url: str

    async def call(self, *keys: str, token: str = TOKEN) -> Heard:
        caller = Caller(account_sid="AC" + "5" * 32, auth_token=token)
        return await caller.call(f"{self.url}/phone", keys=keys)


async def nobody(_ref: ProviderRef, _at: datetime) -> None:
    pytest.fail("a caller is no answer")


@pytest_asyncio.fixture
async def line(town: portal_setup.Town) -> AsyncIterator[Line]:
    found = Line(town, "")

    def form(headers: Mapping[str, str], body: bytes, url: str) -> Mapping[str, str]:
        fields = MultiDict(parse_qsl(body.decode(), keep_blank_values=True))
        if not RequestValidator(TOKEN).validate(url, fields, headers.get("X-Twilio-Signature", "")):
            raise Forbidden("no")
        return fields

    town.telephone = Telephone(asking=Asking(keys=town.keys), form=form, answered=nobody, voices={})
    town.phone_in = PhoneIn(number="050-0000-0000", voices={})
    async with served(town) as first:  # its port becomes the address
        town.url = first
    async with served(town, port=int(first.rpartition(":")[2])) as url:
        found.url = url
        yield found


async def test_the_order_is_told_at_once_in_japanese_and_repeated_until_it_is_hung_up(line: Line) -> None:
    await line.town.publish(flood_order(), "2026-0147")
    heard = await line.call()
    first = [text for _, text in heard.said[:2]]
    assert first[0] == "昭島市の災害情報です。21時49分現在です。"
    assert first[1].startswith("警戒レベル4 避難指示")
    assert [heard.said[2 + place][1] for place in (0, 1)] == ["日本語は、1。", "For English, press 2."]
    assert heard.text("ja-JP").count(ORDER) == ROUNDS
    assert heard.hung_up
    assert len(heard.fetched) == ROUNDS
    assert heard.said[-1][1].endswith("電話を切ります。")


CHOICES = {
    "2": ("en-US", "evacuat"),
    "3": ("cmn-CN", "避难"),
    "4": ("ko-KR", "피난"),
    "5": ("vi-VN", "sơ tán"),
    "6": ("ja-JP", "今すぐ安全なところへ逃げてください"),
}


async def test_a_key_chooses_the_language_of_all_that_follows(line: Line) -> None:
    await line.town.publish(flood_order(), "2026-0147")
    front = len((await line.call()).said) // ROUNDS
    for key, (tag, words) in CHOICES.items():
        heard = await line.call(key)
        after = heard.said[front:]
        assert {its for its, _ in after[-4:]} == {tag}
        assert words in heard.text(tag)
        assert f"/{MENU[key]}/" in heard.fetched[-1]
        easy = "".join(text for its, text in after if its == tag and key == "6")
        assert "（" not in easy, "a voice reads no ruby"


async def test_a_key_that_chooses_nothing_goes_on_in_the_same_language(line: Line) -> None:
    heard = await line.call("2", "9")
    assert [url.rpartition("/phone")[2] for url in heard.fetched[:4]] == ["", "/ja/key", "/en/key", "/en/1"]


async def test_nothing_in_force_is_said_with_its_time(line: Line) -> None:
    heard = await line.call("2")
    assert "いま、昭島市が出している緊急の情報はありません。21時49分に確かめました。" in heard.text("ja-JP")
    assert "There is no emergency information from" in heard.text("en-US")
    assert "21:49" in heard.text("en-US")


async def test_what_was_replaced_is_not_told_and_the_highest_level_comes_first(line: Line) -> None:
    old = flood_order()
    await line.town.publish(old, "2026-0147")
    newer = flood_order(
        number="2026-0148", msg_type=MsgType.UPDATE, references=(old.identifier,), sequence=2,
        level=Level.SECURE_LIFE, sent=NOW,
    )  # fmt: skip
    other = flood_order(number="2026-0149", level=Level.ELDERLY_EVACUATE, sent=NOW)
    await line.town.publish(other, "2026-0149")
    await line.town.publish(newer, "2026-0148")
    heard = await line.call()
    assert heard.text("ja-JP").count(ORDER) == 2 * ROUNDS, "two of the three"


async def test_a_drill_is_told_only_where_nothing_live_is_in_force(line: Line) -> None:
    drill = flood_order(number="2026-0150", mode=Mode.RESIDENT_DRILL)
    await line.town.publish(drill, "2026-0150")
    await line.town.publish(flood_order(number="2026-0151", mode=Mode.STAFF_DRILL), "2026-0151")
    alone = (await line.call()).text("ja-JP")
    assert "訓練" in alone
    assert alone.count(ORDER) == ROUNDS, "the staff's is nobody's"
    line.town.now += timedelta(seconds=2)
    await line.town.publish(flood_order(), "2026-0147")
    heard = (await line.call()).text("ja-JP")
    assert "訓練" not in heard
    assert heard.count(ORDER) == ROUNDS


async def test_the_sites_are_those_that_receive_and_are_designated(line: Line) -> None:
    await line.town.publish(flood_order(), "2026-0147")
    line.town.shelters.put(FLOOD[0], Stage.RECEIVING, people=3, capacity=100)
    line.town.shelters.put(FLOOD[1], Stage.PREPARING)
    line.town.shelters.put(NOT_FLOOD[0], Stage.RECEIVING, people=3, capacity=100)
    said = (await line.call()).text("ja-JP")
    assert FLOOD[0].name.ja in said
    assert FLOOD[1].name.ja not in said
    assert NOT_FLOOD[0].name.ja not in said


async def test_who_called_the_line_is_told_another_number_where_no_site_can_be_named(line: Line) -> None:
    await line.town.publish(flood_order(), "2026-0147")
    said = (await line.call()).text("ja-JP")
    assert figures(CITY.contact.telephone, Language.JA) in said
    assert figures("042-555-0100", Language.JA) not in said, "what calls say: the line's own"


async def test_a_text_without_the_list_is_followed_by_it(line: Line) -> None:
    order = flood_order()
    infos = tuple(
        portal_setup.replace(info, speech=info.speech.replace("{shelters}", "")) for info in order.infos
    )
    await line.town.publish(portal_setup.replace(order, infos=infos), "2026-0147")
    line.town.shelters.put(FLOOD[0], Stage.RECEIVING, people=3, capacity=100)
    heard = await line.call("2")
    assert f"洪水のときに使える避難場所{FLOOD[0].name.ja}" in heard.text("ja-JP")
    assert f"{FLOOD[0].name.en}: 1–4 people now" in heard.text("en-US")


async def test_what_could_not_be_checked_since_says_so_and_gives_the_number(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    await line.town.publish(flood_order(), "2026-0147")
    line.town.shelters.put(FLOOD[0], Stage.RECEIVING, people=3, capacity=100)
    assert FLOOD[0].name.ja in (await line.call()).text("ja-JP")

    async def away(*_: object) -> None:
        raise HubError("away")

    monkeypatch.setattr(line.town.ledger, "read", away)
    line.town.now += timedelta(minutes=3)
    said = (await line.call()).text("ja-JP")
    assert "21時49分より後の情報は、まだ確かめられていません。" in said
    assert "、".join(" ".join(part) for part in CITY.contact.telephone.split("-")) in said
    assert ORDER in said
    assert FLOOD[0].name.ja not in said


async def test_only_twilio_is_told(line: Line) -> None:
    with pytest.raises(aiohttp.ClientResponseError) as refused:
        await line.call(token="another")
    assert refused.value.status == 403


async def test_many_callers_hear_what_was_written_once(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    front = phone_in.front

    def noted(*said: Any, **places: Any) -> str:
        written.append(front(*said, **places))
        return written[-1]

    monkeypatch.setattr(phone_in, "front", noted)
    await line.town.publish(flood_order(), "2026-0147")
    calls = await asyncio.gather(*(line.call() for _ in range(12)))
    assert len(written) == 1
    assert all(each.said == calls[0].said for each in calls)


async def test_as_files_it_says_that_it_may_be_old_and_names_no_site(line: Line) -> None:
    await line.town.publish(flood_order(), "2026-0147")
    line.town.shelters.put(FLOOD[0], Stage.RECEIVING, people=3, capacity=100)
    site = StaticSite(line.town.portal())
    files = (await site.site()).files
    await site.close()
    assert {path for path in files if path.startswith("phone/")} == {
        "phone/index.xml",
        *(f"phone/{each}.xml" for each in MENU.values() if each is not Language.JA),
    }
    root = etree.fromstring(files["phone/index.xml"])
    said = "".join(root.itertext())
    assert said.count(ORDER) == 2
    assert "21時49分より後の情報は、まだ確かめられていません。" in said
    assert not any(site.name.ja in said for site in FLOOD)
    assert [(each.get("action"), each.get("method")) for each in root.iter("Gather")] == [
        (f"/phone/{each}.xml", "GET") for each in MENU.values() if each is not Language.JA
    ]
    assert all(b"<Gather" not in files[f"phone/{each}.xml"] for each in ("en", "ko"))


async def test_a_hub_without_a_line_has_no_such_address_and_no_such_file(town: portal_setup.Town) -> None:
    async with served(town) as url, aiohttp.ClientSession() as web, web.post(f"{url}/phone") as answer:
        assert answer.status == 404
    site = StaticSite(town.portal())
    assert not any(path.startswith("phone/") for path in (await site.site()).files)
    await site.close()


async def test_the_page_gives_the_number_and_says_what_is_heard_there(line: Line) -> None:
    async with aiohttp.ClientSession() as web, web.get(f"{line.url}/en/") as answer:
        page = await answer.text()
    assert 'href="tel:05000000000"' in page
    assert "You can also hear what is in force by telephone." in page
