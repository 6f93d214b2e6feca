"""`exposure.toml`: whom a hazard reaches first, as a city writes it."""

from pathlib import Path

import pytest

import config
from hub import city, exposure
from hub.errors import BadSettings
from hub.hazard import Hazard

CITY = city.load(config.folder("akishima"))
FIRST = '[[exposures]]\nhazard = "flood"\nsource = "a map"\n'


def written(folder: Path, text: str) -> Path:
    (folder / exposure.FILE).write_text(text, encoding="utf-8")
    return folder


def test_akishima_calls_the_towns_at_the_river_first_and_says_that_no_map_says_so() -> None:
    found = exposure.load(config.folder("akishima"), CITY)
    assert found.tiers.keys() == {Hazard.FLOOD}
    assert found.tiers[Hazard.FLOOD][0] == frozenset(CITY.presets["tamagawa-flood"].towns)
    assert found.invented == {Hazard.FLOOD}


def test_tiers_keep_their_order(tmp_path: Path) -> None:
    folder = written(tmp_path, FIRST + 'tiers = [["築地町"], ["緑町一丁目", "東町一丁目"]]')
    tiers = exposure.load(folder, CITY).tiers[Hazard.FLOOD]
    assert [{CITY.towns[town].name.ja for town in tier} for tier in tiers] == [
        {"築地町"},
        {"緑町一丁目", "東町一丁目"},
    ]


def test_a_city_need_not_say_anything(tmp_path: Path) -> None:
    assert exposure.load(tmp_path, CITY) == exposure.NOBODY_FIRST


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (FIRST + 'tiers = [["築池町"]]', "exposure.toml flood tiers: 築池町: not in towns.csv"),
        (FIRST + 'tiers = [["築地町"], ["築地町"]]', "築地町: named twice"),
        (FIRST + "tiers = [[]]", "exposure.toml"),
        ((FIRST + 'tiers = [["築地町"]]\n') * 2, "this hazard is there twice"),
        (FIRST.replace('source = "a map"\n', "") + 'tiers = [["築地町"]]', "source"),
        (FIRST.replace("flood", "flod") + 'tiers = [["築地町"]]', "exposure.toml"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(BadSettings, match=message):
        exposure.load(written(tmp_path, text), CITY)


@pytest.mark.parametrize(
    ("setting", "town", "may_stay"),
    [
        ("", "築地町", False),
        ("", "緑町一丁目", False),
        ("", "東町一丁目", True),
        ("leaving_tiers = 1\n", "築地町", False),
        ("leaving_tiers = 1\n", "緑町一丁目", True),
        ("leaving_tiers = 0\n", "築地町", True),
    ],
)
def test_who_must_leave_the_house_is_said_by_tier(
    tmp_path: Path, setting: str, town: str, *, may_stay: bool
) -> None:
    folder = written(tmp_path, f'{FIRST}{setting}tiers = [["築地町"], ["緑町一丁目"]]')
    code = next(each.code for each in CITY.towns.values() if each.name.ja == town)
    found = exposure.load(folder, CITY)
    assert found.may_stay(Hazard.FLOOD, code) is may_stay
    assert not found.may_stay(Hazard.STORM_SURGE, code), "no map says so"
