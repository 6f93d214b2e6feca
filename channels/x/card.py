"""The picture beside a post: the level's block, and what was approved, in letters that are read at a glance.

It says nothing that the post does not: the headline and the short text as they were approved, the level's official
words, the time and the alert's number. It is an extra; where it cannot be drawn whole, there is none.
"""

from collections.abc import Iterator
from io import BytesIO
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

from channels._fonts import Fonts, SizedFont
from hub.alert import Mode
from hub.channel import Content
from hub.clock import JST
from hub.evacuation import Level
from hub.framing import FRAMINGS
from hub.language import Language
from hub.level_words import LEVEL_WORDS
from hub.shelter_list import clock_words

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont

SIZE = (1200, 675)
"""16:9, which X shows whole in a timeline."""
LONGEST_ALT = 1_000
"""Characters (X API v2, `AltText`)."""

_COLOURS = 64
"""Enough for the edges of letters on two grounds; the file is a third of what it would be."""
_BLOCK = 372
_LEFT, _RIGHT, _TOP, _BOTTOM = _BLOCK + 40, SIZE[0] - 40, 36, SIZE[1] - 36
_HEADLINE_SIZES, _TEXT_SIZES = range(50, 33, -4), range(40, 23, -4)
"""Pixels, the first that fits."""
_INK, _PAPER, _DRILL = "#111111", "#FFFFFF", "#C00000"
_NAME_MIDDLE, _NAME_HEIGHT = 545, 150
"""Pixels, of a level's name under its figure."""
_PALE = frozenset({Level.EARLY, Level.ADVISORY})
"""Levels whose colour needs dark letters."""


class NoCard(Exception):
    """Nothing is drawn; the reason is a word for the log."""


_ONE_AT_A_TIME = Lock()
"""A font's faces are not for two threads at once."""


def draw(content: Content, fonts: Fonts) -> bytes:
    """A PNG of `SIZE`. The same content and fonts give the same picture. May be called from any thread.

    Raises:
        NoCard: without a level there is no block to show; or there is no font with all the letters, or no room.
    """
    with _ONE_AT_A_TIME:
        return _drawn(content, fonts)


def alt_text(content: Content) -> str:
    """What the picture shows, for whoever does not see it: at most `LONGEST_ALT` characters."""
    text = "\n".join(_words(content, content.level))
    return text if len(text) <= LONGEST_ALT else f"{text[: LONGEST_ALT - 1]}…"


def _drawn(content: Content, fonts: Fonts) -> bytes:
    from PIL import Image, ImageDraw  # noqa: PLC0415 - loaded only where a picture is drawn

    if content.level is None:
        raise NoCard("no level")
    lettering = fonts.of(content.language)
    if lettering is None:
        raise NoCard("no font")
    if missing := lettering.missing("".join(_words(content, content.level))):
        raise NoCard(f"no letter U+{ord(missing):04X}")
    image = Image.new("RGB", SIZE, _PAPER)
    pen = _Pen(ImageDraw.Draw(image), lettering.sized)
    _draw_block(pen, content, content.level)
    _draw_text(pen, content, content.level)
    png = BytesIO()
    image.quantize(_COLOURS).save(png, "PNG")
    return png.getvalue()


def _words(content: Content, level: Level | None) -> Iterator[str]:
    """Everything that stands on the card, in the order in which it is read."""
    if level is not None:
        yield f"{LEVEL_WORDS[content.language].level}{level.value} {_name(content, level)}"
    yield content.text(content.headline)
    yield content.text(content.short)
    if level is not None and content.language is Language.JA:
        yield level.meaning.action
    yield _foot(content)


def _name(content: Content, level: Level) -> str:
    """In the post's language; what is 気象庁's is called as 気象庁 calls it."""
    return LEVEL_WORDS[content.language].names.get(level, level.meaning.name)


def _foot(content: Content) -> str:
    day, time = content.sent.astimezone(JST).date(), clock_words(content.sent, content.language)
    return f"{content.sender}　{day} {time}　{content.number}"


# --- drawing ---


class _Pen(NamedTuple):
    on: "ImageDraw"
    sized: SizedFont

    def line(self, text: str, size: int, at: tuple[float, float], ink: str, *, anchor: str = "la") -> None:
        self.on.text(at, text, font=self.sized(size), fill=ink, anchor=anchor)


def _draw_block(pen: _Pen, content: Content, level: Level) -> None:
    meaning, middle = level.meaning, _BLOCK / 2
    ink = _INK if level in _PALE else _PAPER
    pen.on.rectangle((0, 0, _BLOCK, SIZE[1]), fill=meaning.colour)
    word = LEVEL_WORDS[content.language].level.strip()
    pen.line(word, _fitting(pen, word, _BLOCK - 60, 56), (middle, 110), ink, anchor="mm")
    pen.line(str(level.value), 300, (middle, 320), ink, anchor="mm")
    _draw_name(pen, _name(content, level), ink)
    if level in _PALE:  # the block's colour is near the paper's
        pen.on.line((_BLOCK, 0, _BLOCK, SIZE[1]), fill=_INK, width=2)


def _draw_name(pen: _Pen, name: str, ink: str) -> None:
    """Centred under the level's figure."""
    lines = _beneath(pen, name)
    height = _NAME_MIDDLE - 0.6 * sum(size for size, _ in lines)
    for size, line in lines:
        pen.line(line, size, (_BLOCK / 2, height + 0.6 * size), ink, anchor="mm")
        height += 1.2 * size


def _beneath(pen: _Pen, name: str) -> list[tuple[int, str]]:
    """A level's name in lines, each with its size: words that are long stand under one another, and so does a reading."""
    width = _BLOCK - 48
    if " " not in name:
        return [(_fitting(pen, line, width, 76), line) for line in name.replace("（", "\n（").splitlines()]
    for size in range(76, 18, -2):
        lines = wrapped(name, pen.sized(size), width)
        widest = max(map(pen.sized(size).getlength, lines))
        if widest <= width and 1.2 * size * len(lines) <= _NAME_HEIGHT:
            return [(size, line) for line in lines]
    raise NoCard("no room")


def _draw_text(pen: _Pen, content: Content, level: Level) -> None:
    """From the top: a drill's mark, the headline, the short text; from the bottom: when and which, the action."""
    top, bottom = float(_TOP), float(_BOTTOM)
    if content.mode is not Mode.LIVE:
        top = _draw_drill(pen, content, top)
    bottom = _draw_foot(pen, content, bottom)
    if content.language is Language.JA:
        bottom = _draw_action(pen, level, bottom)
    top = _paragraph(pen, content.text(content.headline), _HEADLINE_SIZES, top, top + 0.42 * (bottom - top))
    pen.on.line((_LEFT, top + 8, _RIGHT, top + 8), fill=level.meaning.colour, width=4)
    _paragraph(pen, content.text(content.short), _TEXT_SIZES, top + 24, bottom)


def _draw_drill(pen: _Pen, content: Content, top: float) -> float:
    words = FRAMINGS[content.language].mark.strip()
    pen.on.rectangle((_LEFT - 12, top - 8, _RIGHT + 12, top + 60), fill=_DRILL)
    pen.line(words, _fitting(pen, words, _RIGHT - _LEFT, 44), (_LEFT, top + 26), _PAPER, anchor="lm")
    return top + 80


def _draw_foot(pen: _Pen, content: Content, bottom: float) -> float:
    foot = _foot(content)
    pen.line(foot, _fitting(pen, foot, _RIGHT - _LEFT, 30), (_LEFT, bottom), _INK, anchor="ld")
    return bottom - 56


def _draw_action(pen: _Pen, level: Level, bottom: float) -> float:
    action = level.meaning.action
    size = _fitting(pen, action, _RIGHT - _LEFT - 48, 48)
    pen.on.rectangle((_LEFT - 12, bottom - 76, _RIGHT + 12, bottom), fill=level.meaning.colour)
    ink = _INK if level in _PALE else _PAPER
    pen.line(action, size, ((_LEFT + _RIGHT) / 2, bottom - 38), ink, anchor="mm")
    return bottom - 96


def _fitting(pen: _Pen, line: str, width: float, size: int) -> int:
    """The largest size up to `size` at which the line is no wider."""
    while pen.sized(size).getlength(line) > width:
        size -= 2
        if size < 16:
            raise NoCard("no room")
    return size


def _paragraph(pen: _Pen, text: str, sizes: range, top: float, bottom: float) -> float:
    """Written as large as it fits between; where it ended."""
    for size in sizes:
        lines = wrapped(text, pen.sized(size), _RIGHT - _LEFT)
        step = 1.4 * size
        if top + step * len(lines) <= bottom:
            for number, line in enumerate(lines):
                pen.line(line, size, (_LEFT, top + number * step), _INK)
            return top + step * len(lines)
    raise NoCard("no room")


# --- lines ---

_NEVER_FIRST = frozenset("、。，．！？!?,.:;）」』】〕)]}・ー…％%々ぁぃぅぇぉっゃゅょァィゥェォッャュョ")
_NEVER_LAST = frozenset("（「『【〔([{")


def wrapped(text: str, font: "FreeTypeFont", width: float) -> list[str]:
    """Lines no wider than `width`, but for a word that is. No line begins or ends with a mark that may not."""
    lines: list[str] = []
    for paragraph in text.splitlines():
        line, used = "", 0.0
        for word in _unbroken(paragraph):
            if line and used + font.getlength(word.rstrip()) > width:
                lines.append(line.rstrip())
                line, used = "", 0.0
            written = word if line else word.lstrip()
            line += written
            used += font.getlength(written)
        lines.append(line.rstrip())
    return lines


def _unbroken(paragraph: str) -> Iterator[str]:
    """Pieces between which a line may end: after a space, and between two wide characters."""
    piece = ""
    for character in paragraph:
        if piece and _may_break(piece[-1], character):
            yield piece
            piece = ""
        piece += character
    if piece:
        yield piece


def _may_break(before: str, after: str) -> bool:
    if after in _NEVER_FIRST or before in _NEVER_LAST or (before.isdigit() and not after.isspace()):
        return False  # 「21時47分」 stays together
    return before.isspace() or _wide(before) or _wide(after)


def _wide(character: str) -> bool:
    return "\u2e80" <= character <= "\ua4cf" or "\uff00" <= character <= "\uffef"
