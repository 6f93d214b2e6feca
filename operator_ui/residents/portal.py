"""What the residents' pages need from the hub. Whoever starts the listener gives it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from hub.asking import Asking
from hub.city import City
from hub.clock import Clock
from hub.delivery import ProviderRef
from hub.keys import Keys
from hub.language import Language
from hub.ledger import Ledger
from hub.outbound import Deployment
from hub.render import SlotSource
from hub.subscription import Services
from operator_ui.changes import MOST_STREAMS
from operator_ui.residents.publisher import CITY_ITSELF, Publisher
from operator_ui.senders import NOBODY, Senders
from operator_ui.window.answers import Answers
from shelters.board import Board
from shelters.history import Point

Samples = Callable[[datetime, datetime], Awaitable[Sequence[Point]]]
"""How many people were at each site, every five minutes from a moment until just before another; not known: none."""


async def no_past(_since: datetime, _until: datetime) -> Sequence[Point]:
    return ()


class Push(NamedTuple):
    """Notifications in browsers: the city's public key, and the services whose subscriptions are taken."""

    key: str
    services: Services


@dataclass(frozen=True, slots=True, kw_only=True)
class Telephone:
    """What the telephone needs: whoever is called may press a key.

    `form`: the fields of what the provider asks at an address, exactly as it was given that; raises `Forbidden`.
    `answered`: somebody pressed a key in the call with this reference. `voices`: instead of those of each language.
    """

    asking: Asking
    form: Callable[[Mapping[str, str], bytes, str], Mapping[str, str]]
    answered: Callable[[ProviderRef, datetime], Awaitable[None]]
    voices: Mapping[Language, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneIn:
    """A line that residents call. `number`: as it is published. `voices`: as in `Telephone`."""

    number: str
    voices: Mapping[Language, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Residents:
    """`board`: `LiveBoard.now`. `slots`: what fills the texts now. `url`: under which residents reach the listener, no slash at the end.

    `senders`: who asks, behind a proxy. `streams`: how many may follow the pages at once.
    `embedded_by`: origins of the websites that may show the banner in a frame.
    `caller`: the one number the city calls from, if it does. `ssid`: the name of the disaster Wi-Fi. `publisher`: of the open data. `samples`: of what the shelters' file of the past is made.
    `telephone`: where residents are called. `phone_in`: where they may call.
    `push`: None where the city has no such channel. `window`: whoever answers what residents ask.
    """

    city: City
    ledger: Ledger
    keys: Keys
    board: Callable[[], Awaitable[Board]]
    slots: Callable[[], Awaitable[SlotSource]]
    clock: Clock
    deployment: Deployment
    url: str
    senders: Senders = NOBODY
    streams: int = MOST_STREAMS
    embedded_by: tuple[str, ...] = ()
    caller: str = ""
    ssid: str = "00000JAPAN"
    publisher: Publisher = CITY_ITSELF
    window: Answers | None = None
    samples: Samples = no_past
    telephone: Telephone | None = None
    phone_in: PhoneIn | None = None
    push: Push | None = None


def home_path(language: Language) -> str:
    return f"/{language}/"


def alert_path(number: str, language: Language) -> str:
    """The page of one alert: the `link` in its messages is this behind the listener's public address."""
    return f"/{language}/a/{number}"


def history_path(language: Language) -> str:
    """What was sent before, the newest first."""
    return f"/{language}/history"


def banner_path(language: Language) -> str:
    """What other websites show in a frame."""
    return f"/{language}/banner"


def ask_path(language: Language) -> str:
    """Where residents ask the window."""
    return f"/{language}/ask"


def data_path(language: Language) -> str:
    """The page that lists the open data."""
    return f"/{language}/open-data"


def cap_path(identifier: str) -> str:
    """The alert as a CAP 1.2 document."""
    return f"/cap/{identifier}.xml"


def push_path(language: Language) -> str:
    """Where a browser is registered for notifications."""
    return f"/{language}/push"


def leaving_path(token: str, language: Language) -> str:
    """Where the one with this token leaves a channel (`hub.unsubscribe`)."""
    return f"/{language}/unsubscribe/{token}"


def answering_path(token: str, language: Language) -> str:
    """Where the one with this token answers a muster (`hub.answer_link`)."""
    return f"/{language}/answer/{token}"


def chat_path(token: str, language: Language) -> str:
    """Where the one with this token says in which town they live (`hub.chat_link`)."""
    return f"/{language}/chat/{token}"


def feed_path(language: Language, file: str) -> str:
    """A feed of the alerts (`feeds.FEEDS`)."""
    return f"/{language}/{file}"
