"""What a browser sends to be registered for notifications: JSON, which no page of another site may send unasked."""

from typing import TypeVar

import msgspec

from hub import typed
from hub.city import City
from hub.language import Language
from hub.ledger.enrolment import Home
from hub.recipient import Town
from hub.subscription import BadSubscription, Services, Subscription

T = TypeVar("T")

LIMIT_BYTES = 8192


class Unusable(Exception):
    """`problem` is for the page's script: `subscription`, `service` or `town`."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


class Given(msgspec.Struct, frozen=True):
    """As `PushSubscription.toJSON()` says it (W3C Push API)."""

    endpoint: str
    keys: dict[str, str]

    def subscription(self) -> Subscription:
        """Raises `Unusable`."""
        try:
            return Subscription.made(self.endpoint, self.keys.get("p256dh", ""), self.keys.get("auth", ""))
        except BadSubscription:
            raise Unusable("subscription") from None


class Wish(msgspec.Struct, frozen=True):
    """`before`: the subscription in whose place this one came, where the browser knows it."""

    subscription: Given
    town: str
    language: Language
    drills: bool = False
    before: Given | None = None

    def home(self, city: City) -> Home:
        """Raises `Unusable`."""
        town = Town(self.town)
        if town not in city.towns:
            raise Unusable("town")
        return Home(town, city.zone_of(town), self.language, self.drills)


class Offer(msgspec.Struct, frozen=True, rename={"shown": "pass"}):
    """Of staff: this browser shows test messages. `shown`: the link's pass, or empty where `before` is registered."""

    subscription: Given
    shown: str = ""
    before: Given | None = None


class Received(msgspec.Struct, frozen=True):
    key: str


class Farewell(msgspec.Struct, frozen=True):
    subscription: Given


def wish(body: bytes, services: Services) -> Wish:
    """Raises `Unusable`."""
    read = _read(body, Wish)
    _known(read.subscription, services)
    return read


def offer(body: bytes, services: Services) -> Offer:
    """Raises `Unusable`."""
    read = _read(body, Offer)
    _known(read.subscription, services)
    return read


def received(body: bytes) -> str:
    """The key of a test message. Raises `Unusable`."""
    return _read(body, Received).key


def farewell(body: bytes) -> Subscription:
    """Raises `Unusable`."""
    return _read(body, Farewell).subscription.subscription()


def earlier(given: Given | None) -> Subscription | None:
    """None also for one that is none: it cannot be in the register."""
    try:
        return None if given is None else given.subscription()
    except Unusable:
        return None


def _known(given: Given, services: Services) -> None:
    if not services.allow(given.subscription().endpoint):
        raise Unusable("service")


def _read(body: bytes, kind: type[T]) -> T:
    try:
        return typed.from_json(body, kind)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Unusable("subscription") from None
