"""What staff are told when the database cannot be worked with: never a traceback."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, SQLAlchemyError

from hub import disk
from hub.errors import DatabaseAway, DiskFull, HubError
from hub.ledger import AWAY


@contextmanager
def told() -> Iterator[None]:
    """Around work on the ledger that a person asked for.

    Raises:
        DiskFull: there is no room for it.
        DatabaseAway: the database did not answer; whether the work was done may not be known.
    """
    try:
        yield
    except SQLAlchemyError as e:
        if not is_away(e):
            raise
        raise said(e) from e


def is_away(error: Exception) -> bool:
    """Whether the database is at fault, and not what was asked of it: away, full, or read-only (a standby)."""
    if isinstance(error, DBAPIError):
        return not isinstance(error, (DataError, IntegrityError))
    return isinstance(error, (*AWAY, DatabaseAway))


def said(error: SQLAlchemyError) -> HubError:
    """Such an error in words."""
    if disk.is_full(error):
        return DiskFull(
            "データベースのディスクがいっぱいで、保存できません。何も変わっていません。空きを増やしてから、もう一度してください / "
            "The database's disk is full, and this was not saved. Nothing was changed. Make room, then do it again"
        )
    kind = type(error.orig).__name__ if isinstance(error, DBAPIError) and error.orig else type(error).__name__
    return DatabaseAway(
        f"データベースが応答しません（{kind}）。済んだかどうか分かりません。もう一度してください。二重には送りません / "
        f"The database does not answer ({kind}). Whether this was done is not known. Do it again: nothing is sent twice"
    )
