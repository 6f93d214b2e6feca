"""The city hall's departments, from the city's folder."""

from pathlib import Path

import pytest

from config import folder
from hub import organisation
from hub.errors import BadSettings
from hub.hazard import Hazard

DEPARTMENTS = """
[[departments]]
code = "water"
ja = "水道課"
en = "Waterworks"
hazards = ["water"]
"""


def test_akishima_has_departments_with_their_kinds_of_alert() -> None:
    found = organisation.load(folder("akishima"))
    disaster, water, welfare = (found.department(code) for code in ("disaster", "water", "welfare"))
    assert disaster is not None
    assert water is not None
    assert welfare is not None
    assert (disaster.hazards, water.hazards, welfare.hazards) == (
        frozenset(),
        {Hazard.WATER},
        {Hazard.HEAT},
    )
    assert found.department("no-such") is None


def test_akishimas_headquarters_grows_in_stages() -> None:
    stages = organisation.load(folder("akishima")).stages
    assert [stage.name.ja for stage in stages if stage.headquarters] == [
        f"災害対策本部 第{number}号配備" for number in (1, 2, 3)
    ]
    assert [stage.name.ja for stage in stages if not stage.headquarters] == [
        "情報連絡体制",
        "注意体制",
        "警戒体制",
    ]


def test_a_city_need_not_say(tmp_path: Path) -> None:
    assert organisation.load(tmp_path) == organisation.Organisation()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (DEPARTMENTS * 2, "water: there twice"),
        (DEPARTMENTS.replace('["water"]', '["rain"]'), r"departments.toml .*rain"),
        (DEPARTMENTS.replace('"水道課"', '""'), r"departments.toml .*ja"),
        ("[[departments]]\ncode = 'Water works'\nja = 'a'\nen = 'a'", r"departments.toml .*code"),
    ],
)
def test_what_is_wrong_with_the_file_is_said(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "departments.toml").write_text(text, encoding="utf-8")
    with pytest.raises(BadSettings, match=said):
        organisation.load(tmp_path)
