"""The city as a drawing: its outline, the area an alert names, and numbered sites.

Made by the server as SVG, so that no page asks another origin for a map. It never stands alone: the
list beside it says the same in words, and the drawing's title points there.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from math import cos, hypot, radians

from markupsafe import Markup
from shapely import MultiPoint, Point, Polygon, unary_union, voronoi_polygons
from shapely.geometry.base import BaseGeometry

from hub.city import City
from hub.evacuation import Level
from hub.place import Position
from hub.recipient import Town

WIDTH = 360
"""Units of the drawing, about the pixels of a telephone: what is legible here is legible there."""
_MARGIN = 10
_RADIUS = 10
"""Of a marker."""
_APART = 2 * _RADIUS + 1
_ROUNDS = 60
"""Tries at moving markers apart that would cover each other."""


class Shape(StrEnum):
    """A marker's outline says what its colour says, for those who do not see the colour."""

    CIRCLE = "circle"
    SQUARE = "square"
    DIAMOND = "diamond"
    OCTAGON = "octagon"
    DASHED = "dashed"
    DOTTED = "dotted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Marker:
    """A site. `label` is what the list calls it by (its number there); `kind` a class for its colour."""

    position: Position
    label: str
    title: str
    shape: Shape = Shape.CIRCLE
    kind: str = ""


@dataclass(frozen=True, slots=True)
class _Spot:
    """Where a marker stands (x, y), and the place it means (home)."""

    x: float
    y: float
    home: tuple[float, float]


def glyph(shape: Shape, label: str | int = "") -> Markup:
    """A marker by itself: beside a word, so that list and map are recognised as the same."""
    return Markup('<svg class="glyph" viewBox="-13 -13 26 26" aria-hidden="true">{}{}</svg>').format(
        _OUTLINES[shape], _lettered(label) if label else ""
    )


class CityMap:
    """Made once a city; draws as often as needed."""

    def __init__(self, city: City) -> None:
        self._city = city
        self._scale = cos(radians(city.centre.latitude))
        outline = Polygon(self._flat(longitude, latitude) for longitude, latitude in city.boundary)
        left, top, right, bottom = outline.bounds
        self._factor = (WIDTH - 2 * _MARGIN) / (right - left)
        self._left, self._top = left, top
        self.height = round((bottom - top) * self._factor) + 2 * _MARGIN
        self._outline = Polygon(
            self._xy(Position(longitude=lon, latitude=lat)) for lon, lat in city.boundary
        ).buffer(0)

    def svg(
        self,
        *,
        title: str,
        painted: Collection[Town] = (),
        level: Level | None = None,
        markers: Sequence[Marker] = (),
    ) -> Markup:
        """One `<svg role="img">`. `painted` towns are filled in the colour of `level`.

        A town's area is the part of the city that is nearest to its centre, because outlines of towns
        are in no data here: the page says beside it that the area is approximate.
        """
        body = Markup("").join(
            [
                Markup('<path class="map-city" d="{}" fill="#fff" stroke="#666"/>').format(
                    _path(self._outline)
                ),
                self._area(painted, level),
                *self._markers(markers),
            ]
        )
        return Markup(
            '<svg class="map" role="img" viewBox="0 0 {} {}" aria-label="{}"><title>{}</title>{}</svg>'
        ).format(WIDTH, self.height, title, title, body)

    def _area(self, painted: Collection[Town], level: Level | None) -> Markup:
        cells = [cell for town, cell in self._cells.items() if town in painted]
        if not cells:
            return Markup("")
        name = f" map-area-{int(level)}" if level else ""
        return Markup(
            '<path class="map-area{}" d="{}" fill="#00f" fill-opacity=".15" stroke="#00f" stroke-width="1.5"/>'
        ).format(name, _path(unary_union(cells)))

    def _markers(self, markers: Sequence[Marker]) -> Iterable[Markup]:
        spots = self._spread([self._xy(marker.position) for marker in markers])
        yield from (_leader(spot) for spot in spots if _moved(spot))
        yield from (_drawn(marker, spot) for marker, spot in zip(markers, spots, strict=True))

    @cached_property
    def _cells(self) -> Mapping[Town, BaseGeometry]:
        centres = {code: Point(self._xy(town.centre)) for code, town in self._city.towns.items()}
        frame = self._outline.buffer(WIDTH)
        diagram = list(voronoi_polygons(MultiPoint(list(centres.values())), extend_to=frame).geoms)
        return {
            code: cell.intersection(self._outline)
            for code, centre in centres.items()
            for cell in diagram
            if cell.covers(centre)
        }

    def _spread(self, homes: Sequence[tuple[float, float]]) -> list[_Spot]:
        """Where markers stand so that none covers another: as near to their places as that allows."""
        spots = [self._inside(_Spot(x, y, (x, y))) for x, y in homes]
        for _ in range(_ROUNDS):
            if not _push_apart(spots):
                break
            spots = [self._inside(spot) for spot in spots]
        return spots

    def _inside(self, spot: _Spot) -> _Spot:
        edge = _RADIUS + 1
        return replace(
            spot,
            x=min(max(spot.x, edge), WIDTH - edge),
            y=min(max(spot.y, edge), self.height - edge),
        )

    def _flat(self, longitude: float, latitude: float) -> tuple[float, float]:
        """Degrees on a plane that keeps distances in all directions alike, for an area as small as a city."""
        return longitude * self._scale, -latitude

    def _xy(self, position: Position) -> tuple[float, float]:
        x, y = self._flat(position.longitude, position.latitude)
        return (x - self._left) * self._factor + _MARGIN, (y - self._top) * self._factor + _MARGIN


def _push_apart(spots: list[_Spot]) -> bool:
    """Move each pair that is too close by half of what is missing. False when there was none."""
    moved = False
    for i in range(len(spots)):
        for j in range(i):
            a, b = spots[i], spots[j]
            distance = hypot(a.x - b.x, a.y - b.y)
            if distance >= _APART - 0.01:
                continue
            moved = True
            east, south = (
                ((a.x - b.x) / distance, (a.y - b.y) / distance) if distance else (cos(i), 1 - cos(i))
            )
            step = (_APART - distance) / 2
            spots[i] = replace(a, x=a.x + east * step, y=a.y + south * step)
            spots[j] = replace(b, x=b.x - east * step, y=b.y - south * step)
    return moved


def _moved(spot: _Spot) -> bool:
    return hypot(spot.x - spot.home[0], spot.y - spot.home[1]) > _RADIUS / 2


def _leader(spot: _Spot) -> Markup:
    """A line from the marker to the place it means."""
    x, y = spot.home
    return Markup(
        '<path class="map-leader" d="M{:.1f} {:.1f}L{:.1f} {:.1f}" stroke="#333"/><circle class="map-dot" cx="{:.1f}" cy="{:.1f}" r="1.5"/>'
    ).format(spot.x, spot.y, x, y, x, y)


def _drawn(marker: Marker, spot: _Spot) -> Markup:
    return Markup(
        '<g class="map-marker {}" transform="translate({:.1f} {:.1f})"><title>{}</title>{}{}</g>'
    ).format(marker.kind, spot.x, spot.y, marker.title, _OUTLINES[marker.shape], _lettered(marker.label))


def _lettered(label: str | int) -> Markup:
    return Markup('<text y="3.8" text-anchor="middle" font-size="11" font-weight="700">{}</text>').format(
        label
    )


_OUTLINES = {
    Shape.CIRCLE: Markup('<circle r="10"/>'),
    Shape.SQUARE: Markup('<rect x="-9" y="-9" width="18" height="18" rx="2"/>'),
    Shape.DIAMOND: Markup('<path d="M0-12 12 0 0 12-12 0z"/>'),
    Shape.OCTAGON: Markup('<path d="M-4-10H4L10-4V4L4 10H-4L-10 4V-4z"/>'),
    Shape.DASHED: Markup('<circle r="10" stroke-dasharray="4 3"/>'),
    Shape.DOTTED: Markup('<circle r="10" stroke-dasharray="1.5 2.5"/>'),
}


def _path(shape: BaseGeometry) -> str:
    polygons = shape.geoms if hasattr(shape, "geoms") else [shape]
    rings = [
        ring
        for polygon in polygons
        if isinstance(polygon, Polygon)
        for ring in _rings(polygon)
        if ring.coords
    ]
    return "".join("M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in ring.coords[:-1]) + "z" for ring in rings)


def _rings(polygon: Polygon) -> list[BaseGeometry]:
    return [polygon.exterior, *polygon.interiors]
