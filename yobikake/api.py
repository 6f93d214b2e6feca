"""The role `api`: two listeners, one for staff and one for the public.

They are placed separately: the console where residents cannot reach it; the public pages, the
providers' callbacks and the sensors' readings where they can.
"""

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from functools import partial

import msgspec
from aiohttp import web

import config
from channels._speech.speaker import Speaker, Voice, speaker
from channels.loudspeaker import Loudspeaker
from channels.manual import Field, Manual
from hub import health, muster_rules, organisation, outage, phrases, pointing, wifi_state
from hub.authorise import Actor
from hub.channel import ByHand, Content, Health, Target, Targets
from hub.delivery import Result
from hub.errors import BadSettings
from hub.outage import Outage
from hub.settings import Listener
from operator_ui.residents.app import create_app as residents_app
from operator_ui.residents.portal import Residents, Samples, no_past
from operator_ui.residents.publisher import load_publisher
from operator_ui.senders import Senders
from operator_ui.staff.app import create_app as staff_app
from operator_ui.staff.console import Console
from operator_ui.staff.previews import Preview, SheetText
from shelters import intake
from shelters.crowding import load_thresholds
from shelters.device_book import DeviceBook
from shelters.gateway import Gateway
from shelters.inspector import Inspector
from shelters.reading import Reading
from shelters.register import Register
from yobikake import callbacks, canary_role, line_chat, open_files, push_invitation, trial_call, wifi_role
from yobikake.assembly import Assembly
from yobikake.previews import lengths, previews, speaking
from yobikake.recorded_past import recorded_past
from yobikake.sounds import Sounds
from yobikake.telephone import KIND, caller, phone_in, telephone
from yobikake.window import load_window


async def listen(assembly: Assembly, stack: AsyncExitStack) -> None:
    """Both listen when this returns, until `stack` is closed.

    Raises:
        BadSettings: a port is taken.
    """
    open_files.raise_limit(assembly.settings.residents.streams)
    register = await stack.enter_async_context(
        Register(assembly.ledger, assembly.keys, assembly.city_folder, assembly.sites).kept()
    )
    book = await stack.enter_async_context(
        DeviceBook(assembly.settings.occupancy_url, clock=assembly.clock).kept()
    )
    inspector = Inspector(register.devices, clock=assembly.clock, book=book)
    samples = await stack.enter_async_context(recorded_past(assembly.settings))
    console = _console(assembly, register, book, samples)
    await _listen(staff_app(console), assembly.settings.staff, "staff", stack)
    portal = residents(assembly, samples)
    public = _public(assembly, portal, inspector)
    public.add_routes(await line_chat.routes(assembly, portal, stack))
    await _listen(public, assembly.settings.residents, "residents", stack)


def _console(assembly: Assembly, register: Register, book: DeviceBook, samples: Samples) -> Console:
    own, sounds = organisation.load(assembly.city_folder), Sounds(speakers(assembly), assembly.background)
    return Console(
        ledger=assembly.ledger,
        intake=assembly.intake,
        keys=assembly.keys,
        city=assembly.city,
        templates=phrases.load(config.folder("phrases"), without=assembly.city.absent),
        pointing=pointing.load(config.folder("desk")),
        capabilities=assembly.capabilities,
        clock=assembly.clock,
        deployment=assembly.deployment,
        url=assembly.settings.staff.url,
        slots=assembly.renderer.slots,
        board=assembly.board.now,
        health=partial(_health, assembly),
        outages=partial(_outages, assembly),
        report=partial(_report, assembly),
        background=assembly.background,
        thresholds=load_thresholds(assembly.city_folder),
        organisation=own,
        muster_rules=muster_rules.load(assembly.city_folder, own),
        disk=assembly.disk,
        previews=previews(assembly.channels),
        lengths=lengths(assembly.channels),
        speaking=speaking(assembly.channels),
        targets=_targets(assembly),
        sheets=_sheets(assembly),
        aloud=sounds.aloud,
        sound=sounds.file,
        by_hand=_by_hand(assembly),
        canaries={kind: canary_role.canary(assembly, kind).plan for kind in assembly.settings.canaries},
        drill_within=timedelta(days=assembly.settings.drills.within_days),
        public_url=assembly.settings.residents.url,
        devices=register.devices,
        register=register,
        device_book=book,
        samples=samples,
        wifi=partial(wifi_state.known, assembly.live),
        try_call=partial(_try_call, assembly) if KIND in assembly.channels else None,
    )


async def _try_call(assembly: Assembly, number: str, actor: Actor) -> Result:
    return await trial_call.call(
        assembly.settings,
        assembly.ledger,
        assembly.keys,
        number,
        actor,
        city=assembly.city,
        clock=assembly.clock,
    )


def residents(assembly: Assembly, samples: Samples = no_past) -> Residents:
    """What the residents' pages need, from a hub."""
    settings = assembly.settings.residents
    return Residents(
        city=assembly.city,
        ledger=assembly.ledger,
        keys=assembly.keys,
        board=assembly.board.now,
        slots=assembly.renderer.slots,
        clock=assembly.clock,
        deployment=assembly.deployment,
        url=settings.url,
        senders=Senders(settings.trusted_proxies),
        streams=settings.streams,
        embedded_by=settings.embedded_by,
        publisher=load_publisher(assembly.city_folder),
        ssid=wifi_role.ssid(assembly.settings),
        samples=samples,
        caller=caller(assembly.settings),
        telephone=telephone(assembly),
        phone_in=phone_in(assembly.settings),
        push=push_invitation.of(assembly.settings),
        window=load_window(assembly.city_folder, assembly.city, assembly.sites),
    )


def _public(assembly: Assembly, portal: Residents, inspector: Inspector) -> web.Application:
    app = residents_app(portal)
    readings = Gateway(
        devices=inspector.devices,
        bus=assembly.bus,
        live=assembly.live,
        records=assembly.records,
        clock=assembly.clock,
        inspector=inspector,
    )
    app.add_routes(readings.routes())
    app.add_routes(callbacks.routes(assembly.channels, assembly.postbox))
    return app


async def _health(assembly: Assembly) -> Mapping[str, Health]:
    return await health.known(assembly.live, list(assembly.channels))


async def _outages(assembly: Assembly) -> Sequence[Outage]:
    return await outage.known(assembly.live, assembly.channels, now=assembly.clock())


async def _report(assembly: Assembly, reading: Reading) -> None:
    await intake.publish(assembly.bus, assembly.records, [reading])


def _targets(assembly: Assembly) -> dict[str, tuple[Target, ...]]:
    return {
        kind: tuple(configured.channel.targets())
        for kind, configured in assembly.channels.items()
        if isinstance(configured.channel, Targets)
    }


def speakers(assembly: Assembly) -> dict[str, Speaker]:
    """Who says it: the loudspeakers' own voice, and for what somebody reads out by hand the same, once."""
    channel = assembly.channels["loudspeaker"].channel if "loudspeaker" in assembly.channels else None
    if isinstance(channel, Loudspeaker):
        own, voice = {"loudspeaker": channel.speaker}, channel.settings.spoken
    else:
        own, voice = {}, Voice()
    by_hand = speaker(assembly.city.readings, msgspec.structs.replace(voice, times=1))
    return own | {kind: by_hand for kind in assembly.channels if kind == "manual"}


def _by_hand(assembly: Assembly) -> dict[str, Preview]:
    return {
        kind: configured.channel.by_hand
        for kind, configured in assembly.channels.items()
        if isinstance(configured.channel, ByHand)
    }


def _sheets(assembly: Assembly) -> dict[str, dict[str, SheetText]]:
    """The copy-ready texts of the channels that staff carry over by hand."""
    return {
        kind: {ref: _sheet(configured.channel, ref) for ref in configured.channel.sheets}
        for kind, configured in assembly.channels.items()
        if isinstance(configured.channel, Manual)
    }


def _sheet(manual: Manual, ref: str) -> SheetText:
    def fields(content: Content) -> Sequence[Field]:
        return manual.fields(content, manual.sheets[ref])

    return fields


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
