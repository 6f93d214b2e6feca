"""The brokers that readings come from: the city's own, and those of LoRaWAN networks."""

from pathlib import Path

from hub.errors import BadSettings
from hub.outbound import Outbound
from hub.secret import read_secret
from hub.settings import NetworkSettings
from shelters.inspector import Inspector
from shelters.mqtt import NETWORKS, OWN, Broker, Feed, MqttIntake
from shelters.sensors.pushing import Source
from yobikake.assembly import Assembly


def intakes(assembly: Assembly, inspector: Inspector) -> list[MqttIntake]:
    """One for each broker of the settings.

    Raises:
        BadSettings: a password without a name, or an address that is none.
        Refused: a rehearsal may not go there.
    """
    wanted = assembly.settings.shelters
    own = [_own(assembly, inspector)] if wanted.mqtt else []
    return own + [
        _network(assembly, inspector, network, number) for number, network in enumerate(wanted.networks, 1)
    ]


def _own(assembly: Assembly, inspector: Inspector) -> MqttIntake:
    wanted = assembly.settings.shelters
    broker = Broker(
        url=wanted.mqtt,
        client_id=f"yobikake-{assembly.city.code}",
        username=wanted.mqtt_username,
        password=_password(wanted.mqtt_username, wanted.mqtt_password_file, place="[shelters]", name="mqtt_"),
    )
    return _intake(assembly, inspector, broker)


def _network(assembly: Assembly, inspector: Inspector, wanted: NetworkSettings, number: int) -> MqttIntake:
    place = f"[[shelters.networks]] {number}"
    broker = Broker(
        url=wanted.mqtt,
        client_id=f"yobikake-{assembly.city.code}-{wanted.kind}-{number}",
        username=wanted.username,
        password=_password(wanted.username, wanted.password_file, place=place),
    )
    return _intake(assembly, inspector, broker, feed=NETWORKS[Source(wanted.kind)], setting=f"{place} mqtt")


def _password(username: str | None, file: Path | None, *, place: str, name: str = "") -> str | None:
    if (username is None) != (file is None):
        raise BadSettings(place, f"{name}username and {name}password_file go together")
    return read_secret(file, setting=f"{place} {name}password_file") if file is not None else None


def _intake(
    assembly: Assembly,
    inspector: Inspector,
    broker: Broker,
    *,
    feed: Feed = OWN,
    setting: str = "[shelters.mqtt] url",
) -> MqttIntake:
    settings = assembly.settings
    return MqttIntake(
        broker,
        outbound=Outbound(
            deployment=assembly.deployment,
            proxy=settings.proxy.url,
            direct=settings.proxy.direct,
            ca_file=settings.proxy.ca_file,
        ),
        devices=inspector.devices,
        bus=assembly.bus,
        records=assembly.records,
        clock=assembly.clock,
        inspector=inspector,
        feed=feed,
        setting=setting,
    )
