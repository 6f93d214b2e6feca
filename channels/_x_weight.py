"""How much of a post's 280 a text uses, by X's own rules.

twitter-text configuration v3: https://github.com/twitter/twitter-text/blob/master/config/v3.json
(after NFC, a code point weighs 1 in the ranges below and 2 elsewhere, an emoji 2 as a whole, a URL
23). Explained at https://docs.x.com/fundamentals/counting-characters.

X knows the list of all top-level domains and this module does not, so a bare domain that may not
be one weighs whichever is more: never less than X counts.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

LIMIT = 280
URL_WEIGHT = 23
EMOJI_WEIGHT = 2
_LIGHT = ((0, 4351), (8192, 8205), (8208, 8223), (8242, 8247))


class Unit(NamedTuple):
    """A piece that is posted whole or not at all: a character, an emoji, a URL."""

    text: str
    weight: int


def weight(text: str) -> int:
    return sum(unit.weight for unit in units(text))


def units(text: str) -> Iterator[Unit]:
    """The text in NFC, as X stores it, piece by piece."""
    for match in _UNIT.finditer(unicodedata.normalize("NFC", text)):
        piece = match.group()
        yield Unit(piece, _weight(piece, match.lastgroup))


def _weight(piece: str, kind: str | None) -> int:
    if kind == "url":
        return URL_WEIGHT
    if kind == "domain":
        return max(URL_WEIGHT, len(piece))
    if kind == "emoji":
        return EMOJI_WEIGHT
    return 1 if any(start <= ord(piece) <= end for start, end in _LIGHT) else 2


_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?"
_DOMAIN = rf"(?:{_LABEL}\.)+[A-Za-z]{{2,63}}"
_PATH = r"(?:[/?][A-Za-z0-9!*';:=+,.$/%#\[\]\-_~@|&()?]*[A-Za-z0-9=_#/+\-])?"
_SYMBOL = (
    "[\u2190-\u21ff\u2300-\u23ff\u2460-\u24ff\u25a0-\u27bf\u2900-\u297f\u2b00-\u2bff"
    "\u3030\u303d\u3297\u3299\U0001f000-\U0001faff]"
)
_SKIN = "[\U0001f3fb-\U0001f3ff]"
_TAGS = "[\U000e0020-\U000e007e]+\U000e007f"
_PART = f"{_SYMBOL}(?:\ufe0f|{_SKIN})?(?:{_TAGS})?"
_EMOJI = (
    "[0-9#*]\ufe0f?\u20e3"  # keycaps
    "|[\U0001f1e6-\U0001f1ff]{2}"  # flags
    "|[\xa9\xae\u203c\u2049\u2122\u2139]\ufe0f"  # text unless marked as emoji
    f"|{_PART}(?:\u200d{_PART})*"
)
_UNIT = re.compile(
    rf"(?P<url>(?<![A-Za-z0-9@$#])https?://{_DOMAIN}(?::[0-9]+)?{_PATH})"
    rf"|(?P<domain>(?<![A-Za-z0-9@$#/.-]){_DOMAIN}{_PATH}(?![A-Za-z0-9]))"
    rf"|(?P<emoji>{_EMOJI})"
    r"|(?P<character>.)",
    re.IGNORECASE | re.DOTALL,
)
