"""The bank as it ships: complete, careful in its words, and short enough for the channels."""

import re
from datetime import UTC, date, datetime
from pathlib import Path
from xml.etree import ElementTree

import msgspec
import pytest

from channels.voice import speech
from channels.x.thread import thread
from channels.x.weight import LIMIT, weight
from config import folder
from hub import city as cities
from hub import framing, phrases, placename, render, shelter_list, slots, wording
from hub.alert import Alert, AlertInfo, Area, DecisionMethod, Mode, Order
from hub.cap import MsgType
from hub.channel import Content
from hub.delivery import Variant
from hub.details import Colour, Details, Person
from hub.errors import BadInput, BadSettings
from hub.evacuation import Level
from hub.hazard import Hazard
from hub.inbound.warning import LEVELLED
from hub.language import Language
from hub.phrases import Earlier, State, Template
from hub.place import Name
from hub.recipient import Targeting, WholeCity, Zone
from hub.reply import AFTER_AN_EARTHQUAKE, BEFORE_A_FLOOD, Question
from hub.shelter_list import ShelterLines
from hub.slots import Form

FOLDER = Path(__file__).parents[2] / "config" / "phrases"
BANK = phrases.load(FOLDER)
NOW = datetime(2026, 9, 8, 12, 47, tzinfo=UTC)

CITY = {
    Language.JA: "よびかけ市",
    Language.JA_EASY: "よびかけ市",
    Language.EN: "Yobikake City",
    Language.ZH_HANS: "呼唤市",
    Language.ZH_HANT: "呼喚市",
    Language.KO: "요비카케시",
    Language.VI: "Thành phố Yobikake",
    Language.NE: "योबिकाके सहर",
}
RIVER = {
    Language.JA: "青波川",
    Language.JA_EASY: "青波川",
    Language.EN: "Aonami River",
    Language.ZH_HANS: "青波川",
    Language.ZH_HANT: "青波川",
    Language.KO: "아오나미강",
    Language.VI: "sông Aonami",
    Language.NE: "आओनामी नदी",
}
TOWNS = Name(
    ja="川沿い町・青波町・東川町・西川町・南川町・北川町・中川町・川口町",
    en="Kawazoi-cho, Aonami-cho, Higashikawa-cho, Nishikawa-cho, Minamikawa-cho, Kitagawa-cho, "
    "Nakagawa-cho and Kawaguchi-cho",
)
EARLIER = Earlier(number="2026-0146", sent=datetime(2026, 9, 8, 11, 15, tzinfo=UTC))

DETAILS = Details(
    place=Name(ja="中央公園の南駐車場", en="Chuo Park, south car park"),
    road=Name(ja="都道100号 青波橋の付近", en="Route 100 near Aonami Bridge"),
    from_at=datetime(2026, 12, 10, 3, 30, tzinfo=UTC),
    until_at=datetime(2026, 12, 11, 12, 45, tzinfo=UTC),
    day=date(2026, 12, 10),
    telephone="0120-000-0000",
    heat_index=35,
    person=Person.WOMAN,
    age=85,
    colour=Colour.YELLOW,
)
"""A value of each kind, none of them short."""

EARLIER_CLOCK = "20(時|:|点|點|시 )15"
"""Its time, in any language."""

FOREIGN = [language for language in Language if language not in (Language.JA, Language.JA_EASY)]
LEVELS = [
    f"{hazard}-{level}"
    for hazard in ("flood", "inland_flood", "landslide", "storm_surge")
    for level in (3, 4, 5)
]
LIFTS = [f"{hazard}-lift" for hazard in ("flood", "inland_flood", "landslide", "storm_surge")]
WITHOUT_AN_ORDER = [
    "earthquake", "flood-shelters", "storm", "large_fire", "missile", "heat", "power-outage", "water-outage",
    "water-point", "road-closed", "missing-person", "shelter", "shelter-close",
]  # fmt: skip

every_template = pytest.mark.parametrize("template", BANK.values(), ids=BANK.keys())
every_language = pytest.mark.parametrize("language", Language)


def filled(template: Template, area: tuple[Name, ...] = (TOWNS,)) -> dict[Language, AlertInfo]:
    infos = phrases.fill(template, city=CITY, area=area, river=RIVER, earlier=EARLIER, details=DETAILS)
    return {info.language: info for info in infos}


def texts(info: AlertInfo) -> dict[Form, str]:
    return {form: getattr(info, form) for form in Form}


def whole(info: AlertInfo) -> str:
    return "\n".join(texts(info).values())


class NothingKnown:
    def shelters(self, zone: Zone | None, hazard: Hazard, language: Language) -> ShelterLines | None:
        return None

    def official(self, site: str) -> bool:
        return False

    def city(self, language: Language) -> str:
        return CITY[language]

    def link(self, number: str, language: Language) -> str:
        return f"https://hub.example/a/{number}/{language}"

    def telephone(self) -> str:
        return "042-555-0100"


def sent(template: Template, mode: Mode) -> Alert:
    return Alert(
        identifier="yobikake-2026-0147",
        sender="yobikake",
        sent=NOW,
        mode=mode,
        msg_type=template.msg_type,
        hazard=template.hazard,
        level=template.level,
        order=Order(issuer="市長", method=DecisionMethod.TELEPHONE, ordered_at=NOW, grounds="水位"),
        area=Area(description="川沿い町"),
        targeting=Targeting(audience=WholeCity(), channels=("mail",)),
        infos=tuple(filled(template).values()),
        expires=NOW,
        correction=template.correction,
    )


# --- the bank ------------------------------------------------------------------------------------


def test_the_bank_answers_the_occasions_of_a_city() -> None:
    assert {*LEVELS, *WITHOUT_AN_ORDER, *LIFTS, "correction", "cancel", "system-test"} <= BANK.keys()


def test_every_template_is_called_something_in_english() -> None:
    titles = {template.title.en for template in BANK.values()}
    assert len(titles) == len(BANK)
    assert all(title.isascii() for title in titles)
    assert BANK["flood-4"].name.en == "Alert Level 4, Evacuation Order"
    assert BANK["earthquake"].name.en == "Earthquake"


@pytest.mark.parametrize("hazard", sorted(LEVELLED))
@pytest.mark.parametrize("what", ["3", "4", "5", "lift"])
def test_every_warning_that_a_city_answers_has_its_template(hazard: Hazard, what: str) -> None:
    """Under the name that `inbound.warning.suggest` gives."""
    template = BANK[f"{hazard}-{what}"]
    assert template.hazard is hazard
    assert template.level == (None if what == "lift" else int(what))


def test_what_no_order_stands_behind_has_no_level() -> None:
    assert {BANK[name].level for name in WITHOUT_AN_ORDER} == {None}


@every_template
def test_every_phrase_exists_in_every_language(template: Template) -> None:
    assert set(template.infos) == set(Language)
    for info in template.infos.values():
        assert all(texts(info).values())


def test_the_bank_knows_no_city() -> None:
    bank = "".join(path.read_text(encoding="utf-8") for path in FOLDER.glob("*.toml"))
    for name in ("昭島", "Akishima", "アキシマ", "多摩川", "Tama", "다마", "東京"):
        assert name not in bank


@every_template
def test_no_translation_claims_to_be_checked(template: Template) -> None:
    for language in Language:
        for form in Form:
            if template.state(language, form, today=date(2026, 9, 8)) is State.VERIFIED:
                assert language is Language.JA
                assert template.level is not None
                assert getattr(template.infos[language], form) == template.level.meaning.name


def test_a_check_lapses_and_the_text_can_still_be_sent() -> None:
    template = BANK["flood-4"]
    assert template.state(Language.JA, Form.EVENT, today=template.review_by) is State.VERIFIED
    late = date(template.review_by.year + 1, 1, 1)
    assert template.state(Language.JA, Form.EVENT, today=late) is State.NEEDS_REVIEW
    assert filled(template)[Language.JA].event == "避難指示"


@every_template
@pytest.mark.parametrize("mode", Mode)
def test_every_template_can_be_sent_in_every_mode(template: Template, mode: Mode) -> None:
    alert = sent(template, mode)
    for language in Language:
        content = render.render(
            alert, Variant(language, None), NothingKnown(), lambda: NOW, number="2026-0147"
        )
        assert content.language is language
        for form in ("headline", "body", "short", "speech"):
            text = Content.text(getattr(content, form))
            assert "{" not in text
            assert text == slots.normalise(text)


# --- who, when, where, what ----------------------------------------------------------------------


@every_template
@every_language
def test_every_text_that_stands_alone_says_who_and_when(template: Template, language: Language) -> None:
    info = filled(template)[language]
    for form in (Form.HEADLINE, Form.DESCRIPTION, Form.SHORT, Form.SPEECH):
        text = getattr(info, form)
        assert CITY[language] in text, form
        assert "{issued_at}" in text or re.search(EARLIER_CLOCK, text), form


@pytest.mark.parametrize("name", [*LEVELS, *WITHOUT_AN_ORDER, *LIFTS])
@every_language
def test_orders_and_notices_name_the_place(name: str, language: Language) -> None:
    first = placename.split(TOWNS)[0]
    town = placename.of_town(first)[language]
    info = filled(BANK[name])[language]
    assert all(town in getattr(info, form) for form in (Form.DESCRIPTION, Form.SHORT, Form.SPEECH))


@pytest.mark.parametrize("name", LEVELS)
@every_language
def test_an_order_gives_its_level_as_a_digit_in_every_text(name: str, language: Language) -> None:
    info = filled(BANK[name])[language]
    digit = str(int(BANK[name].level or 0))
    for form in (Form.HEADLINE, Form.DESCRIPTION, Form.SHORT, Form.SPEECH):
        assert digit in getattr(info, form).replace("{issued_at}", ""), form


@pytest.mark.parametrize("name", LEVELS)
def test_the_first_sentence_is_the_one_a_city_would_write(name: str) -> None:
    template = BANK[name]
    hazard = "青波川の洪水" if template.hazard is Hazard.FLOOD else template.hazard.japanese
    assert template.level is not None
    assert filled(template)[Language.JA].description.startswith(
        f"よびかけ市は{{issued_at}}、{hazard}について"
        f"警戒レベル{int(template.level)} {template.level.meaning.name}を発令しました。\n"
    )


@pytest.mark.parametrize("name", LEVELS)
@pytest.mark.parametrize("language", FOREIGN)
def test_a_foreign_order_keeps_the_japanese_name_to_compare_with_television(
    name: str, language: Language
) -> None:
    level = BANK[name].level or Level.EARLY
    info = filled(BANK[name])[language]
    written = info.headline + info.description
    assert level.meaning.name in written or (language in _HAN and info.event in written)


_HAN = (Language.ZH_HANS, Language.ZH_HANT)


@pytest.mark.parametrize("name", LEVELS)
@pytest.mark.parametrize("language", FOREIGN)
def test_a_foreign_text_gives_place_names_in_latin_letters(name: str, language: Language) -> None:
    info = filled(BANK[name])[language]
    for text in (info.description, info.short):
        assert "Kawazoi-cho" in text
        assert "Yobikake" in text


# --- words a city would correct ------------------------------------------------------------------


@every_template
def test_a_flood_has_no_cliff_and_the_inland_no_storm_surge(template: Template) -> None:
    for info in template.infos.values():
        text = whole(info)
        if template.hazard is not Hazard.STORM_SURGE:
            assert not re.search("高潮|[Ss]torm surge|해일|nước dâng|暴潮", text)
        if template.hazard is Hazard.FLOOD:
            assert not re.search("崖|がけ|土砂|landslide|slope|滑坡|山崩|산사태|비탈|sạt lở|पहिरो", text)


@every_template
def test_a_flood_sends_people_to_places_for_floods_not_to_any_shelter(template: Template) -> None:
    japanese = whole(template.infos[Language.JA])
    if template.hazard.designable:
        assert "避難所" not in japanese
    if "{shelters}" in japanese and template.hazard is Hazard.FLOOD:
        assert "洪水のときに使える避難場所" in japanese


@pytest.mark.parametrize("name", ["flood-3", "flood-4", "flood-5"])
def test_upper_floors_are_only_for_when_going_out_is_more_dangerous(name: str) -> None:
    info = BANK[name].infos[Language.JA]
    assert "家屋倒壊等氾濫想定区域" in info.instruction
    if "上の階" in info.instruction:
        assert "外に出る方が危険なときだけ、近くの頑丈な建物の上の階へ" in info.instruction
        assert "必ず区域の外へ" in info.instruction


@every_template
def test_nobody_is_asked_who_they_are_where_people_are_sent(template: Template) -> None:
    info = template.infos[Language.JA]
    if "{shelters}" in info.instruction:
        assert "だれでも入れます。住所や在留資格は聞きません。" in info.instruction


@every_template
def test_the_abolished_advisory_does_not_return(template: Template) -> None:
    assert "避難勧告" not in whole(template.infos[Language.JA])
    assert "避難準備" not in whole(template.infos[Language.JA])


def test_a_city_orders_and_does_not_announce() -> None:
    """発令 is the city's word, 発表 that of 気象庁."""
    for template in BANK.values():
        assert "発表" not in whole(template.infos[Language.JA])


def test_lifting_is_said_as_an_order() -> None:
    for name in LIFTS:
        assert "避難指示を解除しました" in BANK[name].infos[Language.JA].description
        assert BANK[name].msg_type is MsgType.CANCEL
        assert BANK[name].level is None


@pytest.mark.parametrize("name", ["correction", "cancel"])
@every_language
def test_a_correction_admits_the_mistake_and_names_what_it_corrects(name: str, language: Language) -> None:
    template = BANK[name]
    assert template.correction
    info = filled(template)[language]
    for form in (Form.HEADLINE, Form.DESCRIPTION, Form.SHORT, Form.SPEECH):
        assert wording.admits_mistake(getattr(info, form), language), form
    assert "2026-0146" in info.description
    assert "2026-0146" in info.short
    assert re.search(EARLIER_CLOCK, info.speech)


def test_japanese_corrections_say_the_word() -> None:
    for name in ("correction", "cancel"):
        info = BANK[name].infos[Language.JA]
        assert all("誤り" in getattr(info, form) for form in (Form.HEADLINE, Form.SHORT, Form.SPEECH))


# --- やさしい日本語, voices ------------------------------------------------------------------------

_KANJI = r"[一-鿿々]"


@every_template
def test_easy_japanese_has_a_reading_after_every_kanji(template: Template) -> None:
    info = template.infos[Language.JA_EASY]
    for form in (Form.HEADLINE, Form.DESCRIPTION, Form.INSTRUCTION, Form.SHORT):
        bare = re.sub(rf"{_KANJI}+（[ぁ-んー]+）", "", getattr(info, form))
        assert not re.findall(_KANJI, bare), form


@every_template
def test_easy_japanese_is_in_short_sentences(template: Template) -> None:
    info = template.infos[Language.JA_EASY]
    bare = re.sub("（[ぁ-んー]+）", "", f"{info.description}\n{info.instruction}")
    for sentence in re.split(r"[。\n]", bare):
        assert len(sentence) <= 55, sentence


@every_template
@every_language
def test_a_voice_has_no_brackets_and_no_other_script_to_read(template: Template, language: Language) -> None:
    speech = template.infos[language].speech
    assert not re.search(r"[（）()\[\]【】]", speech)
    if language not in (Language.JA, Language.JA_EASY, *_HAN):
        assert not re.search(_KANJI, filled(template)[language].speech)


# --- lengths -------------------------------------------------------------------------------------


@every_template
@every_language
def test_a_short_text_fits_a_post_even_in_a_drill(template: Template, language: Language) -> None:
    alert = sent(template, Mode.RESIDENT_DRILL)
    content = render.render(alert, Variant(language, None), LongNames(), lambda: NOW, number="A-2000-000000")
    assert weight(Content.text(content.short)) <= LIMIT


class LongNames(NothingKnown):
    def city(self, language: Language) -> str:
        return "避" * 20


TOWNS_OF_A_CITY = tuple(town.name for town in cities.load(folder("akishima")).towns.values())
"""Those of the first city, all named one by one; and the longest list of sites that its grammar lets through."""
LONGEST_NAME = shelter_list.LONGEST_NAME // 2
ANY_CITY = [Name(ja="避" * LONGEST_NAME, en="W" * LONGEST_NAME)] * shelter_list.MOST_LINES
QUESTIONS = [
    Question(keys, "https://hub.example/phone/keys/2026-0147.114000.abcdef")
    for keys in (BEFORE_A_FLOOD, AFTER_AN_EARTHQUAKE)
]


@every_template
@pytest.mark.parametrize("mode", [Mode.LIVE, Mode.RESIDENT_DRILL])
@pytest.mark.parametrize("language", speech.VOICES)
def test_a_call_says_the_whole_order_however_many_towns_and_sites_it_names(
    template: Template, mode: Mode, language: Language
) -> None:
    infos = phrases.fill(
        template, city=CITY, area=TOWNS_OF_A_CITY, river=RIVER, earlier=EARLIER, details=DETAILS
    )
    alert = msgspec.structs.replace(sent(template, mode), infos=tuple(infos))
    content = render.with_longest_list(_rendered(alert, language), ANY_CITY)
    assert speech.length(content, names={}) <= speech.TWIML_LIMIT
    for ask in (None, *QUESTIONS):
        call = "".join(ElementTree.fromstring(speech.twiml(content, names={}, ask=ask)).itertext())
        assert "".join(speech.sentences(content)) in call
        assert len(speech.twiml(content, names={}, ask=ask)) <= speech.TWIML_LIMIT


@every_template
@pytest.mark.parametrize("language", [Language.JA, Language.EN])
def test_a_live_post_has_room_for_its_link_and_mark(template: Template, language: Language) -> None:
    assert len(thread(_rendered(sent(template, Mode.LIVE), language))) == 1


def _rendered(alert: Alert, language: Language) -> Content:
    return render.render(alert, Variant(language, None), NothingKnown(), lambda: NOW, number="2026-0147")


def _short(alert: Alert, language: Language) -> str:
    return Content.text(_rendered(alert, language).short)


@every_template
@every_language
def test_a_headline_is_a_line(template: Template, language: Language) -> None:
    headline = filled(template)[language].headline
    assert "\n" not in headline
    assert len(headline) + len(framing.FRAMINGS[language].mark) <= 160


def test_a_city_is_offered_nothing_for_what_it_does_not_have() -> None:
    inland = phrases.load(FOLDER, without={Hazard.STORM_SURGE})
    assert BANK.keys() - inland.keys() == {name for name in BANK if name.startswith("storm_surge-")}


# --- filling -------------------------------------------------------------------------------------


def test_a_draft_names_the_city_the_river_and_the_towns() -> None:
    info = filled(BANK["flood-4"])[Language.JA]
    assert info.description == (
        "よびかけ市は{issued_at}、青波川の洪水について警戒レベル4 避難指示を発令しました。\n"
        "対象は、川沿い町、青波町、東川町、西川町、南川町、北川町、中川町、川口町の、青波川の浸水想定区域です。\n"
        "青波川が増水し、氾濫するおそれが高まっています。"
    )
    assert "対象：川沿い町、青波町など8地区の浸水想定区域" in info.short


def test_the_time_follows_the_order_unless_it_is_fixed() -> None:
    template = BANK["flood-4"]
    assert "{issued_at}" in filled(template)[Language.JA].headline
    infos = phrases.fill(template, city=CITY, area=(TOWNS,), river=RIVER, issued_at=NOW)
    assert "21時47分発令" in infos[0].headline


def test_a_whole_city_has_words_of_its_own() -> None:
    names = placename.whole_city(CITY)
    assert names[Language.JA] == "よびかけ市全域"
    assert names[Language.EN] == "all of Yobikake City"
    assert set(names) == set(Language)


@pytest.mark.parametrize(
    ("missing", "name"), [({"river": None}, "river"), ({"area": ()}, "area"), ({"earlier": None}, "earlier")]
)
def test_what_is_not_given_is_named(missing: dict[str, object], name: str) -> None:
    values: dict[str, object] = {
        "city": CITY,
        "area": (TOWNS,),
        "river": RIVER,
        "earlier": EARLIER,
        **missing,
    }
    template = BANK["correction" if name == "earlier" else "flood-4"]
    assert name in template.parameters
    with pytest.raises(BadInput, match=rf"{{{name}"):
        phrases.fill(template, **values)  # type: ignore[arg-type]


# --- loading -------------------------------------------------------------------------------------

MINIMAL = """
title = "試し"
hazard = "other"
review_by = 2027-05-31

[text.ja]
event = "お知らせ"
headline = "{city}のお知らせ"
description = "本文"
instruction = "行動"
short = "短文"
speech = "音声"
"""


def loaded(folder: Path, text: str) -> Template:
    (folder / "own.toml").write_text(text, encoding="utf-8")
    return phrases.load(folder)["own"]


def test_a_city_may_add_a_template_in_japanese_alone(tmp_path: Path) -> None:
    template = loaded(tmp_path, MINIMAL)
    assert template.id == "own"
    assert set(template.infos) == {Language.JA}
    assert template.parameters == {"city"}


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ('headline = "{city}のお知らせ"\n', "", "own.toml $.text.ja"),
        ('speech = "音声"', 'speech = ""', "own.toml $.text.ja.speech"),
        ('short = "短文"', 'short = "{towns}"', "own.toml $.text.ja.short"),
        ('short = "短文"', 'short = "{shelters}"', "own.toml $.text.ja.short"),
        ('short = "短文"', 'short = "訓練です"', "own.toml $.text.ja.short"),
        ('short = "短文"', 'sort = "短文"', "own.toml $.text.ja"),
        ("[text.ja]", 'level = "four"\n[text.ja]', "own.toml $.level"),
        ("[text.ja]", "level = 6\n[text.ja]", "own.toml $.level"),
        ("[text.ja]", "correction = true\n[text.ja]", "own.toml $.text.ja.headline"),
        ("[text.ja]", "[text.xx]", "own.toml $.text"),
        ("review_by = 2027-05-31", "", "own.toml"),
        ('title = "試し"', "title = 試し", "own.toml"),
    ],
)
def test_a_mistake_in_a_file_is_named_with_its_key(tmp_path: Path, old: str, new: str, place: str) -> None:
    assert old in MINIMAL
    with pytest.raises(BadSettings) as refused:
        loaded(tmp_path, MINIMAL.replace(old, new))
    assert refused.value.path == place
