"""A message's body as MIME has it: a plain text, and where there is one, the same as HTML behind it, which readers
prefer when they can (RFC 2046 §5.1.4: the last part a reader knows is the one it shows)."""

from binascii import b2a_base64
from hashlib import blake2b
from typing import NamedTuple

from channels.mail.charset import Charset

LINE_LIMIT_OCTETS = 998
"""RFC 5322 §2.1.1."""

CRLF = b"\r\n"
_BASE64_OCTETS = 57
"""Of a line of 76 characters (RFC 2045 §6.8)."""


class Plain(NamedTuple):
    """`octets`: the text in its character set, lines parted as in a message, the last one open."""

    charset: Charset
    octets: bytes
    encoding: str
    """Content-Transfer-Encoding."""

    @property
    def base64(self) -> bool:
        return self.encoding == "base64"

    @property
    def head(self) -> bytes:
        return (
            f'Content-Type: text/plain; charset="{self.charset}"\r\n'
            f"Content-Transfer-Encoding: {self.encoding}\r\n"
        ).encode()

    @property
    def open(self) -> bytes:
        """On the wire, up to where something more is said. In base64 the octets are whole groups of three."""
        return base64(self.octets) if self.base64 else self.octets

    @property
    def closed(self) -> bytes:
        """On the wire, to the end of its last line."""
        octets = self.octets + CRLF
        return base64(octets) if self.base64 else octets


class Frame(NamedTuple):
    """What stands around the parts: the message's own MIME headers and the boundaries; around a lone part, nothing."""

    head: bytes
    """Headers, then the empty line."""
    middle: bytes
    """Between the plain text and the HTML; empty where there is none."""
    end: bytes


def plain(text: str, charset: Charset, *, eight_bit: bool) -> Plain:
    """In the clear where the smarthost can carry it: RFC 6152 §3 for eight bits, RFC 1468 for seven."""
    octets = CRLF.join(f"{text}\n".encode(charset).splitlines())
    longest = max(map(len, octets.split(CRLF)))
    clear = longest <= LINE_LIMIT_OCTETS and b"\0" not in octets
    if charset is Charset.UTF_8:
        return Plain(charset, octets, "8bit" if eight_bit and clear else "base64")
    return Plain(charset, octets, "7bit" if clear else "base64")


def frame(text: Plain, html: str) -> Frame:
    """The boundary follows from what it parts, so that the same letter gives the same bytes. It holds `=_`, which
    stands in no base64 and in no line of ours."""
    if not html:
        return Frame(text.head + CRLF, b"", b"")
    boundary = b"=_" + blake2b(text.octets + html.encode(), digest_size=12).hexdigest().encode()
    line = CRLF + b"--" + boundary + CRLF
    encoding = b"8bit" if text.encoding == "8bit" else b"7bit"  # RFC 2045 §6.4
    return Frame(
        b'Content-Type: multipart/alternative;\r\n boundary="' + boundary + b'"\r\n'
        b"Content-Transfer-Encoding: " + encoding + CRLF + line + text.head + CRLF,
        line + b'Content-Type: text/html; charset="utf-8"\r\nContent-Transfer-Encoding: 7bit\r\n\r\n',
        CRLF + b"--" + boundary + b"--\r\n",
    )


def base64(octets: bytes) -> bytes:
    """Whole lines, each with its end."""
    lines = (octets[at : at + _BASE64_OCTETS] for at in range(0, len(octets), _BASE64_OCTETS))
    return b"".join(b2a_base64(line, newline=False) + CRLF for line in lines)
