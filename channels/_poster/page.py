"""One alert on one page of A4: the level block, the text in the biggest letters that fit, the map, where to ask.

Pure: the same content and surroundings give the same octets. In black and white it says the same as in colours.
"""

from collections.abc import Iterator, Sequence
from io import BytesIO
from math import ceil
from typing import Any, NamedTuple

import segno

from channels._poster.around import Around, Spot, spots
from channels._poster.drawing import Frame, draw, write
from channels._poster.embedded import PACKAGES
from channels._poster.letters import register, supported, width_pt, wrapped
from channels._poster.words import WORDS, kilometres
from hub.alert import Mode
from hub.cap import MsgType
from hub.channel import Content
from hub.clock import JST
from hub.errors import BadInput
from hub.evacuation import Level
from hub.language import Language

WIDTH, HEIGHT = 595.28, 841.89
"""A4 in points."""
EDGE = 36.0
"""What printers and fax machines may not reach."""
INNER = WIDTH - 2 * EDGE
HEADLINES_PT = (40.0, 34.0, 30.0, 26.0, 22.0, 18.0, 14.0)
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
QR_PT = 84.0
SMALL_PT = 11.0
FOOT_PT = (SMALL_PT, 9.0, 6.0)


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


class Set(NamedTuple):
    """The body as it fits: its letters' size, and the map's height, 0 where there is none."""

    lines: Sequence[Line]
    size_pt: float
    map_height: float


def poster(content: Content, around: Around, *, colour: bool) -> bytes:
    """A PDF of one page. `colour`: on a fax it would be grey dots.

    Raises:
        BadInput: it does not fit on a page in letters that can be read, or its language's font is not here.
    """
    if not supported(content.language):
        raise BadInput(
            "language",
            f"there is no font for it here: install {PACKAGES} / この言語のフォントがありません。"
            f"{PACKAGES} を入れてください",
        )
    from reportlab.pdfgen.canvas import Canvas  # noqa: PLC0415 - a quarter of a second, for who makes a page

    register()
    block, named = _block(content), spots(content, around)
    body = _body(content, named, _room(block))
    octets = BytesIO()
    canvas = Canvas(
        octets, pagesize=(WIDTH, HEIGHT), invariant=1, pageCompression=1, lang=str(content.language)
    )
    canvas.setTitle(content.text(content.headline))
    canvas.setAuthor(content.sender)
    top = _drawn_block(canvas, block, content, colour=colour)
    top = _drawn_body(canvas, body, top - 10, content.language)
    if body.map_height:
        place = Frame(EDGE, top - 26 - body.map_height, INNER, body.map_height)
        _drawn_map(canvas, place, around, named, content.language)
    _drawn_foot(canvas, content, around)
    canvas.showPage()
    canvas.save()
    return octets.getvalue()


def filled_percent(content: Content, around: Around) -> int:
    """How much of its room the body takes in the smallest letters, rounded up. Over a hundred no page holds it."""
    register()
    size_pt = BODIES_PT[-1]
    lines = list(_lines(content, spots(content, around), size_pt))
    return ceil(100 * (_height(lines, size_pt) + GAPS) / _room(_block(content)))


def _room(block: Block) -> float:
    return HEIGHT - 2 * EDGE - block.height - FOOT


def _block(content: Content) -> Block:
    headline = content.text(content.headline)
    for size_pt in HEADLINES_PT:
        lines = list(wrapped(headline, size_pt, INNER - 32, content.language))
        if len(lines) <= HEADLINE_LINES:
            break
    return Block(lines, size_pt)


def _body(content: Content, named: Sequence[Spot], room: float) -> Set:
    """The biggest letters come first, then the biggest map; and no map at all before letters nobody can read."""
    heights = MAP_HEIGHTS if any(spot.number for spot in named) else ()
    with_map = [(size_pt, height) for size_pt in BODIES_PT if size_pt >= WITH_MAP_PT for height in heights]
    for size_pt, height in [*with_map, *((size_pt, 0.0) for size_pt in BODIES_PT)]:
        lines = list(_lines(content, named, size_pt))
        if _height(lines, size_pt) + (height + BESIDE_MAP if height else 0) + GAPS <= room:
            return Set(lines, size_pt, height)
    raise BadInput(
        "body",
        "is too long for one page of A4: shorten the text / A4 1枚に収まりません。文面を短くしてください",
    )


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


def _drawn_block(canvas: Any, block: Block, content: Content, *, colour: bool) -> float:
    """Returns where the body may begin."""
    bottom = HEIGHT - EDGE - block.height
    filled = content.level is not None and content.msg_type is not MsgType.CANCEL
    dark = filled and content.level is not None and content.level >= Level.ELDERLY_EVACUATE
    ground = content.level.meaning.colour if filled and content.level is not None else "#FFFFFF"
    if not colour:
        ground = "#000000" if dark else "#FFFFFF"
    canvas.setFillColor(_colour(ground))
    canvas.setLineWidth(3)
    if content.mode is not Mode.LIVE:
        canvas.setDash(10, 5)
    canvas.rect(EDGE, bottom, INNER, block.height, fill=1)
    canvas.setDash()
    canvas.setFillGray(1 if dark else 0)
    y = HEIGHT - EDGE - 12
    for line in block.lines:
        y -= block.size_pt * 1.3
        write(canvas, line, block.size_pt, (EDGE + 16, y + block.size_pt * 0.35), content.language)
    canvas.setFillGray(0)
    canvas.setLineWidth(1)
    return bottom


def _drawn_body(canvas: Any, body: Set, y: float, language: Language) -> float:
    """Returns where it ends."""
    for line in body.lines:
        y -= body.size_pt * (LEADING if line.text else 0.6)
        stands = y + body.size_pt * 0.32
        if line.number:
            side = body.size_pt * 1.2
            canvas.rect(EDGE, stands - side * 0.22, side, side, fill=1)
            canvas.setFillGray(1)
            digit = str(line.number)
            left = EDGE + (side - width_pt(digit, body.size_pt, language)) / 2
            write(canvas, digit, body.size_pt, (left, stands), language)
            canvas.setFillGray(0)
        write(canvas, line.text, body.size_pt, (EDGE + line.indent * body.size_pt, stands), language)
    return y


def _drawn_map(canvas: Any, place: Frame, around: Around, named: Sequence[Spot], language: Language) -> None:
    words = WORDS[language]
    caption = words.here.format(name=around.here.name) if around.here.name else words.whole_city
    write(canvas, caption, SMALL_PT, (EDGE, place.bottom + place.height + 7), language)
    draw(canvas, place, around, named, language)


def _drawn_foot(canvas: Any, content: Content, around: Around) -> None:
    """Who says so and when, where to ask, and the page with what has changed since, to read and to photograph."""
    words = WORDS[content.language]
    sent = content.sent.astimezone(JST)
    room = INNER - QR_PT - 12
    small_pt = next(
        each for each in FOOT_PT if _fits_twice(f"{words.more}  {content.link}", each, room, content)
    )
    lines = (
        (18.0, f"{words.ask}  {around.telephone}"),
        (small_pt, f"{words.more}  {content.link}"),
        (small_pt, f"{content.sender}  {content.number}  {sent:%Y-%m-%d %H:%M}"),
    )
    canvas.line(EDGE, EDGE + FOOT - 6, WIDTH - EDGE, EDGE + FOOT - 6)
    y = EDGE + FOOT - 12
    for size_pt, text in lines:
        for line in wrapped(text, size_pt, room, content.language):
            y -= size_pt * LEADING
            write(canvas, line, size_pt, (EDGE, y), content.language)
    _drawn_qr(canvas, content.link, WIDTH - EDGE - QR_PT, EDGE)


def _fits_twice(text: str, size_pt: float, width: float, content: Content) -> bool:
    """On two lines; an address that takes more in the smallest letters is read from the code beside it."""
    return size_pt == FOOT_PT[-1] or len(list(wrapped(text, size_pt, width, content.language))) <= 2


def _drawn_qr(canvas: Any, address: str, left: float, bottom: float) -> None:
    rows = list(segno.make(address, error="m", micro=False).matrix)
    side = QR_PT / len(rows)
    for row_at, row in enumerate(rows):
        for at, dark in enumerate(row):
            if dark:
                canvas.rect(
                    left + at * side, bottom + QR_PT - (row_at + 1) * side, side, side, stroke=0, fill=1
                )


def _colour(code: str) -> Any:
    from reportlab.lib.colors import HexColor  # noqa: PLC0415

    return HexColor(code)
