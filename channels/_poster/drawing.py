"""The map on a poster: the city's edge, the towns' names, the sites by number. North is up."""

from collections.abc import Callable, Iterator, Sequence
from itertools import product
from math import cos, radians
from typing import Any, NamedTuple

from channels._poster import standard, subset
from channels._poster.around import Around, Here, Spot
from channels._poster.faces import Face
from channels._poster.letters import runs, width_pt
from hub.language import Language
from hub.place import Position

MARGIN_M = 300.0
"""Around what is shown."""
LEAST_M = 1_200.0
"""No map shows less than this from edge to edge."""
TOWN_PT = 7.0
NUMBER_PT = 11.0
MARK = 10.0
"""Half of what a mark covers."""
_METRES_PER_DEGREE = 111_195.0

Point = tuple[float, float]
"""On paper."""
Box = tuple[float, float, float, float]
"""Left, bottom, right, top."""


class Frame(NamedTuple):
    """On paper, in points from the lower left corner."""

    left: float
    bottom: float
    width: float
    height: float


def draw(canvas: Any, frame: Frame, around: Around, spots: Sequence[Spot], language: Language) -> None:
    """Everything within the frame; nothing where no site's place is known."""
    known = [(spot, spot.position) for spot in spots if spot.position is not None]
    placed = _scale(frame, [around.here.position, *(position for _, position in known)])
    canvas.saveState()
    _clip(canvas, frame)
    _edge(canvas, [placed(each) for each in around.boundary])
    here, sites = placed(around.here.position), [placed(position) for _, position in known]
    marks = _apart(sites, here, frame)
    for name, x, y in _legible(around.towns, placed, [here, *marks], frame, language):
        _centred(canvas, name, TOWN_PT, (x, y), language, grey=0.35)
    _cross(canvas, *here)
    for (spot, _), site, mark in zip(known, sites, marks, strict=True):
        canvas.line(*site, *mark)
        _numbered(canvas, spot.number, mark, language)
    canvas.restoreState()
    canvas.rect(frame.left, frame.bottom, frame.width, frame.height)


def _scale(frame: Frame, shown: Sequence[Position]) -> Callable[[Position], Point]:
    """Where a position lies on paper, so that all of `shown` is in the frame."""
    east = cos(radians(shown[0].latitude)) * _METRES_PER_DEGREE
    xs = [each.longitude * east for each in shown]
    ys = [each.latitude * _METRES_PER_DEGREE for each in shown]
    across = max(LEAST_M, max(xs) - min(xs) + 2 * MARGIN_M)
    along = max(LEAST_M, max(ys) - min(ys) + 2 * MARGIN_M)
    points_per_m = min(frame.width / across, frame.height / along)
    middle_x, middle_y = (max(xs) + min(xs)) / 2, (max(ys) + min(ys)) / 2

    def placed(position: Position) -> Point:
        return (
            frame.left + frame.width / 2 + (position.longitude * east - middle_x) * points_per_m,
            frame.bottom
            + frame.height / 2
            + (position.latitude * _METRES_PER_DEGREE - middle_y) * points_per_m,
        )

    return placed


def _apart(sites: Sequence[Point], here: Point, frame: Frame) -> Sequence[Point]:
    """Where the numbers stand: at their sites, or as near as hides neither another number nor the cross."""
    taken, found = [_around(here)], list[Point]()
    for x, y in sites:
        places = [(x + across * MARK, y + up * MARK) for across, up in _NEARBY]
        free = (each for each in places if _within(_around(each), frame) and _free(_around(each), taken))
        mark = next(free, (x, y))
        found.append(mark)
        taken.append(_around(mark))
    return found


_NEARBY = sorted(product(range(-4, 5), repeat=2), key=lambda each: (each[0] ** 2 + each[1] ** 2, each))
"""Steps to try, the nearest first."""


def _legible(
    towns: Sequence[Here],
    placed: Callable[[Position], Point],
    marks: Sequence[Point],
    frame: Frame,
    language: Language,
) -> Iterator[tuple[str, float, float]]:
    """Names that are there whole, and cover neither a mark nor each other; of two the one that comes first."""
    taken = [_around(mark) for mark in marks]
    for town in towns:
        x, y = placed(town.position)
        half = width_pt(town.name, TOWN_PT, language) / 2 + 2
        box = (x - half, y - TOWN_PT, x + half, y + TOWN_PT)
        if _within(box, frame) and _free(box, taken):
            taken.append(box)
            yield town.name, x, y


def _around(mark: Point) -> Box:
    x, y = mark
    return x - MARK, y - MARK, x + MARK, y + MARK


def _within(box: Box, frame: Frame) -> bool:
    right, top = frame.left + frame.width, frame.bottom + frame.height
    return box[0] >= frame.left and box[1] >= frame.bottom and box[2] <= right and box[3] <= top


def _free(box: Box, taken: Sequence[Box]) -> bool:
    return not any(
        box[0] < other[2] and other[0] < box[2] and box[1] < other[3] and other[1] < box[3] for other in taken
    )


def _clip(canvas: Any, frame: Frame) -> None:
    path = canvas.beginPath()
    path.rect(*frame)
    canvas.clipPath(path, stroke=0)


def _edge(canvas: Any, points: Sequence[Point]) -> None:
    if not points:
        return
    path = canvas.beginPath()
    path.moveTo(*points[0])
    for point in points[1:]:
        path.lineTo(*point)
    path.close()
    canvas.setLineWidth(1)
    canvas.setDash(4, 3)
    canvas.drawPath(path)
    canvas.setDash()


def _cross(canvas: Any, x: float, y: float) -> None:
    canvas.setLineWidth(2.5)
    canvas.line(x - 8, y, x + 8, y)
    canvas.line(x, y - 8, x, y + 8)
    canvas.setLineWidth(1)


def _numbered(canvas: Any, number: int, middle: Point, language: Language) -> None:
    """Black, with a white edge: it is read on any fax."""
    x, y = middle
    canvas.setFillGray(0)
    canvas.setStrokeGray(1)
    canvas.rect(x - 9, y - 9, 18, 18, fill=1)
    canvas.setFillGray(1)
    _centred(canvas, str(number), NUMBER_PT, middle, language, grey=1)
    canvas.setStrokeGray(0)
    canvas.setFillGray(0)


def _centred(
    canvas: Any, text: str, size_pt: float, middle: Point, language: Language, *, grey: float
) -> None:
    x, y = middle
    canvas.setFillGray(grey)
    left = x - width_pt(text, size_pt, language) / 2
    write(canvas, text, size_pt, (left, y - size_pt * 0.36), language)
    canvas.setFillGray(0)


def write(canvas: Any, text: str, size_pt: float, at: Point, language: Language) -> None:
    """One line that begins there and stands there."""
    x, y = at
    for font, stretch in runs(text, language):
        if isinstance(font, Face):
            subset.write(canvas, font, stretch, size_pt, (x, y))
        else:
            standard.write(canvas, font, stretch, size_pt, (x, y))
        x += font.width(stretch) * size_pt
