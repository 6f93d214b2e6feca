"""How long a text is, as each gateway counts (`Capabilities.body_measure`), for previews and checks.

A connector that cuts texts has the gateway's exact rules; these never say less than those do. The console's
script counts in the same ways while a text is typed (`operator_ui/static/counters.js`): one file of texts with
what each comes to is walked by the tests of both.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import NamedTuple

Measure = Callable[[str], int]

LINK_WEIGHT = 23
"""X shortens every link to this weight."""

_INSIDE = r"A-Za-z0-9\u0400-\u04ff\u00c0-\u024f!*';:=+,.$/%#\[\]\-\u2013_~@|&?"
_END = r"A-Za-z0-9\u0400-\u04ff\u00c0-\u024f=_#/+\-"
_BODY = rf"(?:[{_INSIDE}]|\([{_INSIDE}]*\))*(?:\([{_INSIDE}]*\)|[{_END}])"
_REST = rf"(?:/(?:{_BODY})?)?(?:\?{_BODY})?"
_HOST = r"(?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,}"
_OTHER_SCRIPT = r"(?=[^\s/:?#]*[^\s/:?#\x00-\x7f])"
_LINK = re.compile(
    rf"(?<![A-Za-z0-9@＠$#＃])https?://(?:{_HOST}(?::[0-9]+)?{_REST}|{_OTHER_SCRIPT})|(?<![A-Za-z0-9_.-]){_HOST}{_REST}"
)
"""A link ends where X's does (twitter-text, validUrlPath): Japanese behind it is text. Of one whose host is not in ASCII,
what stands behind `//` weighs by itself, beside the link's whole weight. A host without a name (`127.0.0.1`) is none:
its address is text."""
_LIGHT = ((0, 4351), (8192, 8205), (8208, 8223), (8242, 8247))
"""Code points of weight 1; every other weighs 2. X's twitter-text configuration, version 3."""


def characters(text: str) -> int:
    """Code points."""
    return len(text)


def utf16(text: str) -> int:
    """UTF-16 code units, as LINE counts: a character outside the BMP is two."""
    return len(text.encode("utf-16-le")) // 2


def weighted(text: str) -> int:
    """As X counts, after NFC; what may be a link weighs whichever is more, an emoji its parts."""
    stored = unicodedata.normalize("NFC", text)
    links, rest = _LINK.findall(stored), _LINK.sub("", stored)
    return sum(map(_link_weight, links)) + sum(_weight(ord(character)) for character in rest)


# --- short messages -----------------------------------------------------------------------------


class _Alphabet(NamedTuple):
    """Units of one message by itself, and of each part of a longer one (3GPP TS 23.040 §9.2.3.24.1)."""

    alone: int
    joined: int


_SEVEN_BIT, _UCS2 = _Alphabet(160, 153), _Alphabet(70, 67)
_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_ESCAPED = frozenset("\f^{}\\[~]|€")
"""The GSM 7-bit default alphabet and its extension, of which each takes two (3GPP TS 23.038 §6.2.1)."""


def sms(text: str) -> int:
    """Units of short messages: UCS-2, or septets where every character is in the GSM alphabet."""
    return sum(_sms_widths(text)[1])


def segments(text: str) -> int:
    """How many short messages carry it. No character is cut in two at the end of one."""
    alphabet, widths = _sms_widths(text)
    if sum(widths) <= alphabet.alone:
        return 1 if widths else 0
    parts, room = 0, 0
    for width in widths:
        if width > room:
            parts, room = parts + 1, alphabet.joined
        room -= width
    return parts


def _sms_widths(text: str) -> tuple[_Alphabet, list[int]]:
    if _BASIC.union(_ESCAPED).issuperset(text):
        return _SEVEN_BIT, [2 if character in _ESCAPED else 1 for character in text]
    return _UCS2, [2 if ord(character) > 0xFFFF else 1 for character in text]


# --- what is read out ---------------------------------------------------------------------------


class Pace(NamedTuple):
    """How fast something is read out: characters a second, and the rest after each sentence."""

    per_s: float
    rest_s: float


LOUDSPEAKER = Pace(per_s=4.0, rest_s=1.0)
"""屋外スピーカー in Japanese: slower than a voice on the telephone, for it echoes. An estimate for previews."""

_BREATH = re.compile(r"(?<=[。！？])|(?<=[.!?])\s+|[\r\n]+")


def sentences(text: str) -> list[str]:
    """The text in pieces that a breath follows."""
    return [piece.strip() for piece in _BREATH.split(text) if piece.strip()]


def spoken_s(text: str, pace: Pace) -> float:
    """Seconds to read it out once."""
    said = sentences(text)
    return sum(map(len, said)) / pace.per_s + max(0, len(said) - 1) * pace.rest_s


def loudspeaker(text: str) -> int:
    """Whole seconds to read it out once over loudspeakers, rounded up."""
    return -int(-spoken_s(text, LOUDSPEAKER) // 1)


MEASURES: Mapping[str, Measure] = {
    "characters": characters,
    "utf16": utf16,
    "weighted": weighted,
    "sms": sms,
    "segments": segments,
    "loudspeaker": loudspeaker,
}
"""By the name that `Capabilities.body_measure` and the script use."""


def _link_weight(link: str) -> int:
    return LINK_WEIGHT if link.startswith("http") else max(LINK_WEIGHT, len(link))


def _weight(code_point: int) -> int:
    return 1 if any(first <= code_point <= last for first, last in _LIGHT) else 2
