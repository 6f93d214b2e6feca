"""The HTML beside a mail's plain text: the same words, the level in its colours, nothing that has to be fetched.

It is ASCII whatever the language, each other character by its number: one document for every character set and every
smarthost, and no gateway on the way can spoil it. Styles stand at the elements, since many readers drop a style sheet;
the sheet has only what a dark screen needs. It reads without colours, without styles and aloud (`lang`, headings).
"""

import re
from collections.abc import Iterator
from html import escape

from hub.alert import Mode
from hub.cap import MsgType
from hub.channel import Content
from hub.evacuation import Level

END = "</div>\r\n</body></html>\r\n"
"""Closes what `html` leaves open."""

_HEAD = """<!DOCTYPE html>
<html lang="{lang}"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><meta name="supported-color-schemes" content="light dark">
<title>{title}</title>
<style>:root{{color-scheme:light dark}}
@media (prefers-color-scheme:dark){{body,.card{{background:#171e29!important;color:#eef2f8!important}}
.small{{color:#b9c3d2!important}}a{{color:#9db7f9!important}}}}</style></head>
<body lang="{lang}" style="margin:0;padding:0;background:#ffffff;color:#1a1a1a;{font}">
<div class="card" style="max-width:640px;margin:0 auto;padding:0 0 24px;background:#ffffff;color:#1a1a1a">"""

_FONT = "font-family:sans-serif;font-size:16px;line-height:1.7"
_PADDING = "margin:16px 20px 0"
_BITE = re.compile(r"(?:&#?\w+;|[^&]){1,90}")
"""Of an escaped line: at most 900 octets, and no character in two."""


def html(content: Content) -> str:
    """ASCII, lines with CRLF of at most 998 octets (RFC 5322 §2.1.1); `END` closes it.

    The level block is the approved headline in the level's colours; a lifted order has none.
    """
    return "\r\n".join(_lines(content)) + "\r\n"


def leaving(page: str, words: str) -> tuple[str, str]:
    """The last line, a link: what stands in front of the recipient's token, and behind it, `END` included."""
    before = f'<p class="small" style="{_PADDING};font-size:14px;color:#4d4d4d"><a href="{_quoted(page)}'
    return before, f'" style="color:#0017c1">{_ascii(words)}</a></p>\r\n{END}'


def _lines(content: Content) -> Iterator[str]:
    headline = content.text(content.headline)
    head = _HEAD.format(lang=content.language, title=_quoted(headline), font=_FONT)
    yield from head.splitlines()
    yield f'<h1 style="margin:0;padding:20px;font-size:22px;line-height:1.4;font-weight:bold;{_block(content)}">'
    yield f"{_ascii(headline)}</h1>"
    for paragraph in re.split(r"\n{2,}", content.text(content.body)):
        yield f'<p style="{_PADDING}">'
        yield "<br>\r\n".join(map(_ascii, paragraph.split("\n")))
        yield "</p>"
    yield f'<p style="{_PADDING}"><a href="{_quoted(content.link)}" style="color:#0017c1">'
    yield f"{_ascii(content.link)}</a></p>"
    yield f'<p class="small" style="{_PADDING};font-size:14px;color:#4d4d4d">'
    yield f"{_ascii(content.sender)} {_ascii(content.number)}</p>"


def _block(content: Content) -> str:
    """A drill has a dashed edge too; what says that it is one are its words."""
    edge = "1px solid" if content.mode is Mode.LIVE else "4px dashed"
    if content.level is None or content.msg_type is MsgType.CANCEL:
        return f"border:{edge} #767676"
    ink = "#1a1a1a" if content.level <= Level.ADVISORY else "#ffffff"
    return f"background:{content.level.meaning.colour};color:{ink};border:{edge} #767676"


def _ascii(text: str) -> str:
    """Escaped, all beyond ASCII by number; what is too long for a line goes on behind a comment, which nobody sees."""
    return "<!--\r\n-->".join(_bites(text))


def _quoted(text: str) -> str:
    """The same in an attribute or a title, which know no comments; a line end in an address is passed over."""
    return "\r\n".join(_bites(text))


def _bites(text: str) -> list[str]:
    escaped = escape(text).encode("ascii", "xmlcharrefreplace").decode()
    return _BITE.findall(escaped) if len(escaped) > 900 else [escaped]
