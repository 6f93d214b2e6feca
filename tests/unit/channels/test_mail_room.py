"""Which refusals mean that a transaction had too many recipients."""

import pytest

from channels.mail.replies import AT_ONCE
from channels.mail.room import Room
from hub.delivery import Outcome, Result
from hub.recipient import RecipientId

WHO = RecipientId(1)
SAID = {
    "t": Result(WHO, Outcome.ACCEPTED),
    "x": Result(WHO, Outcome.PERMANENT, reason="5.1.1", alone=True),
    "4": Result(WHO, Outcome.TEMPORARY, reason="452", retry_after=AT_ONCE, alone=True),
}


@pytest.mark.parametrize(
    ("results", "most"),
    [
        ("tttttttttt", 10),
        ("tttttt4444", 6),
        ("tx4ttt4444", 6),  # a full mailbox in front of the limit
        ("ttttx44x44", 5),
        ("tt4ttt4ttt", 10),
        ("ttttttttt4", 10),
        ("ttttttttxx", 10),
        ("xxxxxxxxxx", 10),
    ],
)
async def test_what_is_learned(results: str, most: int) -> None:
    room = Room(10)
    room.learn([SAID[each] for each in results])
    assert room.most == most


async def test_transactions_that_were_under_way_when_a_limit_was_learned_change_nothing() -> None:
    room = Room(10)
    for _ in range(3):
        room.learn([SAID[each] for each in "tttttt4444"])
    assert room.most == 6
