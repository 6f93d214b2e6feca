"""The display on the wall: everything that is live, and nobody's name."""

from datetime import timedelta

from lxml.html import document_fromstring

from hub.authorise import Actor, Role
from hub.codec import RecordCodec
from hub.inbound import occasions
from hub.ledger import ticks
from shelters import record
from shelters.shelter import Stage, Step
from tests.unit.operator_ui.desk import SITES, Desk, somebody
from tests.unit.operator_ui.test_approving import submitted
from tests.unit.operator_ui.test_composing import WARNING
from tests.unit.operator_ui.test_following_an_alert import SOME, an_alert, carry, event

STAFF = Actor(login="tanaka", name="田中 一郎", roles=frozenset(Role))


def said(page: str) -> str:
    """What is read of the page, without spaces."""
    (body,) = document_fromstring(page).xpath("//body")
    return "".join(body.text_content().split())


async def open_sites(desk: Desk, *codes: str) -> None:
    for code in codes:
        for number, stage in enumerate(
            (Stage.PREPARING, Stage.STAFF_ARRIVED, Stage.UNLOCKED, Stage.SAFETY_CHECKED, Stage.RECEIVING), 1
        ):
            step = Step(site=code, number=number, stage=stage, at=desk.now, by="sato")
            await desk.ledger.write(
                lambda conn, step=step: record.take_step(
                    conn, RecordCodec(desk.keys), step, people=None, recorded_at=desk.now
                )
            )


async def test_with_nothing_in_force_it_says_when_it_looked(desk: Desk) -> None:
    async with somebody(desk, "ono") as viewer:
        page = said(await viewer.get("/wall"))
    assert "いま発令・配信中のものはありません（21:47確認）" in page
    assert "判断・承認を待っているもの0件" in page


async def test_it_shows_level_sums_and_what_was_done_by_hand(desk: Desk) -> None:
    identifier = await an_alert(desk)
    await carry(desk, identifier, SOME)
    desk.now += timedelta(minutes=31)
    await desk.ledger.write(lambda conn: ticks.tick(conn, identifier, "van", STAFF, at=desk.now))
    async with somebody(desk, "ono") as viewer:
        page = said(await viewer.get("/wall"))
    assert "本番避難指示（洪水）を配信中（21:47発令から31分）" in page
    assert "端末に到着・応答あり4/のべ16人へ" in page
    assert "メール9/16" in page  # answered, delivered and accepted
    assert "広報車22:18" in page
    assert "緊急速報メールまだ31分" in page


async def test_it_names_nobody(desk: Desk) -> None:
    identifier = await an_alert(desk)
    await desk.ledger.write(lambda conn: ticks.tick(conn, identifier, "van", STAFF, at=desk.now))
    async with somebody(desk, "sato") as author, somebody(desk, "ono") as viewer:
        await submitted(author)
        page = await viewer.get("/wall")
    assert "承認待ちの下書き1件" in said(page)
    for name in ("佐藤", "田中", "伊藤", "小野", "sato", "tanaka", "ito", "昭島市長"):
        assert name not in said(page), name


async def test_a_drill_is_told_from_what_is_real(desk: Desk) -> None:
    async with somebody(desk, "sato") as author:
        path = await submitted(author, mode="staff_drill")
        await author.submit(f"{path}/send", typed="4")
        page = said(await author.get("/wall"))
    assert "職員訓練避難指示（洪水）を配信中" in page
    assert "【訓練】避難指示（洪水）" in page
    assert "本番" not in page
    await an_alert(desk)
    async with somebody(desk, "ono") as viewer:
        page = said(await viewer.get("/wall"))
    assert "本番避難指示（洪水）を配信中" in page
    assert page.index("警戒レベル4避難指示（洪水）") < page.index("【訓練】")


async def test_only_sites_for_the_hazard_that_residents_see_are_named(desk: Desk) -> None:
    fit = next(site for site in SITES.values() if "flood" in site.hazards)
    unfit = next(site for site in SITES.values() if site.hazards and "flood" not in site.hazards)
    await an_alert(desk)
    await open_sites(desk, fit.code, unfit.code)
    async with somebody(desk, "ono") as viewer:
        page = await viewer.get("/wall")
    assert fit.name.ja in page
    assert unfit.name.ja not in page


async def test_a_warning_that_waits_is_counted_and_late_after_twenty_minutes(desk: Desk) -> None:
    await desk.ledger.write(lambda conn: occasions.keep(conn, WARNING, source="jma", at=desk.now))
    async with somebody(desk, "ono") as viewer:
        assert "判断・承認を待っているもの1件" in said(await viewer.get("/wall"))
        desk.now += timedelta(minutes=20)
        assert "1件は20分を過ぎています" in said(await viewer.get("/wall"))


async def test_it_is_told_of_a_change_and_shows_it(desk: Desk) -> None:
    identifier = await an_alert(desk)
    async with somebody(desk, "ono") as viewer:
        await viewer.get("/wall")
        shown = viewer.page.split('data-version="')[1].split('"')[0]
        async with viewer.session.get("/wall/changes") as stream:
            assert await event(stream.content) == shown
            await carry(desk, identifier, SOME)
            assert await event(stream.content) != shown
        fragment = await viewer.get("/wall/live")
    assert "<html" not in fragment
    assert "のべ16人へ" in said(fragment)


async def test_nobody_sees_it_without_signing_in(desk: Desk) -> None:
    async with somebody(desk) as stranger:
        await stranger.get("/wall")
        assert stranger.path.startswith("/signin")
