"""Reading and writing: whole or not at all, and of one moment."""

import asyncio
import threading
from functools import partial

import pytest
from sqlalchemy import Connection, insert, select
from sqlalchemy.exc import IntegrityError

from hub.dead_letters import Letter
from hub.errors import BadInput, Refused
from hub.ledger import (
    Ledger,
    audit,
    dead_letters,
    deployment,
    tables,
)
from hub.outbound import Deployment
from hub.testing.ledger_suite.rows import AUTHOR, KEYS, NOW, append_entry


class WritingSuite:
    async def test_a_failed_write_leaves_nothing_and_harms_no_other(self, ledger: Ledger) -> None:
        def fails(conn: Connection) -> None:
            append_entry(conn, "lost")
            raise BadInput("here", "no")

        outcomes = await asyncio.gather(
            *(ledger.write(partial(append_entry, subject=f"kept {i}")) for i in range(20)),
            ledger.write(fails),
            *(ledger.write(partial(append_entry, subject=f"kept {i}")) for i in range(20, 40)),
            return_exceptions=True,
        )
        assert [type(outcome) for outcome in outcomes if outcome is not None] == [BadInput]
        subjects = await ledger.read(lambda conn: set(conn.execute(select(tables.audit.c.subject)).scalars()))
        assert subjects == {f"kept {i}" for i in range(40)}

    async def test_what_was_written_is_there_after_reopening(self, ledger: Ledger, url: str) -> None:
        await ledger.write(lambda conn: append_entry(conn, "kept"))
        again = Ledger(url)
        await again.open()
        assert await again.read(lambda conn: audit.verify(conn, KEYS)) == 1
        await again.close()

    async def test_a_constraint_is_an_error_of_the_caller_alone(self, ledger: Ledger) -> None:
        with pytest.raises(IntegrityError):
            await ledger.write(
                lambda conn: conn.execute(insert(tables.contents), [{"hash": "1", "body": b""}] * 2)
            )
        await ledger.write(lambda conn: append_entry(conn, "after"))

    async def test_a_read_sees_one_moment_however_many_questions_it_asks(self, ledger: Ledger) -> None:
        # Sums that are shown to staff come from several tables: they must be of the same moment.
        asked, written = threading.Event(), threading.Event()

        def count(conn: Connection) -> int:
            return len(conn.execute(select(tables.audit.c.seq)).all())

        def twice(conn: Connection) -> tuple[int, int]:
            first = count(conn)
            asked.set()
            assert written.wait(120)
            return first, count(conn)

        reading = asyncio.create_task(ledger.read(twice))
        await asyncio.to_thread(asked.wait, 120)
        await ledger.write(lambda conn: append_entry(conn, "meanwhile"))
        written.set()
        assert await reading == (0, 0)
        assert await ledger.read(count) == 1

    async def test_the_deployment_never_changes(self, ledger: Ledger) -> None:
        assert await ledger.read(deployment.read) is Deployment.REHEARSAL
        with pytest.raises(Refused, match="rehearsal hub"):
            await ledger.write(
                lambda conn: deployment.establish(conn, Deployment.PRODUCTION, "132071", at=NOW)
            )

    async def test_dead_letters_are_kept_whatever_is_in_them(self, ledger: Ledger) -> None:
        """PostgreSQL takes no NUL in a text, and no more than a column holds."""
        letter = Letter(
            topic="receipts", key="\x00" * 500, reason="\x00 $", value=bytes(range(256)), size=256, at=NOW
        )
        await ledger.write(lambda conn: dead_letters.keep(conn, [letter] * 3))
        newest, *_ = await ledger.read(dead_letters.newest)
        assert (newest.value, newest.at) == (letter.value, NOW)
        assert (newest.topic, newest.key[:100], "…" in newest.key) == ("receipts", "�" * 100, True)
        assert (
            await ledger.write(partial(dead_letters.mark_seen, actor=AUTHOR, until=newest.id - 1, at=NOW))
            == 2
        )
        assert await ledger.read(dead_letters.unseen) == 1
