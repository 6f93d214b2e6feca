"""What the staff console is given. It holds no state of its own beyond sessions in the ledger."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from aiohttp import web

from hub.authorise import Actor
from hub.background import Background
from hub.channel import Capabilities, Content, Health, Target
from hub.city import City
from hub.clock import Clock
from hub.disk import Disk
from hub.intake import Intake
from hub.keys import Keys
from hub.ledger import Ledger
from hub.outbound import Deployment
from hub.phrases import Template
from hub.render import SlotSource
from operator_ui.changes import Changes
from operator_ui.pages import Pages
from operator_ui.staff.headcount import Headcounts
from shelters.board import Board
from shelters.reading import Reading

Preview = Callable[[Content], Sequence[str]]
"""A content as one channel words it: one text, or several (a mail's subject and body, a thread's posts)."""
SheetText = Callable[[Content], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Console:
    ledger: Ledger
    intake: Intake
    keys: Keys
    city: City
    templates: Mapping[str, Template]
    capabilities: Mapping[str, Capabilities]
    """By channel, in the order screens show them."""
    clock: Clock
    deployment: Deployment
    url: str
    """Under which browsers reach the console. `https` makes the session's cookie Secure."""
    slots: Callable[[], Awaitable[SlotSource]]
    """What previews are filled with."""
    board: Callable[[], Awaitable[Board]]
    health: Callable[[], Awaitable[Mapping[str, Health]]]
    """The last probe of each channel that has had one."""
    report: Callable[[Reading], Awaitable[None]]
    """Publishes staff's count of a shelter; it is in the ledger already."""
    background: Background
    disk: Disk | None = None
    """Whose room the first page warns of."""
    previews: Mapping[str, Preview] = field(default_factory=dict)
    """A channel without one is shown with headline and body."""
    targets: Mapping[str, Sequence[Target]] = field(default_factory=dict)
    """The fixed targets of channels that reach no persons."""
    sheets: Mapping[str, Mapping[str, SheetText]] = field(default_factory=dict)
    """Copy-ready texts of a channel's sheets, by channel and target ref."""
    ticked: Callable[[str, str, str, datetime], Awaitable[None]] | None = None
    """Tells the engine that (channel, alert, sheet) was carried over at that time."""

    @property
    def https(self) -> bool:
        return self.url.startswith("https:")


CONSOLE = web.AppKey("console", Console)
PAGES = web.AppKey("pages", Pages)
HEADCOUNTS = web.AppKey("headcounts", Headcounts)
CHANGES = web.AppKey("changes", Changes)

ACTOR = web.RequestKey("actor", Actor)
CSRF = web.RequestKey("csrf", str)


def page(request: web.Request, template: str, *, status: int = 200, **values: object) -> web.Response:
    """A whole page of the console."""
    return request.app[PAGES].render(request, template, status=status, **values)


def see_other(path: str) -> web.Response:
    """After a change the browser asks for a page anew, so that reloading repeats nothing."""
    return web.Response(status=303, headers={"Location": path})
