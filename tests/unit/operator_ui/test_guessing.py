"""Guessing passwords: together, over many logins, and while a colleague wants in."""

import asyncio
from collections import Counter
from datetime import timedelta

from hub.errors import Forbidden
from operator_ui.staff.sessions import Sessions, TooMany
from tests.unit.operator_ui.desk import PASSWORD, Desk, somebody

WRONG = "not the password"
ATTACKER, COLLEAGUE = "203.0.113.5", "203.0.113.9"


def sessions(desk: Desk) -> Sessions:
    return Sessions(ledger=desk.ledger, keys=desk.keys, clock=desk.clock, https=False)


async def tried(door: Sessions, login: str, password: str = WRONG, *, sender: str = ATTACKER) -> str:
    """ "in", "refused" (the password was looked at) or "wait"."""
    try:
        await door.sign_in(login, password, sender=sender)
    except TooMany:
        return "wait"
    except Forbidden:
        return "refused"
    return "in"


async def test_guesses_made_together_are_counted_like_any_others(desk: Desk) -> None:
    door = sessions(desk)
    answers = Counter(await asyncio.gather(*(tried(door, "sato") for _ in range(30))))
    assert answers == {"refused": 5, "wait": 25}


async def test_one_sender_is_slowed_whatever_logins_it_tries(desk: Desk) -> None:
    door = sessions(desk)
    answers = [await tried(door, f"login{number}") for number in range(31)]
    assert answers == ["refused"] * 30 + ["wait"]
    assert await tried(door, "sato", PASSWORD, sender=COLLEAGUE) == "in"


async def test_a_crowd_of_guesses_leaves_a_place_for_a_colleague(desk: Desk) -> None:
    door = sessions(desk)
    crowd = [tried(door, f"login{number}") for number in range(60)]
    *answers, colleague = await asyncio.gather(*crowd, tried(door, "sato", PASSWORD, sender=COLLEAGUE))
    assert colleague == "in"
    assert Counter(answers) == {"refused": 8, "wait": 52}
    assert await tried(door, "sato", PASSWORD) == "in"


async def test_more_than_can_be_checked_soon_are_asked_to_come_again(desk: Desk) -> None:
    door = sessions(desk)
    crowd = (tried(door, f"login{number}", sender=f"203.0.113.{number}") for number in range(20))
    assert Counter(await asyncio.gather(*crowd)) == {"refused": 16, "wait": 4}


async def test_signing_in_is_never_slowed_by_having_signed_in(desk: Desk) -> None:
    door = sessions(desk)
    assert {await tried(door, "sato", PASSWORD) for _ in range(60)} == {"in"}


async def test_who_has_to_wait_is_told_so_on_the_page(desk: Desk) -> None:
    async with somebody(desk) as person:
        for _ in range(6):
            await person.post("/signin", {"login": "sato", "password": WRONG})
        assert person.status == 429
        assert "待ってからやり直してください" in person.page
        desk.now += timedelta(minutes=1)
        await person.post("/signin", {"login": "sato", "password": PASSWORD})
        assert person.path == "/"
