"""The sites of Akishima, as 国土地理院 publishes them, and mistakes in a list of sites."""

import json
import os
from collections import Counter
from pathlib import Path

import pytest

import config
from hub.errors import BadSettings
from hub.hazard import DESIGNABLE, Hazard
from shelters.crowding import load_thresholds
from shelters.device_check import load_devices
from shelters.site import Facility, Site, SiteCode, load_sites

AKISHIMA = config.folder("akishima")


@pytest.fixture(scope="module")
def sites() -> dict[SiteCode, Site]:
    return load_sites(AKISHIMA)


def test_how_many_are_designated_for_what(sites: dict[SiteCode, Site]) -> None:
    assert sum(site.emergency_id is not None for site in sites.values()) == 36
    assert sum(site.evacuation_id is not None for site in sites.values()) == 41
    assert len(sites) == 55
    assert Counter(hazard for site in sites.values() for hazard in site.hazards) == {
        Hazard.FLOOD: 21,
        Hazard.LANDSLIDE: 36,
        Hazard.EARTHQUAKE: 36,
        Hazard.LARGE_FIRE: 6,
        Hazard.INLAND_FLOOD: 35,
    }


def test_no_site_has_invented_facilities(sites: dict[SiteCode, Site]) -> None:
    assert {site.facilities for site in sites.values()} == {frozenset()}


def test_what_the_city_writes_down_is_there(tmp_path: Path) -> None:
    first, second, *_ = (AKISHIMA / "shelters.csv").read_text(encoding="utf-8").splitlines()
    (tmp_path / "shelters.csv").write_text(f"{first}\n{second.removesuffix(',,,')},1,0,1\n", encoding="utf-8")
    (site,) = load_sites(tmp_path).values()
    assert site.facilities == {Facility.WHEELCHAIR, Facility.INFANTS}


def test_no_site_has_an_invented_capacity(sites: dict[SiteCode, Site]) -> None:
    assert {site.capacity for site in sites.values()} == {None}


def test_where_people_live_afterwards_is_designated_for_nothing(sites: dict[SiteCode, Site]) -> None:
    afterwards = [site for site in sites.values() if site.emergency_id is None]
    assert len(afterwards) == 19
    assert not any(site.hazards for site in afterwards)


def test_names_have_a_latin_form(sites: dict[SiteCode, Site]) -> None:
    assert all(site.name.en and site.name.en.isascii() for site in sites.values())
    assert len({site.name.en for site in sites.values()}) == len(sites)


def test_the_rest_of_the_folder_fits(sites: dict[SiteCode, Site]) -> None:
    assert load_thresholds(AKISHIMA).full_from_percent == 80
    assert load_devices(AKISHIMA, sites).at(next(iter(sites))) == ()


HEAD = "code,ja,en,address,latitude,longitude,emergency_id,evacuation_id,flood,earthquake,capacity\n"


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ("a,あ,A,x,35,139,,,,,\n", "shelters.csv a: has neither"),
        ("a,あ,A,x,35,139,,E1,1,,\n", "shelters.csv a: only a 指定緊急避難場所"),
        ("a,あ,A,x,35,139,E1,,,,\n", "shelters.csv a: is a 指定緊急避難場所 for no hazard"),
        ("a,あ,A,x,35,139,E1,,1,,0\n", r"shelters.csv line 2 \$.capacity"),
        ("a,あ,A,x,35,139,E1,,perhaps,,\n", r"shelters.csv line 2 \$.flood"),
        ("a,あ,A,x,95,139,E1,,1,,\n", r"latitude"),
        ("a,あ,A,x,35,139,E1,,1,,\n" * 2, "a is there twice"),
        ("a,あ,,x,35,139,E1,,1,,\n", "shelters.csv line 2.*`en`"),
    ],
)
def test_a_mistake_is_named_with_its_place(tmp_path: Path, rows: str, says: str) -> None:
    (tmp_path / "shelters.csv").write_text(HEAD + rows, encoding="utf-8")
    with pytest.raises(BadSettings, match=says):
        load_sites(tmp_path)


COLUMNS = {
    "洪水": Hazard.FLOOD,
    "崖崩れ、土石流及び地滑り": Hazard.LANDSLIDE,
    "高潮": Hazard.STORM_SURGE,
    "地震": Hazard.EARTHQUAKE,
    "津波": Hazard.TSUNAMI,
    "大規模な火事": Hazard.LARGE_FIRE,
    "内水氾濫": Hazard.INLAND_FLOOD,
    "火山現象": Hazard.VOLCANO,
}


def published(name: str) -> list[dict[str, str]]:
    shared = Path(os.environ.get("YOBIKAKE_SHARED") or Path(__file__).parents[3].parent / "shared")
    file = shared / "data/opendata" / name
    if not file.exists():
        pytest.skip(f"{file} is not here: set YOBIKAKE_SHARED to compare with the published data")
    return [feature["properties"] for feature in json.loads(file.read_text(encoding="utf-8"))["features"]]


def test_the_emergency_sites_are_those_published(sites: dict[SiteCode, Site]) -> None:
    assert set(COLUMNS.values()) == DESIGNABLE
    ours = {site.emergency_id: site for site in sites.values() if site.emergency_id}
    theirs = {row["共通ID"]: row for row in published("gsi_emergency_132071_akishima.json")}
    assert ours.keys() == theirs.keys()
    for number, row in theirs.items():
        assert ours[number].name.ja == row["施設・場所名"]
        assert ours[number].hazards == {hazard for column, hazard in COLUMNS.items() if row[column] == "1"}
        assert row["住所"].endswith(ours[number].address)


def test_the_evacuation_sites_are_those_published(sites: dict[SiteCode, Site]) -> None:
    ours = {site.evacuation_id: site for site in sites.values() if site.evacuation_id}
    theirs = {row["共通ID"]: row for row in published("gsi_evacuation_132071_akishima.json")}
    assert {number: site.name.ja for number, site in ours.items()} == {
        number: row["施設・場所名"] for number, row in theirs.items()
    }
