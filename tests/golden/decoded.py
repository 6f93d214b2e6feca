"""What is read at the other end of each channel, once its own coding is undone: MIME, JSON, SSML, HTML, XML, PDF.

Of each, the texts it carries; what a channel puts around them stays around them.
"""

import email
import email.policy
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

import msgspec
from lxml import etree, html

from channels.mail.charset import Charset
from channels.mail.message import Letterhead, letter, wire
from hub.channel import Content
from tests.golden.page import forms, said
from tests.golden.published import Published

KEY = UUID("5b0c2a52-6a1c-4c4f-9f0e-5d6c1b7a2e90")


class Read(NamedTuple):
    """`carries`: which of the four texts are in it whole. `wrapped`: set in lines of its own, and in pieces."""

    text: str
    carries: Sequence[str]
    wrapped: bool = False


def decoded(content: Content, published: Published) -> dict[str, Read]:
    """By what went out."""
    wires = {**forms(content), **published.by_language[content.language]}
    found = {
        name: Read(reader(wires[name]), carries)
        for name, (reader, carries) in READERS.items()
        if name in wires
    }
    found |= {
        f"mail in {charset.value}, {'8' if eight_bit else '7'} bit": Read(
            _mail(content, charset, eight_bit), ("headline", "body")
        )
        for charset in Charset
        for eight_bit in (True, False)
    }
    found["sms"] = Read("\n".join(said(content)["sms"]), ("short",))
    if "fax page" in wires:
        found["fax page"] = Read(wires["fax page"].decode(), ("headline", "body"), wrapped=True)
    if "voice twiml" in wires:
        found["voice twiml"] = Read(_xml(wires["voice twiml"]), ("speech",), wrapped=True)
    return found


def _mail(content: Content, charset: Charset, eight_bit: bool) -> str:
    """Subject and text as a mail program shows them."""
    city = Letterhead(
        sender="bousai@yobikake.example",
        domain="yobikake.example",
        unsubscribe="stop@yobikake.example",
        charset=charset,
    )
    octets = wire(letter(content), city, KEY)(eight_bit)
    message = email.message_from_bytes(octets.replace(b"\r\n.", b"\r\n"), policy=email.policy.default)
    assert isinstance(message, email.message.EmailMessage)
    plain = message.get_body(("plain",))
    assert isinstance(plain, email.message.EmailMessage)
    return f"{message['Subject']}\n{plain.get_content()}"


def _json(octets: bytes) -> str:
    return "\n".join(_strings(msgspec.json.decode(octets)))


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _strings(each)
    elif isinstance(value, Sequence):
        for each in value:
            yield from _strings(each)


def _html(octets: bytes) -> str:
    """Its lines and paragraphs end where a browser ends them."""
    page = html.fromstring(octets.decode())
    for element in page.iter("br", "p", "h1", "h2", "li", "div"):
        element.tail = f"\n{element.tail or ''}"
    return page.text_content()


def _wordpress(octets: bytes) -> str:
    post = msgspec.json.decode(octets)
    return f"{post['title']}\n{_html(post['content'].encode())}\n{post['excerpt']}"


def _xml(octets: bytes) -> str:
    return "\n".join(etree.fromstring(octets).itertext())


READERS = {
    "mail html": (_html, ("headline", "body")),
    "line messages": (_json, ("headline", "body", "short")),
    "website html": (_html, ("headline", "body")),
    "website rss": (_xml, ("headline", "body")),
    "wordpress post": (_wordpress, ("headline", "body", "short")),
    "webhook event": (_json, ("headline", "body", "short", "speech")),
    "webpush payload": (_json, ("headline", "short")),
    "loudspeaker broadcast": (_json, ("speech",)),
    "atom": (_xml, ("headline", "short")),
    "rss": (_xml, ("headline", "short")),
    "json feed": (_json, ("headline", "short")),
    "portal page": (bytes.decode, ("body",)),
}
"""How each is read, and what it carries."""
