"""Addresses by which staff answer a muster."""

from hypothesis import given
from hypothesis import strategies as st

from hub import answer_link
from hub.answer_link import Answering
from hub.keys import Keys
from hub.recipient import RecipientId

KEYS = Keys(fields={"1": bytes(32)}, index=bytes(32), record=bytes(32))
OTHERS = Keys(fields={"1": bytes(32)}, index=bytes(32), record=bytes(31) + b"\1")


@given(st.integers(1, 999_999_999), st.integers(1, 2**32 - 1))
def test_whoever_has_one_is_known_again(muster: int, number: int) -> None:
    token = answer_link.token(KEYS, muster, RecipientId(number))
    assert answer_link.read(KEYS, token) == Answering(muster, RecipientId(number))
    assert answer_link.read(KEYS, token.upper()) == Answering(muster, RecipientId(number))
    assert answer_link.read(OTHERS, token) is None


def test_nobody_makes_one_for_somebody_else_or_another_muster() -> None:
    _, _, mac = answer_link.token(KEYS, 3, RecipientId(12)).split(".")
    assert len(mac) == 32
    for other in (f"3.13.{mac}", f"4.12.{mac}", f"3.012.{mac}", f"3.12.{mac[:-1]}", f"31.2.{mac}"):
        assert answer_link.read(KEYS, other) is None


@given(st.text(max_size=80))
def test_what_we_never_gave_out_is_nobodys(text: str) -> None:
    assert answer_link.read(KEYS, text) is None
