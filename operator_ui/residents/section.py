"""The shelters for one hazard: their list and what their map shows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from hub.alert import Alert
from hub.city import City
from hub.evacuation import Level
from hub.hazard import Hazard
from hub.place import Position
from hub.recipient import Audience, Town, Towns, WholeCity
from operator_ui.map import CityMap
from operator_ui.residents.directions import Direction, directions
from operator_ui.residents.reader import Reader
from operator_ui.residents.sites import ShownSite, State, marker, shown_sites
from operator_ui.residents.snapshot import Snapshot
from shelters.site import Facility


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """`painted`: the towns that the alerts for this hazard name; `level`: the highest of those alerts. `directions`:
    where their zones are sent, while a plan is in force."""

    hazard: Hazard
    sites: Sequence[ShownSite]
    painted: frozenset[Town]
    level: Level | None
    directions: Sequence[Direction]

    @property
    def receiving(self) -> int:
        return len(self.sites) - self.count(State.FULL) - self.count(State.PLANNED)

    def count(self, state: State) -> int:
        return sum(site.state is state for site in self.sites)

    @property
    def facilities(self) -> list[Facility]:
        """By which the list can be narrowed: some site is known to have them."""
        return [each for each in Facility if any(each in site.entry.facilities for site in self.sites)]

    @property
    def planned(self) -> bool:
        """A plan is in force: what is near is told apart from where there is room on arrival."""
        return any(site.price_m is not None for site in self.sites)

    def drawing(self, city: CityMap, title: str, reader: Reader) -> Markup:
        titled = [marker(site, f"{site.number} {reader.name(site.name)}") for site in self.sites]
        return city.svg(title=title, painted=self.painted, level=self.level, markers=titled)


def section(hazard: Hazard, snapshot: Snapshot, city: City) -> Section:
    """The shelters that may be shown for `hazard` (I16), those with room first, then by distance."""
    alerts = [each.alert for each in snapshot.alerts if each.alert.hazard is hazard]
    painted = frozenset(_named(alerts, city))
    return Section(
        hazard=hazard,
        sites=shown_sites(snapshot.board, hazard, about=_centre(painted, city)),
        painted=painted,
        directions=directions(snapshot.board, hazard, city, painted),
        level=max((alert.level for alert in alerts if alert.level), default=None),
    )


def _named(alerts: Iterable[Alert], city: City) -> Iterable[Town]:
    for alert in alerts:
        yield from _towns(alert.targeting.audience, city)


def _towns(audience: Audience, city: City) -> Iterable[Town]:
    match audience:
        case Towns(towns=towns):
            return [town for town in towns if town in city.towns]
        case WholeCity():
            return city.towns
        case _:  # whoever an earlier alert reached: no area of its own
            return ()


def _centre(towns: frozenset[Town], city: City) -> Position:
    """The middle of the towns that are named, or of the city."""
    centres = [city.towns[town].centre for town in towns]
    if not centres:
        return city.centre
    return Position(
        latitude=sum(centre.latitude for centre in centres) / len(centres),
        longitude=sum(centre.longitude for centre in centres) / len(centres),
    )
