"""A mail taken apart (RFC 5322, RFC 2045–2047), however badly it was put together. Nothing here raises.

The standard library's parser recurses as deep as a mail asks for and keeps of malformed parts what it
likes; a bounce may be anything. This one reads what bounces need: headers, and texts as lines.
"""

import base64
import binascii
import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.errors import MessageError
from email.header import decode_header

DEEPEST = 6
"""Parts within parts; what lies deeper is read as text."""

MOST_PARTS = 100

LARGEST = 1 << 20
"""Octets of a mail that are read: a report stands at its beginning."""

_FIELD = re.compile(r"([!-9;-~]+)[ \t]*:[ \t]*(.*)", re.S)
_BLANK_LINE = re.compile(rb"\n[ \t]*\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """`text` is empty where there are `parts`, and where the content is no text."""

    headers: tuple[tuple[str, str], ...]
    text: str = ""
    parts: tuple["Part", ...] = ()

    def header(self, name: str) -> str:
        """The first of that name, unfolded; empty where there is none."""
        wanted = name.lower()
        return next((value for known, value in self.headers if known == wanted), "")

    @property
    def type(self) -> str:
        """`text/plain` where nothing sensible is said (RFC 2045 §5.2)."""
        found = re.match(r"\s*([\w.+-]+/[\w.+-]+)", self.header("content-type"))
        return found[1].lower() if found else "text/plain"

    def parameter(self, name: str) -> str:
        """Of Content-Type."""
        found = re.search(rf';\s*{name}\s*=\s*(?:"([^"]*)"|([^\s;]+))', self.header("content-type"), re.I)
        return (found[1] or found[2] or "") if found else ""

    def walk(self) -> Iterator["Part"]:
        """This part and those within it, in order."""
        yield self
        for part in self.parts:
            yield from part.walk()


def take_apart(mail: bytes) -> Part:
    octets = mail[:LARGEST].replace(b"\r\n", b"\n").replace(b"\r", b"\n").lstrip(b"\n")
    if octets.startswith((b"From ", b">From ")):  # a line of an mbox file
        octets = octets.partition(b"\n")[2]
    return _part(octets, DEEPEST)


def fields(text: str) -> list[tuple[str, str]]:
    """Header fields with their names in small letters, unfolded (RFC 5322 §2.2.3)."""
    found = [_FIELD.match(line) for line in re.split(r"\n(?![ \t]+\S)", text)]
    return [(each[1].lower(), " ".join(each[2].split())) for each in found if each]


def spelled_out(value: str) -> str:
    """A header without encoded words (RFC 2047); as it is where they cannot be read."""
    try:
        return "".join(
            chunk if isinstance(chunk, str) else _decode(chunk, charset or "ascii")
            for chunk, charset in decode_header(value[:2_000])
        )
    except (MessageError, ValueError):
        return value


def _part(octets: bytes, deeper: int) -> Part:
    head, content = _divide(octets)
    part = Part(headers=tuple(fields(_decode(head, "utf-8"))))
    boundary = part.parameter("boundary").encode("utf-8", "replace")
    if deeper and boundary and part.type.startswith("multipart/"):
        preamble, *inner = _split(content, boundary)
        if inner:
            return Part(headers=part.headers, parts=tuple(_part(each, deeper - 1) for each in inner))
        content = preamble
    if deeper and part.type in ("message/rfc822", "message/global"):
        return Part(headers=part.headers, parts=(_part(_transferred(part, content), deeper - 1),))
    return Part(headers=part.headers, text=_text(part, content))


def _divide(octets: bytes) -> tuple[bytes, bytes]:
    """Headers and body; no headers where the first line is none."""
    if octets.startswith(b"\n"):
        return b"", octets[1:]
    found = _BLANK_LINE.search(octets)
    return (octets, b"") if found is None else (octets[: found.start()], octets[found.end() :])


def _split(content: bytes, boundary: bytes) -> list[bytes]:
    """What stands before the first delimiter, and the parts; a last delimiter that is missing is not missed."""
    delimiter = re.compile(rb"(?:^|\n)--" + re.escape(boundary) + rb"(--)?[ \t]*(?=\n|$)")
    pieces: list[bytes] = []
    begins = 0
    for found in delimiter.finditer(content):
        pieces.append(content[begins : found.start()])
        begins = found.end() + 1
        if (found[1] and len(pieces) > 1) or len(pieces) > MOST_PARTS:
            return pieces
    return [*pieces, content[begins:]]


def _transferred(part: Part, content: bytes) -> bytes:
    """Undo the Content-Transfer-Encoding (RFC 2045 §6), as far as it goes."""
    match part.header("content-transfer-encoding").lower():
        case "base64":
            packed = re.sub(rb"[^A-Za-z0-9+/]", b"", content)
            try:
                return base64.b64decode(packed[: len(packed) // 4 * 4] + _last(packed))
            except binascii.Error:
                return content
        case "quoted-printable":
            return quopri.decodestring(content)
        case _:
            return content


def _last(packed: bytes) -> bytes:
    """The last group, which may lack its padding."""
    rest = packed[len(packed) // 4 * 4 :]
    return b"" if len(rest) < 2 else rest + b"=" * (4 - len(rest))


def _text(part: Part, content: bytes) -> str:
    if not part.type.startswith(("text/", "message/", "multipart/", "application/json")):
        return ""
    text = _decode(_transferred(part, content), part.parameter("charset") or "utf-8")
    return _without_tags(text) if part.type == "text/html" or "<html" in text[:200].lower() else text


def _decode(octets: bytes, charset: str) -> str:
    """Servers name the wrong charset, or none: octets that do not fit are replaced."""
    if octets.isascii() and b"\x1b$" in octets:
        charset = "iso2022_jp"
    try:
        return octets.decode(charset, "replace")
    except (LookupError, ValueError):
        return octets.decode("utf-8", "replace")


def _without_tags(text: str) -> str:
    text = re.sub(r"(?is)<(script|style|head)\b.{0,20000}?</\1\s*>", "", text)
    text = re.sub(r"(?i)<(br|/p|/div|/tr|/li|/h\d|p)\b[^<>]{0,500}>", "\n", text)
    text = re.sub(r"(?i)</?[a-z!][^<>@]{0,2000}>", "", text)
    for entity, character in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&nbsp;", " "), ("&amp;", "&")):
        text = text.replace(entity, character)
    return text
