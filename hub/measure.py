"""How long a text is, as each gateway counts (`Capabilities.body_measure`), for previews and checks.

A connector that cuts texts has the gateway's exact rules; these never say less than those do.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping

Measure = Callable[[str], int]

LINK_WEIGHT = 23
"""X shortens every link to this weight."""

_LINK = re.compile(r"https?://[^\s]+|(?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,}(?:/[^\s]*)?")
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
    links = _LINK.findall(text)
    rest = unicodedata.normalize("NFC", _LINK.sub("", text))
    return sum(map(_link_weight, links)) + sum(_weight(ord(character)) for character in rest)


MEASURES: Mapping[str, Measure] = {"characters": characters, "utf16": utf16, "weighted": weighted}
"""By the name `Capabilities.body_measure` uses."""


def _link_weight(link: str) -> int:
    return LINK_WEIGHT if link.startswith("http") else max(LINK_WEIGHT, len(link))


def _weight(code_point: int) -> int:
    return 1 if any(first <= code_point <= last for first, last in _LIGHT) else 2
