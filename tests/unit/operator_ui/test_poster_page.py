"""貼り紙: from an alert's page to a PDF, with the sites of this moment."""

import pytest
from lxml.html import document_fromstring

from hub.codec import RecordCodec
from hub.hazard import Hazard
from hub.language import Language
from hub.outbound import Deployment
from shelters import record
from shelters.shelter import Stage, Step
from shelters.site import Site
from tests.unit.channels.pdf import lines, pages
from tests.unit.channels.test_poster import FONTS_HERE
from tests.unit.operator_ui.desk import CITY, NOW, SITES, Desk, Person, served, somebody
from tests.unit.operator_ui.test_following_an_alert import an_alert

FIT = next(site for site in SITES.values() if site.designated_for(Hazard.FLOOD))
UNFIT = next(site for site in SITES.values() if not site.designated_for(Hazard.FLOOD))

OPENING = (
    Stage.PREPARING, Stage.STAFF_ARRIVED, Stage.UNLOCKED, Stage.SAFETY_CHECKED, Stage.RECEIVING,
)  # fmt: skip


async def said(staff: Person, alert: str, query: str = "") -> str:
    """What stands on the printed page."""
    async with staff.session.get(f"/alerts/{alert}/poster.pdf?{query}") as answer:
        assert (answer.status, answer.content_type) == (200, "application/pdf")
        assert answer.headers["Cache-Control"] == "no-store"
        pdf = await answer.read()
    assert pages(pdf) == 1
    return "".join(lines(pdf))


async def enter(desk: Desk, site: Site, stage: Stage, number: int) -> None:
    step = Step(site=site.code, number=number, stage=stage, at=NOW, by="tanaka")
    await desk.ledger.write(
        lambda conn: record.take_step(conn, RecordCodec(desk.keys), step, people=0, recorded_at=NOW)
    )


@FONTS_HERE
async def test_an_alerts_page_leads_to_its_poster_in_every_language(desk: Desk) -> None:
    alert = await an_alert(desk)
    async with somebody(desk, "ito") as staff:
        assert f'href="/alerts/{alert}/poster"' in await staff.get(f"/alerts/{alert}")
        page = document_fromstring(await staff.get(f"/alerts/{alert}/poster"))
        for button in page.xpath("//button[@name='language']"):
            assert CITY.contact.telephone in await said(staff, alert, f"language={button.get('value')}")
    buttons = [each.get("value") for each in page.xpath("//button[@name='language']")]
    assert buttons == list(Language)
    assert not page.xpath("//main//a[@rel='noopener']")
    assert [each.get("value") for each in page.xpath("//*[@id='zone']/option")] == ["", *CITY.zones]
    assert "終わっています" not in page.text_content()
    assert "文字の形が入りません" not in page.text_content()


async def test_where_a_font_is_missing_the_residents_page_is_to_be_printed(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("channels._poster.faces.of", lambda _: ())
    alert = await an_alert(desk)
    async with somebody(desk, "ito") as staff:
        page = document_fromstring(await staff.get(f"/alerts/{alert}/poster"))
        assert "fonts-noto-core" in page.text_content()
        assert "PDFに文字の形が入りません" in page.text_content()
        assert "vi" not in [each.get("value") for each in page.xpath("//button[@name='language']")]
        elsewhere = [each.get("href") for each in page.xpath("//main//a[@rel='noopener']")]
        assert [address.split("/")[3:5] for address in elsewhere] == [["vi", "a"], ["ne", "a"]]
        await staff.get(f"/alerts/{alert}/poster.pdf?language=vi")
        assert staff.status == 404


async def test_the_poster_names_what_is_open_and_designated_now_and_nothing_else(desk: Desk) -> None:
    alert, zone = await an_alert(desk), next(iter(CITY.zones))
    async with somebody(desk, "ito") as staff:
        assert FIT.name.ja not in await said(staff, alert)
        for number, stage in enumerate(OPENING, start=1):
            await enter(desk, FIT, stage, number)
            await enter(desk, UNFIT, stage, number)
        page = await said(staff, alert, f"zone={zone}")
        assert FIT.name.ja in page
        assert UNFIT.name.ja not in page
        distance = max(0.1, CITY.zones[zone].centre.distance_m(FIT.position) / 1000)
        assert f"{distance:.1f} km" in page
        assert CITY.zones[zone].name.ja in page
        await enter(desk, FIT, Stage.CLOSED, len(OPENING) + 1)
        assert FIT.name.ja not in await said(staff, alert, f"zone={zone}")


@pytest.mark.parametrize("query", ["language=xx", "zone=nowhere", "language=ja&zone=%00"])
async def test_what_is_not_on_the_list_is_refused(desk: Desk, query: str) -> None:
    alert = await an_alert(desk)
    async with somebody(desk, "ito") as staff:
        await staff.get(f"/alerts/{alert}/poster.pdf?{query}")
        assert staff.status == 404


async def test_nobody_prints_without_signing_in(desk: Desk) -> None:
    alert = await an_alert(desk)
    async with somebody(desk) as stranger:
        for path in ("poster", "poster.pdf"):
            await stranger.get(f"/alerts/{alert}/{path}")
            assert stranger.path.startswith("/signin")


async def test_of_an_alert_that_is_over_it_says_so(desk: Desk) -> None:
    alert = await an_alert(desk)
    async with somebody(desk, "ito") as staff:
        await staff.get(f"/alerts/{alert}")
        await staff.post(f"/alerts/{alert}/stop")
        assert "新しく貼らず" in await staff.get(f"/alerts/{alert}/poster")


async def test_a_text_too_long_for_a_page_says_what_to_do(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    alert = await an_alert(desk)
    monkeypatch.setattr("channels._poster.fit.BODIES_PT", (400.0,))
    async with somebody(desk, "ito") as staff:
        page = await staff.get(f"/alerts/{alert}/poster.pdf")
        assert staff.status == 409
        assert "文面を短くしてください" in page


@FONTS_HERE
async def test_what_a_rehearsal_hub_prints_says_that_it_is_a_drill(desk: Desk) -> None:
    alert = await an_alert(desk)
    async with somebody(desk, "ito") as staff:
        printed = await said(staff, alert, "language=en")
        assert "【訓練】[DRILL]" in printed
        assert "This is a drill." in printed
    desk.deployment = Deployment.PRODUCTION
    async with served(desk), somebody(desk, "ito") as staff:
        assert "訓練" not in await said(staff, alert, "language=en")
