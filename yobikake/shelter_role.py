"""The role `shelters`: readings by MQTT in, occupancy out."""

import asyncio

from hub.errors import BadSettings
from hub.outbound import Outbound
from hub.secret import read_secret
from shelters import record
from shelters.crowding import in_force, load_thresholds
from shelters.device import Devices, load_devices
from shelters.keeper import Keeper
from shelters.mqtt import Broker, MqttIntake
from shelters.snapshots import Snapshots
from yobikake.assembly import Assembly


async def run(assembly: Assembly) -> None:
    """Until cancelled."""
    devices = load_devices(assembly.city_folder, assembly.sites)
    snapshots = Snapshots(assembly.settings.occupancy_url)
    await snapshots.open()
    thresholds = load_thresholds(assembly.city_folder)
    keeper = Keeper(
        bus=assembly.bus,
        live=assembly.live,
        snapshots=snapshots,
        records=assembly.records,
        sites=dict(assembly.sites),
        devices=devices,
        thresholds=thresholds,
        current=lambda: assembly.ledger.read(lambda conn: in_force(conn, assembly.keys, thresholds)),
        reports=lambda since: assembly.ledger.read(lambda conn: record.readings_since(conn, since)),
        clock=assembly.clock,
    )
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(keeper.run())
            if assembly.settings.shelters.mqtt:
                group.create_task(_mqtt(assembly, devices).run())
    finally:
        await snapshots.close()


def _mqtt(assembly: Assembly, devices: Devices) -> MqttIntake:
    """Raises `BadSettings` for a password without a name, or a broker's address that is none."""
    wanted = assembly.settings.shelters
    if (wanted.mqtt_username is None) != (wanted.mqtt_password_file is None):
        raise BadSettings("[shelters]", "mqtt_username and mqtt_password_file go together")
    password = (
        read_secret(wanted.mqtt_password_file, setting="[shelters] mqtt_password_file")
        if wanted.mqtt_password_file is not None
        else None
    )
    settings = assembly.settings
    return MqttIntake(
        Broker(
            url=wanted.mqtt,
            client_id=f"yobikake-{assembly.city.code}",
            username=wanted.mqtt_username,
            password=password,
        ),
        outbound=Outbound(
            deployment=assembly.deployment, proxy=settings.proxy.url, ca_file=settings.proxy.ca_file
        ),
        devices=devices,
        bus=assembly.bus,
        records=assembly.records,
        clock=assembly.clock,
    )
