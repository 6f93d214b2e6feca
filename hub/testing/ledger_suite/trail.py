"""The audit trail shows that somebody tampered with it."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import insert, update

from hub.ledger import (
    Ledger,
    audit,
    tables,
)
from hub.testing.ledger_suite.rows import KEYS, NOW, append_entry


class TrailSuite:
    @pytest.mark.parametrize(
        "tamper",
        [
            update(tables.audit).where(tables.audit.c.seq == 2).values(actor="somebody else"),
            update(tables.audit).where(tables.audit.c.seq == 2).values(at=NOW + timedelta(days=1)),
            tables.audit.delete().where(tables.audit.c.seq == 2),
            tables.audit.delete().where(tables.audit.c.seq == 3),
            tables.audit_head.delete(),
            update(tables.audit_head).values(seq=2),
            insert(tables.audit).values(
                seq=4, at=NOW, actor="a", action="b", subject="c", detail="{}", hash=bytes(32)
            ),
        ],
        ids=["changed", "moved in time", "removed", "cut off", "without a head", "head moved", "added"],
    )
    async def test_tampering_with_the_audit_trail_shows(self, ledger: Ledger, tamper: Any) -> None:
        for subject in ("one", "two", "three"):
            await ledger.write(partial(append_entry, subject=subject))
        assert await ledger.read(lambda conn: audit.verify(conn, KEYS)) == 3
        await ledger.write(lambda conn: conn.execute(tamper))
        with pytest.raises(audit.BrokenChain, match="audit row"):
            await ledger.read(lambda conn: audit.verify(conn, KEYS))
