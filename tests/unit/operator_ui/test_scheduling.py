"""A time for an approved draft, on the console: chosen, asked about at home, answered, and seen when it lapsed."""

from datetime import timedelta

from lxml.html import document_fromstring

from hub.ledger import alerts
from hub.schedule import ASK_BEFORE, GIVE_UP_AFTER
from operator_ui.staff.draft_form import local_time
from tests.unit.operator_ui.desk import Desk, Person, somebody
from tests.unit.operator_ui.test_approving import sent, submitted

LATER = timedelta(hours=2)


async def scheduled(desk: Desk, author: Person, approver: Person) -> str:
    """The address of a staff drill that is approved for two hours later."""
    path = await submitted(author, mode="staff_drill")
    await approver.get(path)
    await approver.submit(f"{path}/schedule", at=local_time(desk.now + LATER), typed="4")
    assert approver.path == path, approver.page
    return path


def headings(page: str) -> list[str]:
    return [each.text_content().strip() for each in document_fromstring(page).xpath("//h2")]


async def test_a_drill_is_approved_for_tomorrow_asked_about_at_home_and_sent_on_a_yes(desk: Desk) -> None:
    async with somebody(desk, "ito") as author, somebody(desk, "tanaka") as approver:
        path = await scheduled(desk, author, approver)
        at = (desk.now + LATER).replace(second=0, microsecond=0)
        assert "もう一度聞きます" in approver.page
        home = await author.get("/")
        assert "予約した配信" in headings(home)
        assert f"{path}/confirm" not in home

        desk.now = at - ASK_BEFORE
        await desk.intake.keep_times()
        home = await author.get("/")
        assert "予約した配信を送りますか" in headings(home)
        assert home.count("23:47に送る予定") == 0, "the card asks; the page is not shown beside it"
        await author.submit(f"{path}/confirm")
        assert "伊藤さんが「送る」と答えました" in author.page
        assert await sent(desk) == []

        desk.now = at
        await desk.intake.keep_times()
        (accepted,) = await sent(desk)
        assert (accepted.alert.sent, accepted.approver) == (at, "tanaka")
        log = await author.get(f"/alerts/{accepted.alert.identifier}")
        assert "時刻を決めて承認" in log
        assert "「送る」と答えた" in log
        assert "承認して配信" not in log


async def test_at_its_time_one_press_sends_it(desk: Desk) -> None:
    async with somebody(desk, "ito") as author, somebody(desk, "tanaka") as approver:
        path = await scheduled(desk, author, approver)
        desk.now += LATER + timedelta(minutes=3)
        home = await author.get("/")
        assert "分過ぎています" in home
        await author.submit(f"{path}/confirm")
        assert author.path.startswith("/alerts/")
        await approver.post(f"{path}/confirm", {"version": "4"})
        assert approver.path.endswith("?again")
    assert len(await sent(desk)) == 1


async def test_what_nobody_answered_is_seen_in_the_history_and_used_again(desk: Desk) -> None:
    async with somebody(desk, "ito") as author, somebody(desk, "tanaka") as approver:
        path = await scheduled(desk, author, approver)
        desk.now += LATER + GIVE_UP_AFTER
        await desk.intake.keep_times()
        assert "送りませんでした" in await author.get("/")
        history = await author.get("/alerts")
        assert "送らなかった予約" in headings(history)
        assert "「送る」の答えがありませんでした" in history
        assert "もう一度使う" in await author.get(path)
        await author.get(f"{path}/edit")
        await author.submit(path, "submit")
        assert "配信する前の確認" in author.page
        await approver.get(path)
        await approver.submit(f"{path}/send", typed="4")
    assert len(await sent(desk)) == 1


async def test_called_off_with_a_reason(desk: Desk) -> None:
    async with somebody(desk, "ito") as author, somebody(desk, "tanaka") as approver:
        path = await scheduled(desk, author, approver)
        await author.get(path)
        await author.submit(f"{path}/call-off", reason="台風が来る")
        assert "取りやめました（台風が来る）" in author.page
        await author.post(f"{path}/confirm", {"version": "4"})
        assert author.status == 409


async def test_a_live_order_of_level_4_says_that_it_cannot_wait(desk: Desk) -> None:
    async with somebody(desk, "ito") as author, somebody(desk, "tanaka") as approver:
        path = await submitted(author)
        page = await approver.get(path)
        assert f"{path}/schedule" not in page
        assert "警戒レベル4の本番は予約できません" in page
        await approver.post(
            f"{path}/schedule",
            {"version": "3", "typed": "4", "at": local_time(desk.now + LATER)},
        )
        assert approver.status == 409


async def test_a_wrong_time_or_digit_is_said_beside_its_field(desk: Desk) -> None:
    async with somebody(desk, "ito") as author, somebody(desk, "tanaka") as approver:
        path = await submitted(author, mode="staff_drill")
        await approver.get(path)
        page = await approver.submit(f"{path}/schedule", at=local_time(desk.now), typed="4")
        assert (approver.status, 'id="at-problem"' in page) == (422, True)
        page = await approver.submit(f"{path}/schedule", at="", typed="4")
        assert "送る時刻を入れてください" in page
        page = await approver.submit(f"{path}/schedule", at=local_time(desk.now + LATER), typed="3")
        assert 'id="typed-later-problem"' in page
        assert 'id="typed-problem"' not in page
    assert await desk.ledger.read(lambda conn: alerts.recent(conn, desk.keys)) == []
