"""What a page shows of one shelter, as bytes that differ when it would: by which open pages are told of a change."""

from sqlalchemy import Connection

from hub import codec
from operator_ui.staff.console import Console
from shelters import checklist, record
from shelters import link as links
from shelters.board import Row
from shelters.site import SiteCode

_WATCHED = "shelter "


def subject(row: Row) -> str:
    """Under which it is watched."""
    return f"{_WATCHED}{row.site.code}"


def is_watched_by(name: str) -> bool:
    """Whether a subject of this name is a shelter."""
    return name.startswith(_WATCHED)


async def looks(console: Console, name: str) -> bytes:
    """Passing minutes are no change."""
    site = SiteCode(name.removeprefix(_WATCHED))
    row = next(row for row in (await console.board()).rows if row.site.code == site)
    return await console.ledger.read(lambda conn: look(conn, row))


def look(conn: Connection, row: Row) -> bytes:
    site = row.site.code
    begun, latest = checklist.opening(record.history(conn, site)), record.latest_report(conn, site)
    ticked = sorted(checklist.ticked(conn, site, begun))
    made = [[link.id, link.revoked_at] for link in links.of_site(conn, site)]
    return codec.encode([row.version, latest and latest.report.id, ticked, made])
