"""When the sums of an alert are said to be right, and what each of the wrong ones is called."""

import pytest

from hub.delivery import Outcome
from hub.recipient import RecipientId
from yobikake.bench.sums import Place, Sums, compared

FOR = {RecipientId(n): f"a{n}" for n in (1, 2, 3)}
ONCE = {"a1": 1, "a2": 1, "a3": 1}


def place(n: int, outcome: Outcome = Outcome.ACCEPTED, *, resend: bool = False) -> Place:
    return Place(RecipientId(n), outcome, resend)


WELL = [place(1), place(2), place(3)]


def wrong(found: Sums) -> dict[str, int]:
    names = ("forgotten", "counted_twice", "undecided", "lost", "twice", "strangers")
    return {name: number for name in names if (number := getattr(found, name))}


def test_everyone_once_is_right() -> None:
    found = compared(WELL, FOR, ONCE)
    assert found.right
    assert (found.recipients, found.outcomes, found.resent) == (3, {"accepted": 3}, 0)


@pytest.mark.parametrize(
    ("places", "taken", "expected"),
    [
        (WELL[:2], ONCE | {"a3": 0}, {"forgotten": 1}),
        ([*WELL, place(4)], ONCE, {"forgotten": 1}),
        ([*WELL, place(2)], ONCE, {"counted_twice": 1}),
        ([*WELL[:2], place(3, Outcome.THROTTLE)], ONCE | {"a3": 0}, {"undecided": 1}),
        (WELL, {"a1": 1, "a2": 1}, {"lost": 1}),
        ([*WELL[:2], place(3, Outcome.PERMANENT)], ONCE, {"lost": 1}),
        (WELL, ONCE | {"a1": 2}, {"twice": 1}),
        (WELL, ONCE | {"b": 1}, {"strangers": 1}),
    ],
)
def test_what_is_wrong_has_a_name(
    places: list[Place], taken: dict[str, int], expected: dict[str, int]
) -> None:
    found = compared(places, FOR, taken)
    assert wrong(found) == expected
    assert not found.right


def test_a_resend_that_is_flagged_may_come_twice() -> None:
    places = [place(1, Outcome.MOVED), place(1, resend=True), *WELL[1:]]
    found = compared(places, FOR, ONCE | {"a1": 2})
    assert found.right
    assert found.resent == 1


def test_a_gateway_that_names_nobody_is_not_asked() -> None:
    assert compared(WELL, FOR, None).right
