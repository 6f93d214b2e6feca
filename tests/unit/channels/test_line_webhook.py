"""What LINE tells us, and what we make of it, also where somebody else wrote it."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from channels.line.webhook import NOT_UNDERSTOOD, Kind, parse
from hub.errors import BadInput
from yobikake.rehearsal.inbox import Inbox
from yobikake.rehearsal.line import LineGateway
from yobikake.rehearsal.line_sender import LineSender

USER = f"U{7:032x}"
SENDER = LineSender(LineGateway(Inbox()), url="http://127.0.0.1:1/", channel_secret="secret")


def parsed(*events: dict[str, Any]) -> list[Kind]:
    return [event.kind for event in parse(SENDER.body(events))]


def test_each_kind_of_event_is_told_apart() -> None:
    events = [
        SENDER.follow(USER),
        SENDER.unfollow(USER),
        SENDER.text(USER, "避難所は？"),
        SENDER.location(USER, 35.7, 139.35),
        SENDER.postback(USER, "yobikake=sites"),
        SENDER.account_link(USER),
        SENDER.sticker(USER),
    ]
    assert parsed(*events) == [
        Kind.FOLLOW,
        Kind.UNFOLLOW,
        Kind.TEXT,
        Kind.LOCATION,
        Kind.POSTBACK,
        Kind.ACCOUNT_LINK,
        Kind.OTHER,
    ]


def test_a_postback_of_ours_says_what_was_touched_and_anothers_nothing() -> None:
    ours, others = parse(
        SENDER.body([SENDER.postback(USER, "yobikake=ask:水は？"), SENDER.postback(USER, "action=buy")])
    )
    assert (ours.command, others.command) == ("ask:水は？", "")


def test_a_location_is_where_somebody_is() -> None:
    [event] = parse(SENDER.body([SENDER.location(USER, 35.7, 139)]))
    assert (event.latitude, event.longitude) == (35.7, 139.0)


def test_nobody_in_a_group_is_named() -> None:
    event = SENDER.text(USER, "a") | {"source": {"type": "group", "groupId": "C1", "userId": USER}}
    [found] = parse(SENDER.body([event]))
    assert found.user == ""


def test_what_an_event_shows_of_itself_is_nothing_of_anybody() -> None:
    [event] = parse(SENDER.body([SENDER.text(USER, "足が動きません")]))
    assert USER not in repr(event)
    assert "足" not in repr(event)


def test_lines_own_trial_has_no_events() -> None:
    assert list(parse(SENDER.body([]))) == []


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"webhookEventId": ""}, "$.events[1]"),
        ({"webhookEventId": "x" * 65}, "$.events[1]"),
        ({"timestamp": -1}, "$.events[1]"),
        ({"timestamp": 2**60}, "$.events[1]"),
        ({"timestamp": "now"}, "$.events[1].timestamp"),
        ({"source": []}, "$.events[1].source"),
        ({"replyToken": 5}, "$.events[1].replyToken"),
        ({"message": None}, "$.events[1].message"),
    ],
)
def test_an_event_of_another_form_is_a_chatbots_and_spoils_no_other(
    change: dict[str, Any], place: str
) -> None:
    strange = SENDER.text(USER, "秘密") | change
    with capture_logs() as said:
        found = parse(SENDER.body([SENDER.unfollow(USER), strange, SENDER.text(USER, "a")]))
    assert [event.kind for event in found] == [Kind.UNFOLLOW, Kind.OTHER, Kind.TEXT]
    assert found[1] == NOT_UNDERSTOOD
    assert [each["place"] for each in said] == [place]
    assert "秘密" not in str(said)


def test_half_a_character_in_one_event_loses_no_other() -> None:
    half = SENDER.text(USER, "half") | {"message": {"type": "text", "id": "1", "text": "\ud83d"}}
    body = json.dumps({"events": [SENDER.unfollow(USER), half, SENDER.text(USER, "a")]}).encode()
    found = parse(body)
    assert [event.kind for event in found] == [Kind.UNFOLLOW, Kind.OTHER, Kind.TEXT]
    assert found[1] == NOT_UNDERSTOOD


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"\xff", b'{"events":5}', b"[" * 100_000])
def test_what_is_no_webhook_is_refused(body: bytes) -> None:
    with pytest.raises(BadInput):
        parse(body)


@settings(max_examples=50)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
        max_leaves=8,
    )
)
def test_whatever_a_message_holds_is_an_event(message: object) -> None:
    event = SENDER.text(USER, "a") | {"message": message}
    [found] = parse(json.dumps({"events": [event]}).encode())
    assert found.kind is Kind.OTHER
