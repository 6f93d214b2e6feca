"""One-time addresses from a chat: who is meant, for how long, and that nobody else can make one."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub import chat_link
from hub.keys import Keys

NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
KEYS = Keys(fields={"1": bytes(32)}, index=bytes(32), record=bytes(32))
OTHER = Keys(fields={"1": b"o" * 32}, index=bytes(32), record=bytes(32))
USER = f"U{7:032x}"


def test_it_says_whose_chat_it_is_and_holds_for_half_an_hour() -> None:
    token = chat_link.token(KEYS, "line", USER, at=NOW)
    found = chat_link.read(KEYS, token, at=NOW + chat_link.HOLDS - timedelta(seconds=1))
    assert found is not None
    assert (found.channel, found.address) == ("line", USER)
    assert chat_link.read(KEYS, token, at=NOW + chat_link.HOLDS) is None


def test_nobody_else_reads_the_address_in_it() -> None:
    token = chat_link.token(KEYS, "line", USER, at=NOW)
    assert USER not in token
    assert chat_link.read(OTHER, token, at=NOW) is None
    assert USER not in repr(chat_link.read(KEYS, token, at=NOW))


def test_each_is_another_one() -> None:
    tokens = [chat_link.token(KEYS, "line", USER, at=NOW) for _ in range(5)]
    numbers = {found.number for each in tokens if (found := chat_link.read(KEYS, each, at=NOW))}
    assert len(set(tokens)) == len(numbers) == 5


@pytest.mark.parametrize("place", [0, 2, 40, -5])
def test_a_changed_one_is_none(place: int) -> None:
    token = list(chat_link.token(KEYS, "line", USER, at=NOW))
    token[place] = "A" if token[place] != "A" else "B"
    assert chat_link.read(KEYS, "".join(token), at=NOW) is None


@settings(max_examples=50)
@given(st.text(max_size=120) | st.from_regex(r"1\.[A-Za-z0-9_-]{40,80}", fullmatch=True))
def test_nothing_made_up_is_one(text: str) -> None:
    assert chat_link.read(KEYS, text, at=NOW) is None
