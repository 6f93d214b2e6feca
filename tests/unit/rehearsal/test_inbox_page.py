"""Looking over the shoulder of an invented resident: what came, and why something did not."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import aiohttp
import msgspec
import pytest
import pytest_asyncio
from lxml import html
from sqlalchemy import Connection

from channels.line.message import messages
from channels.line.words import DETAILS
from hub.alert import Mode
from hub.capabilities import Capabilities, Unit
from hub.delivery import Batch, BatchId, Outcome, Result, Variant
from hub.evacuation import Level
from hub.language import Language
from hub.ledger import batches, plans, register
from hub.ledger.batches import Planned
from hub.ledger.plans import Cursor
from hub.ledger.register import Registration
from hub.level_words import LEVEL_WORDS
from hub.recipient import Kind, RecipientId, Town
from hub.testing import parcels
from tests.unit.residents.portal_setup import CITY, NOW, a_town, flood_order
from tests.unit.residents.portal_setup import Town as Hub
from yobikake.rehearsal import inbox_page, story
from yobikake.rehearsal.inbox import Arrival, Inbox, Picture
from yobikake.rehearsal.inbox_page import sentences
from yobikake.rehearsal.line_messages import Message
from yobikake.rehearsal.residents import Persona
from yobikake.rehearsal.story import Someone

WET, DRY = CITY.presets["tamagawa-flood"].towns[0], Town("13207-001")
CHANNELS = {
    "line": Capabilities(kind="line", japanese="LINE", batch_size=500),
    "mail": Capabilities(kind="mail", japanese="メール", batch_size=100),
    "x": Capabilities(kind="x", japanese="X", batch_size=1, unit=Unit.POSTS),
}
NUMBER = "2026-0147"


def persona(name: str, town: Town, *, kind: Kind = Kind.RESIDENT, **contacts: str) -> Persona:
    language = Language.VI if name == "Vũ Minh" else Language.JA
    return Persona(
        name=name, registration=Registration(kind=kind, language=language, contacts=contacts, town=town)
    )


PEOPLE = [
    persona("Vũ Minh", WET, line="U1", mail="p1@mail.example"),
    persona("青葉 明", WET, mail="p2@mail.example"),
    persona("朝日 健", DRY, mail="p3@mail.example"),
    persona("職員 一", Town(""), kind=Kind.STAFF, mail="p4@work.example"),
]


@pytest_asyncio.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Hub]:
    async with a_town(tmp_path) as made:
        await made.ledger.write(
            lambda conn: register.add(conn, made.keys, [each.registration for each in PEOPLE], at=NOW)
        )
        yield made


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


def came(channel: str, address: str, seconds: float, *, key: str = "k", text: str = NUMBER) -> Arrival:
    at = NOW - timedelta(minutes=1) + timedelta(seconds=seconds)
    chat = (Message(type="text", text=text),) if channel == "line" else ()
    return Arrival(channel=channel, address=address, at=at, subject="件名", text=text, key=key, chat=chat)


async def recorded(hub: Hub, channel: str, results: dict[int, tuple[Outcome, str]]) -> None:
    """One batch of the alert on a channel, handed over with these results; planning is then complete."""

    def work(conn: Connection) -> None:
        members = tuple(RecipientId(each) for each in results)
        batch = Batch(
            id=BatchId(f"{channel}-0"),
            alert=flood_order().identifier,
            version=1,
            mode=Mode.LIVE,
            lane=flood_order().lane,
            channel=channel,
            variant=Variant(Language.JA, None),
            seq=0,
            members=members,
            content_hash="0" * 64,
            idempotency_key=UUID(int=1),
            expires=flood_order().expires,
        )
        batches.insert_content(conn, "0" * 64, b"{}")
        plans.advance(
            conn,
            batch.alert,
            channel,
            step=0,
            to=Cursor(),
            planned=[Planned(batch, NOW)],
            complete_at=NOW,
        )
        (claimed,) = batches.claim(conn, [batch.id], owner="test", lease=timedelta(minutes=1))
        said = {
            position: Result(members[position], outcome, None, reason)
            for position, (outcome, reason) in enumerate(results.values())
        }
        assert batches.record(
            conn,
            [
                batches.Record(
                    batch=claimed,
                    owner="test",
                    results=said,
                    children=(),
                    moved=(),
                    settles_at=None,
                    reached_between=None,
                )
            ],
        )

    await hub.ledger.write(work)


async def told(hub: Hub, inbox: Inbox, number: int) -> Sequence[story.Story]:
    someone = Someone(RecipientId(number), PEOPLE[number - 1])
    return await hub.ledger.read(lambda conn: story.stories(conn, someone, inbox, CHANNELS))


async def publish(hub: Hub) -> None:
    from msgspec.structs import replace

    alert = flood_order()
    targeting = replace(alert.targeting, channels=("line", "mail", "x"))
    await hub.publish(replace(alert, targeting=targeting), NUMBER)


async def test_what_came_stands_in_time_order_with_the_hubs_own_record(hub: Hub, inbox: Inbox) -> None:
    await publish(hub)
    await recorded(hub, "line", {1: (Outcome.ACCEPTED, "")})
    await recorded(hub, "mail", {1: (Outcome.ACCEPTED, ""), 2: (Outcome.PERMANENT, "5.1.1")})
    inbox.add(came("mail", "p1@mail.example", 28))
    inbox.add(came("line", "U1", 1))
    (one,) = await told(hub, inbox, 1)
    assert [item.channel.kind for item in one.items] == ["line", "mail"]
    assert [item.record.outcome for item in one.items if item.record] == [Outcome.ACCEPTED] * 2
    assert (one.first_after, one.channels, one.doubles) == (timedelta(seconds=1), 2, 0)


async def test_what_was_sent_in_vain_says_why(hub: Hub, inbox: Inbox) -> None:
    await publish(hub)
    await recorded(hub, "mail", {2: (Outcome.PERMANENT, "5.1.1")})
    (two,) = await told(hub, inbox, 2)
    line, mail = two.items
    assert line.why.startswith("この手段を登録していません")
    assert mail.record == story.Record(Outcome.PERMANENT, "5.1.1", 1, False)
    assert mail.why == ""


async def test_what_was_not_sent_says_why(hub: Hub, inbox: Inbox) -> None:
    await publish(hub)
    (before,) = await told(hub, inbox, 2)
    assert before.items[1].why.startswith("送信の準備中です")
    (dry,) = await told(hub, inbox, 3)
    assert dry.items[1].why.startswith("対象の地域に住んでいません")
    (staff,) = await told(hub, inbox, 4)
    assert staff.items[1].why.startswith("職員は住民あての配信の対象ではありません")


async def test_the_same_thing_twice_on_a_channel_is_seen(hub: Hub, inbox: Inbox) -> None:
    await publish(hub)
    inbox.add(came("line", "U1", 1, key="a"))
    inbox.add(came("line", "U1", 5, key="b"))
    (one,) = await told(hub, inbox, 1)
    assert one.doubles == 1


async def test_what_belongs_to_no_alert_stands_apart(hub: Hub, inbox: Inbox) -> None:
    inbox.add(came("mail", "p4@work.example", -3600, text="呼び出し"))
    await publish(hub)
    _, other = await told(hub, inbox, 4)
    assert other.told is None
    assert [arrival.text for arrival in other.came] == ["呼び出し"]


async def test_people_who_are_not_the_registered_ones_are_refused(hub: Hub, inbox: Inbox) -> None:
    with pytest.raises(ValueError, match="does not hold these people"):
        async with inbox_page.serve(hub.ledger, inbox, PEOPLE[1:], CHANNELS, port=0):
            pass


@pytest_asyncio.fixture
async def web(hub: Hub, inbox: Inbox) -> AsyncIterator[aiohttp.ClientSession]:
    towns = {town.code: town.name.ja for town in CITY.towns.values()}
    async with (
        inbox_page.serve(hub.ledger, inbox, PEOPLE, CHANNELS, port=0, towns=towns) as url,
        aiohttp.ClientSession(url, headers={"Accept-Language": "ja"}) as session,
    ):
        yield session


async def page(web: aiohttp.ClientSession, path: str) -> html.HtmlElement:
    async with web.get(path) as answer:
        assert answer.status == 200
        return html.fromstring(await answer.text())


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", ["Vũ Minh", "青葉 明", "朝日 健", "職員 一"]),
        ("?language=vi", ["Vũ Minh"]),
        (f"?town={WET}", ["Vũ Minh", "青葉 明"]),
        ("?channel=line", ["Vũ Minh"]),
        ("?kind=staff", ["職員 一"]),
        ("?came=yes", ["青葉 明"]),
        ("?came=no", ["Vũ Minh", "朝日 健", "職員 一"]),
        ("?name=朝日", ["朝日 健"]),
        ("?language=ko", []),
    ],
)
async def test_people_are_found(
    web: aiohttp.ClientSession, inbox: Inbox, query: str, names: list[str]
) -> None:
    inbox.add(came("mail", "p2@mail.example", 1))
    found = await page(web, f"/{query}")
    assert [each.text for each in found.xpath("//ul[@class='people']//b")] == names


async def test_a_person_leads_to_the_next_who_fits(web: aiohttp.ClientSession) -> None:
    found = await page(web, "/p/2?kind=resident")
    assert found.xpath("//a[@rel='prev']/@href") == ["/p/1?kind=resident"]
    assert found.xpath("//a[@rel='next']/@href") == ["/p/3?kind=resident"]
    assert (await page(web, "/p/3?kind=resident")).xpath("//a[@rel='next']") == []
    async with web.get("/p/5") as answer:
        assert answer.status == 404


async def test_a_persons_page_shows_what_they_read_and_that_nobody_is_real(
    web: aiohttp.ClientSession, hub: Hub, inbox: Inbox
) -> None:
    await publish(hub)
    inbox.add(came("line", "U1", 1, text="Cảnh báo cấp 4\nhttp://127.0.0.1:8081/vi/a/2026-0147 <b>"))
    found = await page(web, "/p/1")
    (bubble,) = found.find_class("bubble")
    assert bubble.getparent().get("lang") == "vi"
    assert bubble.text_content().endswith("<b>")
    assert bubble.xpath(".//a/@href") == ["http://127.0.0.1:8081/vi/a/2026-0147"]
    assert "実在の人には送りません" in found.find_class("band")[0].text_content()
    assert "U1" not in found.text_content().split()


async def test_a_bubble_of_line_is_drawn_as_one(web: aiohttp.ClientSession, hub: Hub, inbox: Inbox) -> None:
    await publish(hub)
    chat = msgspec.convert(messages(parcels.content(Language.VI)), tuple[Message, ...])
    inbox.add(replace(came("line", "U1", 1), chat=chat))
    found = await page(web, "/p/1")
    bubble, text = chat
    ((header,), (button,)) = (found.find_class(name) for name in ("flex-header", "flex-button"))
    words = LEVEL_WORDS[Language.VI]
    assert header.get("class") == "flex-header l4"
    assert [each.text for each in header] == [f"{words.level}4", words.names[Level.EVACUATE]]
    assert button.text == DETAILS[Language.VI]
    assert [each.text_content() for each in found.xpath("//p[@class='who']/span")] == [bubble.altText]
    assert [each.text_content() for each in found.find_class("bubble")] == [text.text]


async def test_anybody_sees_posts_and_the_wifi(web: aiohttp.ClientSession, inbox: Inbox) -> None:
    inbox.add(came("x", "post:1", 1, text="警戒レベル4"))
    for name in ("City-Free-Wi-Fi", "00000JAPAN"):
        inbox.add(Arrival(channel="wifi", address="N_1", at=NOW, subject=name, text="{}", key=name))
    found = (await page(web, "/public")).text_content()
    assert "警戒レベル4" in found
    assert "00000JAPAN: 1施設" in found


async def test_a_post_shows_its_picture_with_its_words(web: aiohttp.ClientSession, inbox: Inbox) -> None:
    inbox.add(came("x", "post:1", 1, text="警戒レベル4"))
    [post] = inbox.of("x", "post:1")
    assert not (await page(web, "/public")).xpath("//img")
    inbox.pictures["1800"] = inbox.pictures[post.key] = Picture(
        png=b"\x89PNG", alt_text="警戒レベル4 避難指示"
    )
    (shown,) = (await page(web, "/public")).xpath("//img")
    assert shown.get("alt") == "警戒レベル4 避難指示"
    async with web.get("/pictures/1800") as answer:
        assert (answer.content_type, await answer.read()) == ("image/png", b"\x89PNG")
    async with web.get("/pictures/1801") as answer:
        assert answer.status == 404


async def test_what_comes_is_told_to_an_open_page(web: aiohttp.ClientSession, hub: Hub, inbox: Inbox) -> None:
    await publish(hub)
    async with web.get("/events/1") as stream:
        first = await event(stream)
        assert first in (await page(web, "/p/1")).xpath("//@data-version")
        inbox.add(came("line", "U1", 1))
        assert await event(stream) != first


async def event(stream: aiohttp.ClientResponse) -> str:
    async for line in stream.content:
        if line.startswith(b"data: "):
            return line.removeprefix(b"data: ").decode().strip()
    raise AssertionError("the stream ended")


def test_a_voice_is_cut_into_sentences() -> None:
    assert sentences("緊急放送。こちらは、昭島市です。") == ["緊急放送。", "こちらは、昭島市です。"]
    assert sentences("Emergency. Level 4.") == ["Emergency.", "Level 4."]
