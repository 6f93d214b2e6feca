"""Which shelter a request is about."""

from aiohttp import web

from operator_ui.staff.console import LINK
from shelters.board import Board, Row


def row_of(board: Board, request: web.Request) -> Row:
    """The link's own, whatever the address says; else the one in the address. Raises `HTTPNotFound`."""
    link = request.get(LINK)
    wanted = link.site if link is not None else request.match_info["site"]
    row = next((row for row in board.rows if row.site.code == wanted), None)
    if row is None:
        raise web.HTTPNotFound
    return row
