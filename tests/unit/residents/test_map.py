"""The drawing of the city: what is painted, and markers that can be told apart."""

import re
from itertools import combinations
from math import hypot

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from shapely import Polygon

from hub.evacuation import Level
from hub.place import Position
from operator_ui.map import WIDTH, CityMap, Marker, Shape, glyph
from tests.unit.residents.portal_setup import CITY, FLOOD

MAP = CityMap(CITY)
SVG = "{http://www.w3.org/2000/svg}"


def drawn(**asked: object) -> etree._Element:
    svg = str(MAP.svg(title="地図", **asked))  # type: ignore[arg-type]
    return etree.fromstring(svg.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1))


def area_of(path: str) -> float:
    rings = re.findall(r"M([^z]+)z", path)
    return sum(Polygon([tuple(map(float, p.split())) for p in ring.split("L")]).area for ring in rings)


def places(svg: etree._Element) -> list[tuple[float, float]]:
    moves = [group.get("transform") for group in svg.iter(f"{SVG}g")]
    return [tuple(map(float, re.findall(r"-?[\d.]+", move or ""))) for move in moves]  # type: ignore[misc]


def test_the_areas_of_all_towns_together_are_the_city() -> None:
    svg = drawn(painted=CITY.towns)
    city, area = (path.get("d") or "" for path in svg.iter(f"{SVG}path"))
    assert area_of(area) == pytest.approx(area_of(city), rel=0.01)


def test_only_the_named_towns_are_painted() -> None:
    preset = CITY.presets["tamagawa-flood"]
    svg = drawn(painted=preset.towns, level=Level.EVACUATE)
    city, area = svg.iter(f"{SVG}path")
    assert area.get("class") == "map-area map-area-4"
    assert 0 < area_of(area.get("d") or "") < area_of(city.get("d") or "")


def test_it_says_what_it_is_and_each_marker_says_which_site_it_means() -> None:
    markers = [Marker(position=FLOOD[0].position, label="1", title="1 公園<b>", shape=Shape.OCTAGON)]
    svg = drawn(markers=markers)
    assert svg.get("role") == "img"
    titles = [title.text for title in svg.iter(f"{SVG}title")]
    assert titles == ["地図", "1 公園<b>"]


positions = st.builds(
    Position,
    latitude=st.floats(CITY.centre.latitude - 0.02, CITY.centre.latitude + 0.02),
    longitude=st.floats(CITY.centre.longitude - 0.03, CITY.centre.longitude + 0.03),
)


@settings(max_examples=30)
@given(st.lists(positions, min_size=1, max_size=12))
def test_markers_stay_inside_the_drawing(found: list[Position]) -> None:
    svg = drawn(markers=[Marker(position=each, label=str(i), title="") for i, each in enumerate(found)])
    for x, y in places(svg):
        assert 10 <= x <= WIDTH - 10
        assert 10 <= y <= MAP.height - 10


def test_no_marker_covers_another_where_all_sites_for_floods_are_drawn() -> None:
    svg = drawn(markers=[Marker(position=site.position, label="1", title="") for site in FLOOD])
    for (ax, ay), (bx, by) in combinations(places(svg), 2):
        assert hypot(ax - bx, ay - by) >= 20


def test_two_sites_at_one_address_are_both_seen() -> None:
    same = Marker(position=FLOOD[0].position, label="1", title="")
    (ax, ay), (bx, by) = places(drawn(markers=[same, same]))
    assert hypot(ax - bx, ay - by) >= 20


def test_every_state_has_an_outline_of_its_own() -> None:
    assert len({glyph(shape) for shape in Shape}) == len(Shape)
