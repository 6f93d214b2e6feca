"""Open shelters and the people in them in Nanao after the Noto earthquake of 2024: one or two snapshots a day.

The city's CSV files as github.com/raokiey/R06-Noto-Peninsula-EQ-open-shelter-Nanao keeps them (CC BY 4.0).
"""

import csv
import re
from collections import defaultdict
from datetime import datetime
from pathlib import Path

from hub.clock import JST
from hub.errors import BadInput

_NAME = re.compile(r"open_shelter_Nanao-shi_(\d{4}-\d{2}-\d{2}-\d{4})\.csv")
_PEOPLE = re.compile(r"人数(?:_.*)?")


def read(folder: Path) -> dict[str, dict[datetime, int]]:
    """People by shelter and day (the last snapshot of each, at midnight of the day).

    Raises:
        BadInput: there is no such file, or one of them cannot be read; names it.
    """
    files = sorted((m[1], file) for file in folder.glob("*.csv") if (m := _NAME.fullmatch(file.name)))
    if not files:
        raise BadInput(str(folder), "has no open_shelter_Nanao-shi_….csv / ファイルがありません")
    found: defaultdict[str, dict[datetime, int]] = defaultdict(dict)
    for at, file in files:
        day = datetime.strptime(at[:10], "%Y-%m-%d").replace(tzinfo=JST)
        for shelter, people in _people(file):
            found[shelter][day] = people
    return dict(found)


def _people(file: Path) -> list[tuple[str, int]]:
    """By shelter. The column of people was called after its hour at first. Where it is empty, nobody said."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            rows = csv.DictReader(lines)
            column = next(name for name in rows.fieldnames or () if _PEOPLE.fullmatch(name))
            return [(row["ID"], round(float(row[column]))) for row in rows if row["ID"] and row[column]]
    except OSError as e:
        raise BadInput(str(file), f"cannot be read: {e.strerror} / 読めません") from e
    except (KeyError, StopIteration, ValueError) as e:
        raise BadInput(str(file), f"is not a list of shelters: {e} / 避難所の一覧として読めません") from e
