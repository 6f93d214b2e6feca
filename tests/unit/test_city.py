"""The city of `config/akishima`, and what a mistake in such a folder says."""

import csv
import json
import os
import shutil
from pathlib import Path

import pytest

import config
from hub import city
from hub.errors import BadInput, BadSettings
from hub.evacuation import MEANINGS
from hub.hazard import Hazard
from hub.language import Language
from hub.place import Position
from hub.recipient import Town, Zone

AKISHIMA = config.folder("akishima")


@pytest.fixture(scope="module")
def akishima() -> city.City:
    return city.load(AKISHIMA)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy that a test may spoil."""
    for file in AKISHIMA.iterdir():
        if file.is_file():
            (tmp_path / file.name).write_bytes(file.read_bytes())
    return tmp_path


def spoil(folder: Path, name: str, old: str, new: str) -> None:
    text = (folder / name).read_text(encoding="utf-8")
    assert old in text
    (folder / name).write_text(text.replace(old, new, 1), encoding="utf-8")


def test_every_town_is_in_one_of_at_most_twelve_zones(akishima: city.City) -> None:
    assert len(akishima.towns) == 80
    assert len(akishima.zones) <= city.MOST_ZONES
    members = [town for zone in akishima.zones.values() for town in zone.towns]
    assert sorted(members) == sorted(akishima.towns)
    assert all(akishima.zone_of(town) == code for code, zone in akishima.zones.items() for town in zone.towns)


def test_it_is_named_in_every_language(akishima: city.City) -> None:
    assert set(akishima.names) == set(Language)
    assert akishima.names[Language.JA] == "昭島市"
    assert all(set(river.names) == set(Language) for river in akishima.rivers)


def test_towns_have_latin_names_for_foreign_texts(akishima: city.City) -> None:
    town = akishima.towns[akishima.presets["tamagawa-flood"].towns[0]]
    assert town.name.in_language(Language.JA_EASY) == "拝島町一丁目"
    assert town.name.in_language(Language.NE) == "Haijima-cho 1-chome"
    assert all(town.name.en.isascii() for town in akishima.towns.values())


def test_inland_there_is_no_sea(akishima: city.City, folder: Path) -> None:
    assert akishima.absent == {Hazard.STORM_SURGE, Hazard.TSUNAMI}
    spoil(folder, "city.toml", '"tsunami"]', '"sharks"]')
    with pytest.raises(BadSettings, match=r"city\.toml \$\.absent"):
        city.load(folder)


def test_the_flood_preset_is_marked_as_invented_and_covers_the_eight_towns(akishima: city.City) -> None:
    preset = akishima.presets["tamagawa-flood"]
    assert preset.invented
    assert preset.hazard is Hazard.FLOOD
    names = {akishima.town(code).name.ja.partition("町")[0] + "町" for code in preset.towns}
    assert names == set(preset.area.ja.split("・"))
    assert len(names) == 8


def test_the_boundary_is_closed_and_holds_every_town(akishima: city.City) -> None:
    from shapely.geometry import Point, Polygon

    outline = Polygon(akishima.boundary)
    assert akishima.boundary[0] == akishima.boundary[-1]
    outside = [
        town.name.ja
        for town in akishima.towns.values()
        if outline.distance(Point(town.centre.longitude, town.centre.latitude)) > 0.002  # simplified to 1 %
    ]
    assert outside == []


def test_a_part_of_the_population_is_never_told_as_the_whole(folder: Path) -> None:
    text = (folder / "towns.csv").read_text(encoding="utf-8")
    (folder / "towns.csv").write_text(
        text.replace("13207-001,朝日町一丁目,Asahi-cho 1-chome,35.708346,139.375034,asahi-tsuiji,",
                     "13207-001,朝日町一丁目,Asahi-cho 1-chome,35.708346,139.375034,asahi-tsuiji,1200"),
        encoding="utf-8",
    )  # fmt: skip
    made = city.load(folder)
    first, second = Town("13207-001"), Town("13207-002")
    assert made.population([first]) == (1200, 0)
    assert made.population([first]).total == 1200
    assert made.population([first, second]) == (1200, 1)
    assert made.population([first, second]).total is None
    assert made.population(None).total == made.residents


def test_an_unknown_town_is_an_error(akishima: city.City) -> None:
    with pytest.raises(BadInput, match="13201-001"):
        akishima.zone_of(Town("13201-001"))


@pytest.mark.parametrize(
    ("code", "digit"), [("13207", "1"), ("13202", "1"), ("13218", "7"), ("17202", "2"), ("01100", "2")]
)
def test_check_digits(code: str, digit: str) -> None:
    assert city.check_digit(code) == digit


def test_distances_are_those_of_the_ground() -> None:
    haijima = Position(latitude=35.706434, longitude=139.344564)
    azuma = Position(latitude=35.70372, longitude=139.389621)
    assert haijima.distance_m(azuma) == pytest.approx(4_080, rel=0.01)
    assert haijima.distance_m(haijima) == 0


@pytest.mark.parametrize(
    ("name", "old", "new", "says"),
    [
        ("city.toml", '"132071"', '"132072"', "city.toml $.code_with_check: should be 132071"),
        ("city.toml", 'ne = "आकिशिमा सहर"', "", r"city.toml \$.names: lacks ne"),
        ("city.toml", "residents = 114000", 'residents = "many"', r"city.toml \$.residents: Expected `int`"),
        ("city.toml", "[mayor]", "[mayor", "city.toml: is not TOML"),
        ("city.toml", "website", "web_site", r"city.toml.*web_site"),
        ("city.toml", "yobikake.13207.example", "a,b", r"city.toml \$.cap_sender"),
        ("towns.csv", "35.708346", "north", r"towns.csv line 2 \$.latitude"),
        ("towns.csv", "13207-002", "13207-001", "towns.csv code: 13207-001 is there twice"),
        ("towns.csv", ",musashino,", ",musasino,", "towns.csv .* zone: 'musasino' is not in zones.toml"),
        ("towns.csv", "13207-003,", "", "towns.csv line 4: has more or fewer cells"),
        ("zones.toml", 'code = "midori"', 'code = "midorii"', "towns.csv .* 'midori' is not in zones.toml"),
        ("levels.toml", "level = 3", "level = 2", "levels.toml levels: level 3 is missing"),
        ("presets.toml", '"築地町",', '"築池町",', "presets.toml tamagawa-flood towns: 築池町"),
        ("wifi.toml", "published_count", "count", r"wifi.toml.*count"),
        ("boundary.geojson", "coordinates", "coordinate", r"boundary.geojson \$.features\[0\].geometry"),
    ],
)
def test_a_mistake_is_named_with_its_place(folder: Path, name: str, old: str, new: str, says: str) -> None:
    spoil(folder, name, old, new)
    with pytest.raises(BadSettings, match=says.replace("$.code", r"\$.code")):
        city.load(folder)


def test_a_zone_without_towns_is_a_mistake(folder: Path) -> None:
    path = folder / "towns.csv"
    path.write_text(path.read_text(encoding="utf-8").replace(",midori,", ",haijima,"), encoding="utf-8")
    with pytest.raises(BadSettings, match=r"zones\.toml: no town is in midori"):
        city.load(folder)


def test_a_thirteenth_zone_is_a_mistake(folder: Path) -> None:
    with (folder / "zones.toml").open("a", encoding="utf-8") as file:
        file.write('\n[[zones]]\ncode = "more"\nja = "もう一つ"\nen = "One more"\n')
    with pytest.raises(BadSettings, match=r"zones\.toml \$\.zones: .*length <= 12"):
        city.load(folder)


def test_a_missing_file_is_named(folder: Path) -> None:
    (folder / "towns.csv").unlink()
    with pytest.raises(BadSettings, match=r"towns\.csv: cannot be read"):
        city.load(folder)


def test_a_spreadsheets_byte_order_mark_does_no_harm(folder: Path) -> None:
    path = folder / "towns.csv"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert len(city.load(folder).towns) == 80


def test_another_encoding_is_named(folder: Path) -> None:
    path = folder / "towns.csv"
    path.write_bytes(path.read_text(encoding="utf-8").encode("cp932"))
    with pytest.raises(BadSettings, match=r"towns\.csv: is not UTF-8"):
        city.load(folder)


def shared() -> Path:
    folder = (
        Path(os.environ.get("YOBIKAKE_SHARED") or Path(__file__).parents[2].parent / "shared")
        / "data/opendata"
    )
    if not folder.exists():
        pytest.skip(f"{folder} is not here: set YOBIKAKE_SHARED to compare with the published data")
    return folder


def test_the_towns_are_those_published() -> None:
    published = json.loads((shared() / "akishima_towns_geolonia.json").read_text(encoding="utf-8"))
    rows = list(csv.DictReader((AKISHIMA / "towns.csv").read_text(encoding="utf-8").splitlines()))
    assert [(row["ja"], float(row["latitude"]), float(row["longitude"])) for row in rows] == [
        (town["town"], town["lat"], town["lng"]) for town in published
    ]


def test_a_copy_of_the_folder_loads_the_same(folder: Path, akishima: city.City) -> None:
    copy = folder.parent / "copy"
    shutil.copytree(folder, copy)
    assert city.load(copy) == akishima
    assert Zone("haijima") in akishima.zones


def test_the_levels_are_called_what_the_guideline_calls_them() -> None:
    levels = city.load(AKISHIMA).levels
    assert {level: (words.name.ja, words.action.ja) for level, words in levels.items()} == {
        level: (meaning.name, meaning.action) for level, meaning in MEANINGS.items()
    }
