"""A draft's beginning: from a template, from a warning that came in, or from an alert that needs another word."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum

from hub import prepared
from hub.alert import Alert, AlertInfo, Area, DecisionMethod, Mode, Order
from hub.cap import MsgType
from hub.capabilities import Capabilities, Drilling
from hub.city import City
from hub.details import Details
from hub.draft import Message
from hub.errors import BadInput
from hub.ledger.alerts import Accepted
from hub.phrases import Earlier, Template
from hub.recipient import Audience, Reached, Targeting, Towns, WholeCity
from operator_ui.staff import areas, phrasing

VALID_FOR_S = 6 * 3600
_NOTHING = Details()


class FollowUp(StrEnum):
    """What may be said after an alert."""

    UPDATE = "update"  # 続報
    CORRECTION = "correction"  # 訂正
    RETRACTION = "retraction"  # 誤って送ったお知らせの取消
    LIFTING = "lifting"  # 解除: an order of its own


def from_template(
    template: Template,
    mode: Mode,
    *,
    city: City,
    capabilities: Mapping[str, Capabilities],
    river: str = "",
    grounds: str = "",
    now: datetime,
    details: Details = _NOTHING,
    audience: Audience | None = None,
) -> Message:
    """For `audience`; without one, the first area that is prepared for the hazard, else the whole city: staff
    narrow it."""
    audience = audience or _first_area(template, city)
    return Message(
        mode=mode,
        msg_type=MsgType.ALERT,
        hazard=template.hazard,
        level=template.level,
        order=Order(
            issuer=city.mayor.ja, method=DecisionMethod.HEADQUARTERS, ordered_at=now, grounds=grounds
        ),
        area=Area(description=areas.described(audience, city)),
        targeting=Targeting(audience=audience, channels=usual_channels(capabilities, mode)),
        infos=phrasing.write(
            template, city, audience, river=river or first_river(template, city), details=details
        ),
        valid_for_s=VALID_FOR_S,
        details=details,
    )


def following(
    earlier: Accepted,
    kind: FollowUp,
    *,
    templates: Mapping[str, Template],
    city: City,
    now: datetime,
    details: Details = _NOTHING,
    also_ends: Sequence[str] = (),
) -> Message:
    """About an alert that was sent. A lifting and an update are orders of their own: the form asks for them.

    `details`: the typed values of the alert's own draft; an update begins from the same words.
    `also_ends`: identifiers of what stands in the alert's place.
    A correction goes to whoever the alert reached, or may have reached; the rest to its audience.
    """
    alert = earlier.alert
    if kind in (FollowUp.CORRECTION, FollowUp.RETRACTION):
        template = template_for(alert, kind, templates)
        return prepared.message(earlier, now, template=template, city=city.names)
    return Message(
        mode=alert.mode,
        msg_type=_MSG_TYPES[kind],
        hazard=alert.hazard,
        level=alert.level if kind is FollowUp.UPDATE else None,
        order=Order(issuer=alert.order.issuer, method=alert.order.method, ordered_at=now, grounds=""),
        area=alert.area,
        targeting=Targeting(audience=_same_people(alert), channels=alert.targeting.channels),
        infos=alert.infos if kind is FollowUp.UPDATE else _texts(earlier, kind, templates, city),
        valid_for_s=VALID_FOR_S,
        references=(alert.identifier, *also_ends),
        details=details if kind is FollowUp.UPDATE else _NOTHING,
    )


def _same_people(alert: Alert) -> Audience:
    """Its audience; for a correction: whoever got that correction, and those before it."""
    if isinstance(alert.targeting.audience, Reached):
        return Reached(identifier=alert.identifier)
    return alert.targeting.audience


def template_for(alert: Alert, kind: FollowUp, templates: Mapping[str, Template]) -> Template:
    """Raises `BadInput` when the bank of phrases has none."""
    wanted = {
        FollowUp.CORRECTION: "correction",
        FollowUp.RETRACTION: "cancel",
        FollowUp.LIFTING: f"{alert.hazard}-lift",
    }[kind]
    if wanted not in templates:
        raise BadInput(
            f"template {wanted}",
            "この配信のための定型文がありません。続報で知らせてください / "
            "There is no template for this; send an update instead",
        )
    return templates[wanted]


_MSG_TYPES = {
    FollowUp.UPDATE: MsgType.UPDATE,
    FollowUp.LIFTING: MsgType.CANCEL,
}


def _texts(
    earlier: Accepted, kind: FollowUp, templates: Mapping[str, Template], city: City
) -> tuple[AlertInfo, ...]:
    template = template_for(earlier.alert, kind, templates)
    return phrasing.write(
        template,
        city,
        earlier.alert.targeting.audience,
        river=first_river(template, city),
        earlier=Earlier(number=earlier.number, sent=earlier.alert.sent),
    )


def _first_area(template: Template, city: City) -> Audience:
    prepared = (preset for preset in city.presets.values() if preset.hazard is template.hazard)
    first = next(prepared, None)
    return Towns(towns=first.towns) if first else WholeCity()


def first_river(template: Template, city: City) -> str:
    """The river a template is filled with until somebody chooses; empty when it names none."""
    return city.rivers[0].code if "river" in template.parameters and city.rivers else ""


def usual_channels(
    capabilities: Mapping[str, Capabilities], mode: Mode, earlier: Alert | None = None
) -> tuple[str, ...]:
    """Which a message goes by unless somebody turns one off: all; in a drill those that can take part in one;
    those of the alert it speaks of, where there is one."""
    if earlier is not None:
        return tuple(kind for kind in earlier.targeting.channels if kind in capabilities)
    taking_part = tuple(
        kind
        for kind, has in capabilities.items()
        if mode is Mode.LIVE or has.drilling is not Drilling.PREVIEW_ONLY
    )
    return taking_part or tuple(capabilities)
