"""Towns, stations and sites by every spelling, in this city and in one that was never heard of."""

from dataclasses import replace

import pytest

from config import folder
from hub.city import CityTown, Station
from hub.language import Language
from hub.place import Name, Position
from hub.recipient import Town
from operator_ui.window.places import Neighbours, Places, load_neighbours
from operator_ui.window.question import Question
from operator_ui.window.reply import Kind, Reply
from operator_ui.window.window import Window
from tests.unit.residents.portal_setup import CITY, SITES
from tests.unit.window.asking import ask, bank, stated
from yobikake.evaluation.window_states import NOW, StateName

PLACES = Places(CITY, SITES.values(), load_neighbours(folder("akishima")), bank().places)
HERE = Position(latitude=35.7, longitude=139.3)


def town_of(places: Places, text: str) -> str:
    code = next(iter(places.named(text).towns), None)
    return "" if code is None else next(each.name.ja for each in places.all_towns if code in each.towns)


@pytest.mark.parametrize(
    ("town", "spellings"),
    [
        ("拝島町", ["はいじまちょう", "ハイジマチョウ", "拜岛町", "拜島町", "하이지마초", "하이지마쵸", "하이지마마치", "हाइजिमा चो", "हाईजिमाचोमा"]),
        ("昭和町", ["shōwa-chō", "showacho", "shouwa chou", "showa machi", "쇼와초", "शोवाचो"]),
        ("緑町", ["绿町", "綠町", "みどりちょう", "미도리초", "मिदोरिचो"]),
        ("もくせいの杜", ["mokusei no mori", "mokuseinomori", "もくせいのもり", "모쿠세이노모리", "मोकुसेइनोमोरी"]),
        ("上川原町", ["jogawara", "jōgawara-chō", "조가와라초", "じょうがわらちょう"]),
        ("つつじが丘", ["つつじヶ丘", "tsutsujigaoka", "쓰쓰지가오카", "츠츠지가오카"]),
        ("拝島町", ["拝島の避難所", "はいじまの ちかく", "拝島に住んでいます", "haijima", "하이지마"]),
    ],
)  # fmt: skip
def test_a_town_in_every_script(town: str, spellings: list[str]) -> None:
    assert {spelling: town_of(PLACES, spelling) for spelling in spellings} == dict.fromkeys(spellings, town)


@pytest.mark.parametrize(
    "text",
    [
        "田中です",
        "昭和に建った家",
        "緑の服",
        "福島の避難所",
        "武蔵野市の避難所",
        "home",
        "a green house",
        "朝日を見た",
    ],
)
def test_what_only_sounds_like_a_town_is_none(text: str) -> None:
    assert not PLACES.named(text).in_city


@pytest.mark.parametrize(
    "text",
    [
        "朝日町3丁目",
        "asahi-cho 3-chome",
        "asahi-cho 3-2-1",
        "아사히초 3초메",
        "朝日町三丁目",
        "あさひちょう3ちょうめ",
    ],
)
def test_a_number_says_which_part(text: str) -> None:
    assert [CITY.towns[each].name.ja for each in PLACES.named(text).towns] == ["朝日町三丁目"]


@pytest.mark.parametrize(
    ("text", "station"),
    [
        ("東中神駅の近く", "東中神"),
        ("東中神の近く", "東中神"),
        ("ひがしなかがみえき", "東中神"),
        ("higashi nakagami station", "東中神"),
        ("haijima stn", "拝島"),
        ("ga nakagami ở đâu", "中神"),
        ("昭岛站", "昭島"),
        ("아키시마역", "昭島"),
        ("हाइजिमा स्टेसन", "拝島"),
        ("昭島の避難所", ""),
        ("拝島の避難所", ""),
        ("西立川駅", ""),
    ],
)
def test_a_station_only_where_it_is_said_to_be_one_or_nothing_else_is_called_so(
    text: str, station: str
) -> None:
    found = PLACES.named(text).station
    assert (found.ja if found else "") == station


@pytest.mark.parametrize(
    ("text", "site"),
    [
        ("拝二小", "昭島市立拝島第二小学校"),
        ("拝島二小は開いてる", "昭島市立拝島第二小学校"),
        ("玉川小", "昭島市立玉川小学校"),
        ("拜岛第二小学", "昭島市立拝島第二小学校"),
        ("たまがわしょうがっこう", "昭島市立玉川小学校"),
        ("다마가와 초등학교", "昭島市立玉川小学校"),
        ("trường tiểu học tamagawa", "昭島市立玉川小学校"),
        ("showa junior high", "昭島市立昭和中学校"),
        ("昭和公园", "昭和公園"),
        ("昭和中心", ""),
    ],
)
def test_a_site_by_its_own_name(text: str, site: str) -> None:
    code = PLACES.named(text).site
    assert (SITES[code].name.ja if code else "") == site


# --- another city -------------------------------------------------------------------------------


def another(*names: tuple[str, str, str]) -> tuple[Places, Window]:
    """With towns that are named, called in Latin letters and read so, some kilometres apart."""
    towns = {
        Town(f"99999-{i}"): CityTown(
            code=Town(f"99999-{i}"),
            name=Name(ja=ja, en=en),
            centre=Position(latitude=35.70 + i / 50, longitude=139.36),
            zone=next(iter(CITY.zones)),
            population=None,
        )
        for i, (ja, en, _) in enumerate(names)
    }
    city = replace(
        CITY,
        towns=towns,
        readings={ja: read for ja, _, read in names} | {"新橋駅": "しんばしえき"},
        stations=(Station(ja="新橋", en="Shimbashi", latitude=35.7, longitude=139.3),),
    )
    return Places(city, [], Neighbours(), bank().places), Window(bank(), city, SITES.values(), Neighbours())


def test_another_citys_towns_are_spelt_by_the_same_rules() -> None:
    places, _ = another(
        ("鶴沢町", "Tsurusawa-cho", "つるさわちょう"), ("広浜町", "Hirohama-machi", "ひろはままち")
    )
    for text in ("鹤泽町", "鶴澤町", "쓰루사와초", "츠루사와쵸", "त्सुरुसावाचो", "tsurusawa", "つるさわちょう"):
        assert town_of(places, text) == "鶴沢町", text
    for text in ("广滨町", "廣濱町", "히로하마마치", "हिरोहामा", "hirohama machi"):
        assert town_of(places, text) == "広浜町", text
    assert places.named("신바시역").station is not None
    assert places.named("新桥站").station is not None


def test_without_a_reading_a_name_is_known_as_it_is_written() -> None:
    city = replace(CITY, readings={})
    places = Places(city, SITES.values(), Neighbours(), bank().places)
    assert (
        town_of(places, "拝島町") == town_of(places, "拜岛町") == town_of(places, "haijima-cho") == "拝島町"
    )
    assert not places.named("하이지마초").in_city
    assert not places.named("ऊ").placed


ALIKE = (
    ("昭和町", "Showa-cho", "しょうわちょう"),
    ("正和町", "Showa-cho", "しょうわちょう"),
    ("泉町", "Izumi-cho", "いずみちょう"),
)


def asked(window: Window, text: str, language: Language) -> Reply:
    question = Question(text=text, asked_at=NOW, language=language)
    return window.answer(question, stated()[StateName.FLOOD].now)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("쇼와초 대피소", Language.KO),
        ("shelters in Showa-cho", Language.EN),
        ("しょうわちょうの ひなんじょ", Language.JA_EASY),
        ("nơi sơ tán ở Showa-cho", Language.VI),
    ],
)
def test_a_spelling_that_may_be_two_towns_asks_which_and_each_choice_is_understood(
    text: str, language: Language
) -> None:
    places, window = another(*ALIKE)
    assert {each.name.ja for each in places.named(text.lower()).either} == {"昭和町", "正和町"}
    reply = asked(window, text, language)
    assert bank().say("which_town", language) in reply.lead
    assert reply.sites
    assert all(site.metres is None for site in reply.sites)
    first, second = (asked(window, choice.ask, language) for choice in reply.choices)
    for choice in (first, second):
        assert (choice.kind, choice.language) == (Kind.SITES, language)
        assert not choice.choices
    assert [site.metres for site in first.sites] != [site.metres for site in second.sites]
    assert None not in {site.metres for site in (*first.sites, *second.sites)}


def test_characters_tell_apart_what_sounds_alike() -> None:
    places, window = another(*ALIKE)
    assert (town_of(places, "正和町"), town_of(places, "昭和町")) == ("正和町", "昭和町")
    alerts = asked(window, "쇼와초에 경보가 나왔나요", Language.KO)
    assert (alerts.kind, len(alerts.choices)) == (Kind.ALERTS, 2)
    assert asked(window, alerts.choices[0].ask, Language.KO).kind is Kind.ALERTS
    assert not asked(window, "이즈미초 대피소", Language.KO).choices


def test_from_a_station_sites_are_near_it_and_alerts_are_those_of_the_city() -> None:
    station = next(each for each in CITY.stations if each.ja == "東中神")
    reply = ask("東中神駅の近くの避難所")
    for site in reply.sites:
        at = Position(latitude=site.entry.latitude, longitude=site.entry.longitude)
        assert site.metres == round(station.position.distance_m(at))
    assert ask("東中神駅で警報は出ていますか").lead == (bank().say("alerts_now", Language.JA),)
