"""A text that names a site in its own words: refused where the site is not designated for the hazard."""

from collections.abc import Iterable

import pytest

from hub.alert import AlertInfo
from hub.draft import State
from hub.hazard import Hazard
from hub.language import Language
from operator_ui.staff.named_sites import named
from tests.unit.operator_ui.desk import SITES, Desk, somebody
from tests.unit.operator_ui.test_composing import GROUNDS, begin, stored

SUITED = next(site for site in SITES.values() if site.name.ja == "昭島市立瑞雲中学校")
UNSUITED = next(site for site in SITES.values() if site.name.ja == "昭島市立田中小学校")


def sites_in(text: str, language: Language = Language.JA) -> list[tuple[str, str]]:
    info = AlertInfo(
        language=language, event="", headline="", description=text, instruction="", short="", speech=""
    )
    return [(each.field, each.site.name.ja) for each in named([info], list(SITES.values()), "昭島市")]


@pytest.mark.parametrize(
    "text",
    [
        "昭島市立田中小学校へ",
        "田中小学校へ避難してください",
        "昭島市立 田中\n小学校",
        "田中（たなか）小学校（しょうがっこう）",
        "Go to TANAKA  elementary school.",
        "田中小学校、昭島市立田中小学校",
    ],
)
def test_a_site_is_found_however_it_is_written(text: str) -> None:
    assert sites_in(text) == [("text-ja-description", "昭島市立田中小学校")]


def test_a_name_within_a_longer_one_is_not_another_site() -> None:
    assert [name for _, name in sites_in("旧昭島市立拝島第四小学校")] == ["旧昭島市立拝島第四小学校"]
    assert sites_in("国営昭和記念公園") == [("text-ja-description", "国営昭和記念公園")]


def test_every_site_is_known_by_both_its_names() -> None:
    def names(found: Iterable[tuple[str, str]]) -> set[str]:
        return {name for _, name in found}

    for site in SITES.values():
        assert names(sites_in(site.name.ja)) == names(sites_in(site.name.en)) == {site.name.ja}


def test_templates_name_no_site_and_a_slot_is_none() -> None:
    assert sites_in("高い所へ。{shelters} {link}") == []


@pytest.mark.parametrize("name", [UNSUITED.name.ja, UNSUITED.name.en])
async def test_a_site_that_floods_is_not_named_in_a_flood_alert(desk: Desk, name: str) -> None:
    assert not UNSUITED.designated_for(Hazard.FLOOD)
    async with somebody(desk, "ito") as author:
        path = await begin(author)
        page = await author.submit(
            path, "submit", grounds=GROUNDS, **{"text-en-instruction": f"Go to {name}."}
        )
    assert author.status == 422
    assert 'href="#text-en-instruction"' in page
    assert f"{UNSUITED.name.ja}は洪水の避難場所に指定されていません" in page
    assert (await stored(desk, path)).state is State.EDITING


async def test_a_designated_site_may_be_named_and_the_second_person_is_told(desk: Desk) -> None:
    async with somebody(desk, "ito") as author, somebody(desk, "tanaka") as approver:
        path = await begin(author)
        await author.submit(path, "submit", grounds=GROUNDS, **{"text-ja-short": f"{SUITED.name.ja}へ避難を"})
        assert (await stored(desk, path)).state is State.SUBMITTED
        page = await approver.get(path)
    assert f"{SUITED.name.ja}が文面に書かれています" in page


async def test_where_no_site_is_designated_at_all_a_name_is_only_looked_at(desk: Desk) -> None:
    async with somebody(desk, "ito") as author, somebody(desk, "tanaka") as approver:
        path = await begin(author, "system-test")
        await author.submit(
            path, "submit", grounds=GROUNDS, **{"text-ja-short": f"給水所：{UNSUITED.name.ja}"}
        )
        assert (await stored(desk, path)).state is State.SUBMITTED, author.page
        page = await approver.get(path)
    assert f"{UNSUITED.name.ja}が文面に書かれています" in page
