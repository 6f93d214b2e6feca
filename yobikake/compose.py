"""From a template of the phrase bank to a draft's message, for the rehearsal, the benchmark and chaos."""

from collections.abc import Collection
from datetime import datetime, timedelta
from importlib import resources

from hub import phrases
from hub.alert import Area, DecisionMethod, Mode, Order
from hub.city import City, Preset
from hub.draft import Message
from hub.errors import BadInput
from hub.hazard import Hazard
from hub.language import Language
from hub.phrases import Template
from hub.place import Name
from hub.recipient import Audience, Targeting, Towns, WholeCity

VALID_FOR = timedelta(hours=6)


def template(identifier: str, *, without: Collection[Hazard] = ()) -> Template:
    """Raises `BadInput`, naming those there are."""
    bank = phrases.load(resources.files("config") / "phrases", without=without)
    if identifier not in bank:
        raise BadInput(
            "--template",
            f"there is no {identifier!r}; there are {', '.join(sorted(bank))} / この定型文はありません",
        )
    return bank[identifier]


def preset(city: City, code: str) -> Preset:
    """Raises `BadInput`, naming those there are."""
    if code not in city.presets:
        raise BadInput(
            "--area",
            f"there is no {code!r}; there are {', '.join(sorted(city.presets)) or 'none'} / この地域はありません",
        )
    return city.presets[code]


def message(
    chosen: Template,
    city: City,
    *,
    area: Preset | None,
    mode: Mode,
    channels: tuple[str, ...],
    method: DecisionMethod,
    ordered_at: datetime,
    grounds: str,
    valid_for: timedelta = VALID_FOR,
) -> Message:
    """The template filled in for this city, to the registrants of `area`, or of the whole city where None.

    Raises:
        BadInput: the template needs something this city or this call does not give.
    """
    place = area.area if area else _whole(city)
    audience: Audience = Towns(towns=area.towns) if area else WholeCity()
    return Message(
        mode=mode,
        msg_type=chosen.msg_type,
        hazard=chosen.hazard,
        level=chosen.level,
        order=Order(issuer=city.mayor.ja, method=method, ordered_at=ordered_at, grounds=grounds),
        area=Area(description=place.ja),
        targeting=Targeting(audience=audience, channels=channels),
        infos=phrases.fill(
            chosen,
            city=city.names,
            area=[place],
            river=city.rivers[0].names if city.rivers else None,
        ),
        valid_for_s=int(valid_for.total_seconds()),
        correction=chosen.correction,
    )


def _whole(city: City) -> Name:
    """「昭島市全域」."""
    ja, en = city.names[Language.JA], city.names[Language.EN]
    return Name(ja=f"{ja}全域", en=f"all of {en}")
