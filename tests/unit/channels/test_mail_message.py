"""The message as it goes out."""

import email
import email.policy
import re
from dataclasses import replace
from datetime import UTC, datetime
from email.message import EmailMessage
from itertools import pairwise
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import html as documents
from msgspec import structs

from channels.mail.charset import Charset
from channels.mail.message import Letter, Letterhead, letter, wire
from hub.alert import Mode
from hub.cap import MsgType
from hub.channel import Content, Span
from hub.evacuation import Level
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


def sent(letter: Letter, *, eight_bit: bool = True, city: Letterhead = CITY) -> bytes:
    """The octets after the smarthost has taken the stuffing out."""
    octets = wire(letter, city, KEY)(eight_bit)
    assert octets.index(b"\r\n.\r\n") == len(octets) - 5  # the end is where the end is, and nowhere before
    return octets[:-3].replace(b"\r\n.", b"\r\n")


def read(octets: bytes) -> EmailMessage:
    message = email.message_from_bytes(octets, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def text_of(message: EmailMessage) -> str:
    plain = message.get_body(("plain",))
    assert isinstance(plain, EmailMessage)
    text = plain.get_content()
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


# --- HTML --------------------------------------------------------------------------------------


def document(message: EmailMessage) -> documents.HtmlElement:
    html = message.get_body(("html",))
    assert isinstance(html, EmailMessage)
    return documents.document_fromstring(html.get_content())


def lines_of(message: EmailMessage) -> list[str]:
    """What the HTML says, line by line, without empty ones."""
    body = document(message).body
    for end in body.iter("br", "p", "h1"):
        end.tail = f"\n{end.tail or ''}"
    said = body.text_content()
    return [line.strip() for line in said.split("\n") if line.strip()]


def worded(text: str, **changes: object) -> Content:
    return structs.replace(content(), body=(Span(text),), **changes)


@pytest.mark.parametrize("eight_bit", [True, False])
@pytest.mark.parametrize("language", [Language.JA, Language.EN])
def test_the_html_says_what_the_plain_text_says(language: Language, eight_bit: bool) -> None:
    said = content(language)
    message = read(sent(letter(said), eight_bit=eight_bit))
    assert not message.defects
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    plain = [line.strip() for line in text_of(message).split("\n") if line.strip()]
    assert lines_of(message) == [said.text(said.headline), *plain]
    page = document(message)
    assert page.get("lang") == language
    assert page.findtext(".//title") == said.text(said.headline)
    assert [link.get("href") for link in page.iter("a")] == [said.link]


def test_nothing_in_the_html_has_to_be_fetched_or_run() -> None:
    page = document(read(sent(letter(content()))))
    assert not list(page.iter("img", "script", "link", "iframe", "object", "form"))
    assert "url(" not in documents.tostring(page, encoding="unicode")
    assert "prefers-color-scheme:dark" in page.findtext(".//style")


@pytest.mark.parametrize("level", [None, *Level])
@pytest.mark.parametrize("msg_type", [MsgType.ALERT, MsgType.CANCEL])
def test_the_block_has_the_levels_colours_unless_it_is_lifted(level: Level | None, msg_type: MsgType) -> None:
    said = structs.replace(content(), level=level, msg_type=msg_type)
    (block,) = document(read(sent(letter(said)))).iter("h1")
    style = dict(each.split(":", 1) for each in block.get("style").split(";"))
    if level is None or msg_type is MsgType.CANCEL:
        assert "background" not in style
        return
    assert style["background"] == level.meaning.colour
    assert contrast(style["background"], style["color"]) >= 3  # large, bold: WCAG 2.2, 1.4.3


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    """WCAG 2.2, relative luminance."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_a_drill_looks_otherwise() -> None:
    live, drill = (
        documents.tostring(document(read(sent(letter(structs.replace(content(), mode=mode))))))
        for mode in (Mode.LIVE, Mode.STAFF_DRILL)
    )
    assert b"dashed" in drill
    assert b"dashed" not in live


@settings(max_examples=50)
@given(st.text(alphabet="<>&\"'.; a-あ🏠\n", max_size=80) | st.just("長い行<&" * 400) | st.just("न्यू" * 400))
def test_no_text_becomes_markup_and_no_line_is_too_long(text: str) -> None:
    octets = sent(letter(worded(f"前{text}後", link="https://hub.example/?a=1&b=" + "é" * 300)))
    message = read(octets)
    assert max(map(len, octets.split(b"\r\n"))) <= 998
    body = document(message).body
    assert {each.tag for each in body.iter() if isinstance(each.tag, str)} <= {
        "body", "div", "h1", "p", "br", "a"
    }  # fmt: skip
    squeezed = re.sub(r"\s", "", f"前{text}後")
    assert squeezed in re.sub(r"\s", "", body.text_content())
    (address,) = (each.get("href") for each in body.iter("a"))
    assert re.sub(r"[\r\n]", "", address) == "https://hub.example/?a=1&b=" + "é" * 300


def test_a_city_that_wants_none_sends_plain_text_alone() -> None:
    message = read(sent(letter(content()), city=replace(CITY, html=False)))
    assert message.get_content_type() == "text/plain"
    assert message["Content-Transfer-Encoding"] == "8bit"


# --- ISO-2022-JP --------------------------------------------------------------------------------

OLD = replace(CITY, charset=Charset.ISO_2022_JP)


def headers_of(octets: bytes) -> list[bytes]:
    return octets.partition(b"\r\n\r\n")[0].split(b"\r\n")


@pytest.mark.parametrize("html", [True, False])
def test_japanese_goes_out_in_seven_bits_by_setting(html: bool) -> None:
    said = content()
    octets = sent(letter(said), city=replace(OLD, html=html))
    assert octets.isascii()
    message = read(octets)
    assert not message.defects
    assert message["Subject"] == said.text(said.headline)
    assert message["From"].addresses[0].display_name == said.sender
    assert message["From"].addresses[0].addr_spec == CITY.sender
    plain = message.get_body(("plain",))
    assert isinstance(plain, EmailMessage)
    assert (plain.get_content_charset(), plain["Content-Transfer-Encoding"]) == ("iso-2022-jp", "7bit")
    assert text_of(message).startswith(f"{said.text(said.body)}\n\n")
    assert b"iso-2022-jp" in b"".join(headers_of(octets)).lower()
    assert max(map(len, headers_of(octets))) <= 78


@pytest.mark.parametrize(
    ("written", "read_as"),
    [("21時〜23時", "21時〜23時"), ("21時～23時－5℃", "21時〜23時−5℃"), ("a\N{NO-BREAK SPACE}b", "a b")],
)
def test_characters_that_programs_disagree_about_are_the_ones_it_has(written: str, read_as: str) -> None:
    message = read(sent(a_letter(text=written, subject=written), city=OLD))
    assert message.get_content_charset() == "iso-2022-jp"
    assert (text_of(message), message["Subject"]) == (f"{read_as}\n", read_as)


@pytest.mark.parametrize("beyond", ["①", "髙島", "ｶﾀｶﾅ", "🏠", "한국어", "é"])
@pytest.mark.parametrize("where", ["subject", "text", "name"])
def test_what_it_cannot_carry_goes_out_in_utf_8_as_it_was_written(where: str, beyond: str) -> None:
    as_written = a_letter(**{where: f"{beyond}～"})
    message = read(sent(as_written, city=OLD))
    assert message.get_content_charset() == "utf-8"
    name = message["From"].addresses[0].display_name
    assert (name, message["Subject"], text_of(message)) == (
        as_written.name, as_written.subject, f"{as_written.text}\n",
    )  # fmt: skip


def test_other_languages_stay_in_utf_8() -> None:
    assert (
        read(sent(replace(a_letter(), language=Language.ZH_HANS), city=OLD)).get_content_charset() == "utf-8"
    )


@settings(max_examples=50)
@given(st.text(alphabet="\0. \n\x1baあ避①～", max_size=40) | st.just("避" * 600))
def test_whatever_stands_in_it_arrives(text: str) -> None:
    octets = sent(a_letter(text=text), city=OLD)
    assert max(map(len, octets.split(b"\r\n"))) <= 998
    assert text_of(read(octets)) in (f"{text}\n", f"{text.replace('～', '〜')}\n")


def test_the_boundary_parts_nothing_else() -> None:
    octets = sent(letter(content()))
    boundary = read(octets).get_boundary()
    assert boundary
    places = [each.start() for each in re.finditer(re.escape(f"\r\n--{boundary}".encode()), octets)]
    assert len(places) == 3
    assert all(one < other for one, other in pairwise(places))


def encodable(text: str) -> str:
    return text.encode("utf-8", "ignore").decode()
