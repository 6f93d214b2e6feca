"""The on-call list in the console: numbers for those who may have to call, and a plain form."""

from datetime import timedelta

from lxml.html import document_fromstring

from tests.unit.operator_ui.desk import Desk, Person, somebody


def calls(page: str) -> list[str]:
    """What can be tapped, in order."""
    return [str(href) for href in document_fromstring(page).xpath("//ol[contains(@class,'called')]//a/@href")]


async def given(person: Person, **fields: str) -> str:
    await person.get("/on-call")
    return await person.submit(
        "/on-call", **{name.replace("_", "-"): value for name, value in fields.items()}
    )


async def test_the_list_is_kept_in_the_order_of_its_numbers(desk: Desk) -> None:
    async with somebody(desk, "sato") as person:
        assert "今日の当番が決まっていません" in await person.get("/on-call")
        await given(
            person,
            name_0="伊藤 代理", duty_0="deputy", phone_0="042-000-0002", order_0="2",
            name_1="佐藤 当番", phone_1="090-0000-0001", mail_1="sato@work.example", order_1="1",
        )  # fmt: skip
        assert calls(person.page) == ["tel:090-0000-0001", "mailto:sato@work.example", "tel:042-000-0002"]
        await given(person, name_0="", phone_0="", mail_0="")
        assert calls(person.page) == ["tel:042-000-0002"]
        await given(person, until_0="2026-09-12")
        assert "9月12日(土) まで" in person.page
        desk.now += timedelta(hours=3)
        assert "今日の当番が決まっていません" in await person.get("/on-call")


async def test_what_is_wrong_is_said_beside_it_and_the_rest_is_kept(desk: Desk) -> None:
    async with somebody(desk, "sato") as person:
        page = await given(person, name_0="佐藤", phone_0="内線3", name_1="伊藤", phone_1="042-000-0002")
        assert person.status == 422
        assert 'href="#phone-0"' in page
        assert 'value="伊藤"' in page
        page = await given(person, name_0="佐藤", phone_0="090-0000-0001", since_0="soon")
        assert 'href="#since-0"' in page
        assert "今日の当番が決まっていません" in await person.get("/on-call")


async def test_of_two_who_edit_at_once_one_is_told(desk: Desk) -> None:
    async with somebody(desk, "sato") as person, somebody(desk, "tanaka") as other:
        await other.get("/on-call")
        await given(person, name_0="佐藤", phone_0="090-0000-0001")
        page = await other.submit("/on-call", **{"name-0": "田中", "phone-0": "090-0000-0009"})
        assert other.status == 409
        assert "ほかの人が先に変更しました" in page
        assert calls(page) == ["tel:090-0000-0001"]


async def test_numbers_are_not_for_everyone_who_looks(desk: Desk) -> None:
    async with (
        somebody(desk, "sato") as approver,
        somebody(desk, "ito") as composer,
        somebody(desk, "ono") as viewer,
    ):
        await given(approver, name_0="佐藤", phone_0="090-0000-0001")
        page = await composer.get("/on-call")
        assert calls(page) == ["tel:090-0000-0001"]
        assert 'name="name-0"' not in page
        await composer.post("/on-call", {"name-0": "x", "phone-0": "090-0000-0002", "revision": "1"})
        assert composer.status == 403
        await viewer.get("/on-call")
        assert viewer.status == 403
