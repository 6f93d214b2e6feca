"""What somebody wrote on the command line, as a message: by the console's own ways, and to its own checks."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import msgspec

from hub import city as cities
from hub import keys as key_files
from hub.alert import DecisionMethod, Mode
from hub.capabilities import Capabilities
from hub.channel import Target
from hub.city import City
from hub.clock import Clock, utc_now
from hub.details import Details
from hub.draft import LeftOut, Message
from hub.errors import BadInput
from hub.groups import Groups
from hub.language import Language
from hub.ledger import Ledger, deployment
from hub.outbound import Outbound
from hub.phrases import Template
from hub.recipient import Audience, Targeting, Towns, WholeCity
from hub.render import SlotSource
from hub.settings import Settings
from operator_ui.form import Form, Problem
from operator_ui.staff import checks, detail_form
from operator_ui.staff.beginning import from_template, usual_channels
from operator_ui.staff.draft_form import LONGEST_REASON, why
from operator_ui.staff.named_sites import named
from operator_ui.staff.previews import Aloud, Length, Preview, SheetText, Speak, previews, silent
from shelters.board import Board
from yobikake import compose, connectors
from yobikake.assembly import city_folder
from yobikake.previews import lengths
from yobikake.previews import previews as own_words
from yobikake.recorded_board import recorded_board
from yobikake.slot_source import CitySlots


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The options of `yobikake send`. `area` None: the whole city, said in so many words."""

    template: str
    grounds: str
    area: str | None
    mode: Mode
    method: DecisionMethod
    valid_for: timedelta
    values: Sequence[str] = ()
    """NAME=VALUE."""
    leave_out: Sequence[str] = ()
    """CHANNEL=REASON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Hub:
    """What previews are made from, beside the hub that runs."""

    city: City
    capabilities: Mapping[str, Capabilities]
    slots: Callable[[], Awaitable[SlotSource]]
    board: Callable[[], Awaitable[Board]]
    previews: Mapping[str, Preview]
    lengths: Mapping[str, Length]
    clock: Clock = utc_now
    speaking: Mapping[str, Speak] = field(default_factory=dict)
    targets: Mapping[str, Sequence[Target]] = field(default_factory=dict)
    sheets: Mapping[str, Mapping[str, SheetText]] = field(default_factory=dict)
    aloud: Aloud = silent


async def message(settings: Settings, ledger: Ledger, asked: Asked) -> Message:
    """Ready to be submitted.

    Raises:
        BadInput, or an ExceptionGroup of them: names each option that cannot be used, and what there is.
    """
    city = await _with_groups(settings, ledger)
    kind = await ledger.read(deployment.read)
    channels = connectors.build(settings, Outbound(deployment=kind), utc_now)
    capabilities = {name: each.capabilities for name, each in channels.items()}
    template = compose.template(asked.template, without=city.absent)
    usual = usual_channels(capabilities, asked.mode)
    if not usual:
        raise BadInput(
            "[channels]",
            "none is configured: the settings have no [channels.…] / 手段が1つも設定されていません",
        )
    written = from_template(
        template,
        asked.mode,
        city=city,
        capabilities=capabilities,
        audience=_audience(city, asked.area),
        grounds=asked.grounds,
        now=utc_now(),
        details=_details(template, asked.values),
    )
    left_out = _left_out(asked.leave_out, usual)
    by = tuple(kind for kind in usual if kind not in {each.channel for each in left_out})
    if not by:
        raise BadInput("--leave-out", "no channel is left / 使う手段が残っていません")
    written = msgspec.structs.replace(
        written,
        order=msgspec.structs.replace(written.order, method=asked.method),
        targeting=Targeting(audience=written.targeting.audience, channels=by),
        left_out=left_out,
        valid_for_s=int(asked.valid_for.total_seconds()),
    )
    async with recorded_board(settings, ledger) as look:
        seen = await look()
    sites = {row.site.code: row.site for row in seen.rows}
    connectors.show_the_city(channels, city, {site.name.ja: site.position for site in sites.values()})

    async def board() -> Board:
        return seen

    async def slots() -> SlotSource:
        return CitySlots(city, sites, seen, settings.residents.url, phone_in=settings.phone_in_number)

    hub = _Hub(
        city=city,
        capabilities=capabilities,
        slots=slots,
        board=board,
        previews=own_words(channels),
        lengths=lengths(channels),
    )
    names = list(named(written.infos, list(sites.values()), city.names[Language.JA]))
    _refuse(checks.stops(written, await previews(hub, written, Language.JA), capabilities, names, usual))
    return written


async def _with_groups(settings: Settings, ledger: Ledger) -> City:
    """The city with the groups of towns that staff laid over its presets."""
    city, keys = cities.load(city_folder(settings.city)), key_files.load(settings.keys)
    groups = Groups(city.presets, city.towns)
    await ledger.read(lambda conn: groups.refresh(conn, keys))
    return replace(city, presets=groups)


def _audience(city: City, area: str | None) -> Audience:
    return WholeCity() if area is None else Towns(towns=compose.preset(city, area).towns)


def _details(template: Template, given: Sequence[str]) -> Details:
    """The typed values, read as the console's form reads them."""
    fields = {_name(each.id): each for each in detail_form.fields(template, Details())}
    values = {each.id: "" for each in fields.values()}
    for name, value in _pairs("--value", given).items():
        if name not in fields:
            raise BadInput(
                f"--value {name}",
                f"{template.id} asks for {', '.join(fields) or 'nothing'} / この定型文の差し込みではありません",
            )
        allowed = [choice for choice, _ in fields[name].choices]
        if allowed and value not in allowed:
            raise BadInput(
                f"--value {name}",
                f"{value!r} is none of {', '.join(allowed)} / 選べるもののどれでもありません",
            )
        values[fields[name].id] = value
    details, problems = detail_form.details_from(Form(values), template, Details())
    _refuse(problems)
    return details


def _left_out(given: Sequence[str], usual: Sequence[str]) -> tuple[LeftOut, ...]:
    pairs = _pairs("--leave-out", given)
    if unknown := sorted(pairs.keys() - set(usual)):
        raise BadInput(
            f"--leave-out {unknown[0]}",
            f"there are {', '.join(usual) or 'none'} / この手段は、この配信では使いません",
        )
    if long := next((kind for kind, reason in pairs.items() if len(reason) > LONGEST_REASON), None):
        raise BadInput(
            f"--leave-out {long}",
            f"at most {LONGEST_REASON} characters / 理由は{LONGEST_REASON}文字までです",
        )
    return tuple(LeftOut(channel=kind, reason=pairs[kind]) for kind in usual if kind in pairs)


def _pairs(option: str, given: Sequence[str]) -> dict[str, str]:
    """NAME=VALUE by name. A name without a value is as wrong as one that stands twice."""
    pairs: dict[str, str] = {}
    for each in given:
        name, _, value = each.partition("=")
        name, value = name.strip(), " ".join(value.split())
        if not name or not value:
            raise BadInput(option, f"{each!r}: write NAME=VALUE / 「名前=値」の形で書いてください")
        if name in pairs:
            raise BadInput(f"{option} {name}", "is given twice / 2回書かれています")
        pairs[name] = value
    return pairs


def _refuse(problems: Sequence[Problem]) -> None:
    """Each as an error that names its option."""
    if problems:
        raise ExceptionGroup("", [BadInput(_option(each.field), each.message) for each in problems])


def _option(place: str) -> str:
    if place.startswith(_DETAIL):
        return f"--value {_name(place)}"
    if place.startswith(why("")):
        return f"--leave-out {place.removeprefix(why(''))}"
    return _OPTIONS.get(place, place)


def _name(place: str) -> str:
    """`place.en` for the input `detail-place-en`; the Japanese one is `place`."""
    name, _, script = place.removeprefix(_DETAIL).partition("-")
    return f"{name}.en" if script == "en" else name


_DETAIL = "detail-"
_OPTIONS = {"grounds": "--grounds", "hours": "--hours"}
