import pytest

from config import folder
from hub.place import Position
from operator_ui.window.places import Places, load_neighbours
from tests.unit.residents.portal_setup import CITY, SITES
from tests.unit.window.asking import bank

PLACES = Places(CITY, SITES.values(), load_neighbours(folder("akishima")), bank().places, ["大阪"])


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("朝日町三丁目の避難所", ["朝日町三丁目"]),
        ("朝日町3丁目", ["朝日町三丁目"]),
        ("朝日町3-2-1に住んでいます", ["朝日町三丁目"]),
        ("もくせいの杜", ["もくせいの杜一丁目", "もくせいの杜二丁目", "もくせいの杜三丁目"]),
        ("shelter in asahi-cho 3-chome", ["朝日町三丁目"]),
        ("shelter in tsutsujigaoka", ["つつじが丘一丁目", "つつじが丘二丁目", "つつじが丘三丁目"]),
        ("東京", []),
        ("福島県", []),
        ("武蔵野市の避難所", []),
        ("武蔵野の避難所", ["武蔵野二丁目", "武蔵野三丁目"]),
    ],
)
def test_towns_are_known_by_their_names_and_parts(text: str, names: list[str]) -> None:
    towns = PLACES.named(text).towns
    assert [CITY.towns[town].name.ja for town in towns] == names


@pytest.mark.parametrize(
    ("text", "outside"),
    [
        ("立川市の避難所", True),
        ("横浜市の避難所", True),
        ("大阪にいます", True),
        ("evacuation sites in tachikawa", True),
        ("朝日町から立川に行けますか", False),
        ("昭島市の避難所", False),
        ("市役所の電話番号", False),
        ("都市ガスが止まった", False),
        ("武蔵野市の避難所", True),
        ("武蔵野の避難所", False),
        ("shelters in musashino city", True),
        ("shelters in ome", True),
        ("can i go home", False),
        ("立川市民ですが昭島の避難所に入れますか", False),
        ("避難所", False),
    ],
)
def test_another_citys_places_are_not_ours(text: str, outside: bool) -> None:
    assert PLACES.named(text).outside is outside


def test_a_site_is_known_without_who_keeps_it_and_the_longer_name_first() -> None:
    def named(text: str) -> str | None:
        code = PLACES.named(text).site
        return SITES[code].name.ja if code else None

    assert named("つつじが丘小学校は開いてますか") == "昭島市立つつじが丘小学校"
    assert named("国営昭和記念公園") == "国営昭和記念公園"
    assert named("is showa park open") == "昭和公園"
    assert named("つつじが丘の避難所") is None


def test_who_stands_outside_the_city_has_no_town_of_it() -> None:
    for town in CITY.towns.values():
        assert PLACES.town_at(town.centre) == town.code
    beside = Position(latitude=CITY.centre.latitude + 0.25, longitude=CITY.centre.longitude)
    assert PLACES.town_at(beside) is None
