"""The register of devices from the command line: read, put in force as a whole, written out."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from hub import keys as key_files
from hub.authorise import SYSTEM
from hub.errors import BadInput, BadSettings
from hub.settings import Settings
from shelters import device_check, device_rows, register
from shelters.device import Devices
from shelters.register import Register, Standing
from shelters.register_changes import imported
from shelters.site import load_sites
from yobikake import initialise
from yobikake.assembly import city_folder


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """`retired`: the ids of devices that the file does not have any more."""

    devices: int
    keys: int
    retired: tuple[str, ...]
    dry_run: bool


async def in_force(settings: Settings) -> Devices:
    """Raises `BadSettings`: the city's file or the ledger cannot be read."""
    folder = city_folder(settings.city)
    async with initialise.opened(settings) as ledger:
        found = Register(ledger, key_files.load(settings.keys), folder, load_sites(folder))
        await found.refresh()
        return found.devices


async def export(settings: Settings) -> str:
    """As `import_file` takes it."""
    folder = city_folder(settings.city)
    keys, file = key_files.load(settings.keys), device_rows.read(folder)
    async with initialise.opened(settings) as ledger:
        standing = await ledger.read(lambda conn: register.standing(conn, keys, file))
    return device_rows.to_toml(standing.rows)


async def import_file(settings: Settings, path: Path, *, dry_run: bool, at: datetime) -> Imported:
    """Put what the file registers in force, with its audit row.

    Raises:
        BadSettings: something in it is wrong; names the device and the field. Nothing was changed.
        Conflict: somebody changed the register meanwhile.
    """
    folder, keys = city_folder(settings.city), key_files.load(settings.keys)
    sites, file = load_sites(folder), device_rows.read(folder)
    given = device_rows.from_toml(_text(path), name=path.name)
    async with initialise.opened(settings) as ledger:
        before: Standing = await ledger.read(lambda conn: register.standing(conn, keys, file))
        rows = imported(before.rows, given, at=at)
        device_check.in_file(rows, sites, name=path.name)
        earlier = {row.id for row in before.rows.retired}
        done = Imported(
            devices=len(rows.devices),
            keys=len(rows.keys),
            retired=tuple(row.id for row in rows.retired if row.id not in earlier),
            dry_run=dry_run,
        )
        if not dry_run:
            detail = {"change": "import", "devices": done.devices, "retired": list(done.retired)}
            await ledger.write(
                lambda conn: register.put(
                    conn, keys, rows, sites=sites, seen=before.revision, at=at, by=SYSTEM.login, detail=detail
                )
            )
    return done


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as e:
        raise BadInput(str(path), f"cannot be read: {e.strerror} / 読めません") from e
    except UnicodeDecodeError as e:
        raise BadSettings(path.name, "is not UTF-8 / UTF-8で保存してください") from e
