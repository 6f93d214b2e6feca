"""What the staff console is given. It holds no state of its own beyond sessions in the ledger."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from aiohttp import web

from hub.authorise import Actor
from hub.background import Background
from hub.canary import Plan
from hub.capabilities import Capabilities
from hub.channel import Health, Target
from hub.city import City
from hub.clock import Clock
from hub.delivery import Result
from hub.disk import Disk
from hub.keys import Keys
from hub.ledger import Ledger
from hub.muster_rules import Rules
from hub.mustering import Mustering
from hub.organisation import Organisation
from hub.outage import Outage
from hub.outbound import Deployment
from hub.phrases import Template
from hub.pointing import Board as PointingBoard
from hub.render import SlotSource
from hub.scheduling import Scheduling
from hub.wifi_state import Known
from operator_ui.changes import Changes
from operator_ui.pages import Pages
from operator_ui.staff.headcount import Headcounts
from operator_ui.staff.outlook import Samples, no_past
from operator_ui.staff.previews import Aloud, Length, Preview, SheetText, Speak, silent
from shelters.board import Board
from shelters.crowding import Thresholds
from shelters.device import Devices
from shelters.device_book import DeviceBook
from shelters.link import Link
from shelters.reading import Reading
from shelters.register import Register


async def no_wifi() -> Known | None:
    return None


def no_sound(name: str) -> bytes | None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Console:
    ledger: Ledger
    intake: Scheduling
    keys: Keys
    city: City
    templates: Mapping[str, Template]
    pointing: PointingBoard
    """What a shelter's desk points at."""
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
    outages: Callable[[], Awaitable[Sequence[Outage]]]
    """The channels' lanes on which nothing goes out at this moment."""
    thresholds: Thresholds = field(default_factory=Thresholds)
    """The city's own, over which staff lay others."""
    organisation: Organisation = field(default_factory=Organisation)
    """The city's departments, and how its headquarters grows."""
    muster_rules: Rules = field(default_factory=Rules)
    """The city's own, over which staff lay theirs."""
    disk: Disk | None = None
    """Whose room the first page warns of."""
    previews: Mapping[str, Preview] = field(default_factory=dict)
    """A channel without one is shown with headline and body."""
    lengths: Mapping[str, Length] = field(default_factory=dict)
    """How long a content is as the provider counts, of channels where that is more than their words."""
    speaking: Mapping[str, Speak] = field(default_factory=dict)
    """How long and how often a channel says a content, of those that speak."""
    targets: Mapping[str, Sequence[Target]] = field(default_factory=dict)
    """The fixed targets of channels that reach no persons."""
    sheets: Mapping[str, Mapping[str, SheetText]] = field(default_factory=dict)
    """Copy-ready texts of a channel's sheets, by channel and target ref."""
    aloud: Aloud = silent
    """How long what loudspeakers say takes, and under which name it can be heard."""
    sound: Callable[[str], bytes | None] = no_sound
    """A recording by its name, as a WAV file; None: it is not there any more."""
    by_hand: Mapping[str, Preview] = field(default_factory=dict)
    """The texts of a channel's posts, of those that may be made by hand where they were refused."""
    canaries: Mapping[str, Plan] = field(default_factory=dict)
    """Of the test messages of each channel that has them."""
    drill_within: timedelta = timedelta(days=180)
    """What nothing but a drill tries is to be in one at least this often."""
    public_url: str = ""
    """Under which the residents' listener is reached; no slash at the end."""
    devices: Devices = field(default_factory=lambda: Devices((), {}))
    """What counts people at the shelters."""
    register: Register | None = None
    """Where these are registered and changed."""
    device_book: DeviceBook | None = None
    """What is known of them, and what was refused."""
    samples: Samples = no_past
    """How full the shelters were."""
    wifi: Callable[[], Awaitable[Known | None]] = no_wifi
    """What the facilities' Wi-Fi shows, as it was last read."""
    try_call: Callable[[str, Actor], Awaitable[Result]] | None = None
    """Calls one registered number (`hub.trial`); None: nobody is called by this hub."""

    @property
    def mustering(self) -> Mustering:
        return Mustering(ledger=self.ledger, keys=self.keys, intake=self.intake, clock=self.clock)

    @property
    def https(self) -> bool:
        return self.url.startswith("https:")


CONSOLE = web.AppKey("console", Console)
PAGES = web.AppKey("pages", Pages)
HEADCOUNTS = web.AppKey("headcounts", Headcounts)
CHANGES = web.AppKey("changes", Changes)

ACTOR = web.RequestKey("actor", Actor)
CSRF = web.RequestKey("csrf", str)
LINK = web.RequestKey("link", Link)
"""By which somebody without an account reports of one shelter."""

ROW = r"[0-9]{1,9}"
"""In an address, the number of a row: no longer than every database takes."""


def page(request: web.Request, template: str, *, status: int = 200, **values: object) -> web.Response:
    """A whole page of the console."""
    return request.app[PAGES].render(request, template, status=status, **values)


def part(request: web.Request, template: str, **values: object) -> web.Response:
    """What a page's script puts in place of what has changed; never kept."""
    text = request.app[PAGES].text(request, template, **values)
    response = web.Response(text=text, content_type="text/html", headers={"Cache-Control": "no-store"})
    response.enable_compression()
    return response


def see_other(path: str) -> web.Response:
    """After a change the browser asks for a page anew, so that reloading repeats nothing."""
    return web.Response(status=303, headers={"Location": path})
