"""Who of the staff may come in, and what they set."""

import asyncio
from datetime import datetime, timedelta

import msgspec
import pytest
from sqlalchemy import Connection, select, update

from hub.authorise import Actor, Role
from hub.errors import BadInput, Conflict, Refused
from hub.hazard import Hazard
from hub.ledger import (
    Ledger,
    accounts,
    audit,
    revisions,
    tables,
)
from hub.ledger.revisions import Revision
from hub.testing.ledger_suite.rows import ADMIN, KEYS, NOW, add_account


class AccountSuite:
    async def test_an_account_keeps_its_department_and_limits(self, ledger: Ledger) -> None:
        given = Actor(
            login="mizuno",
            name="水野",
            roles=frozenset({Role.COMPOSER, Role.ADMIN}),
            department="water",
            hazards=frozenset({Hazard.WATER, Hazard.HEAT}),
        )
        await ledger.write(lambda conn: add_account(conn, given))
        assert (await ledger.read(lambda conn: accounts.get(conn, "mizuno"))).actor == given
        changed = msgspec.structs.replace(given, name="水野 学", hazards=frozenset(), department="")
        await ledger.write(lambda conn: accounts.change(conn, changed))
        assert (await ledger.read(lambda conn: accounts.get(conn, "mizuno"))).actor == changed

    async def test_a_link_to_choose_a_password_is_over_when_used_replaced_late_or_locked(
        self, ledger: Ledger
    ) -> None:
        await ledger.write(lambda conn: add_account(conn, ADMIN))

        async def offer(token: bytes) -> None:
            await ledger.write(
                lambda conn: accounts.offer_link(conn, "kanri", token, until=NOW + timedelta(hours=1))
            )

        async def holder(token: bytes, at: datetime = NOW) -> str | None:
            found = await ledger.read(lambda conn: accounts.by_link(conn, token, at=at))
            return found and found.actor.login

        await offer(b"1" * 32)
        assert await holder(b"1" * 32) == "kanri"
        assert await holder(b"1" * 32, NOW + timedelta(hours=1)) is None
        await offer(b"2" * 32)
        assert [await holder(b"1" * 32), await holder(b"2" * 32)] == [None, "kanri"]
        await ledger.write(lambda conn: accounts.set_password(conn, "kanri", "hash"))
        assert await holder(b"2" * 32) is None
        await offer(b"3" * 32)
        await ledger.write(lambda conn: accounts.disable(conn, "kanri", at=NOW))
        assert await holder(b"3" * 32) is None
        with pytest.raises(Refused, match="locked"):
            await offer(b"4" * 32)
        await ledger.write(lambda conn: accounts.enable(conn, "kanri"))
        assert await holder(b"3" * 32) is None

    async def test_an_administrator_always_remains(self, ledger: Ledger) -> None:
        await ledger.write(lambda conn: add_account(conn, ADMIN))
        await ledger.read(accounts.keep_an_admin)

        def lock(conn: Connection) -> None:
            accounts.disable(conn, "kanri", at=NOW)
            accounts.keep_an_admin(conn)

        with pytest.raises(Refused, match="Nobody would be left"):
            await ledger.write(lock)
        assert (await ledger.read(lambda conn: accounts.get(conn, "kanri"))).disabled_at is None

    async def test_the_newest_revision_is_in_force_and_all_are_kept(self, ledger: Ledger) -> None:
        def add(conn: Connection) -> None:
            for seen, value in enumerate((b"one", b"two")):
                revisions.add(conn, KEYS, "subject", value, seen=seen, at=NOW, by="sato", detail={"n": seen})

        await ledger.write(add)
        latest = await ledger.read(lambda conn: revisions.latest(conn, KEYS, "subject"))
        assert latest == Revision(number=2, at=NOW, by="sato", value=b"two")
        history = await ledger.read(lambda conn: revisions.history(conn, KEYS, "subject"))
        assert [each.value for each in history] == [b"two", b"one"]
        assert await ledger.read(lambda conn: revisions.number(conn, "subject")) == 2
        assert await ledger.read(lambda conn: revisions.number(conn, "another")) == 0
        assert await ledger.read(lambda conn: revisions.latest(conn, KEYS, "another")) is None
        entries = await ledger.read(lambda conn: audit.about(conn, ["subject"]))
        assert [(each.action, each.actor, each.detail) for each in entries] == [
            ("subject.set", "sato", {"number": 2, "n": 1}),
            ("subject.set", "sato", {"number": 1, "n": 0}),
        ]

    async def test_of_two_who_saw_the_same_revision_one_is_told(self, ledger: Ledger) -> None:
        def add(conn: Connection) -> None:
            revisions.add(conn, KEYS, "subject", b"mine", seen=0, at=NOW, by="sato")

        answers = await asyncio.gather(ledger.write(add), ledger.write(add), return_exceptions=True)
        assert [type(each) for each in answers if each is not None] == [Conflict]
        assert await ledger.read(lambda conn: revisions.number(conn, "subject")) == 1

    async def test_a_revision_is_sealed_and_bound_to_its_place(self, ledger: Ledger) -> None:
        def add(conn: Connection) -> None:
            revisions.add(conn, KEYS, "subject", b"090-0000-0000", seen=0, at=NOW, by="sato")

        await ledger.write(add)
        row = await ledger.read(lambda conn: conn.execute(select(tables.revisions)).one())
        assert b"090" not in row.sealed
        await ledger.write(lambda conn: conn.execute(update(tables.revisions).values(subject="another")))
        with pytest.raises(BadInput, match="does not open"):
            await ledger.read(lambda conn: revisions.latest(conn, KEYS, "another"))
