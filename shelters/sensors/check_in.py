"""A reception's list as CSV: how many people it says are there. No name is kept, shown or logged.

One row is one person, or a household where a column says how many. Who has left has something in a column that says
so, which is not «FALSE» or «未» (`STILL_THERE`). UTF-8 or Shift_JIS, as spreadsheets write it in Japan.
"""

import csv
import io
from unicodedata import normalize

import msgspec

from hub.errors import BadInput

MOST_ROWS = 10_000
MOST_TOGETHER = 50
"""In one row: more is a slip of the pen."""

PEOPLE = ("people", "人数", "世帯人数", "家族人数")
LEFT = ("left", "退所", "退所日時", "退所時刻")
STILL_THERE = frozenset({"", "0", "false", "no", "n", "-", "ー", "いいえ", "未", "未退所", "入所中", "在所"})
"""In a column of who has left, as spreadsheets and people write it: an empty tick box is exported as FALSE, and a list
of those who are there must not read as one of those who went."""


class CheckedIn(msgspec.Struct, frozen=True, kw_only=True):
    """`people`: there now. `rows`: as many as were read."""

    people: int
    rows: int


def count(data: bytes) -> CheckedIn:
    """Raises `BadInput` with the line; no content of the list is in the message."""
    rows = csv.reader(io.StringIO(_text(data), newline=""), strict=True)
    try:
        header = [name.strip() for name in next(rows, [])]
        if not any(header):
            raise BadInput("line 1", "there are no column names / 1行目に列の名前がありません")
        many, left = _column(header, PEOPLE), _column(header, LEFT)
        people = found = 0
        for row in rows:
            if not any(cell.strip() for cell in row):
                continue
            found += 1
            if found > MOST_ROWS:
                raise BadInput(
                    f"line {rows.line_num}", f"more than {MOST_ROWS} rows / {MOST_ROWS}行を超えています"
                )
            if left is None or normalize("NFKC", _cell(row, left)).casefold() in STILL_THERE:
                people += 1 if many is None else _people(_cell(row, many), rows.line_num)
    except csv.Error as e:
        raise BadInput(f"line {rows.line_num}", "is not CSV / CSVではありません") from e
    return CheckedIn(people=people, rows=found)


def _text(data: bytes) -> str:
    for encoding in ("utf-8-sig", "cp932"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise BadInput("$", "is neither UTF-8 nor Shift_JIS / 文字コードが UTF-8 でも Shift_JIS でもありません")


def _column(header: list[str], names: tuple[str, ...]) -> int | None:
    return next((header.index(name) for name in names if name in header), None)


def _cell(row: list[str], column: int) -> str:
    return row[column].strip() if column < len(row) else ""


def _people(written: str, line: int) -> int:
    """Full-width digits too. An empty cell is one person."""
    if not written:
        return 1
    if not written.isdecimal() or len(written) > 3 or int(written) > MOST_TOGETHER:
        raise BadInput(
            f"line {line}",
            f"the number of people is 0 to {MOST_TOGETHER} / 人数は0～{MOST_TOGETHER}で書いてください",
        )
    return int(written)
