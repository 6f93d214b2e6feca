"""A message of each recipient's own: written once as bytes, and joined with what is theirs.

RFC 8058 asks for it: a provider that ends somebody's registration by one click has to know whose, so the address in
List-Unsubscribe is another one for everybody. It stands in the text too, since not every reader shows the header's.
"""

import re
from binascii import b2a_base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from uuid import UUID

from channels.mail.mailbox import path
from channels.mail.message import Letter, Letterhead, compose
from hub.language import Language
from hub.recipient import Recipient, RecipientId

TO_LEAVE: Mapping[Language, str] = {
    Language.JA: "このメールの登録を解除する",
    Language.JA_EASY: "このメールを やめる（登録（とうろく）を 消（け）す）",
    Language.EN: "Stop these e-mails",
    Language.ZH_HANS: "取消接收此邮件",
    Language.ZH_HANT: "取消接收此郵件",
    Language.KO: "이 메일 수신 해지",
    Language.VI: "Ngừng nhận email này",
    Language.NE: "यो इमेल आउन बन्द गर्ने",
}


@dataclass(frozen=True, slots=True)
class Ways:
    """How recipients leave. `page` and a recipient's token behind it are their address (`hub.unsubscribe`)."""

    page: str
    token: Callable[[RecipientId], bytes]


@dataclass(frozen=True, slots=True)
class Template:
    """The message, cut where something of the recipient's stands; dots are stuffed, and the final one is there."""

    begin: bytes
    """Before the recipient's number in Message-ID."""
    to: bytes
    leave: bytes
    rest: bytes
    """From behind the token in the header to where it stands in the text."""
    base64: bool

    def filled(self, number: bytes, mailbox: bytes, token: bytes) -> bytes:
        """`mailbox` between its angles, as `mailbox.path` gives it: nothing else gets into the header."""
        end = b2a_base64(token + b"\r\n", newline=False) + _END if self.base64 else token + _END
        return b"".join((self.begin, number, self.to, mailbox, self.leave, token, self.rest, end))


_END = b"\r\n.\r\n"


class Copies:
    """The copies of one letter under one key. The same recipient gets the same bytes, at any time and anywhere."""

    __slots__ = ("_key", "_letter", "_letterhead", "_templates", "_ways")

    def __init__(self, letter: Letter, letterhead: Letterhead, ways: Ways, key: UUID) -> None:
        self._letter, self._letterhead, self._ways, self._key = letter, letterhead, ways, key.hex
        self._templates: dict[bool, Template] = {}

    def of(self, recipient: Recipient, eight_bit: bool) -> bytes:
        """Empty for somebody without a mailbox, to whom nothing is sent."""
        mailbox = path(recipient.address)
        if mailbox is None:
            return b""
        template = self._templates.get(eight_bit)
        if template is None:
            template = self._templates[eight_bit] = self._template(eight_bit)
        return template.filled(b"%d" % recipient.id, mailbox, self._ways.token(recipient.id))

    def _template(self, eight_bit: bool) -> Template:
        head, body, base64 = _common(self._letter, self._letterhead, self._ways.page, eight_bit)
        mailto = f",\r\n <mailto:{self._letterhead.unsubscribe}>" if self._letterhead.unsubscribe else ""
        return Template(
            begin=f"Message-ID: <{self._key}.".encode(),
            to=f"@{self._letterhead.domain}>\r\nTo: ".encode(),
            leave=f"\r\nList-Unsubscribe: <{self._ways.page}".encode(),
            rest=f">{mailto}\r\n".encode() + head + b"\r\n\r\n" + body,
            base64=base64,
        )


@lru_cache(maxsize=256)
def _common(letter: Letter, letterhead: Letterhead, page: str, eight_bit: bool) -> tuple[bytes, bytes, bool]:
    """What all copies of a text share, whatever their key: the headers, the body up to the token, and whether
    that is in base64. Both places of the token are outside the coding: its own comes behind theirs."""
    to_leave = TO_LEAVE[letter.language]
    text = f"{letter.text}\n\n{to_leave}\n{page}"
    message = compose(replace(letter, text=text), letterhead, eight_bit=eight_bit)
    base64 = message["Content-Transfer-Encoding"] == "base64"
    del message["To"], message["List-Unsubscribe"]
    message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    head = message.as_bytes().partition(b"\r\n\r\n")[0]
    if not base64:
        return head, re.sub(rb"(?m)^\.", b"..", _crlf(text)), False
    whole_groups = " " * (-len(_crlf(text)) % 3)  # behind a line: the token begins a group of its own
    octets = _crlf(f"{letter.text}\n\n{to_leave}{whole_groups}\n{page}")
    lines = (b2a_base64(octets[at : at + 57], newline=False) for at in range(0, len(octets), 57))
    return head, b"".join(line + b"\r\n" for line in lines), True


def _crlf(text: str) -> bytes:
    """The lines as they are parted in a message, the last one left open."""
    return b"\r\n".join(text.encode().splitlines())
