"""What is expected of a site: how many people soon, and when it will be full. The types alone, so that whoever
only reads them loads nothing else.
"""

from datetime import datetime, timedelta

import msgspec

HORIZONS = (timedelta(minutes=30), timedelta(minutes=60), timedelta(minutes=120))
"""How far ahead, from the moment it was said."""


class Ahead(msgspec.Struct, frozen=True, kw_only=True):
    """People inside at `at`, with 80 % between `low` and `high` (both included).

    All three None: nobody can say, which is no «as many as now».
    """

    at: datetime
    people: int | None = None
    low: int | None = None
    high: int | None = None


class Forecast(msgspec.Struct, frozen=True, kw_only=True):
    """`ahead`: one for each of `HORIZONS`; empty where the number now is not known.

    `full_at`: when as many people as the site has room for are expected. None: not within two hours, or it cannot be
    said, or the capacity is not known; never «there will be room». `full_between`: 80 %; its second None: perhaps not
    within two hours. It may stand without a `full_at`: then the site may fill, but more likely does not.
    """

    ahead: tuple[Ahead, ...] = ()
    full_at: datetime | None = None
    full_between: tuple[datetime, datetime | None] | None = None


NOTHING = Forecast()
"""Where nothing is forecast."""
