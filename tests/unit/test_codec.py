"""Bytes and types: what is ours opens, everything else is refused before it is read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub import codec
from hub.alert import Alert, Mode
from hub.codec import AlertRecord, BatchRecord, RecordCodec
from hub.errors import BadInput
from hub.keys import Keys
from hub.testing.alerts import an_alert

CODEC = RecordCodec(Keys(fields={"1": bytes(32)}, index=bytes(32), record=bytes(32)))
STRANGER = RecordCodec(Keys(fields={"1": bytes(32)}, index=bytes(32), record=b"x" * 32))
RECORD = BatchRecord(batch="b-1", version=1, mode=Mode.LIVE)
TOPIC = "deliveries.mail.urgent"
SEALED = CODEC.seal(TOPIC, "b-1", RECORD)


def test_what_was_sealed_opens_at_its_place() -> None:
    assert CODEC.unseal(BatchRecord, TOPIC, "b-1", SEALED) == RECORD


@pytest.mark.parametrize(
    ("topic", "key"), [("deliveries.line.urgent", "b-1"), (TOPIC, "b-2"), (TOPIC + "b", "-1")]
)
def test_and_nowhere_else(topic: str, key: str) -> None:
    with pytest.raises(BadInput, match="MAC"):
        CODEC.unseal(BatchRecord, topic, key, SEALED)


@given(st.integers(0, len(SEALED) - 1), st.integers(1, 255))
def test_a_record_changed_in_any_byte_is_refused(place: int, change: int) -> None:
    changed = bytearray(SEALED)
    changed[place] ^= change
    with pytest.raises(BadInput):
        CODEC.unseal(BatchRecord, TOPIC, "b-1", bytes(changed))


@given(st.binary(max_size=200))
def test_nothing_foreign_opens_and_nothing_makes_it_fail_otherwise(foreign: bytes) -> None:
    with pytest.raises(BadInput):
        CODEC.unseal(BatchRecord, TOPIC, "b-1", foreign)


def test_another_hubs_record_is_refused() -> None:
    with pytest.raises(BadInput, match="not this hub's"):
        CODEC.unseal(BatchRecord, TOPIC, "b-1", STRANGER.seal(TOPIC, "b-1", RECORD))


def test_a_record_of_another_kind_is_refused() -> None:
    with pytest.raises(BadInput):
        CODEC.unseal(AlertRecord, TOPIC, "b-1", SEALED)


def test_an_alert_comes_back_whole_and_as_the_same_bytes() -> None:
    encoded = codec.encode(an_alert())
    assert codec.alert_from(encoded) == an_alert()
    assert codec.encode(codec.alert_from(encoded)) == encoded


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (b"{", "alert: is not JSON"),
        (b"\xff", "alert"),
        (codec.encode(an_alert()).replace(b'"flood"', b'"rain"'), r"alert \$\.hazard"),
        (codec.encode(an_alert()).replace(b'"whole_city"', b'"everyone"'), r"alert \$\.targeting\.audience"),
        (codec.encode(an_alert()).replace(b'"channels":["mail"]', b'"channels":[]'), r"alert \$\.targeting"),
    ],
)
def test_what_cannot_be_understood_is_named_by_its_place(data: bytes, place: str) -> None:
    with pytest.raises(BadInput, match=place):
        codec.alert_from(data)


def test_canonical_bytes_do_not_hang_on_the_order_of_keys() -> None:
    assert codec.encode({"b": 1, "a": {"d": 1, "c": 2}}) == codec.encode({"a": {"c": 2, "d": 1}, "b": 1})
    assert codec.decode(Alert, codec.encode(an_alert()), what="alert").expires == an_alert().expires
