"""What residents say by telephone, on the alert's page; and who needs help, by zone, for those who may see it."""

from dataclasses import replace
from datetime import timedelta

import pytest
from lxml.html import document_fromstring

from hub.authorise import Role
from hub.delivery import Outcome
from hub.language import Language
from hub.ledger import accounts, audit, register, replies, support
from hub.ledger.register import Registration
from hub.recipient import Kind, RecipientId
from hub.reply import Given, Reply
from tests.unit.operator_ui import desk as desks
from tests.unit.operator_ui.desk import CITY, HASHED, NOW, Desk, somebody
from tests.unit.operator_ui.test_following_an_alert import an_alert, carry

pytestmark = pytest.mark.usefixtures("telephone")

RIVER = CITY.presets["tamagawa-flood"].towns[0]
HILL = next(town for town in CITY.towns if CITY.zone_of(town) != CITY.zone_of(RIVER))


@pytest.fixture
def telephone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The console's mail is a telephone here."""
    keypad = replace(desks.CAPABILITIES["mail"], takes_keys=True)
    monkeypatch.setattr(desks, "CAPABILITIES", {**desks.CAPABILITIES, "mail": keypad})


async def called(desk: Desk) -> list[RecipientId]:
    """Three with a number each: two at the river, one elsewhere."""
    people = [
        Registration(
            kind=Kind.RESIDENT, language=language, town=town, contacts={"mail": f"+8190111100{place:02}"}
        )
        for place, (town, language) in enumerate(
            ((RIVER, Language.JA), (RIVER, Language.VI), (HILL, Language.JA))
        )
    ]
    return await desk.ledger.write(lambda conn: register.add(conn, desk.keys, people, at=NOW))


async def say(desk: Desk, alert: str, who: RecipientId, reply: Reply, *, minutes: int = 0) -> None:
    given = Given(who, reply, desk.now + timedelta(minutes=minutes))
    await desk.ledger.write(lambda conn: replies.put(conn, alert, given))


def counted(page: str) -> dict[str, str]:
    rows = document_fromstring(page).xpath('//section[@id="replies"]//tbody/tr')
    return {row.xpath("string(th)").split()[0]: row.xpath("string(td)") for row in rows}


async def test_the_page_counts_each_person_once_by_their_last_reply(desk: Desk) -> None:
    identifier = await an_alert(desk)
    async with somebody(desk, "ono") as viewer:
        assert counted(await viewer.get(f"/alerts/{identifier}")) == {}, "nobody is called"
        await carry(desk, identifier, [Outcome.DELIVERED] * 40)
        first, second, third = await called(desk)
        assert counted(await viewer.get(f"/alerts/{identifier}")) == {
            "避難場所へ": "0", "自宅の上の階": "0", "避難が難しい": "0",
        }  # fmt: skip
        await say(desk, identifier, first, Reply.SHELTER)
        await say(desk, identifier, second, Reply.SHELTER)
        await say(desk, identifier, second, Reply.CANNOT)
        await say(desk, identifier, third, Reply.CANNOT)
        page = await viewer.get(f"/alerts/{identifier}/live")
    assert counted(page) == {"避難場所へ": "1", "自宅の上の階": "0", "避難が難しい": "2"}
    assert "電話の対象 40人中、3人が答えました" in page
    assert "助けを求めた人の一覧" not in page, "that is not for whoever only looks"


async def test_who_needs_help_is_listed_by_zone_with_the_number_and_looking_is_recorded(desk: Desk) -> None:
    identifier = await an_alert(desk)
    await carry(desk, identifier, [Outcome.DELIVERED] * 3)
    first, second, third = await called(desk)
    await say(desk, identifier, third, Reply.CANNOT)
    await say(desk, identifier, second, Reply.CANNOT, minutes=1)
    await say(desk, identifier, first, Reply.CANNOT)
    desk.now += timedelta(minutes=5)
    async with somebody(desk, "ito") as author:
        assert "助けを求めた人の一覧" in await author.get(f"/alerts/{identifier}")
        page = document_fromstring(await author.get(f"/alerts/{identifier}/replies"))
    zones = [
        (part.xpath("string(.//h2)"), part.xpath(".//li//a/@href")) for part in page.xpath("//main//section")
    ]
    assert zones == [
        (CITY.zones[CITY.zone_of(RIVER)].name.ja, ["tel:+819011110000", "tel:+819011110001"]),
        (CITY.zones[CITY.zone_of(HILL)].name.ja, ["tel:+819011110002"]),
    ]
    assert "Tiếng Việt" in page.text_content(), "whom to have at the telephone"
    assert "09011110000" in page.text_content()
    (entry,) = await desk.ledger.read(lambda conn: audit.about(conn, [f"replies {identifier}"]))
    assert (entry.actor, entry.action, entry.detail) == ("ito", "replies.read", {"people": 3})
    await desk.ledger.read(lambda conn: audit.verify(conn, desk.keys))


async def test_who_had_said_beforehand_that_they_need_help_comes_first(desk: Desk) -> None:
    identifier = await an_alert(desk)
    first, second, _ = await called(desk)
    await desk.ledger.write(lambda conn: support.change(conn, desk.keys, second, needs=True))
    await say(desk, identifier, first, Reply.CANNOT)
    await say(desk, identifier, second, Reply.CANNOT, minutes=1)
    async with somebody(desk, "ito") as author:
        page = document_fromstring(await author.get(f"/alerts/{identifier}/replies"))
    said = ["手助けが必要" in row.text_content() for row in page.xpath("//main//section//li")]
    assert said == [True, False]


async def test_whoever_is_on_their_way_is_not_listed_and_who_has_left_the_register_is(desk: Desk) -> None:
    identifier = await an_alert(desk)
    first, *_ = await called(desk)
    await say(desk, identifier, first, Reply.CANNOT)
    await say(desk, identifier, first, Reply.SHELTER)
    async with somebody(desk, "tanaka") as approver:
        assert "まだいません" in await approver.get(f"/alerts/{identifier}/replies")
        await say(desk, identifier, RecipientId(99), Reply.CANNOT)  # has left the register
        page = await approver.get(f"/alerts/{identifier}/replies")
    assert "町が分からない人" in page
    assert "いまは登録がありません" in page


@pytest.mark.parametrize(("role", "may"), [(Role.WELFARE, True), (Role.PHONES, False)])
async def test_the_list_is_for_welfare_and_headquarters(desk: Desk, role: Role, *, may: bool) -> None:
    identifier = await an_alert(desk)
    first, *_ = await called(desk)
    await say(desk, identifier, first, Reply.CANNOT)
    await desk.ledger.write(
        lambda conn: accounts.add(
            conn, login="fuku", name="福田", password_hash=HASHED, roles=frozenset({role}), at=NOW
        )
    )
    async with somebody(desk, "fuku") as someone:
        page = await someone.get(f"/alerts/{identifier}/replies")
        assert someone.status == (200 if may else 403)
    assert ("09011110000" in page) is may
