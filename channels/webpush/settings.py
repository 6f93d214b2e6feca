"""`[channels.webpush]`."""

from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from hub.errors import BadSettings
from hub.subscription import Services

PLACE = "[channels.webpush]"
SERVICES = (
    "https://fcm.googleapis.com",
    "https://updates.push.services.mozilla.com",
    "https://*.push.apple.com",
    "https://*.notify.windows.com",
)
"""Of Chrome and most others, Firefox, Safari, Edge. Whoever subscribes elsewhere is refused."""


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`key_file`: the city's key (`yobikake webpush keys`). `subject`: where a push service reaches the city about it
    (RFC 8292 §2.1). `at_once`: requests that wait for the answer of one service."""

    key_file: Path
    subject: Annotated[
        str,
        Meta(
            pattern=r"^(mailto:[^\s@]+@[^\s@]+|https://\S+)$",
            description="as mailto:bosai@city.example.lg.jp or https://… / "
            "mailto:bosai@city.example.lg.jp か https://… の形で",
        ),
    ]
    services: Annotated[tuple[str, ...], Meta(min_length=1)] = SERVICES
    requests_per_s: Annotated[float, Meta(gt=0)] | None = None
    at_once: Annotated[int, Meta(ge=1, le=200)] = 50
    timeout_s: Annotated[float, Meta(gt=0, le=30)] = 10.0


def services(settings: Settings) -> Services:
    """Raises `BadSettings` for what is no origin."""
    try:
        return Services.of(settings.services)
    except ValueError as e:
        raise BadSettings(f"{PLACE} services", f"{e} / https://… の形で書いてください") from None
