"""Addresses by which recipients leave."""

from hypothesis import given
from hypothesis import strategies as st

from hub import unsubscribe
from hub.keys import Keys
from hub.recipient import RecipientId
from hub.unsubscribe import Leaving

KEYS = Keys(fields={"1": bytes(32)}, index=bytes(32), record=bytes(32))
OTHERS = Keys(fields={"1": bytes(32)}, index=bytes(32), record=bytes(31) + b"\1")


@given(st.integers(0, 2**32 - 1))
def test_whoever_has_one_is_known_again(number: int) -> None:
    token = unsubscribe.token(KEYS, "mail", RecipientId(number)).decode()
    assert unsubscribe.read(KEYS, token) == Leaving("mail", RecipientId(number))
    assert unsubscribe.read(KEYS, token.upper()) == Leaving("mail", RecipientId(number))
    assert unsubscribe.read(OTHERS, token) is None


def test_nobody_makes_one_for_somebody_else_or_another_channel() -> None:
    channel, recipient, mac = unsubscribe.token(KEYS, "mail", RecipientId(12)).decode().split(".")
    assert len(mac) == 32
    for other in (f"mail.13.{mac}", f"line.12.{mac}", f"mail.012.{mac}", f"{channel}.{recipient}.{mac[:-1]}"):
        assert unsubscribe.read(KEYS, other) is None


@given(st.text(max_size=80))
def test_what_we_never_gave_out_is_nobodys(text: str) -> None:
    assert unsubscribe.read(KEYS, text) is None
