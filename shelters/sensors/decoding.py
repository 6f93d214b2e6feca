"""What a LoRaWAN counter says, from its bytes."""

from collections.abc import Mapping

from hub.errors import BadInput
from shelters.sensors.frame import Cursor, Decoded, Shape, not_decoded
from shelters.sensors.imbuildings import PEOPLE_COUNTER
from shelters.sensors.milesight_lines import VS132, VS133, VS135
from shelters.sensors.milesight_passage import VS350, VS351, VS360
from shelters.sensors.milesight_presence import VS330, VS340, VS370
from shelters.sensors.milesight_vs121 import VS121
from shelters.sensors.terabee import PEOPLE_FLOW_L_XL, PEOPLE_FLOW_M, PEOPLE_OCCUPANCY

MOST_BYTES = 255
"""LoRaWAN's PHYPayload; a frame inside it is shorter (LoRaWAN Regional Parameters RP002)."""

Model = tuple[str, str]
"""The vendor's name and the model's, as `devices.toml` writes them."""

_MILESIGHT_PORT = 85


def _milesight(shape: Shape) -> Mapping[int, Shape]:
    return {_MILESIGHT_PORT: shape}


MODELS: Mapping[Model, Mapping[int, Shape]] = {
    ("milesight", "vs121"): _milesight(VS121),
    ("milesight", "vs132"): _milesight(VS132),
    ("milesight", "vs133"): _milesight(VS133),
    ("milesight", "vs135"): _milesight(VS135),
    ("milesight", "vs330"): _milesight(VS330),
    ("milesight", "vs340"): _milesight(VS340),
    ("milesight", "vs350"): _milesight(VS350),
    ("milesight", "vs351"): _milesight(VS351),
    ("milesight", "vs360"): _milesight(VS360),
    ("milesight", "vs370"): _milesight(VS370),
    ("terabee", "people-flow-counting-l-xl"): PEOPLE_FLOW_L_XL,
    ("terabee", "people-flow-counting-m"): PEOPLE_FLOW_M,
    ("terabee", "people-occupancy-counting"): PEOPLE_OCCUPANCY,
    ("imbuildings", "people-counter"): PEOPLE_COUNTER,
}
"""Every model that is understood, and what its ports are for."""


_ALSO_CALLED = {"milesight-iot": "milesight"}
"""As The Things Network's device repository calls them."""


def decode(vendor: str, model: str, port: int, frame: bytes) -> Decoded:
    """What `frame` says, all of it, in the vendor's own names.

    Raises:
        BadInput: names the model, the port or the byte (from 0) that is not in the vendor's documentation.
    """
    ports = MODELS.get(model_of(vendor, model))
    if ports is None:
        raise BadInput(
            f"{vendor} {model}",
            f"is not a model that is understood: {known()} / この機種には対応していません",
        )
    if port not in ports:
        named = ", ".join(map(str, sorted(ports)))
        raise BadInput(
            f"port {port}",
            f"{vendor} {model} sends on {named} / この機種のポートは {named} です",
        )
    if not 0 < len(frame) <= MOST_BYTES:
        raise not_decoded(
            0,
            f"a frame has 1 to {MOST_BYTES} bytes, not {len(frame)}",
            f"長さは1～{MOST_BYTES}バイトです（{len(frame)}バイトでした）",
        )
    cursor, decoded = Cursor(frame), Decoded()
    ports[port](cursor, decoded)
    if cursor.left:
        raise not_decoded(
            cursor.at,
            f"{cursor.left} bytes are left over",
            f"残り{cursor.left}バイトの意味が分かりません",
        )
    return decoded


def model_of(vendor: str, model: str) -> Model:
    """In the spelling of `MODELS`, whether it is there or not."""
    vendor = vendor.lower()
    return _ALSO_CALLED.get(vendor, vendor), model.lower()


def known() -> str:
    """The models by name, for people."""
    return ", ".join(f"{vendor} {model}" for vendor, model in sorted(MODELS))
