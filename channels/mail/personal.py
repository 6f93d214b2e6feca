"""A message of each recipient's own: written once as bytes, and joined with what is theirs.

RFC 8058 asks for it: a provider that ends somebody's registration by one click has to know whose, so the address in
List-Unsubscribe is another one for everybody. It stands in the text too, since not every reader shows the header's.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

from channels.mail import markup
from channels.mail.body import CRLF, Plain, base64, frame, plain
from channels.mail.charset import Charset
from channels.mail.mailbox import path
from channels.mail.message import Letter, Letterhead, headers, stuffed, written_in
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
    after: tuple[bytes, ...]
    """From behind the token in the text: to the end, or to where it stands in the HTML, and from there to the end."""
    base64: bool

    def filled(self, number: bytes, mailbox: bytes, token: bytes) -> bytes:
        """`mailbox` between its angles, as `mailbox.path` gives it: nothing else gets into the header."""
        line = token + CRLF
        end = base64(line) if self.base64 else line
        after = token.join(self.after)
        return b"".join((self.begin, number, self.to, mailbox, self.leave, token, self.rest, end, after))


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
        common = _common(self._letter, self._letterhead, self._ways.page, eight_bit)
        mailto = f",\r\n <mailto:{self._letterhead.unsubscribe}>" if self._letterhead.unsubscribe else ""
        return Template(
            begin=f"Message-ID: <{self._key}.".encode(),
            to=f"@{self._letterhead.domain}>\r\nTo: ".encode(),
            leave=f"\r\nList-Unsubscribe: <{self._ways.page}".encode(),
            rest=f">{mailto}\r\n".encode() + common.rest,
            after=common.after,
            base64=common.base64,
        )


class _Common(NamedTuple):
    """What all copies of a text share, whatever their key."""

    rest: bytes
    """The headers, and the body up to the token in its text."""
    after: tuple[bytes, ...]
    base64: bool


@lru_cache(maxsize=256)
def _common(letter: Letter, letterhead: Letterhead, page: str, eight_bit: bool) -> _Common:
    """The token's places are outside every coding: its own comes behind theirs."""
    to_leave = TO_LEAVE[letter.language]
    written, charset = written_in(letter, letterhead, to_leave)
    text = _text(written.text, to_leave, page, charset, eight_bit=eight_bit)
    around = frame(text, written.html)
    before, behind = markup.leaving(page, to_leave) if written.html else ("", "")
    middle = around.middle + (written.html + before).encode("ascii")
    ends = (middle, behind.encode("ascii") + around.end) if written.html else (b"",)
    return _Common(
        rest=stuffed(headers(written, letterhead, charset, personal=True) + around.head + text.open),
        after=(*map(stuffed, ends[:-1]), stuffed(ends[-1]) + b".\r\n"),
        base64=text.base64,
    )


def _text(said: str, to_leave: str, page: str, charset: Charset, *, eight_bit: bool) -> Plain:
    """Up to the token. In base64 it is filled up, behind a line, to whole groups: the token begins one of its own."""
    text = plain(f"{said}\n\n{to_leave}\n{page}", charset, eight_bit=eight_bit)
    if not text.base64 or len(text.octets) % 3 == 0:
        return text
    whole_groups = " " * (-len(text.octets) % 3)
    return plain(f"{said}\n\n{to_leave}{whole_groups}\n{page}", charset, eight_bit=eight_bit)
