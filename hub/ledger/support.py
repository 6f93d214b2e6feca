"""Who has said that they need help to evacuate (要配慮): a yes or a no of each resident, sealed by itself.

It is theirs to say or to leave unsaid, and of use for one thing: where people are called one by one, they come first. A no
is kept as well, or the rows alone would say whose is a yes.
"""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from hub.keys import Keys
from hub.ledger import tables
from hub.recipient import RecipientId

_table = tables.support.c
_YES, _NO = b"y", b"n"


def change(conn: Connection, keys: Keys, recipient: RecipientId, *, needs: bool) -> None:
    """In the place of what they said before. The packs do not know of it yet."""
    forget(conn, [recipient])
    add(conn, keys, {recipient: needs})


def add(conn: Connection, keys: Keys, said: Mapping[RecipientId, bool]) -> None:
    """Of people who are new in the register."""
    rows = [
        {
            "recipient": recipient,
            "sealed": keys.seal(_YES if needs else _NO, bound_to=_place(recipient)),
            "key_id": keys.active,
        }
        for recipient, needs in said.items()
    ]
    if rows:
        conn.execute(insert(tables.support), rows)


def forget(conn: Connection, recipients: Collection[RecipientId]) -> None:
    conn.execute(delete(tables.support).where(_table.recipient.in_(recipients)))


def needed(conn: Connection, keys: Keys, recipients: Collection[RecipientId]) -> set[RecipientId]:
    """Who of them needs it. Raises `BadInput` where a row was changed by somebody without the key."""
    rows = conn.execute(select(tables.support).where(_table.recipient.in_(recipients)))
    return {RecipientId(row.recipient) for row in rows if opened(keys, row.recipient, row.sealed, row.key_id)}


def opened(keys: Keys, recipient: int, sealed: Any, key_id: Any) -> bool:
    """Of a row that may not be there: then no. Raises `BadInput` as `needed`."""
    return sealed is not None and keys.unseal(sealed, key_id=key_id, bound_to=_place(recipient)) == _YES


def _place(recipient: int) -> str:
    return f"support {recipient}"
