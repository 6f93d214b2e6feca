"""How much of a post's 280 a text uses, by X's own rules.

twitter-text configuration v3: https://github.com/twitter/twitter-text/blob/master/config/v3.json
(after NFC, a code point weighs 1 in the ranges below and 2 elsewhere, an emoji 2 as a whole, a URL
23). Explained at https://docs.x.com/fundamentals/counting-characters.

X knows the list of all top-level domains and this module does not, so what may be no URL to X (a bare
domain that ends in none of `_GENERIC`, any that ends in another script) weighs whichever is more: never less
than X counts. What begins with https:// is taken for a URL whatever its top-level domain.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

LIMIT = 280
URL_WEIGHT = 23
EMOJI_WEIGHT = 2
LONGEST_LABEL = 63
"""Octets of one part of a host, as it travels (RFC 1035 §2.3.4, RFC 3492)."""
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
        piece, host = match.group(), match["host"]
        if host and not all(map(_is_label, host.split("."))):
            yield from (Unit(character, _character(character)) for character in piece)
        else:
            yield Unit(piece, _weight(piece, match.lastgroup))


def _is_label(label: str) -> bool:
    travels = label if label.isascii() else f"xn--{label.encode('punycode').decode()}"
    return len(travels) <= LONGEST_LABEL


def _weight(piece: str, kind: str | None) -> int:
    if kind in ("url", "generic"):
        return URL_WEIGHT
    if kind in ("foreign", "domain"):
        return max(URL_WEIGHT, sum(map(_character, piece)))
    if kind == "emoji":
        return EMOJI_WEIGHT
    return _character(piece)


def _character(character: str) -> int:
    return 1 if any(start <= ord(character) <= end for start, end in _LIGHT) else 2


# --- URLs (twitter-text: validUrl, validDomain, validUrlPath) ---

_LETTER = r"(?:[^\W_]|[\u2600-\u27bf])"  # of any script; ☃.net is a host
_LABEL = rf"{_LETTER}(?:(?:{_LETTER}|-)*{_LETTER})?"
_SUBDOMAIN = rf"{_LETTER}(?:(?:{_LETTER}|[_-])*{_LETTER})?"
_HOST = rf"(?:{_SUBDOMAIN}\.)*{_LABEL}\."
_ASCII_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_TOP = r"[A-Za-z]{2,63}(?![A-Za-z0-9@])"
_FOREIGN_TOP = r"(?:(?![A-Za-z])[^\W\d_]){2,}"
_INSIDE = r"A-Za-z0-9\u0400-\u04ff\u00c0-\u024f!*';:=+,.$/%#\[\]\-\u2013_~@|&?"
_END = r"A-Za-z0-9\u0400-\u04ff\u00c0-\u024f=_#/+\-"
_BODY = rf"(?:[{_INSIDE}]|\([{_INSIDE}]*\))*(?:\([{_INSIDE}]*\)|[{_END}])"
_PATH = rf"(?:/(?:{_BODY})?)?(?:\?{_BODY})?"
_BEFORE = r"(?<![A-Za-z0-9@＠$#＃])"
_BARE = r"(?<![A-Za-z0-9@＠$#＃/._-])"
_DOMAIN = rf"(?:{_ASCII_LABEL}\.)+"
_GENERIC = r"(?:com|net|org|edu|gov|info)(?![A-Za-z0-9.@-])"

# --- emoji (twemoji's sequences; what it does not know weighs more to X only where nobody writes it) ---

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
    rf"{_BEFORE}https?://(?P<host>{_HOST})(?:(?P<url>{_TOP}(?::[0-9]+)?{_PATH})|(?P<foreign>{_FOREIGN_TOP}{_PATH}))"
    rf"|{_BARE}(?:(?P<generic>{_DOMAIN}{_GENERIC}{_PATH})|(?P<domain>{_DOMAIN}[A-Za-z]{{2,63}}{_PATH}(?![A-Za-z0-9])))"
    rf"|(?P<emoji>{_EMOJI})"
    r"|(?P<character>.)",
    re.IGNORECASE | re.DOTALL,
)
