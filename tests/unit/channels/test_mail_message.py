"""The message as it goes out."""

import email
import email.policy
from datetime import UTC, datetime
from email.message import EmailMessage
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.mail.message import Letter, Letterhead, letter, wire
from hub.language import Language
from hub.testing.parcels import content

KEY = UUID("5b0c2a52-6a1c-4c4f-9f0e-5d6c1b7a2e90")
CITY = Letterhead(
    sender="bousai@yobikake.example", domain="yobikake.example", unsubscribe="stop@yobikake.example"
)
HEADERS = {
    "Message-ID",
    "From",
    "To",
    "Subject",
    "Date",
    "Auto-Submitted",
    "Content-Language",
    "List-Unsubscribe",
    "Content-Type",
    "Content-Transfer-Encoding",
    "MIME-Version",
}


def sent(letter: Letter, *, eight_bit: bool = True) -> bytes:
    """The octets after the smarthost has taken the stuffing out."""
    octets = wire(letter, CITY, KEY)(eight_bit)
    assert octets.index(b"\r\n.\r\n") == len(octets) - 5  # the end is where the end is, and nowhere before
    return octets[:-3].replace(b"\r\n.", b"\r\n")


def read(octets: bytes) -> EmailMessage:
    message = email.message_from_bytes(octets, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def text_of(message: EmailMessage) -> str:
    text = message.get_content()
    assert isinstance(text, str)
    return text.replace("\r\n", "\n")


def a_letter(*, name: str = "よびかけ市", subject: str = "避難指示", text: str = "全員避難") -> Letter:
    moment = datetime(2026, 9, 8, 12, 47, tzinfo=UTC)
    return Letter(name=name, subject=subject, text=text, sent=moment, language=Language.JA)


@pytest.mark.parametrize("eight_bit", [True, False])
@pytest.mark.parametrize("language", [Language.JA, Language.EN])
def test_what_a_reader_gets(language: Language, eight_bit: bool) -> None:
    said = content(language)
    message = read(sent(letter(said), eight_bit=eight_bit))
    assert message["Subject"] == said.text(said.headline)
    assert message["From"].addresses[0].display_name == said.sender
    assert message["From"].addresses[0].addr_spec == CITY.sender
    assert message["Date"] == "Tue, 08 Sep 2026 21:47:00 +0900"
    assert message["Content-Language"] == language
    text = text_of(message)
    assert text.startswith(f"{said.text(said.body)}\n\n{said.link}\n")
    assert said.number in text


def test_nobody_answers_it_by_machine_and_nobody_sees_the_others() -> None:
    message = read(sent(a_letter()))
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["To"] == "undisclosed-recipients:;"
    assert message["List-Unsubscribe"] == "<mailto:stop@yobikake.example>"
    assert message["Precedence"] is None


def test_eight_bit_where_it_is_offered_and_ascii_where_not() -> None:
    assert "全員避難".encode() in sent(a_letter())
    assert sent(a_letter(), eight_bit=False).isascii()


def test_a_line_too_long_for_smtp_is_encoded() -> None:
    text = "避" * 400
    octets = sent(a_letter(text=text))
    assert max(map(len, octets.split(b"\r\n"))) <= 998
    assert text_of(read(octets)) == f"{text}\n"


def test_the_same_key_gives_the_same_bytes_and_another_another_id() -> None:
    first, again, other = (wire(a_letter(), CITY, key)(True) for key in (KEY, KEY, uuid4()))
    assert first == again
    assert first != other
    assert read(first)["Message-ID"] == f"<{KEY.hex}@yobikake.example>"
    assert first.partition(b"\r\n")[2] == other.partition(b"\r\n")[2]


@given(name=st.text(max_size=40), subject=st.text(max_size=120))
def test_no_text_adds_a_header(name: str, subject: str) -> None:
    octets = sent(a_letter(name=encodable(name), subject=encodable(subject)))
    head, _, _ = octets.partition(b"\r\n\r\n")
    names = {
        line.partition(b":")[0].decode() for line in head.split(b"\r\n") if not line.startswith((b" ", b"\t"))
    }
    assert names == HEADERS
    assert head.isascii()


@given(
    st.text(
        alphabet=st.characters(codec="utf-8", exclude_categories=["Cc", "Zl", "Zp", "Zs"]),
        min_size=1,
        max_size=120,
    )
)
def test_a_subject_arrives_as_it_was_written(subject: str) -> None:
    assert read(sent(a_letter(subject=subject)))["Subject"] == subject


@given(
    st.text(alphabet=". aあ🏠\n", max_size=60)
    | st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\r"))
)
def test_a_text_arrives_as_it_was_written(text: str) -> None:
    for eight_bit in (True, False):
        assert text_of(read(sent(a_letter(text=text), eight_bit=eight_bit))) == f"{text}\n"


def encodable(text: str) -> str:
    return text.encode("utf-8", "ignore").decode()
