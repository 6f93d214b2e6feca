"""The form in which a resident asks, as it was filled in: shown again beside the reply, and kept nowhere."""

from typing import NamedTuple

from hub.place import Position
from operator_ui.form import Form


class Asked(NamedTuple):
    """`repr` hides it."""

    text: str = ""
    town: str = ""
    latitude: str = ""
    longitude: str = ""

    def __repr__(self) -> str:
        return "Asked(…)"

    @property
    def position(self) -> Position | None:
        """None where none was shared, and for what is none on earth."""
        try:
            latitude, longitude = float(self.latitude), float(self.longitude)
        except ValueError:
            return None
        if not (abs(latitude) <= 90 and abs(longitude) <= 180):
            return None
        return Position(latitude=latitude, longitude=longitude)


def read(posted: Form) -> Asked:
    """A choice that was touched stands for the question."""
    return Asked(
        text=posted.text("choice") or posted.text("question"),
        town=posted.text("town"),
        latitude=posted.text("latitude"),
        longitude=posted.text("longitude"),
    )
