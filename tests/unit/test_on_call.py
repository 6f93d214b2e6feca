"""The on-call list: who is called now, in which order, and what a list must have."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from hub import keys as key_files
from hub import on_call
from hub.authorise import Actor, Role
from hub.errors import BadInput, Conflict, Forbidden
from hub.keys import Keys
from hub.ledger import Ledger, audit
from hub.on_call import Duty, Person
from hub.testing.databases import with_schema

NOON = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
"""In Japan, on the 23rd."""
APPROVER = Actor(login="tanaka", name="田中", roles=frozenset({Role.APPROVER}))
SATO = Person(name="佐藤", phone="090-0000-0001", mail="sato@work.example")
ITO = Person(name="伊藤", duty=Duty.DEPUTY, phone="042-000-0002")


class Office:
    def __init__(self, ledger: Ledger, keys: Keys) -> None:
        self.ledger, self.keys = ledger, keys

    async def set(self, *people: Person, by: Actor = APPROVER, seen: int = 0) -> None:
        await self.ledger.write(
            lambda conn: on_call.set_list(conn, self.keys, people, by, seen=seen, at=NOON)
        )

    async def names(self, at: datetime = NOON) -> list[str]:
        people = await self.ledger.read(lambda conn: on_call.now(conn, self.keys, at=at))
        return [person.name for person in people]


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    key_files.create(tmp_path / "keys")
    ledger = Ledger(with_schema(tmp_path / "ledger.db"))
    await ledger.open()
    yield Office(ledger, key_files.load(tmp_path / "keys"))
    await ledger.close()


async def test_they_are_called_in_the_order_of_the_list(office: Office) -> None:
    assert await office.names() == []
    await office.set(ITO, SATO)
    assert await office.names() == ["伊藤", "佐藤"]
    await office.set(SATO, ITO, seen=1)
    assert await office.names() == ["佐藤", "伊藤"]


async def test_who_is_on_call_follows_the_days_of_japan(office: Office) -> None:
    week = Person(name="鈴木", phone="090-0000-0003", since=date(2026, 11, 23), until=date(2026, 11, 24))
    await office.set(week, ITO)
    for at, names in (
        (datetime(2026, 11, 22, 14, 59, tzinfo=UTC), ["伊藤"]),
        (datetime(2026, 11, 22, 15, 0, tzinfo=UTC), ["鈴木", "伊藤"]),
        (datetime(2026, 11, 24, 14, 59, tzinfo=UTC), ["鈴木", "伊藤"]),
        (datetime(2026, 11, 24, 15, 0, tzinfo=UTC), ["伊藤"]),
    ):
        assert await office.names(at) == names, at


@pytest.mark.parametrize(
    ("wrong", "place"),
    [
        (Person(name="", phone="090-0000-0000"), "1.name"),
        (Person(name="a"), "1.phone"),
        (Person(name="a", phone="内線3"), "1.phone"),
        (Person(name="a", mail="a@b, c@d.example"), "1.mail"),
        (
            Person(name="a", phone="090-0000-0000", since=date(2026, 2, 2), until=date(2026, 2, 1)),
            "1.until",
        ),
    ],
)
async def test_what_is_wrong_is_named_and_nothing_is_kept(office: Office, wrong: Person, place: str) -> None:
    with pytest.raises(BadInput) as raised:
        await office.set(SATO, wrong)
    assert raised.value.path == place
    assert await office.names() == []


async def test_only_who_may_keeps_the_list_and_no_change_is_lost(office: Office) -> None:
    with pytest.raises(Forbidden):
        await office.set(SATO, by=Actor(login="a", name="a", roles=frozenset({Role.COMPOSER})))
    await office.set(SATO)
    with pytest.raises(Conflict):
        await office.set(ITO)
    with pytest.raises(BadInput):
        await office.set(*[SATO] * 21, seen=1)
    assert await office.names() == ["佐藤"]


async def test_the_audit_tells_of_it_without_a_name_or_number(office: Office) -> None:
    await office.set(SATO, ITO)
    (entry,) = await office.ledger.read(lambda conn: audit.about(conn, ["on-call"]))
    assert (entry.actor, entry.action, entry.detail) == (
        "tanaka",
        "on-call.set",
        {"number": 1, "people": 2},
    )
