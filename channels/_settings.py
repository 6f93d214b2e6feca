"""Kinds of settings that several connectors have, each with the words for whoever wrote one wrong."""

from typing import Annotated

from msgspec import Meta

TimeoutS = Annotated[float, Meta(gt=0, le=60)]
"""Seconds that a request may take as a whole."""

Url = Annotated[
    str,
    Meta(
        pattern=r"^https?://[^\s/?#]+(/[^\s#]*)?$",
        description="with https:// in front, as https://bosai.example.lg.jp/… / https:// から（https://bosai.example.lg.jp/… のように）",
    ),
]

PhoneNumber = Annotated[
    str,
    Meta(
        pattern=r"^\+[1-9]\d{6,14}$",
        description="with + and the country in front, as +81425550100 (042-555-0100) / "
        "042-555-0100 なら +81425550100 のように、国番号から、ハイフンなしで",
    ),
]
"""E.164."""

AccountSid = Annotated[
    str,
    Meta(
        pattern=r"^AC[0-9a-fA-F]{32}$",
        description="as Twilio's console shows it: AC and 32 digits or letters a to f / "
        "Twilioの画面のとおり、AC と32桁の英数字で",
    ),
]

Ref = Annotated[
    str,
    Meta(
        pattern=r"^[a-z0-9][a-z0-9-]{0,62}$",
        description="in small letters, digits and hyphens, as cable-tv / 英小文字・数字・ハイフンで（cable-tv のように）",
    ),
]
"""By which the ledger knows a target: it stays when the name changes."""
