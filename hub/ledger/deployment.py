"""What this database was made for, fixed for its life (I6)."""

from datetime import datetime

from sqlalchemy import Connection, insert, inspect, select

from hub.errors import BadSettings, Refused
from hub.ledger import migrations, tables
from hub.outbound import Deployment

_deployment = tables.deployment.c


def establish(conn: Connection, kind: Deployment, city_code: str, *, at: datetime) -> None:
    """Fix the deployment of a fresh database.

    Raises:
        Refused: it is fixed already, as the other kind or for another city.
    """
    row = conn.execute(select(_deployment.kind, _deployment.city_code)).first()
    if row is None:
        conn.execute(
            insert(tables.deployment).values(
                id=1, kind=kind, city_code=city_code, created_at=at, register_revision=0
            )
        )
    elif (row.kind, row.city_code) != (kind, city_code):
        raise Refused(
            f"this database belongs to a {row.kind} hub of city {row.city_code}; that never changes. "
            "Make another one / このデータベースの用途は変えられません。別に作ってください"
        )


def read(conn: Connection) -> Deployment:
    """Raises `BadSettings` when the database was never initialised, or is older than this program."""
    if not inspect(conn).has_table("deployment") or migrations.pending(conn):
        raise BadSettings(
            "[ledger] url",
            "the database is not ready for this version; run `yobikake init` / yobikake init を実行してください",
        )
    kind = conn.execute(select(_deployment.kind)).scalar_one_or_none()
    if kind is None:
        raise BadSettings(
            "[ledger] url", "the database is empty; run `yobikake init` / yobikake init を実行してください"
        )
    return Deployment(kind)
