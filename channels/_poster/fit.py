"""How big the letters of a poster may be: what fits on one page of A4."""

from collections.abc import Iterator, Sequence
from functools import cache
from math import ceil
from typing import NamedTuple

from channels._poster.around import Around, Spot, spots
from channels._poster.letters import phrased, wrapped
from channels._poster.words import WORDS, kilometres
from hub.channel import Content
from hub.errors import BadInput
from hub.language import Language

WIDTH, HEIGHT = 595.28, 841.89
"""A4 in points."""
EDGE = 36.0
"""What printers and fax machines may not reach."""
INNER = WIDTH - 2 * EDGE
HEADLINES_PT = (40.0, 34.0, 30.0, 26.0, 22.0, 18.0, 14.0)
FROM_AFAR_PT = 26.0
"""A headline gets no smaller for the sake of its phrases, or of a map."""
BODIES_PT = (26.0, 24.0, 22.0, 20.0, 18.0, 16.0, 15.0, 14.0, 13.0, 12.0, 11.0, 10.0)
"""Tried from the biggest on. What does not fit in the smallest is not for a wall."""
WITH_MAP_PT = 14.0
"""Letters get no smaller for a map's sake."""
HEADLINE_LINES = 3
LEADING = 1.42
FOOT = 96.0
MAP_HEIGHTS = (250.0, 200.0, 150.0)
BESIDE_MAP = 30.0
"""Its caption, and what keeps it from its neighbours."""
GAPS = 20.0


class Block(NamedTuple):
    """The headline, as it fits."""

    lines: Sequence[str]
    size_pt: float

    @property
    def height(self) -> float:
        return len(self.lines) * self.size_pt * 1.3 + 24


class Line(NamedTuple):
    """Of the body. `indent` in units of the letters' size; `number` stands in a square in front of it."""

    text: str
    indent: float = 0.0
    number: int = 0


class Body(NamedTuple):
    """As it fits: its letters' size, and the map's height, 0 where there is none."""

    lines: Sequence[Line]
    size_pt: float
    map_height: float


def fitted(content: Content, named: Sequence[Spot]) -> tuple[Block, Body]:
    """The biggest letters come first, then the biggest map; no map at all before letters nobody can read, and the smallest
    headline before none.

    Raises:
        BadInput: it does not fit in letters that can be read.
    """

    @cache
    def lines_in(size_pt: float) -> Sequence[Line]:
        return list(_lines(content, named, size_pt))

    blocks = _blocks(content)
    heights = MAP_HEIGHTS if any(spot.number for spot in named) else ()
    without_map = [*((blocks[0], each, 0.0) for each in BODIES_PT), (blocks[-1], BODIES_PT[-1], 0.0)]
    for block, size_pt, map_height in [*_with_map(blocks, heights), *without_map]:
        lines = lines_in(size_pt)
        beside = map_height + BESIDE_MAP if map_height else 0
        if _height(lines, size_pt) + beside + GAPS <= _room(block):
            return block, Body(lines, size_pt, map_height)
    raise BadInput(
        "body",
        "is too long for one page of A4: shorten the text / A4 1枚に収まりません。文面を短くしてください",
    )


def filled_percent(content: Content, around: Around) -> int:
    """How much of its room the body takes in the smallest letters, rounded up. Over a hundred no page holds it."""
    size_pt = BODIES_PT[-1]
    lines = list(_lines(content, spots(content, around), size_pt))
    return ceil(100 * (_height(lines, size_pt) + GAPS) / _room(_blocks(content)[-1]))


def _room(block: Block) -> float:
    return HEIGHT - 2 * EDGE - block.height - FOOT


def _with_map(blocks: Sequence[Block], heights: Sequence[float]) -> Iterator[tuple[Block, float, float]]:
    for block in blocks:
        if block is blocks[0] or block.size_pt >= FROM_AFAR_PT:
            for size_pt in BODIES_PT:
                if size_pt >= WITH_MAP_PT:
                    yield from ((block, size_pt, height) for height in heights)


def _blocks(content: Content) -> Sequence[Block]:
    """In each size in which it is short enough, the biggest first: broken between phrases, where that leaves it legible
    from afar. Where it is short enough in none, in the smallest."""
    headline, language, room = content.text(content.headline), content.language, INNER - 32
    blocks = [
        Block(phrased(headline, each, room, language), each) for each in HEADLINES_PT if each >= FROM_AFAR_PT
    ]
    if short := [block for block in blocks if 0 < len(block.lines) <= HEADLINE_LINES]:
        return short
    blocks = [Block(list(wrapped(headline, each, room, language)), each) for each in HEADLINES_PT]
    return [block for block in blocks if len(block.lines) <= HEADLINE_LINES] or blocks[-1:]


def _height(lines: Sequence[Line], size_pt: float) -> float:
    return sum(size_pt * (LEADING if line.text else 0.6) for line in lines)


def _lines(content: Content, named: Sequence[Spot], size_pt: float) -> Iterator[Line]:
    """The text as it was approved; beside each site that is on the map its number and its distance."""
    for before_list, text in _pieces(content):
        if before_list:
            yield from _sites(named, size_pt, content.language)
            continue
        for paragraph in text.split("\n"):
            for line in wrapped(paragraph, size_pt, INNER, content.language):
                yield Line(line)


def _pieces(content: Content) -> Iterator[tuple[bool, str]]:
    """The body, cut where the list of sites stands; line ends around it are the list's own."""
    text = ""
    for span in content.body:
        if span.slot == "shelters":
            yield False, text.rstrip("\n")
            yield True, ""
            text = ""
        else:
            text += span.text if text else span.text.removeprefix("\n")
    if text:
        yield False, text


def _sites(named: Sequence[Spot], size_pt: float, language: Language) -> Iterator[Line]:
    for spot in named:
        if not spot.number:
            for line in wrapped(spot.line, size_pt, INNER, language):
                yield Line(line)
            continue
        far = WORDS[language].distance.format(distance=kilometres(spot.distance_m))
        text = f"{spot.line.lstrip('・- ')} ({far})"
        for at, line in enumerate(wrapped(text, size_pt, INNER - 1.6 * size_pt, language)):
            yield Line(line, 1.6, spot.number if at == 0 else 0)
