"""What whoever sends must type first: something that stands on the page, so that they have read it.

The level's digit; without a level, the number of areas; and of what goes to people and not to places (a
correction), the last digits of the number of the alert that it follows.
"""

from enum import StrEnum
from typing import NamedTuple

from hub.approval import wrong_level
from hub.city import City
from hub.draft import Message
from hub.evacuation import Level
from hub.phrases import Earlier
from operator_ui.staff import areas


class Of(StrEnum):
    LEVEL = "level"
    AREAS = "areas"
    EARLIER = "earlier"


class Asked(NamedTuple):
    """`shown`: as the page writes what is to be typed."""

    of: Of
    number: int
    shown: str

    @property
    def wrong(self) -> str:
        """Said of any other number, in both languages."""
        if self.of is Of.LEVEL:
            return wrong_level(Level(self.number))
        return _WRONG[self.of].format(self.shown)


def asked(message: Message, city: City, earlier: Earlier | None) -> Asked:
    """`earlier`: the alert that the message follows."""
    if message.level is not None:
        return Asked(Of.LEVEL, int(message.level), str(int(message.level)))
    towns = areas.towns(message.targeting.audience, city)
    if earlier is not None and not towns:
        last = earlier.number.rpartition("-")[2]
        return Asked(Of.EARLIER, int(last), last)
    number = max(1, len(towns))
    return Asked(Of.AREAS, number, str(number))


_WRONG = {
    Of.AREAS: "入力した数字が地区の数と違います（提出は{0}地区） / The number does not match (submitted for {0} areas)",
    Of.EARLIER: "入力した数字が前の配信の番号と違います（前の配信は{0}） / "
    "The number is not that of the earlier alert (it is {0})",
}
