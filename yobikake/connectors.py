"""The connectors this program ships. A new channel is one line here, one connector, one test, one stanza."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from importlib import import_module

from hub import unsubscribe
from hub.alert import Lane
from hub.capabilities import Capabilities
from hub.channel import Beside, ByLane, Channel, Mapped, OneClick
from hub.city import City
from hub.clock import Clock
from hub.errors import BadSettings
from hub.keys import Keys
from hub.outbound import Deployment, Outbound
from hub.place import Position
from hub.settings import Settings, convert
from yobikake.offering import offered

CONNECTORS: Mapping[str, tuple[str, str]] = {
    "mail": ("channels.mail", "Mail"),
    "line": ("channels.line", "Line"),
    "x": ("channels.x", "X"),
    "voice": ("channels.voice", "Voice"),
    "sms": ("channels.sms", "Sms"),
    "fax": ("channels.fax", "Fax"),
    "wifi": ("channels.wifi", "Wifi"),
    "webpush": ("channels.webpush", "Webpush"),
    "website": ("channels.website", "Website"),
    "webhook": ("channels.webhook", "Webhook"),
    "loudspeaker": ("channels.loudspeaker", "Loudspeaker"),
    "manual": ("channels.manual", "Manual"),
}
"""Kind → module and class. Imported when configured: some providers' libraries take seconds to load."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Configured:
    """A channel the city has. `by_lane`: urgent and routine have sockets of their own (I4).

    `capabilities` are what its batches are planned and counted by, in both lanes.
    """

    by_lane: Mapping[Lane, Channel]
    capabilities: Capabilities
    apart: bool = False
    """The routine lane has a gateway of its own."""
    unpaced: bool = False
    """Both lanes share a gateway that may queue, and nobody has said how fast it passes on."""

    @property
    def channel(self) -> Channel:
        """The one that is asked about targets, probes and callbacks."""
        return self.by_lane[Lane.URGENT]

    def on(self, lane: Lane) -> Capabilities:
        """What a worker of this lane goes by: it has that lane's connections and deadline, and fills no queue of the
        other's."""
        its = self.by_lane[lane].capabilities
        own = replace(self.capabilities, connections=its.connections, request_deadline=its.request_deadline)
        return replace(own, drain_per_s=None) if self.apart and lane is Lane.URGENT else own


def build(settings: Settings, outbound: Outbound, clock: Clock) -> dict[str, Configured]:
    """The channels that have a stanza. Connects to nothing.

    Raises:
        BadSettings: an unknown channel, or a stanza that cannot work.
        Refused: an address this hub may not talk to.
    """
    refuse_unknown(settings)
    return {
        kind: configured(kind, settings, outbound, clock) for kind in CONNECTORS if kind in settings.channels
    }


def refuse_unknown(settings: Settings) -> None:
    """Raises `BadSettings` for a stanza of no channel."""
    if unknown := settings.channels.keys() - CONNECTORS.keys():
        raise _no_channel(f"[channels.{min(unknown)}]", min(unknown))


def require(kind: str, settings: Settings) -> None:
    """Raises `BadSettings` for a channel without a stanza: how it is switched on, or which channels there are."""
    if kind not in CONNECTORS:
        raise _no_channel(kind, kind)
    if kind not in settings.channels:
        raise BadSettings(f"[channels.{kind}]", SWITCHED_OFF.format(kind=kind))


SWITCHED_OFF = (
    "is switched off: in yobikake.toml remove the # before [channels.{kind}] and before the lines you need below it "
    "(config/city.example.toml has them all) / この手段は使う設定になっていません。yobikake.toml の [channels.{kind}] と、"
    "その下の必要な行の # を消してください（すべての行は config/city.example.toml にあります）"
)


def _no_channel(place: str, kind: str) -> BadSettings:
    english, japanese = offered(kind, CONNECTORS)
    return BadSettings(place, f"is no channel; {english} / この手段はありません。{japanese}")


def configured(kind: str, settings: Settings, outbound: Outbound, clock: Clock) -> Configured:
    """One channel that has a stanza. Raises as `build` does."""
    module, name = CONNECTORS[kind]
    connector = import_module(module)
    own = convert(settings.channels[kind], connector.Settings, where=f"[channels.{kind}]")
    if isinstance(own, Beside):
        own = own.beside(settings.channels)

    def make(lane: Lane) -> Channel:
        its_own = own.on(lane) if isinstance(own, ByLane) else own
        channel: Channel = getattr(connector, name)(its_own, outbound=outbound, clock=clock)
        return channel

    urgent = make(Lane.URGENT)
    _reachable(urgent, settings, outbound)
    routine = urgent if urgent.capabilities.one_instance else make(Lane.ROUTINE)
    capabilities = replace(urgent.capabilities, drain_per_s=routine.capabilities.drain_per_s)
    if settings.delivery.backoff_s:
        backoff = tuple(timedelta(seconds=seconds) for seconds in settings.delivery.backoff_s)
        capabilities = replace(capabilities, backoff=backoff)
    shared = isinstance(own, ByLane) and not own.apart
    return Configured(
        by_lane={Lane.URGENT: urgent, Lane.ROUTINE: routine},
        capabilities=capabilities,
        apart=isinstance(own, ByLane) and own.apart,
        unpaced=shared and capabilities.drain_per_s is None and capabilities.requests_per_s is None,
    )


def leave_by(channels: Mapping[str, Configured], settings: Settings, keys: Keys) -> None:
    """Tell those whose messages say it at which addresses their recipients leave."""
    for kind, configured in channels.items():
        for channel in configured.by_lane.values():
            if isinstance(channel, OneClick):
                page = f"{settings.residents.url}{unsubscribe.PATH}"
                channel.leave_by(page, partial(unsubscribe.token, keys, kind))


def show_the_city(channels: Mapping[str, Configured], city: City, sites: Mapping[str, Position]) -> None:
    """To those whose messages have a map. `sites`: by official name."""
    for configured in channels.values():
        for channel in configured.by_lane.values():
            if isinstance(channel, Mapped):
                channel.know(city, sites)


def _reachable(channel: Channel, settings: Settings, outbound: Outbound) -> None:
    """RFC 8058 §3.1 wants an HTTPS address, which everybody's provider can ask."""
    if not (isinstance(channel, OneClick) and channel.personal):
        return
    if outbound.deployment is Deployment.PRODUCTION and not settings.residents.url.startswith("https://"):
        raise BadSettings(
            "[residents] public_url",
            f"[channels.{channel.capabilities.kind}] personal needs the https:// address at which the public "
            "reaches the hub / personal を使うには、住民用の公開アドレス（https://…）を書いてください",
        )
