"""The page that boxes at the facilities keep: whole in itself, small in every language, and true when it is old."""

from datetime import timedelta

from lxml import html
from msgspec.structs import replace

from hub.alert import Mode
from hub.background import Background
from hub.language import Language
from hub.shelter_list import Crowding
from operator_ui.residents.captive import MOST_BYTES, PLANS, captive_path
from operator_ui.residents.news import News
from operator_ui.residents.press import Press
from operator_ui.residents.static_site import StaticSite
from shelters.shelter import Stage
from tests.unit.residents.portal_setup import FLOOD, NOT_FLOOD, SITES, Town, flood_order, open_some

PEOPLE = 86


async def pages(town: Town) -> dict[str, str]:
    """The pages' texts by path, as they are now."""
    portal, background = town.portal(), Background()
    snapshot, press = await News(portal, background).now(), Press(portal)
    await background.finish(timeout_s=60)
    return {
        captive_path(language, aged=aged).lstrip("/"): press.captive(
            language, snapshot, aged=aged
        ).body.decode()
        for language in Language
        for aged in (False, True)
    }


async def test_the_site_as_files_has_them(town: Town) -> None:
    site = StaticSite(town.portal())
    found = (await site.site()).files
    await site.close()
    assert {path: body.decode() for path, body in found.items() if path.startswith("portal/")} == await pages(
        town
    )


async def test_it_stands_alone_in_eight_languages(town: Town) -> None:
    open_some(town.shelters)
    await town.publish(flood_order(), "2026-0147")
    found = await pages(town)
    assert len(found) == 2 * len(Language)
    for language in Language:
        page = html.fromstring(found[f"portal/{language}.html"])
        assert page.get("lang") == language.value
        assert not page.xpath("//script|//img|//form|//iframe|//link[@rel='stylesheet']|//*[@style]")
        assert page.xpath("string(//meta[@http-equiv='Content-Security-Policy']/@content)").startswith(
            "default-src 'none'"
        )
        assert page.xpath("//nav//a/@href") == [f"{each}.html" for each in Language]
        (checked,) = page.find_class("checked")
        assert checked.get("datetime") == "2026-09-12T21:49:00+09:00"
        assert "12" in checked.text_content()


async def test_it_is_small_with_many_alerts_and_sites(town: Town) -> None:
    """Eight orders whose Nepali text alone is several thousand bytes each, and every site open."""
    for each in SITES.values():
        town.shelters.put(each, Stage.RECEIVING, people=1234, capacity=5000, crowding=Crowding.HAS_ROOM)
    for number in range(140, 148):
        order = flood_order(number=f"2026-0{number}")
        longer = tuple(replace(info, description=info.description * 4) for info in order.infos)
        await town.publish(replace(order, infos=longer), f"2026-0{number}")
    found = await pages(town)
    sizes = {path: len(text.encode()) for path, text in found.items()}
    assert max(sizes.values()) <= MOST_BYTES, sizes
    for path, text in found.items():
        page = html.fromstring(text)
        assert page.find_class("k"), path
        named = len(page.xpath("//section[contains(@class,'p')]//li"))
        assert 3 <= named <= PLANS[0].sites, path
    japanese = html.fromstring(found["portal/ja.html"])
    assert "ほかに" in japanese.text_content(), "what does not fit is counted"


async def test_it_names_only_sites_that_are_fit_and_receive(town: Town) -> None:
    for each in SITES.values():
        town.shelters.put(each, Stage.RECEIVING, people=1, capacity=100, crowding=Crowding.HAS_ROOM)
    stopped = FLOOD[0]
    town.shelters.put(stopped, Stage.PAUSED)
    await town.publish(flood_order(), "2026-0147")
    for path, text in (await pages(town)).items():
        assert stopped.name.ja not in text, path
        for each in NOT_FLOOD:
            assert f"<b>{each.name.ja}</b>" not in text, path


async def test_the_twin_for_an_old_copy_says_so_and_no_number_of_people(town: Town) -> None:
    town.shelters.put(FLOOD[0], Stage.RECEIVING, people=PEOPLE, capacity=420, crowding=Crowding.HAS_ROOM)
    await town.publish(flood_order(), "2026-0147")
    found = await pages(town)
    fresh, old = (html.fromstring(found[f"portal/{kind}ja.html"]) for kind in ("", "old/"))
    assert "420人中86人" in fresh.text_content()
    assert "空いています" in fresh.text_content()
    assert not fresh.find_class("o")
    assert "から情報を確かめられていません" in old.find_class("o")[0].text_content()
    assert FLOOD[0].name.ja in old.text_content()
    assert "86" not in old.text_content()
    assert "空いています" not in old.text_content()


async def test_a_drill_is_marked_and_nothing_in_force_is_said(town: Town) -> None:
    assert "いま緊急の情報はありません" in (await pages(town))["portal/ja.html"]
    town.now += timedelta(seconds=2)
    await town.publish(flood_order(mode=Mode.RESIDENT_DRILL), "2026-0148")
    for language in Language:
        page = html.fromstring((await pages(town))[captive_path(language).lstrip("/")])
        assert page.find_class("r"), language


async def test_a_site_that_opens_later_has_its_time(town: Town) -> None:
    town.shelters.put(FLOOD[1], Stage.PREPARING, opens_at=town.now + timedelta(hours=1))
    await town.publish(flood_order(), "2026-0147")
    text = html.fromstring((await pages(town))["portal/ja.html"]).text_content()
    assert "22時49分 開設予定" in text
