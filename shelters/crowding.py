"""How crowded a site is, as a word: the official ones, by thresholds the city chooses."""

from typing import Annotated

import msgspec
from msgspec import Meta

from hub import folder as files
from hub.errors import BadSettings
from hub.folder import Folder
from hub.shelter_list import Crowding

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
    """

    some_from_percent: Percent = 30
    crowded_from_percent: Percent = 60
    full_from_percent: Percent | None = None

    def word(self, people: int, capacity: int | None) -> Crowding | None:
        """None when the capacity is not known: an unknown capacity never becomes a word (I13)."""
        if capacity is None:
            return None
        share = 100 * people  # compared with percent × capacity, so that whole numbers stay exact
        if self.full_from_percent is not None and share >= self.full_from_percent * capacity:
            return Crowding.FULL
        if share >= self.crowded_from_percent * capacity:
            return Crowding.CROWDED
        return Crowding.SOME if share >= self.some_from_percent * capacity else Crowding.HAS_ROOM


def load_thresholds(folder: Folder) -> Thresholds:
    """Read `crowding.toml`.

    Raises:
        BadSettings: a threshold is missing, no percentage, or not above the one before.
    """
    thresholds = files.toml(folder, "crowding.toml", Thresholds)
    steps = [
        thresholds.some_from_percent,
        thresholds.crowded_from_percent,
        thresholds.full_from_percent or 101,
    ]
    if not steps[0] < steps[1] < steps[2]:
        raise BadSettings(
            "crowding.toml", "each threshold must be above the one before / 小さい順にしてください"
        )
    return thresholds
