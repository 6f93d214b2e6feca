"""The role `api`: two listeners, one for staff and one for the public.

They are placed separately: the console where residents cannot reach it; the public pages, the
providers' callbacks and the sensors' readings where they can.
"""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import datetime
from functools import partial

from aiohttp import web

import config
from channels.manual import Manual, ticked
from hub import health, phrases
from hub.channel import Content, Health, Target, Targets
from hub.errors import BadSettings
from hub.settings import Listener
from operator_ui.residents.app import create_app as residents_app
from operator_ui.residents.portal import Residents
from operator_ui.staff.app import create_app as staff_app
from operator_ui.staff.console import Console, SheetText
from shelters import intake
from shelters.device import load_devices
from shelters.gateway import Gateway
from shelters.reading import Reading
from yobikake import callbacks
from yobikake.assembly import Assembly
from yobikake.previews import previews


async def listen(assembly: Assembly, stack: AsyncExitStack) -> None:
    """Both listen when this returns, until `stack` is closed.

    Raises:
        BadSettings: a port is taken.
    """
    await _listen(staff_app(_console(assembly)), assembly.settings.staff, "staff", stack)
    await _listen(_public(assembly), assembly.settings.residents, "residents", stack)


def _console(assembly: Assembly) -> Console:
    return Console(
        ledger=assembly.ledger,
        intake=assembly.intake,
        keys=assembly.keys,
        city=assembly.city,
        templates=phrases.load(config.folder("phrases")),
        capabilities=assembly.capabilities,
        clock=assembly.clock,
        deployment=assembly.deployment,
        url=assembly.settings.staff.url,
        slots=assembly.renderer.slots,
        board=assembly.board.now,
        health=partial(_health, assembly),
        report=partial(_report, assembly),
        background=assembly.background,
        disk=assembly.disk,
        previews=previews(assembly.channels),
        targets=_targets(assembly),
        sheets=_sheets(assembly),
        ticked=partial(_ticked, assembly),
    )


def _public(assembly: Assembly) -> web.Application:
    app = residents_app(
        Residents(
            city=assembly.city,
            ledger=assembly.ledger,
            keys=assembly.keys,
            board=assembly.board.now,
            slots=assembly.renderer.slots,
            clock=assembly.clock,
            deployment=assembly.deployment,
            url=assembly.settings.residents.url,
        )
    )
    readings = Gateway(
        devices=load_devices(assembly.city_folder, assembly.sites),
        bus=assembly.bus,
        live=assembly.live,
        records=assembly.records,
        clock=assembly.clock,
    )
    app.add_routes(readings.routes())
    app.add_routes(callbacks.routes(assembly.channels, assembly.postbox))
    return app


async def _health(assembly: Assembly) -> Mapping[str, Health]:
    return await health.known(assembly.live, list(assembly.channels))


async def _report(assembly: Assembly, reading: Reading) -> None:
    await intake.publish(assembly.bus, assembly.records, [reading])


async def _ticked(assembly: Assembly, channel: str, alert: str, sheet: str, at: datetime) -> None:
    await assembly.postbox.post(channel, [ticked(alert, sheet, at=at)])


def _targets(assembly: Assembly) -> dict[str, tuple[Target, ...]]:
    return {
        kind: tuple(configured.channel.targets())
        for kind, configured in assembly.channels.items()
        if isinstance(configured.channel, Targets)
    }


def _sheets(assembly: Assembly) -> dict[str, dict[str, SheetText]]:
    """The copy-ready texts of the channels that staff carry over by hand."""
    return {
        kind: {ref: _sheet(configured.channel, ref) for ref in configured.channel.sheets}
        for kind, configured in assembly.channels.items()
        if isinstance(configured.channel, Manual)
    }


def _sheet(manual: Manual, ref: str) -> SheetText:
    def text(content: Content) -> str:
        return manual.text(content, manual.sheets[ref])

    return text


async def _listen(app: web.Application, listener: Listener, name: str, stack: AsyncExitStack) -> None:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=2.0)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    try:
        await web.TCPSite(runner, listener.host, listener.port).start()
    except OSError as e:
        raise BadSettings(
            f"[{name}] port",
            f"{listener.host}:{listener.port} cannot be listened on: {e.strerror} / 待ち受けできません",
        ) from e
