"""Templates that ask for a place, a time or a number: beginning a draft of one, and changing what was typed."""

import pytest

from hub.details import Colour, Details, Person
from hub.hazard import MOST_URGENT_FIRST, Hazard
from hub.language import Language
from hub.phrases import Template
from hub.place import Name
from operator_ui import words
from operator_ui.form import Form
from operator_ui.staff import detail_form
from operator_ui.staff.new import sections
from tests.unit.operator_ui.desk import TEMPLATES, Desk, somebody
from tests.unit.operator_ui.desk import Person as Clerk
from tests.unit.operator_ui.test_composing import GROUNDS, stored

WATER = {
    "template": "water-point",
    "details": "given",
    "detail-place-ja": "昭島市役所の駐車場",
    "detail-place-en": "Akishima City Hall car park",
    "detail-from_at": "2026-09-13T09:00",
    "detail-until_at": "",
}
MISSING = {
    "template": "missing-person",
    "details": "given",
    "detail-place-ja": "昭島駅の北口",
    "detail-place-en": "Akishima Station, north exit",
    "detail-from_at": "2026-09-12T15:00",
    "detail-telephone": "042-000-0110",
    "detail-person": "woman",
    "detail-age": "８５",
    "detail-colour": "yellow",
}


async def chosen(person: Clerk, template: str, mode: str = "live") -> str:
    await person.get(f"/new/{mode}")
    return await person.post(f"/new/{mode}", {"template": template})


async def begun(person: Clerk, fields: dict[str, str]) -> str:
    await chosen(person, fields["template"])
    await person.post("/new/live", fields)
    assert person.path.startswith("/drafts/"), person.page
    return person.path


async def test_a_template_asks_before_it_writes(desk: Desk) -> None:
    async with somebody(desk, "ito") as author:
        page = await chosen(author, "water-point")
    assert author.status == 200
    assert author.path == "/new/live"
    assert "給水所の場所" in page
    assert 'role="alert"' not in page


async def test_what_was_typed_stands_in_every_language(desk: Desk) -> None:
    async with somebody(desk, "ito") as author:
        message = (await stored(desk, await begun(author, WATER))).message
        assert "手で変更・要確認" not in author.page
    texts = {info.language: info.description for info in message.infos}
    assert "場所は、昭島市役所の駐車場です。" in texts[Language.JA]
    assert "9月13日9時00分" in texts[Language.JA]
    assert "終わりは、未定です。" in texts[Language.JA]
    assert "Akishima City Hall car park (昭島市役所の駐車場)" in texts[Language.EN]
    assert message.details.place == Name(ja="昭島市役所の駐車場", en="Akishima City Hall car park")


async def test_a_person_is_described_by_choices_and_numbers_alone(desk: Desk) -> None:
    async with somebody(desk, "ito") as author:
        details = (await stored(desk, await begun(author, MISSING))).message.details
    assert (details.person, details.age, details.colour) == (Person.WOMAN, 85, Colour.YELLOW)


@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [
        ("detail-place-ja", "", "名前を日本語で書いてください"),
        ("detail-place-en", "昭島駅", "ローマ字で書いてください"),
        ("detail-from_at", "", "「最後に見かけた時刻」を入れてください"),
        ("detail-from_at", "きのう", "日付と時刻を入れてください"),
        ("detail-from_at", "0001-01-01T00:00", "日付と時刻を入れてください"),
        ("detail-telephone", "0420000110", "ハイフンで区切って入れてください"),
        ("detail-person", "dog", "「探している方」を入れてください"),
        ("detail-age", "八十", "年齢は0から120までの数字です"),
    ],
)
async def test_what_cannot_be_used_is_said_and_the_rest_is_kept(
    desk: Desk, field: str, typed: str, said: str
) -> None:
    async with somebody(desk, "ito") as author:
        await chosen(author, "missing-person")
        page = await author.post("/new/live", {**MISSING, field: typed})
    assert author.status == 422
    assert said in page
    assert f'href="#{field}"' in page or f'href="#{field.removesuffix("-ja").removesuffix("-en")}' in page
    kept = "042-000-0110" if field != "detail-telephone" else "昭島駅の北口"
    assert f'value="{kept}"' in page


async def test_changed_once_it_changes_in_every_text_nobody_changed(desk: Desk) -> None:
    async with somebody(desk, "ito") as author:
        path = await begun(author, WATER)
        await author.submit(
            path,
            "save",
            **{"detail-place-ja": "中央公園", "detail-place-en": "Chuo Park", "text-ko-short": "직접"},
        )
    by_language = {info.language: info for info in (await stored(desk, path)).message.infos}
    assert "場所は、中央公園です。" in by_language[Language.JA].description
    assert "Chuo Park" in by_language[Language.NE].speech
    assert "Akishima City Hall" in by_language[Language.KO].description  # changed by hand: it stays


async def test_a_value_spoilt_later_is_a_problem_and_keeps_the_old_one(desk: Desk) -> None:
    async with somebody(desk, "ito") as author:
        path = await begun(author, WATER)
        page = await author.submit(path, "submit", grounds=GROUNDS, **{"detail-place-en": "駐車場"})
        assert author.status == 422
        assert 'href="#detail-place-en"' in page
    message = (await stored(desk, path)).message
    assert message.details.place == Name(ja="昭島市役所の駐車場", en="Akishima City Hall car park")


async def test_the_script_is_told_which_texts_followed(desk: Desk) -> None:
    async with somebody(desk, "ito") as author:
        path = await begun(author, WATER)
        fields = [
            (name, "都道29号の広場" if name == "detail-place-ja" else value)
            for name, value in author.form(path)
        ]
        async with author.session.post(
            path, data=[*fields, ("act", "autosave")], headers={"Accept": "application/json"}
        ) as response:
            texts = (await response.json())["texts"]
    assert "都道29号の広場" in texts["text-ja-description"]
    assert "text-ja-event" not in texts  # it did not change


async def test_a_resident_drill_that_was_announced_stays_so_while_it_asks(desk: Desk) -> None:
    async with somebody(desk, "ito") as author:
        await author.get("/new/resident_drill")
        await author.post("/new/resident_drill", {"template": "water-point", "announced": "yes"})
        await author.post("/new/resident_drill", [*form_of(author), *WATER.items()])
        assert author.path.startswith("/drafts/"), author.page
        assert "【訓練】" in author.page


def form_of(person: Clerk) -> list[tuple[str, str]]:
    return [("announced", person.field("announced")), ("csrf", person.field("csrf"))]


def test_a_field_that_the_form_does_not_have_keeps_its_value() -> None:
    old = Details(place=Name(ja="中央公園", en="Chuo Park"))
    assert detail_form.details_from(Form({}), TEMPLATES["large_fire"], old) == (old, [])


def test_templates_stand_under_their_hazard_the_most_urgent_first() -> None:
    found = sections(TEMPLATES.values())
    assert [section.hazard for section in found] == [
        hazard for hazard in MOST_URGENT_FIRST if hazard in {section.hazard for section in found}
    ]
    assert [template.id for template in found[0].templates] == [
        "flood-5", "flood-4", "flood-3", "flood-shelters",
    ]  # fmt: skip
    offered = [template.id for section in found for template in section.templates]
    assert len(offered) == len(set(offered))
    assert not [name for name in offered if name.endswith("-lift") or name in ("correction", "cancel")]


def test_what_answers_a_warning_stands_first() -> None:
    first, *rest = sections(TEMPLATES.values(), suggested="landslide-4")
    assert first.hazard is Hazard.LANDSLIDE
    assert first.templates[0].id == "landslide-4"
    assert rest[0].hazard is Hazard.FLOOD


@pytest.mark.parametrize(
    "template", [each for each in TEMPLATES.values() if each.asks], ids=lambda each: each.id
)
def test_every_field_is_named_in_the_language_of_the_reader(template: Template) -> None:
    for field in detail_form.fields(template, Details()):
        for language in ("ja", "en"):
            assert " / " not in words.one_language(field.label, language)


def test_every_hazard_has_its_place_in_the_list() -> None:
    assert sorted(MOST_URGENT_FIRST) == sorted(Hazard)
