"""The gateways' log: what it reads out of what residents see."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from channels import line
from channels.mail.message import letter
from channels.voice import speech
from channels.x.thread import thread
from hub.alert import Mode
from hub.channel import Content, Span
from hub.framing import frame
from hub.language import Language
from hub.testing import parcels
from yobikake.chaos.log import Entries, GatewayLog, Refused, Struck, Taken, said
from yobikake.rehearsal.exchange import Denial, Exchange
from yobikake.rehearsal.twilio import spoken

AT = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
NUMBER = "2026-0147"
EARLIER = "2026-0146"


def content(language: Language, *, drill: bool = False, short: str = "避難してください。") -> Content:
    """What is sent, as the renderer makes it; it mentions an earlier alert, and its page."""
    texts = {
        "headline": "警戒レベル4 避難指示",
        "body": f"http://127.0.0.1:8081/ja/a/{EARLIER} の訂正です。\n避難してください。",
        "short": short,
        "speech": f"{EARLIER} の訂正です。避難してください。\n{NUMBER}",
    }
    spans = {form: (Span(text),) for form, text in texts.items()}
    if drill:
        spans = {form: frame(text, form, language) for form, text in spans.items()}
    return msgspec.structs.replace(
        parcels.content(language),
        mode=Mode.STAFF_DRILL if drill else Mode.LIVE,
        language=language,
        link=f"http://127.0.0.1:8081/{language}/a/{NUMBER}",
        **spans,
    )


def by_mail(content: Content) -> str:
    read = letter(content)
    return f"{read.subject}\n{read.text}\n"


def by_telephone(content: Content) -> str:
    return spoken(speech.twiml(content, names={}))


CALLED = [language for language in Language if language in speech.VOICES]


@pytest.mark.parametrize("drill", [False, True])
@pytest.mark.parametrize("language", Language)
def test_a_text_says_which_alert_it_is_and_whether_it_is_a_drill(language: Language, drill: bool) -> None:
    for channel, text in (
        ("mail", by_mail(content(language, drill=drill))),
        ("line", line.compose(content(language, drill=drill))),
    ):
        told = said(channel, text)
        assert (told.number, told.drill) == (NUMBER, drill), channel


@pytest.mark.parametrize("drill", [False, True])
@pytest.mark.parametrize("language", CALLED)
def test_so_does_a_call(language: Language, drill: bool) -> None:
    told = said("voice", by_telephone(content(language, drill=drill)))
    assert (told.number, told.drill) == (NUMBER, drill)


@pytest.mark.parametrize("drill", [False, True])
@pytest.mark.parametrize("language", Language)
def test_so_does_every_post_of_a_thread_and_it_says_in_which_language(
    language: Language, drill: bool
) -> None:
    posts = thread(content(language, drill=drill, short="避難してください。" * 40))
    told = [said("x", post.text) for post in posts]
    assert len(posts) > 1
    assert [(each.number, each.language, each.part, each.parts) for each in told] == [
        (NUMBER, language, number, len(posts)) for number in range(1, len(posts) + 1)
    ]
    assert told[0].drill is drill


def test_a_post_that_fits_is_whole() -> None:
    (post,) = thread(content(Language.JA))
    told = said("x", post.text)
    assert (told.number, told.language, told.part, told.parts) == (NUMBER, "ja", 1, 1)


@pytest.mark.parametrize("channel", ["mail", "line", "voice", "x"])
def test_what_is_no_alert_names_none(channel: str) -> None:
    assert said(channel, "当直の方へ：03-1234-5678 に電話してください。").number == ""


def exchange(**changes: object) -> Exchange:
    made = Exchange(channel="mail", begun_at=AT)
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def test_each_recipient_of_a_request_is_an_entry_with_its_own_fate() -> None:
    log = GatewayLog()
    log.begin(
        exchange(
            to=["a@mail.example", "b@mail.example", "c@mail.example"],
            text=by_mail(content(Language.JA)),
            key="<k@hub.example>",
            taken=["a@mail.example", "c@mail.example"],
            taken_at=AT + timedelta(seconds=1),
            answered=True,
            denied=[Denial("b@mail.example", "5.1.1", True)],
        )
    )
    log.begin(exchange(to=["d@mail.example"], denied=[Denial("d@mail.example", "4.2.1", False)]))
    entries = log.entries()
    assert [(each.address, each.request) for each in entries.taken] == [
        ("a@mail.example", 0),
        ("c@mail.example", 0),
    ]
    assert entries.taken[0] == Taken(
        channel="mail", address="a@mail.example", number=NUMBER, key="<k@hub.example>", drill=False,
        begun_at=AT, taken_at=AT + timedelta(seconds=1), answered=True, request=0,
    )  # fmt: skip
    assert entries.refused == (
        Refused(
            channel="mail", address="b@mail.example", number=NUMBER, code="5.1.1", permanent=True,
            begun_at=AT, request=0,
        ),
        Refused(
            channel="mail", address="d@mail.example", number="", code="4.2.1", permanent=False,
            begun_at=AT, request=1,
        ),
    )  # fmt: skip
    assert log.refusals("mail") == 1
    assert log.refusals("line") == 0


def test_a_post_is_for_those_who_read_its_language() -> None:
    log = GatewayLog()
    (post,) = thread(content(Language.EN))
    log.begin(exchange(channel="x", to=["post:1"], text=post.text, taken=["post:1"], taken_at=AT))
    assert [each.address for each in log.entries().taken] == ["post:en"]


def test_entries_are_as_the_log_stood_then() -> None:
    log = GatewayLog()
    going_on = exchange(to=["a@mail.example"], text=by_mail(content(Language.JA)))
    log.begin(going_on)
    before = log.entries()
    going_on.take(AT, to=going_on.to)
    going_on.tell()
    assert before == Entries()
    assert [each.answered for each in log.entries().taken] == [True]


def test_progress_is_counted_by_alert_and_channel() -> None:
    log = GatewayLog()
    text = line.compose(content(Language.JA))
    for taken in (["u1", "u2"], ["u3"]):
        log.begin(exchange(channel="line", to=taken, text=text, taken=taken, taken_at=AT))
    log.begin(exchange(channel="line", to=["u4"], text=text))
    assert log.arrived(NUMBER) == {"line": 3}
    assert log.arrived(EARLIER) == {}


def test_a_fault_that_hit_a_request_says_how_many_it_left_in_doubt() -> None:
    log = GatewayLog()
    log.begin(exchange(mishap="cut_after", open_for=7))
    log.begin(exchange())
    assert log.entries().struck == (Struck(mishap="cut_after", channel="mail", recipients=7),)
