"""What stands on a page that reportlab wrote: each text with its place."""

import base64
import re
import zlib
from collections import defaultdict
from typing import NamedTuple


class Written(NamedTuple):
    text: str
    x: float
    y: float
    size_pt: float


def pages(pdf: bytes) -> int:
    return len(re.findall(rb"/Type /Page\b(?!s)", pdf))


def lines(pdf: bytes) -> list[str]:
    """From the top, what stands at one height."""
    by_line: defaultdict[float, list[Written]] = defaultdict(list)
    for each in written(pdf):
        by_line[round(each.y, 1)].append(each)
    heights = sorted(by_line, reverse=True)
    return ["".join(each.text for each in sorted(by_line[y], key=lambda it: it.x)) for y in heights]


def written(pdf: bytes) -> list[Written]:
    wide, font, size, found = _wide(pdf), b"", 0.0, []
    for actual, at_x, at_y, its_size, name, size_pt, x, y, text in _SHOWN.findall(drawn(pdf)):
        if actual:
            spoken = bytes.fromhex(actual.decode()).decode("utf-16")
            found.append(Written(spoken, float(at_x), float(at_y), float(its_size)))
        elif name:
            font, size = name, float(size_pt)
        else:
            octets = _unescaped(text)
            decoded = octets.decode("utf-16-be" if font in wide else "cp1252")
            found.append(Written(decoded, float(x), float(y), size))
    return found


def drawn(pdf: bytes) -> bytes:
    """The page's own commands."""
    (number,) = re.findall(rb"/Contents (\d+) 0 R", pdf)
    (stream,) = re.findall(rb"\n" + number + rb" 0 obj\n.*?stream\r?\n(.*?)endstream", pdf, re.S)
    return zlib.decompress(base64.a85decode(b"<~" + stream.strip(), adobe=True))


def _wide(pdf: bytes) -> set[bytes]:
    """Fonts whose characters are two octets each."""
    objects = dict(re.findall(rb"(\d+) 0 obj\n(.*?)endobj", pdf, re.S))
    names = re.findall(rb"/(F\d+) (\d+) 0 R", pdf)
    return {name for name, number in names if b"/Type0" in objects[number]}


_SHOWN = re.compile(
    rb"/Span <</ActualText <(\w+)>>> BDC\s+BT 1 0 0 1 (\S+) (\S+) Tm /F\S+ (\S+) Tf .*?EMC"
    rb"|/(F\d+) (\S+) Tf|BT 1 0 0 1 (\S+) (\S+) Tm (?:/F\d+ \S+ Tf \S+ TL )?\(((?:[^()\\]|\\.)*)\) Tj",
    re.S,
)
_ESCAPES = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}


def _unescaped(text: bytes) -> bytes:
    def one(found: re.Match[bytes]) -> bytes:
        code = found[1]
        return bytes([int(code, 8)]) if code.isdigit() else _ESCAPES.get(code, code)

    return re.sub(rb"\\([0-7]{1,3}|.)", one, text, flags=re.S)
