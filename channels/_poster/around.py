"""Where a poster hangs: the place it speaks from, and the sites that its text names."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from hub.channel import Content
from hub.city import City
from hub.place import Position
from hub.recipient import Zone


class Here(NamedTuple):
    """The middle of a zone, or of the city."""

    name: str
    position: Position


class Spot(NamedTuple):
    """A site as it stands in the text, by the line that names it. `number`: on the map, and in front of the line;
    0 where nobody knows where it is."""

    number: int
    line: str
    position: Position | None
    distance_m: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What a poster needs of the city beside the text. `sites`: by official name, as the text writes it."""

    here: Here
    boundary: Sequence[Position]
    towns: Sequence[Here]
    sites: Mapping[str, Position]
    telephone: str


def around(city: City, sites: Mapping[str, Position], zone: Zone | None, *, in_japanese: bool) -> Around:
    """`zone` None, or one that is not there any more: the middle of the city."""
    known = city.zones.get(zone) if zone is not None else None
    name, centre = (known.name, known.centre) if known else (None, city.centre)
    return Around(
        here=Here("" if name is None else name.ja if in_japanese else name.en, centre),
        boundary=[Position(longitude=lon, latitude=lat) for lon, lat in city.boundary],
        towns=[
            Here(town.name.ja if in_japanese else town.name.en, town.centre) for town in city.towns.values()
        ],
        sites=sites,
        telephone=city.contact.telephone,
    )


def spots(content: Content, around: Around) -> list[Spot]:
    """The lines of the text's list of sites, in its order. Nothing is added to it: which sites may be named the
    renderer has decided (I16), and one that it does not name is on no map either."""
    lines = [line for span in content.body if span.slot == "shelters" for line in span.text.split("\n")]
    found: list[Spot] = []
    for line in lines:
        name = max((each for each in around.sites if each in line), key=len, default="")
        position = around.sites.get(name)
        if position is None:
            found.append(Spot(0, line, None, 0.0))
        else:
            number = sum(each.number > 0 for each in found) + 1
            found.append(Spot(number, line, position, around.here.position.distance_m(position)))
    return found
