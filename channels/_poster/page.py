"""One alert on one page of A4: the level block, the text in the biggest letters that fit, the map, where to ask.

Pure: the same content and surroundings give the same octets. In black and white it says the same as in colours.
"""

from collections.abc import Sequence
from io import BytesIO
from types import SimpleNamespace
from typing import Any

import segno

from channels._poster.around import Around, Spot, spots
from channels._poster.drawing import Frame, draw, write
from channels._poster.faces import advice, supported
from channels._poster.fit import EDGE, FOOT, HEIGHT, INNER, LEADING, WIDTH, Block, Body, fitted
from channels._poster.letters import width_pt, wrapped
from channels._poster.words import WORDS
from hub.alert import Mode
from hub.cap import MsgType
from hub.channel import Content
from hub.clock import JST
from hub.errors import BadInput
from hub.evacuation import Level
from hub.language import Language

QR_PT = 84.0
SMALL_PT = 11.0
FOOT_PT = (SMALL_PT, 9.0, 6.0)


def poster(content: Content, around: Around, *, colour: bool) -> bytes:
    """A PDF of one page. `colour`: on a fax it would be grey dots.

    Raises:
        BadInput: it does not fit on a page in letters that can be read, or its language's font is not here.
    """
    if not supported(content.language):
        raise BadInput(
            "language",
            f"there is no font for it here: install {advice()} and restart / この言語のフォントがありません。"
            f"{advice()} を入れて再起動してください",
        )
    named = spots(content, around)
    block, body = fitted(content, named)
    octets = BytesIO()
    canvas = _canvas(octets, content)
    top = _drawn_block(canvas, block, content, colour=colour)
    top = _drawn_body(canvas, body, top - 10, content.language)
    if body.map_height:
        place = Frame(EDGE, top - 26 - body.map_height, INNER, body.map_height)
        _drawn_map(canvas, place, around, named, content.language)
    _drawn_foot(canvas, content, around)
    canvas.showPage()
    canvas.save()
    return octets.getvalue()


def _canvas(octets: BytesIO, content: Content) -> Any:
    from reportlab.pdfbase.pdfmetrics import registerFont  # noqa: PLC0415 - a quarter of a second, for who makes a page
    from reportlab.pdfgen.canvas import Canvas  # noqa: PLC0415

    registerFont(_NO_FONT)
    canvas = Canvas(
        octets,
        pagesize=(WIDTH, HEIGHT),
        invariant=1,
        pageCompression=1,
        lang=str(content.language),
        initialFontName=_NO_FONT.fontName,
    )
    canvas.setTitle(content.text(content.headline))
    canvas.setAuthor(content.sender)
    return canvas


_NO_FONT = SimpleNamespace(
    fontName="none", face=SimpleNamespace(name="none"), _dynamicFont=True, _multiByte=False
)
"""What reportlab begins a page with: its own choice would be a font that is named and not brought along."""


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


def _drawn_body(canvas: Any, body: Body, y: float, language: Language) -> float:
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
