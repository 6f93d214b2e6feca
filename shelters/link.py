"""A link by which whoever stands in a shelter reports from it: one site, for some hours, until it is revoked.

A bearer token, short enough to be typed: of it the ledger keeps a MAC only, so that neither the database nor its
backup lets anybody in.
Plain functions on a connection, for `ledger.write` and `ledger.read`.
"""

import secrets
import unicodedata
from collections.abc import Sequence
from datetime import datetime

import msgspec
from sqlalchemy import Connection, RowMapping, insert, select, update
from sqlalchemy.exc import IntegrityError

from hub.errors import Conflict
from hub.keys import Keys
from shelters.site import SiteCode
from shelters.tables import shelter_links


class Link(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    site: SiteCode
    created_at: datetime
    created_by: str
    expires_at: datetime
    revoked_at: datetime | None = None
    revoked_by: str | None = None

    @property
    def login(self) -> str:
        """What stands for it where an account's login would."""
        return f"link:{self.id}"

    def valid(self, at: datetime) -> bool:
        return self.revoked_at is None and at < self.expires_at


ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Base 32 without the letters that are taken for others (Crockford)."""
LETTERS = 12
_MISREAD = str.maketrans("OIL", "011", "- \t‐−–—ー")


def new_token() -> str:
    """60 random bits, to be shown once: 「7KQR-2MXA-94TC」.

    A thousand guesses a second hit one of forty links within the three days that a link may hold with a probability
    of 10⁻⁸.
    """
    drawn = [secrets.choice(ALPHABET) for _ in range(LETTERS)]
    return "-".join("".join(drawn[at : at + 4]) for at in range(0, LETTERS, 4))


def meant(typed: str) -> str:
    """The token as it was made, however its letters were typed. What has another length was made before there were
    letters to type, and stays as it is."""
    letters = unicodedata.normalize("NFKC", typed).upper().translate(_MISREAD)
    return letters if len(letters) == LETTERS else typed


def add(conn: Connection, keys: Keys, link: Link, token: str) -> None:
    """Raises `Conflict` when this link was made already: its token cannot be shown again."""
    values = msgspec.structs.asdict(link) | {"mac": mac(keys, token)}
    if conn.execute(select(shelter_links.c.id).where(shelter_links.c.id == link.id)).first() is not None:
        raise _made()
    try:
        conn.execute(insert(shelter_links).values(values))
    except IntegrityError as e:
        raise _made() from e


def find(conn: Connection, keys: Keys, token: str, *, at: datetime) -> Link | None:
    """None: no such link, or it has expired or was revoked."""
    query = select(shelter_links).where(shelter_links.c.mac == mac(keys, token))
    row = conn.execute(query).mappings().first()
    link = _link(row) if row else None
    return link if link is not None and link.valid(at) else None


def of_site(conn: Connection, site: SiteCode) -> Sequence[Link]:
    """The newest first; those that are over, too."""
    query = select(shelter_links).where(shelter_links.c.site == site)
    return [_link(row) for row in conn.execute(query.order_by(shelter_links.c.created_at.desc())).mappings()]


def revoke(conn: Connection, site: SiteCode, number: str, *, by: str, at: datetime) -> bool:
    """False: there is no such link of this site, or it was revoked before."""
    table = shelter_links.c
    changed = conn.execute(
        update(shelter_links)
        .where(table.id == number, table.site == site, table.revoked_at.is_(None))
        .values(revoked_at=at, revoked_by=by)
    )
    return changed.rowcount == 1


def mac(keys: Keys, token: str) -> bytes:
    return keys.mac(b"shelter link", meant(token).encode(errors="surrogateescape"))


def _made() -> Conflict:
    return Conflict(
        "このリンクはもう作られています。QRはもう一度は出せません。新しく作ってください / "
        "This link was made already and cannot be shown again: make a new one"
    )


def _link(row: RowMapping) -> Link:
    return Link(**{field.name: row[field.name] for field in msgspec.structs.fields(Link)})
