"""People in and out of one office building, every half hour: UCI CalIt2 Building People Counts (doi 10.24432/C5NG78).

Fifteen weeks from July 2005. How many were inside nobody counted, and the counters drift: the running sum is off by a
few people a day.
"""

import csv
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from hub.clock import JST
from hub.errors import BadInput

Floats = NDArray[np.float64]

STEP = timedelta(minutes=30)
EMPTY_AT_HOUR = 4
"""Nobody is in an office then. Of a shelter this is never true: there it may not be used."""
FACTOR_DAYS = 7
FACTORS = (0.95, 1.25)


class Doorway(msgspec.Struct, frozen=True, kw_only=True):
    """Local time stands as if it were Japan's, which has no summer time either. NaN: not counted."""

    start: datetime
    inflow: Floats
    outflow: Floats

    @property
    def moments(self) -> Floats:
        """Seconds since 1970."""
        return np.array([self.start.timestamp() + STEP.total_seconds() * k for k in range(len(self.inflow))])


def read(file: Path) -> Doorway:
    """Columns `local_time`, `inflow`, `outflow`; one row a half hour, none left out.

    Raises:
        BadInput: names the file, the line and what is wrong there.
    """
    rows: list[tuple[datetime, float, float]] = []
    try:
        with file.open(encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines):
                at = datetime.fromisoformat(row["local_time"]).replace(tzinfo=JST)
                if rows and at != rows[-1][0] + STEP:
                    raise ValueError(f"{at:%Y-%m-%d %H:%M} does not follow {rows[-1][0]:%Y-%m-%d %H:%M}")
                rows.append((at, float(row["inflow"] or "nan"), float(row["outflow"] or "nan")))
    except OSError as e:
        raise BadInput(str(file), f"cannot be read: {e.strerror} / 読めません") from e
    except (KeyError, TypeError, ValueError) as e:
        raise BadInput(f"{file} line {len(rows) + 2}", f"{e} / この行は読めません") from e
    if not rows:
        raise BadInput(str(file), "has no rows / 中身がありません")
    return Doorway(
        start=rows[0][0],
        inflow=np.array([row[1] for row in rows]),
        outflow=np.array([row[2] for row in rows]),
    )


def online_estimate(doorway: Doorway) -> Floats:
    """How many are inside, at each half hour from what was known by then: empty at four in the morning, and those who
    leave weighted so that the last week's sums of both directions are alike."""
    per_day = timedelta(days=1) // STEP
    entered, left = np.nan_to_num(doorway.inflow), np.nan_to_num(doorway.outflow)
    people = np.zeros(len(entered))
    inside, factor = 0.0, 1.0
    for k in range(len(entered)):
        if (doorway.start + k * STEP).hour == EMPTY_AT_HOUR and (doorway.start + k * STEP).minute == 0:
            inside = 0.0
            week = slice(max(0, k - FACTOR_DAYS * per_day), k)
            ratio = (entered[week].sum() + 50) / (left[week].sum() + 50)  # 50: believed to be alike at first
            factor = float(np.clip(ratio, *FACTORS))
        inside = max(0.0, inside + entered[k] - factor * left[k])
        people[k] = inside
    return np.rint(people)
