"""How crowded a site is, as a word: the official ones, by thresholds the city chooses."""

from typing import Annotated

import msgspec
from msgspec import Meta
from sqlalchemy import Connection

from hub import codec
from hub import folder as files
from hub.errors import BadInput, BadSettings
from hub.folder import Folder
from hub.keys import Keys
from hub.ledger import revisions
from hub.shelter_list import MOST_HIDDEN, Crowding

SUBJECT = "crowding"

Percent = Annotated[float, Meta(gt=0, le=100)]

LEAST_FIRST = (Crowding.HAS_ROOM, Crowding.SOME, Crowding.CROWDED, Crowding.FULL)

JAPANESE = {
    Crowding.HAS_ROOM: "空いています",
    Crowding.SOME: "やや混雑",
    Crowding.CROWDED: "混雑",
    Crowding.FULL: "満",
    Crowding.UNKNOWN: "不明",
}
"""As screens show them."""


class Thresholds(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Percent of the capacity from which a word holds, half-open: 30 itself is やや混雑.

    `full_from_percent` None: only staff say 満, no number does.

    One to four people have the word of four, so that where there are few places no word tells what is not said
    of them (`disclosure`); 満 alone is the number's own, since nobody is sent there.
    """

    some_from_percent: Percent = 30
    crowded_from_percent: Percent = 60
    full_from_percent: Percent | None = None

    def word(self, people: int, capacity: int | None) -> Crowding | None:
        """None when the capacity is not known: an unknown capacity never becomes a word (I13)."""
        if capacity is None:
            return None
        # compared with percent × capacity, so that whole numbers stay exact
        if self.full_from_percent is not None and 100 * people >= self.full_from_percent * capacity:
            return Crowding.FULL
        share = 100 * max(people, MOST_HIDDEN) if people else 0
        if share >= self.crowded_from_percent * capacity:
            return Crowding.CROWDED
        return Crowding.SOME if share >= self.some_from_percent * capacity else Crowding.HAS_ROOM


def check(thresholds: Thresholds) -> None:
    """Raises `BadInput` unless each threshold is a percentage above the one before; names the field."""
    steps = (
        ("some_from_percent", thresholds.some_from_percent),
        ("crowded_from_percent", thresholds.crowded_from_percent),
        ("full_from_percent", thresholds.full_from_percent),
    )
    before = 0.0
    for field, percent in steps:
        if percent is None:
            continue
        if not before < percent <= 100:
            raise BadInput(
                field,
                f"{before:g}より大きく、100以下にしてください / More than {before:g}, and 100 at most",
            )
        before = percent


def in_force(conn: Connection, keys: Keys, city: Thresholds) -> Thresholds:
    """What staff set, else the city's."""
    newest = revisions.latest(conn, keys, SUBJECT)
    return city if newest is None else codec.decode(Thresholds, newest.value, what=SUBJECT)


def load_thresholds(folder: Folder) -> Thresholds:
    """Read `crowding.toml`.

    Raises:
        BadSettings: a threshold is missing, no percentage, or not above the one before.
    """
    thresholds = files.toml(folder, "crowding.toml", Thresholds)
    try:
        check(thresholds)
    except BadInput as e:
        raise BadSettings(
            "crowding.toml", "each threshold must be above the one before / 小さい順にしてください"
        ) from e
    return thresholds
