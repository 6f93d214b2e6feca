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
    """In the fonts that the page brings along, and in those that it only names."""
    wide, readings, font, size, found = _wide(pdf), _readings(pdf), b"", 0.0, []
    for spoken, brought, its_size, at_x, at_y, glyphs, name, size_pt, x, y, text in _SHOWN.findall(
        drawn(pdf)
    ):
        if brought:
            codes = re.findall(rb"....", b"".join(re.findall(rb"<(\w*)>", glyphs)))
            read = _utf16(spoken) if spoken else "".join(readings[brought].get(code, "") for code in codes)
            found.append(Written(read, float(at_x), float(at_y), float(its_size)))
        elif name:
            font, size = name, float(size_pt)
        else:
            octets = _unescaped(text)
            decoded = octets.decode("utf-16-be" if font in wide else "cp1252")
            found.append(Written(decoded, float(x), float(y), size))
    return found


def embedded(pdf: bytes) -> list[bytes]:
    """The font files that it brings along."""
    descriptors = re.findall(rb"/FontFile[23] (\d+) 0 R", pdf)
    return [_inflated(_object(pdf, number)) for number in descriptors]


def drawn(pdf: bytes) -> bytes:
    """The page's own commands."""
    (number,) = re.findall(rb"/Contents (\d+) 0 R", pdf)
    (stream,) = re.findall(rb"\n" + number + rb" 0 obj\n.*?stream\r?\n(.*?)endstream", pdf, re.S)
    return zlib.decompress(base64.a85decode(b"<~" + stream.strip(), adobe=True))


def _readings(pdf: bytes) -> dict[bytes, dict[bytes, str]]:
    """By font, what each of its codes is read as: its character map."""
    maps = {}
    for name, number in re.findall(rb"/(N\d+) (\d+) 0 R", pdf):
        (stream,) = re.findall(rb"/ToUnicode (\d+) 0 R", _object(pdf, number))
        pairs = re.findall(rb"^<(\w{4})> <(\w+)>$", _inflated(_object(pdf, stream)), re.M)
        maps[name] = {code: _utf16(text) for code, text in pairs}
    return maps


def _object(pdf: bytes, number: bytes) -> bytes:
    (found,) = re.findall(rb"\n" + number + rb" 0 obj\n(.*?)endobj\n", pdf, re.S)
    return bytes(found)


def _inflated(stream: bytes) -> bytes:
    return zlib.decompress(stream.partition(b"\nstream\n")[2])


def _utf16(digits: bytes) -> str:
    return bytes.fromhex(digits.decode()).decode("utf-16-be")


def _wide(pdf: bytes) -> set[bytes]:
    """Fonts that are only named, and whose characters are two octets each."""
    names = re.findall(rb"/(F\d+) (\d+) 0 R", pdf)
    return {name for name, number in names if b"/Type0" in _object(pdf, number)}


_SHOWN = re.compile(
    rb"(?:/Span <</ActualText <feff(\w*)>>> BDC )?BT /(N\d+) (\S+) Tf 1 0 0 1 (\S+) (\S+) Tm (.*?) ET"
    rb"|/(F\d+) (\S+) Tf|BT 1 0 0 1 (\S+) (\S+) Tm (?:/F\d+ \S+ Tf \S+ TL )?\(((?:[^()\\]|\\.)*)\) Tj",
    re.S,
)
_ESCAPES = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}


def _unescaped(text: bytes) -> bytes:
    def one(found: re.Match[bytes]) -> bytes:
        code = found[1]
        return bytes([int(code, 8)]) if code.isdigit() else _ESCAPES.get(code, code)

    return re.sub(rb"\\([0-7]{1,3}|.)", one, text, flags=re.S)
