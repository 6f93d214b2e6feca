"""Who said by telephone that they cannot get away, or need help: by zone, with the number to call back.

Whoever looks is written down, for this is where a number stands beside what somebody said.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from aiohttp import web
from sqlalchemy import Connection

from hub.authorise import Action, authorise
from hub.city import City
from hub.language import Language
from hub.ledger import alerts, audit, register, replies, support
from hub.ledger.alerts import Accepted
from hub.ledger.replies import Home
from hub.place import Name
from hub.recipient import RecipientId, Town, Zone
from hub.reply import Given, keys_of, standing
from operator_ui.staff import phrasing
from operator_ui.staff.console import ACTOR, CONSOLE, Console, page

ELSEWHERE = Name(ja="町が分からない人", en="Town not known")


class Row(NamedTuple):
    """`number`: as it is called; empty where it is not registered any more. `support`: they had said beforehand that they
    need help to evacuate."""

    given: Given
    town: Name
    language: Language
    number: str
    support: bool

    @property
    def written(self) -> str:
        return written(self.number)


class Part(NamedTuple):
    """Of a zone: who had said beforehand that they need help stands first, then who said so first."""

    zone: Name
    rows: Sequence[Row]


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    accepted: Accepted
    parts: Sequence[Part]

    @property
    def number(self) -> int:
        return sum(len(part.rows) for part in self.parts)


def written(number: str) -> str:
    """As people in Japan write it."""
    return f"0{number.removeprefix('+81')}" if number.startswith("+81") else number


def routes() -> list[web.RouteDef]:
    return [web.get("/alerts/{alert}/replies", show)]


async def show(request: web.Request) -> web.Response:
    actor = request[ACTOR]
    authorise(actor, Action.SEE_NEEDS)
    console, identifier = request.app[CONSOLE], request.match_info["alert"]
    found = await console.ledger.write(lambda conn: _look(conn, console, identifier, actor.login))
    return page(request, "replies.html", **_values(found, console))


def _values(found: Needs, console: Console) -> dict[str, Any]:
    alert = found.accepted.alert
    return {
        "found": found,
        "alert": alert,
        "title": phrasing.title_of(alert.infos, alert.hazard),
        "asked": keys_of(alert),
        "now": console.clock(),
    }


def _look(conn: Connection, console: Console, identifier: str, login: str) -> Needs:
    """With the audit row of who looked, in one commit."""
    accepted = alerts.get(conn, console.keys, identifier)
    given = standing(replies.of_alert(conn, identifier)).values()
    people = [each for each in given if each.reply.needs_help]
    ids = [each.recipient for each in people]
    homes, numbers = replies.homes(conn, ids), _numbers(conn, console, ids)
    known = support.needed(conn, console.keys, ids)
    audit.append(
        conn,
        console.keys,
        at=console.clock(),
        actor=login,
        action="replies.read",
        subject=f"replies {identifier}",
        detail={"people": len(ids)},
    )
    return Needs(accepted=accepted, parts=_by_zone(people, homes, numbers, known, console.city))


def _numbers(conn: Connection, console: Console, ids: Sequence[RecipientId]) -> Mapping[RecipientId, str]:
    """By the channel that took the key."""
    kinds = [kind for kind, has in console.capabilities.items() if has.takes_keys]
    found: dict[RecipientId, str] = {}
    for kind in kinds if ids else ():
        found |= register.addresses(conn, console.keys, kind, ids)
    return found


def _by_zone(
    people: Sequence[Given],
    homes: Mapping[RecipientId, Home],
    numbers: Mapping[RecipientId, str],
    known: Collection[RecipientId],
    city: City,
) -> list[Part]:
    """Zones with the most first; within one, `known` to need help first, then who waits longest."""
    parts: dict[Zone | None, list[Row]] = {}
    for given in sorted(people, key=lambda each: (each.recipient not in known, each.at)):
        home = homes.get(given.recipient, Home(Town(""), Language.JA))
        town = city.towns.get(home.town)
        who = given.recipient
        name = town.name if town else ELSEWHERE
        row = Row(given, name, home.language, numbers.get(who, ""), who in known)
        parts.setdefault(town.zone if town else None, []).append(row)
    named = [Part(city.zones[zone].name if zone else ELSEWHERE, rows) for zone, rows in parts.items()]
    return sorted(named, key=lambda part: -len(part.rows))
