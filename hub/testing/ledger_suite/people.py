"""The register and its packs."""

import asyncio

import pytest
from sqlalchemy import Connection, select, update

from hub import codec
from hub.channel import Target
from hub.delivery import Variant
from hub.errors import Conflict
from hub.language import Language
from hub.ledger import (
    Ledger,
    packs,
    register,
    tables,
)
from hub.testing.ledger_suite.rows import JA, KEYS, NOW, registered


class PeopleSuite:
    async def test_addresses_are_sealed_and_open_by_batch(self, ledger: Ledger) -> None:
        ids = await registered(ledger, 1_203)
        assert len(await ledger.read(lambda conn: packs.some(conn, "mail", JA, after=0, limit=9))) == 3
        found = await ledger.read(lambda conn: register.open_addresses(conn, KEYS, "mail", JA, ids[450:550]))
        assert [found.addresses[id_] for id_ in ids[450:550]] == [
            f"r{i}@mail.example" for i in range(450, 550)
        ]
        sealed = await ledger.read(lambda conn: conn.execute(select(tables.packs.c.sealed)).scalars().all())
        assert not any(b"mail.example" in block for block in sealed)

    async def test_a_pack_of_an_earlier_version_is_planned_from_and_opened(self, ledger: Ledger) -> None:
        """It had a trait for each member."""
        ids = await registered(ledger, 3)
        plain = [f"r{i}@mail.example" for i in range(3)]
        clear = codec.encode([["t1", "resident", False, i == 1] for i in range(3)]).decode()

        def as_before(conn: Connection) -> None:
            place = packs._place("mail", JA.language, JA.zone or "", ids, clear)
            sealed = KEYS.seal(codec.encode(plain), bound_to=place)
            conn.execute(update(tables.packs).values(traits=clear, sealed=sealed))

        await ledger.write(as_before)
        found = await ledger.read(lambda conn: register.open_addresses(conn, KEYS, "mail", JA, ids))
        assert (found.addresses, found.suppressed) == (dict(zip(ids, plain, strict=True)), {ids[1]})
        (pack,) = await ledger.read(lambda conn: packs.some(conn, "mail", JA, after=0, limit=9))
        assert [pack.traits.kinds[kind].suppressed for kind in pack.traits.of] == [False, True, False]

    async def test_one_who_moved_to_another_variant_is_still_found(self, ledger: Ledger) -> None:
        ids = await registered(ledger, 3)
        english = Variant(Language.EN, None)
        found = await ledger.read(lambda conn: register.open_addresses(conn, KEYS, "mail", english, ids[:1]))
        assert found.addresses[ids[0]] == "r0@mail.example"

    async def test_an_address_is_registered_once_a_channel(self, ledger: Ledger) -> None:
        await registered(ledger, 3)
        with pytest.raises(Conflict, match="3 of these"):
            await registered(ledger, 3)

    async def test_recipients_are_found_by_address_without_reading_any(self, ledger: Ledger) -> None:
        ids = await registered(ledger, 3)
        assert await ledger.read(lambda conn: register.find(conn, KEYS, "mail", "r1@mail.example")) == ids[1]
        assert await ledger.read(lambda conn: register.find(conn, KEYS, "line", "r1@mail.example")) is None

    async def test_processes_that_start_together_register_a_target_once(self, ledger: Ledger) -> None:
        targets = [Target(ref="radio", name="防災行政無線"), Target(ref="van", name="広報車")]
        new = await asyncio.gather(
            *(
                ledger.write(lambda conn: register.keep_targets(conn, KEYS, "manual", targets, at=NOW))
                for _ in range(6)
            )
        )
        assert sorted(new) == [False] * 5 + [True]
