"""The message: RFC 5322 headers, a plain text and its HTML, built once and ready for the wire."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from functools import lru_cache
from uuid import UUID

from channels.mail import markup
from channels.mail.body import frame, plain
from channels.mail.charset import Charset, carried
from hub.channel import Content
from hub.clock import JST
from hub.language import Language

Wire = Callable[[bool], bytes]
"""Gives the message, dots stuffed and final dot included, for a smarthost with or without 8BITMIME."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Letterhead:
    """What stands on all mail of this city, and how it is written."""

    sender: str
    domain: str
    """Of Message-IDs."""
    unsubscribe: str | None = None
    html: bool = True
    charset: Charset = Charset.UTF_8


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """What one mail says. `name` is the sender's, beside the address. `html`: the same once more, as
    `markup.html` leaves it; empty, the mail is plain text."""

    name: str
    subject: str
    text: str
    sent: datetime
    language: Language
    html: str = ""


@lru_cache(maxsize=256)
def letter(content: Content) -> Letter:
    """The headline as subject; the body, the public page and who says so. Each transaction of a variant asks."""
    foot = f"{content.link}\n{content.sender} {content.number}"
    return Letter(
        name=content.sender,
        subject=content.text(content.headline),
        text=f"{content.text(content.body)}\n\n{foot}",
        sent=content.sent,
        language=content.language,
        html=markup.html(content),
    )


def wire(letter: Letter, letterhead: Letterhead, key: UUID) -> Wire:
    """The same letter and key give the same bytes, at any time and in any process.

    Message-ID follows from `key`, so that a repeat can be told from a second message.
    """
    header = f"Message-ID: <{key.hex}@{letterhead.domain}>\r\n".encode()
    return lambda eight_bit: header + _stuffed(letter, letterhead, eight_bit)


@lru_cache(maxsize=256)
def _stuffed(letter: Letter, letterhead: Letterhead, eight_bit: bool) -> bytes:
    """All but the Message-ID: once a text, instead of once a transaction."""
    written, charset = written_in(letter, letterhead)
    text = plain(written.text, charset, eight_bit=eight_bit)
    around = frame(text, written.html)
    html = written.html + markup.END if written.html else ""
    body = around.head + text.closed + around.middle + html.encode("ascii") + around.end
    return stuffed(headers(written, letterhead, charset) + body) + b".\r\n"


def written_in(letter: Letter, letterhead: Letterhead, *more: str) -> tuple[Letter, Charset]:
    """The letter as this city writes it, and its character set, in which `more` has room too."""
    texts = (letter.name, letter.subject, letter.text, *more)
    charset, (name, subject, text, *_) = carried(letterhead.charset, letter.language, texts)
    html = letter.html if letterhead.html else ""
    return replace(letter, name=name, subject=subject, text=text, html=html), charset


def headers(letter: Letter, letterhead: Letterhead, charset: Charset, *, personal: bool = False) -> bytes:
    """All but Message-ID and what says what the body is made of.

    Recipients stand in the envelope alone: nobody sees who else is registered. A personal message has To and
    List-Unsubscribe of its own. Auto-Submitted (RFC 3834) keeps holiday notices from answering. No Precedence: some
    servers treat bulk mail as unwanted.
    """
    message = EmailMessage(policy=SMTP)
    message["Date"] = format_datetime(letter.sent.astimezone(JST))
    message["Auto-Submitted"] = "auto-generated"
    if personal:
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    else:
        message["To"] = "undisclosed-recipients:;"
        if letterhead.unsubscribe is not None:
            message["List-Unsubscribe"] = f"<mailto:{letterhead.unsubscribe}>"
    message["MIME-Version"] = "1.0"
    message["Content-Language"] = letter.language.value
    return _names(letter, letterhead, charset) + message.as_bytes().removesuffix(b"\r\n")


def _names(letter: Letter, letterhead: Letterhead, charset: Charset) -> bytes:
    """From and Subject. Not by `EmailMessage`: it writes UTF-8 alone, and where it folds between two encoded words the
    space between them is lost (RFC 2047 §6.2 has it ignored)."""
    name, subject = _one_line(letter.name), _one_line(letter.subject)
    if name.isascii():
        sender = str(Address(display_name=name, addr_spec=letterhead.sender))
    else:
        sender = f"{_encoded('From', name, charset)}\r\n <{letterhead.sender}>"
    return f"From: {sender}\r\nSubject: {_encoded('Subject', subject, charset)}\r\n".encode("ascii")


def _encoded(name: str, text: str, charset: Charset) -> str:
    """RFC 2047, folded."""
    written = "us-ascii" if text.isascii() else charset.value
    return Header(text, charset=written, header_name=name).encode(linesep="\r\n")


def stuffed(octets: bytes) -> bytes:
    """RFC 5321 §4.5.2."""
    return re.sub(rb"(?m)^\.", b"..", octets)


def _one_line(text: str) -> str:
    """No line end, of whatever kind, gets into a header."""
    return " ".join(re.split(r"[\x00-\x20\x7f-\x9f\u2028\u2029]+", text)).strip()
