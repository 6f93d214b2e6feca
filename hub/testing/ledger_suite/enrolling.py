"""Residents enrolled one at a time, and what counts once."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy import Connection, select, update

from hub import gone
from hub.delivery import Variant
from hub.errors import BadInput, Conflict
from hub.language import Language
from hub.ledger import Ledger, bounces, enrolment, packs, register, seen, support, tables
from hub.ledger.bounces import Noted
from hub.ledger.enrolment import Enrolled, Home
from hub.recipient import Kind, RecipientId, Town, Zone
from hub.testing.ledger_suite.rows import KEYS, NOW, accepted_alerts

CHAT = "line"
EAST = Home(Town("t1"), Zone("east"), Language.JA, False)
WEST = Home(Town("t2"), Zone("west"), Language.EN, True)


def user(number: int) -> str:
    return f"U{number:032x}"


async def enrolled(ledger: Ledger, number: int, home: Home = EAST) -> tuple[RecipientId, Enrolled]:
    return await ledger.write(lambda conn: enrolment.enrol(conn, KEYS, CHAT, user(number), home, at=NOW))


async def told(ledger: Ledger, channel: str, home: Home) -> list[tuple[RecipientId, bool]]:
    """Whom planning finds in a variant, in its order, and whether they are sent to."""

    def look(conn: Connection) -> list[tuple[RecipientId, bool]]:
        found = packs.some(conn, channel, Variant(home.language, home.zone), after=0, limit=99)
        return [
            (id_, not pack.traits.kinds[kind].suppressed)
            for pack in found
            for id_, kind in zip(pack.ids, pack.traits.of, strict=True)
        ]

    return await ledger.read(look)


async def opened(ledger: Ledger, channel: str, home: Home, ids: Sequence[RecipientId]) -> packs.Opened:
    variant = Variant(home.language, home.zone)
    return await ledger.read(lambda conn: register.open_addresses(conn, KEYS, channel, variant, ids))


async def needing(ledger: Ledger, home: Home) -> set[RecipientId]:
    def look(conn: Connection) -> set[RecipientId]:
        found = packs.some(conn, CHAT, Variant(home.language, home.zone), after=0, limit=99)
        return {id_ for pack in found for id_ in packs.needing(KEYS, CHAT, pack)}

    return await ledger.read(look)


class EnrollingSuite:
    async def test_who_enrols_is_told_from_that_commit_on(self, ledger: Ledger) -> None:
        ids = [(await enrolled(ledger, number))[0] for number in range(3)]
        assert await told(ledger, CHAT, EAST) == [(id_, True) for id_ in ids]
        found = await opened(ledger, CHAT, EAST, ids)
        assert [found.addresses[id_] for id_ in ids] == [user(number) for number in range(3)]

    async def test_enrolling_again_changes_nothing(self, ledger: Ledger) -> None:
        first, again = await enrolled(ledger, 1), await enrolled(ledger, 1)
        assert (first[1], again) == (Enrolled.NEW, (first[0], Enrolled.SAME))

    async def test_who_moves_keeps_their_number_and_is_told_for_the_other_town(self, ledger: Ledger) -> None:
        ids = [(await enrolled(ledger, number))[0] for number in range(3)]
        others = [(await enrolled(ledger, number, WEST))[0] for number in range(7, 9)]
        assert await enrolled(ledger, 1, WEST) == (ids[1], Enrolled.MOVED)
        assert await told(ledger, CHAT, EAST) == [(ids[0], True), (ids[2], True)]
        assert await told(ledger, CHAT, WEST) == [(id_, True) for id_ in sorted([ids[1], *others])]
        assert (await opened(ledger, CHAT, WEST, [ids[1]])).addresses[ids[1]] == user(1)

    async def test_who_moves_does_so_on_every_channel(self, ledger: Ledger) -> None:
        person = register.Registration(
            kind=Kind.RESIDENT,
            language=Language.JA,
            town=EAST.town,
            zone=EAST.zone,
            contacts={CHAT: user(1), "mail": "a@mail.example"},
        )

        def work(conn: Connection) -> RecipientId:
            (id_,) = register.add(conn, KEYS, [person], at=NOW)
            register.rebuild(conn, KEYS)
            return id_

        id_ = await ledger.write(work)
        await enrolled(ledger, 1, WEST)
        assert await told(ledger, "mail", WEST) == [(id_, True)]
        assert await told(ledger, "mail", EAST) == []

    async def test_who_needs_help_is_sealed_wherever_it_is_kept_and_known_to_planning(
        self, ledger: Ledger
    ) -> None:
        """Nobody can tell a yes from a no, and both end with the record."""
        asked = [EAST._replace(support=True), EAST._replace(support=False), EAST]
        ids = [(await enrolled(ledger, number, home))[0] for number, home in enumerate(asked)]
        assert await needing(ledger, EAST) == {ids[0]}
        await ledger.write(lambda conn: register.rebuild(conn, KEYS))
        assert await needing(ledger, EAST) == {ids[0]}
        rows = await ledger.read(lambda conn: conn.execute(select(tables.support)).all())
        assert sorted(row.recipient for row in rows) == ids
        assert len({len(row.sealed) for row in rows}) == 1
        await ledger.write(lambda conn: register.end(conn, KEYS, CHAT, ids[0]))
        assert await needing(ledger, EAST) == set()
        assert await ledger.read(lambda conn: support.needed(conn, KEYS, ids)) == set()

    async def test_who_is_not_asked_again_still_needs_help(self, ledger: Ledger) -> None:
        id_, _ = await enrolled(ledger, 1, EAST._replace(support=True))
        assert await enrolled(ledger, 1) == (id_, Enrolled.SAME)
        assert await enrolled(ledger, 1, WEST) == (id_, Enrolled.MOVED)
        assert await needing(ledger, WEST) == {id_}
        await ledger.write(lambda conn: enrolment.say(conn, KEYS, CHAT, user(1), support=False))
        assert await needing(ledger, WEST) == set()
        assert await ledger.write(lambda conn: enrolment.say(conn, KEYS, CHAT, user(2), support=True)) is None

    async def test_a_need_that_was_moved_to_somebody_else_does_not_open(self, ledger: Ledger) -> None:
        ids = [(await enrolled(ledger, number, EAST._replace(support=not number)))[0] for number in (0, 1)]

        def swap(conn: Connection) -> None:
            rows = conn.execute(select(tables.support).order_by(tables.support.c.recipient)).all()
            for id_, row in zip(ids, reversed(rows), strict=True):
                here = tables.support.c.recipient == id_
                conn.execute(update(tables.support).where(here).values(sealed=row.sealed))

        await ledger.write(swap)
        with pytest.raises(BadInput):
            await ledger.read(lambda conn: support.needed(conn, KEYS, ids))

    async def test_packs_grow_to_their_size_and_no_further(
        self, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(packs, "PACK", 3)
        ids = [(await enrolled(ledger, number))[0] for number in range(7)]

        def sizes(conn: Connection) -> list[int]:
            found = packs.some(conn, CHAT, Variant(EAST.language, EAST.zone), after=0, limit=99)
            return [len(pack.ids) for pack in found]

        assert await ledger.read(sizes) == [3, 3, 1]
        assert await told(ledger, CHAT, EAST) == [(id_, True) for id_ in ids]

    async def test_who_left_the_chat_is_held_back_until_they_return(self, ledger: Ledger) -> None:
        ids = [(await enrolled(ledger, number))[0] for number in range(2)]
        hold = enrolment.hold
        assert await ledger.write(lambda conn: hold(conn, KEYS, CHAT, user(0), suppressed=True)) == ids[0]
        assert await told(ledger, CHAT, EAST) == [(ids[0], False), (ids[1], True)]
        assert (await opened(ledger, CHAT, EAST, ids)).suppressed == {ids[0]}
        await ledger.write(lambda conn: register.rebuild(conn, KEYS))
        assert await told(ledger, CHAT, EAST) == [(ids[0], False), (ids[1], True)]
        assert await ledger.write(lambda conn: hold(conn, KEYS, CHAT, user(0), suppressed=False)) == ids[0]
        assert await ledger.write(lambda conn: hold(conn, KEYS, CHAT, user(0), suppressed=False)) is None
        assert await told(ledger, CHAT, EAST) == [(ids[0], True), (ids[1], True)]

    async def test_settling_what_came_back_lets_nobody_in_who_left(self, ledger: Ledger) -> None:
        ids = [(await enrolled(ledger, number))[0] for number in range(2)]
        await ledger.write(lambda conn: enrolment.hold(conn, KEYS, CHAT, user(0), suppressed=True))
        assert await gone.settle(ledger, KEYS, CHAT, at=NOW) == 0
        assert await told(ledger, CHAT, EAST) == [(ids[0], False), (ids[1], True)]

    async def test_whoever_comes_back_begins_anew(self, ledger: Ledger) -> None:
        id_, _ = await enrolled(ledger, 0)
        await accepted_alerts(ledger, "a-1", "a-2", "a-3")
        for alert in ("a-1", "a-2"):
            said = [Noted(id_, alert, True, False, "unknown id")]
            await ledger.write(lambda conn: bounces.note(conn, CHAT, said, at=NOW))  # noqa: B023
        assert await gone.settle(ledger, KEYS, CHAT, at=NOW) == 1
        assert await told(ledger, CHAT, EAST) == [(id_, False)]
        await enrolled(ledger, 0)
        assert await told(ledger, CHAT, EAST) == [(id_, True)]
        await ledger.write(
            lambda conn: bounces.note(conn, CHAT, [Noted(id_, "a-3", True, False, "unknown id")], at=NOW)
        )
        assert await gone.settle(ledger, KEYS, CHAT, at=NOW) == 0
        await ledger.write(lambda conn: enrolment.hold(conn, KEYS, CHAT, user(0), suppressed=False))
        assert await ledger.read(lambda conn: bounces.doubted(conn, CHAT, [id_])) == set()

    async def test_a_stranger_is_held_back_from_nothing(self, ledger: Ledger) -> None:
        assert (
            await ledger.write(lambda conn: enrolment.hold(conn, KEYS, CHAT, user(5), suppressed=True))
            is None
        )

    async def test_who_was_held_back_and_enrols_again_is_told(self, ledger: Ledger) -> None:
        id_, _ = await enrolled(ledger, 1)
        await ledger.write(lambda conn: enrolment.hold(conn, KEYS, CHAT, user(1), suppressed=True))
        await enrolled(ledger, 1)
        assert await told(ledger, CHAT, EAST) == [(id_, True)]

    async def test_staff_are_not_made_residents(self, ledger: Ledger) -> None:
        await ledger.write(
            lambda conn: register.add_staff(conn, KEYS, {CHAT: user(1)}, language=Language.JA, at=NOW)
        )
        with pytest.raises(Conflict, match="staff"):
            await enrolled(ledger, 1)

    async def test_what_comes_again_counts_once_also_at_the_same_time(self, ledger: Ledger) -> None:
        async def come(*keys: str) -> list[str]:
            return sorted(await ledger.write(lambda conn: seen.first(conn, "line", keys, at=NOW)))

        assert await come("b", "a", "a") == ["a", "b"]
        taken = await asyncio.gather(*(come("a", "c") for _ in range(8)))
        assert [key for each in taken for key in each] == ["c"]
        assert await ledger.read(lambda conn: seen.known(conn, "line", "c"))
        assert not await ledger.read(lambda conn: seen.known(conn, "other", "c"))

    async def test_what_is_older_than_what_is_known_is_not_newer(self, ledger: Ledger) -> None:
        async def newer(minutes: int) -> bool:
            at = NOW + timedelta(minutes=minutes)
            return await ledger.write(lambda conn: seen.newer(conn, "line", "7", at=at))

        assert [await newer(minutes) for minutes in (5, 3, 5, 6, 4)] == [True, False, True, True, False]

    async def test_what_came_long_ago_is_forgotten(self, ledger: Ledger) -> None:
        await ledger.write(lambda conn: seen.first(conn, "line", ["old"], at=NOW))
        later = NOW + seen.KEPT + timedelta(seconds=1)
        await ledger.write(lambda conn: seen.first(conn, "line", ["new"], at=later))
        assert not await ledger.read(lambda conn: seen.known(conn, "line", "old"))
