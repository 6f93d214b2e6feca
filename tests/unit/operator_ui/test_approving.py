"""The second person: who may send, what they must type, and that it is sent once."""

import asyncio
import re
from datetime import timedelta

import pytest
from lxml.html import document_fromstring
from sqlalchemy import func, select

from hub.alert import Mode
from hub.ledger import alerts, audit, tables
from hub.ledger.alerts import Accepted
from hub.page import unacknowledged
from tests.unit.operator_ui.desk import Desk, Person, somebody
from tests.unit.operator_ui.test_composing import GROUNDS, begin


async def submitted(author: Person, template: str = "flood-4", mode: str = "live") -> str:
    path = await begin(author, template, mode)
    await author.submit(path, "submit", grounds=GROUNDS)
    assert author.path == path, author.page
    return path


async def sent(desk: Desk) -> list[Accepted]:
    return await desk.ledger.read(lambda conn: alerts.recent(conn, desk.keys))


async def test_another_person_types_the_level_and_it_is_sent(desk: Desk) -> None:
    async with somebody(desk, "ito") as author, somebody(desk, "tanaka") as approver:
        path = await submitted(author)
        page = await approver.get(path)
        assert "登録者 30人へ本番配信を開始" not in page  # the flood area has fewer
        assert "人へ本番配信を開始" in page
        await approver.submit(f"{path}/send", typed="4")
        assert approver.path.startswith("/alerts/")
    (accepted,) = await sent(desk)
    assert (accepted.author, accepted.approver) == ("ito", "tanaka")


async def test_why_a_channel_is_left_out_goes_all_the_way(desk: Desk) -> None:
    async with somebody(desk, "ito") as author, somebody(desk, "tanaka") as approver:
        path = await begin(author)
        await author.submit(
            path, "submit", grounds=GROUNDS, channel=["mail", "x", "manual"], **{"why-line": "LINEの点検中"}
        )
        page = await approver.get(path)
        assert "LINEは使いません：LINEの点検中" in page
        page = await approver.submit(f"{path}/send", typed="4")
        assert "<b>LINE</b>：LINEの点検中" in page
    (accepted,) = await sent(desk)
    (entry, *_) = await desk.ledger.read(lambda conn: audit.about(conn, [accepted.alert.identifier]))
    assert entry.detail["left_out"] == {"line": "LINEの点検中"}


async def test_the_author_is_refused_by_the_server(desk: Desk) -> None:
    async with somebody(desk, "sato") as author:
        path = await submitted(author)
        assert f'action="{path}/send"' in author.page  # breaking glass only
        assert author.page.count(f'action="{path}/send"') == 1
        page = await author.post(f"{path}/send", {"version": "3", "typed": "4"})
    assert author.status == 403
    assert "作成した人は承認できません" in page
    assert await sent(desk) == []


async def test_one_who_may_not_approve_is_refused(desk: Desk) -> None:
    async with somebody(desk, "sato") as author, somebody(desk, "ito") as composer:
        path = await submitted(author)
        for each in (author, composer):
            assert "内容を見て承認する" not in await each.get("/")
        await composer.get(path)
        await composer.post(f"{path}/send", {"version": "3", "typed": "4"})
        assert composer.status == 403
    assert await sent(desk) == []


@pytest.mark.parametrize("typed", ["3", "5", "", "四"])
async def test_a_digit_that_is_not_the_level_sends_nothing(desk: Desk, typed: str) -> None:
    async with somebody(desk, "ito") as author, somebody(desk, "tanaka") as approver:
        path = await submitted(author)
        await approver.get(path)
        page = await approver.submit(f"{path}/send", typed=typed)
        assert approver.status == 422
        assert "入力した数字がレベルと違います（提出はレベル4）" in page
    assert await sent(desk) == []


async def test_a_full_width_digit_is_the_same_digit(desk: Desk) -> None:
    async with somebody(desk, "ito") as author, somebody(desk, "tanaka") as approver:
        path = await submitted(author)
        await approver.get(path)
        await approver.submit(f"{path}/send", typed="４")
    assert len(await sent(desk)) == 1


async def test_pressing_twice_sends_once_and_leads_to_the_same_page(desk: Desk) -> None:
    async with somebody(desk, "ito") as author, somebody(desk, "tanaka") as approver:
        path = await submitted(author)
        await approver.get(path)
        fields = [(name, value) for name, value in approver.form(f"{path}/send") if name != "typed"]

        async def press() -> tuple[int, str]:
            async with approver.session.post(f"{path}/send", data=[*fields, ("typed", "4")]) as response:
                return response.status, response.url.path

        answers = await asyncio.gather(*(press() for _ in range(4)))
        page = await approver.get(f"{answers[0][1]}?again")
    assert len({where for _, where in answers}) == 1
    assert {status for status, _ in answers} == {200}
    assert "二重には送りません" in page
    assert len(await sent(desk)) == 1
    outbox = await desk.ledger.read(
        lambda conn: conn.execute(select(func.count()).select_from(tables.outbox)).scalar_one()
    )
    assert outbox == 1


async def test_a_draft_that_changed_since_it_was_opened_is_refused(desk: Desk) -> None:
    async with somebody(desk, "ito") as author, somebody(desk, "tanaka") as approver:
        path = await submitted(author)
        await approver.get(path)
        opened = approver.form(f"{path}/send")
        await author.get(f"{path}/edit")
        await author.submit(path, "submit", grounds="別の根拠")
        page = await approver.post(
            f"{path}/send", [*(pair for pair in opened if pair[0] != "typed"), ("typed", "4")]
        )
        assert approver.status == 409
        assert "ほかの人が先に変更しました" in page
        assert "別の根拠" in page  # and the new version is what is shown
    assert await sent(desk) == []


async def test_breaking_glass_takes_a_reason_and_tells_everyone(desk: Desk) -> None:
    async with somebody(desk, "sato") as author:
        path = await submitted(author)
        await author.submit(f"{path}/send", typed="4", break_glass="")
        assert author.status == 403
        desk.now += timedelta(minutes=2, seconds=38)
        page = await author.submit(f"{path}/send", typed="4", break_glass="深夜で承認者と連絡が取れないため")
        assert author.status == 409
        assert "あと22秒で1人で配信できます" in page
        assert "待ち時間 2分38秒" in page
        assert await sent(desk) == []
        desk.now += timedelta(seconds=22)
        await author.submit(f"{path}/send", typed="4", break_glass="深夜で承認者と連絡が取れないため")
        assert author.path.startswith("/alerts/")
        assert "1人で配信" in author.page
    (accepted,) = await sent(desk)
    assert accepted.author == accepted.approver == "sato"
    assert desk.paged == ["break-glass 2026-0001"]


async def test_at_level_5_the_glass_breaks_at_once(desk: Desk) -> None:
    async with somebody(desk, "sato") as author:
        path = await submitted(author, "flood-5")
        assert "いま、1人で配信できます" in author.page
        await author.submit(f"{path}/send", typed="5", break_glass="堤防が切れた")
    (accepted,) = await sent(desk)
    assert (accepted.author, accepted.approver) == ("sato", "sato")


async def test_submitting_twice_submits_once(desk: Desk) -> None:
    async with somebody(desk, "ito") as author:
        path = await begin(author)
        fields = [(name, GROUNDS if name == "grounds" else value) for name, value in author.form(path)]
        for _ in range(2):
            await author.post(path, [*fields, ("act", "submit")])
            assert (author.status, author.path) == (200, path)
            assert "承認を求めています" in author.page
    entries = await desk.ledger.read(lambda conn: audit.about(conn, [path.rpartition("/")[2]]))
    assert [entry.action for entry in entries].count("draft.submitted") == 1


async def test_sent_back_it_returns_to_its_author_with_the_reason(desk: Desk) -> None:
    async with somebody(desk, "ito") as author, somebody(desk, "tanaka") as approver:
        path = await submitted(author)
        await approver.get(path)
        await approver.submit(f"{path}/return", reason="")
        assert approver.status == 422
        await approver.submit(f"{path}/return", reason="地域が広すぎます")
        assert "地域が広すぎます" in await author.get(path)
        assert 'id="compose"' in author.page


async def test_rejected_it_is_over(desk: Desk) -> None:
    async with somebody(desk, "ito") as author, somebody(desk, "tanaka") as approver:
        path = await submitted(author)
        await approver.get(path)
        await approver.post(f"{path}/reject", {"version": "3", "reason": "誤報でした"})
        page = await author.get(path)
        assert "却下された下書き" in page
        assert "/send" not in page
        await approver.post(f"{path}/send", {"version": "4", "typed": "4"})
        assert approver.status == 409
    assert await sent(desk) == []


async def test_without_a_level_the_number_of_areas_is_typed(desk: Desk) -> None:
    async with somebody(desk, "ito") as author, somebody(desk, "tanaka") as approver:
        path = await begin(author, "earthquake")
        await author.submit(path, "submit", grounds=GROUNDS, area="towns", town=["13207-001", "13207-002"])
        await approver.get(path)
        await approver.submit(f"{path}/send", typed="3")
        assert approver.status == 422
        assert "提出は2" in approver.page
        await approver.submit(f"{path}/send", typed="2")
        assert approver.path.startswith("/alerts/")


async def test_a_staff_drill_reaches_staff_and_needs_no_second_person(desk: Desk) -> None:
    """Whoever may compose may send it."""
    async with somebody(desk, "ito") as author, somebody(desk, "ono") as viewer:
        path = await submitted(author, mode="staff_drill")
        assert "承認を求めています" not in author.page
        assert "職員 4人へ訓練の配信を開始" in author.page
        page = await viewer.get(path)
        assert f'action="{path}/send"' not in page
        assert "伊藤" in page.split("この訓練を送れる人")[1]
        await viewer.post(f"{path}/send", {"version": "3", "typed": "4"})
        assert viewer.status == 403
        await author.submit(f"{path}/send", typed="4")
        assert author.path.startswith("/alerts/")
    (accepted,) = await sent(desk)
    assert accepted.alert.mode is Mode.STAFF_DRILL


async def test_a_resident_drill_is_approved_like_a_live_alert(desk: Desk) -> None:
    async with somebody(desk, "sato") as author, somebody(desk, "tanaka") as approver:
        await author.get("/new/resident_drill")
        await author.post("/new/resident_drill", {"template": "flood-4", "announced": "yes"})
        path = author.path
        await author.submit(path, "submit", grounds=GROUNDS, area="whole")
        await author.post(f"{path}/send", {"version": "3", "typed": "4"})
        assert author.status == 403
        assert "参加者 3人へ住民参加訓練を開始" in await approver.get(path)
        await approver.submit(f"{path}/send", typed="4")
    (accepted,) = await sent(desk)
    assert accepted.alert.mode is Mode.RESIDENT_DRILL


async def test_the_audit_tells_who_did_what(desk: Desk) -> None:
    async with somebody(desk, "ito") as author, somebody(desk, "tanaka") as approver:
        path = await submitted(author)
        await approver.get(path)
        await approver.submit(f"{path}/send", typed="4")
    (accepted,) = await sent(desk)
    entries = await desk.ledger.read(lambda conn: audit.about(conn, [accepted.alert.identifier]))
    assert [(entry.actor, entry.action) for entry in entries] == [("tanaka", "alert.accept")]
    assert await desk.ledger.read(lambda conn: audit.verify(conn, desk.keys)) > 3


async def test_with_too_little_room_the_page_says_so_and_the_draft_is_kept(desk: Desk) -> None:
    desk.disk.left = 0.12
    async with somebody(desk, "ito") as author, somebody(desk, "tanaka") as approver:
        assert "12%" in await author.get("/")
        path = await submitted(author)
        desk.disk.left = 0.07
        await approver.get(path)
        page = await approver.submit(f"{path}/send", typed="4")
        assert approver.status == 507
        assert "新しい配信を受け付けません" in page
        assert await sent(desk) == []
        desk.disk.left = 0.5
        await approver.submit(f"{path}/send", typed="4")
        assert approver.path.startswith("/alerts/")
        assert "ディスク" not in await author.get("/")


async def test_a_database_that_is_away_is_told_in_words(desk: Desk) -> None:
    async with somebody(desk, "ito") as author:
        path = await submitted(author)
        await desk.ledger.write(lambda conn: conn.exec_driver_sql("ALTER TABLE drafts RENAME TO elsewhere"))
        page = await author.get(path)
        assert author.status == 503
        assert "データベースが応答しません" in page


async def test_who_is_asked_stays_asked_and_alone_counts_from_the_submission(desk: Desk) -> None:
    async with somebody(desk, "sato") as author, somebody(desk, "tanaka") as approver:
        path = await submitted(author)
        await approver.get(path)
        opened = [pair for pair in approver.form(f"{path}/send") if pair[0] != "typed"]
        desk.now += timedelta(minutes=2, seconds=38)
        await author.post(f"{path}/ask", {"whom": "ito"})
        assert author.status == 400, "who may not approve is not asked"
        await author.get(path)
        page = await author.post(f"{path}/ask", {"whom": "tanaka"})
        assert "頼んでいます" in page
        assert "あと0分22秒で、1人で配信できます" in page
        assert "あなたに頼んでいます" in await approver.get("/")
        await author.get(f"{path}/edit")
        await author.submit(path, "submit", grounds="別の根拠")
        assert "頼んでいます" in author.page
        assert "あと3分0秒で、1人で配信できます" in author.page, "another version, which nobody has seen yet"
        await author.post(f"{path}/ask", {"whom": "tanaka"})
        await approver.post(f"{path}/send", [*opened, ("typed", "4")])
        assert approver.status == 409
        await approver.get(path)
        opened = [pair for pair in approver.form(f"{path}/send") if pair[0] != "typed"]
        await author.post(f"{path}/ask", {"whom": "tanaka"})
        await approver.post(f"{path}/send", [*opened, ("typed", "4")])
        assert approver.path.startswith("/alerts/"), "asking makes no open page stale"


async def test_those_on_call_are_paged_once_a_submission_with_the_waiting_time(desk: Desk) -> None:
    async with somebody(desk, "sato") as author, somebody(desk, "tanaka") as approver:
        path = await submitted(author)
        desk.now += timedelta(minutes=2, seconds=38)
        page = await author.get(path)
        assert "当番・代理を呼び出す" in page
        token = {"csrf": author.field("csrf")}

        async def press() -> int:
            async with author.session.post(f"{path}/page", data=token) as response:
                return response.status

        assert await asyncio.gather(*(press() for _ in range(3))) == [200, 200, 200]
        page = await author.get(path)
        assert "21:49:38 に呼び出しました" in page
        assert f'action="{path}/page"' not in page
        topic = f"approval {path.rpartition('/')[2][:8]} v3"
        assert desk.paged == [topic]
        ((_, _, on_console, text),) = await desk.ledger.read(unacknowledged)
        assert on_console == topic
        assert "承認を2分38秒待っています" in text
        await approver.get(path)
        await approver.submit(f"{path}/return", reason="地域が広すぎます")
        assert await desk.ledger.read(unacknowledged) == [], "it waits no more"
        await author.get(path)
        await author.submit(path, "submit", grounds="別の根拠")
        await author.post(f"{path}/page")
        assert len(desk.paged) == 2


async def test_every_part_leads_back_to_its_step_and_handwork_is_named_with_who_does_it(desk: Desk) -> None:
    async with somebody(desk, "ito") as author, somebody(desk, "ono") as viewer:
        path = await submitted(author)
        steps = set(re.findall(rf'href="{path}/edit#([a-z]+)"', author.page))
        assert steps == {"order", "level", "area", "channels", "texts", "expiry"}
        (by_hand,) = document_fromstring(author.page).xpath('//section[@id="by-hand"]')
        assert [item.text_content().split() for item in by_hand.iter("li")] == [
            ["広報車", "担当", "防災課"],
            ["緊急速報メール", "担当は決まっていません"],
        ]
        page = await author.get(f"{path}/edit")
        assert all(f'id="{step}"' in page for step in steps)
        assert "/edit#" not in await viewer.get(path)
