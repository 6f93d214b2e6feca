"""A message of one's own, beside the one for all that it is made from."""

import email
import email.policy
from dataclasses import replace
from datetime import UTC, datetime
from email.message import EmailMessage
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import html as documents

from channels.mail.charset import Charset
from channels.mail.mailbox import path
from channels.mail.message import Letter, Letterhead, letter, wire
from channels.mail.personal import TO_LEAVE, Copies, Ways
from hub.language import Language
from hub.recipient import Recipient, RecipientId
from hub.testing.parcels import content

KEY = UUID("5b0c2a52-6a1c-4c4f-9f0e-5d6c1b7a2e90")
CITY = Letterhead(
    sender="bousai@yobikake.example", domain="yobikake.example", unsubscribe="stop@yobikake.example"
)
PAGE = "https://hub.example/unsubscribe/"
TEXTS = (
    st.text(alphabet=". aあ🏠\n", max_size=60)
    | st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\r"))
    | st.just("長い行" * 400)
)


def token(recipient: RecipientId) -> bytes:
    return b"mail.%d.%032x" % (recipient, recipient)


WAYS = Ways(PAGE, token)


def a_letter(text: str = "全員避難", language: Language = Language.JA) -> Letter:
    moment = datetime(2026, 9, 8, 12, 47, tzinfo=UTC)
    return Letter(name="よびかけ市", subject="避難指示", text=text, sent=moment, language=language)


def someone(number: int = 7, address: str = "resident7@mail.example") -> Recipient:
    return Recipient(id=RecipientId(number), address=address)


def sent(letter: Letter, to: Recipient, *, eight_bit: bool = True, city: Letterhead = CITY) -> bytes:
    """The octets after the smarthost has taken the stuffing out."""
    octets = Copies(letter, city, WAYS, KEY).of(to, eight_bit)
    assert octets.index(b"\r\n.\r\n") == len(octets) - 5  # the end is where the end is, and nowhere before
    assert b"\n" not in octets.replace(b"\r\n", b"")
    return octets[:-3].replace(b"\r\n.", b"\r\n")


def read(octets: bytes) -> EmailMessage:
    message = email.message_from_bytes(octets, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    assert not message.defects
    return message


@pytest.mark.parametrize("eight_bit", [True, False])
def test_it_says_to_whom_and_how_to_leave_by_one_click(eight_bit: bool) -> None:
    message = read(sent(a_letter(), someone(), eight_bit=eight_bit))
    leave = f"{PAGE}mail.7.{7:032x}"
    assert message["Message-ID"] == f"<{KEY.hex}.7@yobikake.example>"
    assert message["To"] == "resident7@mail.example"
    assert message["List-Unsubscribe"] == f"<{leave}>, <mailto:stop@yobikake.example>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message.get_content().splitlines() == [
        "全員避難", "", TO_LEAVE[Language.JA] + " " * (0 if eight_bit else -spare(a_letter()) % 3), leave,
    ]  # fmt: skip


def spare(letter: Letter) -> int:
    """Octets in front of the token."""
    return len(f"{letter.text}\r\n\r\n{TO_LEAVE[letter.language]}\r\n{PAGE}".encode())


def test_without_a_mailbox_for_it_nothing_is_said_of_leaving_by_mail() -> None:
    bare = Letterhead(sender=CITY.sender, domain=CITY.domain)
    assert read(sent(a_letter(), someone(), city=bare))["List-Unsubscribe"] == f"<{PAGE}mail.7.{7:032x}>"


@pytest.mark.parametrize("eight_bit", [True, False])
@given(text=TEXTS, number=st.integers(0, 2**32 - 1))
def test_the_text_arrives_as_it_was_written_and_ends_with_the_address(
    text: str, number: int, eight_bit: bool
) -> None:
    message = read(sent(a_letter(text), someone(number), eight_bit=eight_bit))
    body = message.get_content().replace("\r\n", "\n")
    before, _, last = body.rpartition(f"\n{PAGE}")
    assert last == f"{token(RecipientId(number)).decode()}\n"
    written, _, to_leave = before.rpartition("\n\n")
    assert to_leave.rstrip(" ") == TO_LEAVE[Language.JA]
    assert written == "\n".join(text.encode().decode().split("\n"))


@pytest.mark.parametrize("eight_bit", [True, False])
def test_all_else_is_what_everybody_gets(eight_bit: bool) -> None:
    """What the one for all says in its headers stands here too, byte for byte."""
    own = sent(a_letter(), someone(), eight_bit=eight_bit).partition(b"\r\n\r\n")[0].split(b"\r\n")
    everybodys = wire(a_letter(), CITY, KEY)(eight_bit).partition(b"\r\n\r\n")[0].split(b"\r\n")
    theirs = (b"Message-ID:", b"To:", b"List-Unsubscribe", b" <mailto:", b"\tcharset")
    assert [line for line in own if not line.startswith(theirs)] == [
        line for line in everybodys if not line.startswith(theirs)
    ]


@pytest.mark.parametrize("charset", Charset)
@pytest.mark.parametrize("eight_bit", [True, False])
def test_the_way_out_stands_in_both_parts(charset: Charset, eight_bit: bool) -> None:
    city = replace(CITY, charset=charset)
    message = read(sent(letter(content()), someone(), eight_bit=eight_bit, city=city))
    plain, html = message.get_body(("plain",)), message.get_body(("html",))
    assert isinstance(plain, EmailMessage)
    assert isinstance(html, EmailMessage)
    assert plain.get_content_charset() == charset
    leave = f"{PAGE}mail.7.{7:032x}"
    assert plain.get_content().splitlines()[-1] == leave
    page = documents.document_fromstring(html.get_content())
    assert [(each.text_content(), each.get("href")) for each in page.iter("a")][-1] == (
        TO_LEAVE[Language.JA],
        leave,
    )
    assert page.body.text_content().strip().endswith(TO_LEAVE[Language.JA])
    if not (eight_bit and charset is Charset.UTF_8):
        assert sent(letter(content()), someone(), eight_bit=eight_bit, city=city).isascii()


@pytest.mark.parametrize("language", Language)
def test_how_to_leave_stands_there_in_every_language(language: Language) -> None:
    assert TO_LEAVE[language] in read(sent(a_letter(language=language), someone())).get_content()


def test_the_same_recipient_gets_the_same_bytes_and_nobody_elses() -> None:
    first, again = (Copies(a_letter(), CITY, WAYS, KEY) for _ in range(2))
    assert first.of(someone(), True) == again.of(someone(), True)
    assert read(first.of(someone(8, "b@c.example"), True)[:-3])["To"] == "b@c.example"
    assert b"resident7" not in first.of(someone(8, "b@c.example"), True)


@given(st.text(max_size=60))
def test_no_address_adds_a_header(address: str) -> None:
    octets = Copies(a_letter(), CITY, WAYS, KEY).of(
        someone(address=address.encode("utf-8", "ignore").decode()), True
    )
    if not octets:
        return
    names = [line.partition(b":")[0] for line in octets.partition(b"\r\n\r\n")[0].split(b"\r\n")]
    plain = sent(a_letter(), someone()).partition(b"\r\n\r\n")[0].split(b"\r\n")
    assert names == [line.partition(b":")[0] for line in plain]


@pytest.mark.parametrize(
    "address",
    ["a@b.example\r\nBcc: c@d.example", "a@b.example\n", "a@b\x85.example", "a b@c.example", '"@c.example'],
)
def test_what_would_add_one_is_quoted_or_refused(address: str) -> None:
    octets = Copies(a_letter(), CITY, WAYS, KEY).of(someone(address=address), True)
    assert bool(octets) == (path(address) is not None)
    assert b"Bcc" not in octets


def test_dots_of_old_phones_are_quoted() -> None:
    octets = sent(a_letter(), someone(address="a..b.@docomo.example"))
    assert b'\r\nTo: <"a..b."@docomo.example>\r\n' in octets
