"""The telephone desk: what residents read, agreed answers in versions, shelters to name, calls counted."""

from datetime import timedelta
from uuid import uuid4

import pytest
from lxml.html import document_fromstring
from msgspec.structs import replace
from sqlalchemy import Connection

from hub.authorise import Role
from hub.exposure import NOBODY_FIRST
from hub.ledger import accounts, answers, audit, calls
from shelters.plans import AtOnce, origins_of
from tests.unit.operator_ui.desk import CITY, HASHED, NOW, SITES, Desk, Person, somebody
from tests.unit.operator_ui.test_approving import submitted
from tests.unit.operator_ui.test_following_an_alert import an_alert, event
from tests.unit.operator_ui.test_shelter_list import holds
from tests.unit.operator_ui.test_wall import open_sites, said

WATER = {"seen": "0", "question": "水はどこでもらえますか", "reply": "拝島会館で配っています。", "hazard": ""}


async def written(person: Person, **changes: str) -> str:
    """The id of a new answer."""
    await person.get("/phone-desk/answers")
    answer = next(form.action for form in document_fromstring(person.page).forms if "answers/" in form.action)
    await person.post(answer, WATER | changes)
    assert person.path.startswith("/phone-desk"), person.page
    return answer.rpartition("/")[2]


async def tap(person: Person, answer: str, call: str | None = None) -> str:
    """Count one call, and return its id."""
    await person.get("/phone-desk")
    call = call or str(uuid4())
    await person.post("/phone-desk/calls", {"call": call, "answer": answer})
    return call


def today(page: str, answer: str) -> int:
    (count,) = document_fromstring(page).xpath(f'//*[@id="count-{answer or "other"}"]//b')
    return int(count.text_content())


async def test_it_shows_what_residents_read_and_no_staff_drill(desk: Desk) -> None:
    async with somebody(desk, "sato") as author:
        path = await submitted(author, "landslide-4", mode="staff_drill")
        await author.submit(f"{path}/send", typed="4")
        assert "いま住民に出している緊急の情報はありません" in await author.get("/phone-desk")
        assert "【訓練】" not in said(author.page)
    await an_alert(desk)
    async with somebody(desk, "ono") as viewer:
        page = said(await viewer.get("/phone-desk"))
    assert "警戒レベル4避難指示" in page
    assert "21時47分" in page, "slots are filled"
    assert "{" not in page


async def test_an_answer_is_kept_in_versions_with_who_wrote_them(desk: Desk) -> None:
    async with somebody(desk, "ito") as author:
        answer = await written(author)
        assert "拝島会館で配っています。" in author.page
        desk.now += timedelta(minutes=20)
        await author.get(f"/phone-desk/answers/{answer}")
        await author.submit(f"/phone-desk/answers/{answer}", "save", reply="市役所で配っています。")
        assert "拝島会館で配っています。" not in await author.get("/phone-desk")
        page = await author.get(f"/phone-desk/answers/{answer}")
        tree = document_fromstring(page)
        assert [each.text_content() for each in tree.xpath("//ol//del")] == ["［削除］拝島会館［削除おわり］"]
        assert [each.text_content() for each in tree.xpath("//ol//ins")] == ["［追加］市役所［追加おわり］"]
        assert "第2版9月12日(土)22:07・伊藤" in said(page)
    newest, first = await desk.ledger.read(lambda conn: answers.versions(conn, answer))
    assert (newest.version, newest.by, first.reply) == (2, "ito", "拝島会館で配っています。")
    entries = await desk.ledger.read(lambda conn: audit.about(conn, [f"answer {answer}"]))
    assert [(each.action, each.detail) for each in entries] == [
        ("answer.write", {"version": 2}),
        ("answer.write", {"version": 1}),
    ]


async def test_of_two_who_change_an_answer_the_slower_keeps_what_they_typed(desk: Desk) -> None:
    async with somebody(desk, "ito") as author, somebody(desk, "sato") as other:
        answer = await written(author)
        await other.get(f"/phone-desk/answers/{answer}")
        await author.get(f"/phone-desk/answers/{answer}")
        await author.submit(f"/phone-desk/answers/{answer}", "save", reply="市役所です。")
        await other.submit(f"/phone-desk/answers/{answer}", "save", reply="学校です。")
        assert other.status == 409
        assert "ほかの人が先に変更しました" in other.page
        assert "学校です。</textarea>" in other.page
        assert "市役所" in said(other.page)
    assert len(await desk.ledger.read(lambda conn: answers.versions(conn, answer))) == 2


async def test_an_answer_without_words_is_refused_and_says_so(desk: Desk) -> None:
    async with somebody(desk, "ito") as author:
        answer = str(uuid4())
        await author.get("/phone-desk/answers")
        await author.post(f"/phone-desk/answers/{answer}", WATER | {"reply": " ", "question": "水" * 201})
        assert author.status == 422
        assert "答えを書いてください" in author.page
        assert "200字までにしてください" in author.page
    assert await desk.ledger.read(answers.current) == []


async def test_a_withdrawn_answer_warns_and_is_counted_no_more(desk: Desk) -> None:
    async with somebody(desk, "ito") as author:
        answer = await written(author)
        await author.get(f"/phone-desk/answers/{answer}")
        await author.submit(f"/phone-desk/answers/{answer}", "withdraw")
        page = await author.get("/phone-desk")
        assert "取り下げた答えです。案内しないでください" in page
        assert "拝島会館" not in page
        assert f'id="count-{answer}"' not in page
        desk.now += timedelta(hours=24)
        assert "水はどこで" not in await author.get("/phone-desk")


async def test_an_answer_for_a_hazard_stands_there_only_in_that(desk: Desk) -> None:
    async with somebody(desk, "ito") as author:
        await written(author, hazard="flood", question="川はどこまで来ていますか")
        assert "川はどこまで" not in await author.get("/phone-desk")
        await an_alert(desk)
        assert "川はどこまで" in await author.get("/phone-desk")


async def test_one_tap_counts_one_call_however_often_it_is_sent(desk: Desk) -> None:
    async with somebody(desk, "ito") as clerk:
        answer = await written(clerk)
        call = await tap(clerk, answer)
        await tap(clerk, answer, call)
        assert today(clerk.page, answer) == 1
        await tap(clerk, answer)
        await tap(clerk, "")
        assert (today(clerk.page, answer), today(clerk.page, "")) == (2, 1)
    entries = await desk.ledger.read(lambda conn: audit.about(conn, [f"call {call}"]))
    assert [(each.actor, each.action) for each in entries] == [("ito", "call.count")]


async def test_who_counted_takes_it_back_once_and_nobody_else_does(desk: Desk) -> None:
    async with somebody(desk, "ito") as clerk, somebody(desk, "sato") as other:
        call = await tap(clerk, "")
        assert "数えました" in clerk.page
        assert "数えました" not in await other.get(f"/phone-desk?counted={call}")
        await other.post(f"/phone-desk/calls/{call}/undo")
        assert other.status == 409
        await clerk.post(f"/phone-desk/calls/{call}/undo")
        assert today(clerk.page, "") == 0
        await clerk.post(f"/phone-desk/calls/{call}/undo")
        assert clerk.status == 409
    assert await desk.ledger.read(lambda conn: calls.by_hour(conn, since=NOW)) == {}


async def test_calls_stand_by_the_hour_with_what_was_asked_most(desk: Desk) -> None:
    async with somebody(desk, "ito") as clerk:
        answer = await written(clerk)
        await tap(clerk, answer)
        await tap(clerk, answer)
        desk.now += timedelta(minutes=13)  # 22:00
        await tap(clerk, "")
        (hours,) = document_fromstring(clerk.page).xpath('//*[@id="phone-hours"]')
        read = "".join(hours.text_content().split())
        assert "22:00〜1件ほかの質問1" in read
        assert "21:00〜2件水はどこでもらえますか2" in read
        assert read.index("22:00") < read.index("21:00")
        desk.now += timedelta(hours=2)  # the next day
        assert "きょう0件" in said(await clerk.get("/phone-desk"))


async def test_only_sites_for_the_hazard_that_residents_see_are_named(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    fit = next(site for site in SITES.values() if "flood" in site.hazards)
    unfit = next(site for site in SITES.values() if site.hazards and "flood" not in site.hazards)
    await open_sites(desk, fit.code, unfit.code)
    async with somebody(desk, "ono") as viewer:
        assert fit.name.ja not in await viewer.get("/phone-desk"), "nothing is in force"
        await an_alert(desk)
        page = await viewer.get("/phone-desk")
        assert "地域ごとの行き先" not in page, "no plan is in force"
        desk.occupancies = {fit.code: holds(fit.code, 20), unfit.code: holds(unfit.code, 20)}
        monkeypatch.setitem(SITES, fit.code, replace(fit, capacity=5_000))
        desk.at_once = AtOnce(origins_of(CITY, NOBODY_FIRST))
        page = await viewer.get("/phone-desk")
    assert fit.name.ja in page
    assert unfit.name.ja not in page
    zone = next(iter(CITY.zones.values()))
    assert f"<dt>{zone.name.ja}</dt>" in page
    assert "受け入れているのは、ここだけです" in page
    number = sum("flood" not in site.hazards for site in SITES.values())
    assert f"ほかの{number}か所は、この災害のための指定がない" in page


async def test_rights(desk: Desk) -> None:
    def add(conn: Connection) -> None:
        accounts.add(
            conn, login="abe", name="阿部", password_hash=HASHED, roles=frozenset({Role.PHONES}), at=NOW
        )

    await desk.ledger.write(add)
    async with somebody(desk, "abe") as phones, somebody(desk, "ono") as viewer:
        await tap(phones, "")
        assert phones.status == 200
        assert today(phones.page, "") == 1
        await phones.get("/phone-desk/answers")
        assert phones.status == 403
        await viewer.get("/phone-desk")
        assert 'action="/phone-desk/calls"' not in viewer.page
        await viewer.post("/phone-desk/calls", {"call": str(uuid4()), "answer": ""})
        assert viewer.status == 403


async def test_ids_that_no_page_made_are_refused(desk: Desk) -> None:
    async with somebody(desk, "ito") as clerk:
        await tap(clerk, "", "x" * 36)
        assert clerk.status == 400
        await tap(clerk, str(uuid4()))
        assert clerk.status == 400
    assert await desk.ledger.read(lambda conn: calls.by_hour(conn, since=NOW)) == {}


async def test_colleagues_are_told_of_a_call(desk: Desk) -> None:
    async with somebody(desk, "ito") as clerk, somebody(desk, "ono") as viewer:
        await viewer.get("/phone-desk")
        async with viewer.session.get("/phone-desk/changes") as stream:
            first = await event(stream.content)
            await tap(clerk, "")
            assert await event(stream.content) != first
        assert today(await viewer.get("/phone-desk/live"), "") == 1
