"""The residents' telephone, from the channel that calls them: its keys, and the line that they call."""

import re
from collections.abc import Mapping
from datetime import datetime
from functools import partial

from hub.channel import AsksBack, Receipt
from hub.delivery import Outcome, ProviderRef
from hub.errors import BadSettings
from hub.language import Language
from hub.postbox import Postbox
from hub.settings import Settings
from operator_ui.residents.portal import PhoneIn, Telephone
from yobikake.assembly import Assembly

KIND = "voice"
"""Whose stanza has the account, the caller's number and the voices."""


_GROUPED = re.compile(r"(0[5-9]0)(\d{4})(\d{4})")
"""IP telephones and mobiles (総務省, 電気通信番号計画)."""


def telephone(assembly: Assembly) -> Telephone | None:
    """None: nobody is called by this hub."""
    configured = assembly.channels.get(KIND)
    if configured is None or not isinstance(configured.channel, AsksBack):
        return None
    return Telephone(
        asking=assembly.asking,
        form=partial(_form, configured.channel),
        answered=partial(_answered, assembly.postbox),
        voices=_voices(assembly.settings),
    )


def phone_in(settings: Settings) -> PhoneIn | None:
    """None: there is no such line.

    Raises:
        BadSettings: nobody could tell whether it is the provider that asks.
    """
    if settings.phone_in is None:
        return None
    if KIND not in settings.channels:
        raise BadSettings(
            "[phone_in]",
            "needs [channels.voice]: its token shows that it is Twilio that asks / "
            "[channels.voice] も書いてください。Twilioからの問い合わせかを、そのトークンで確かめます",
        )
    return PhoneIn(number=settings.phone_in.number, voices=_voices(settings))


def caller(settings: Settings) -> str:
    """The one number the city calls from, as people in Japan write it; empty: it calls nobody. How long an area code
    is, the number does not say: then it has no hyphens."""
    number = str(settings.channels.get(KIND, {}).get("from_number", ""))
    if not number.startswith("+81"):
        return number
    national = f"0{number.removeprefix('+81')}"
    return "-".join(found.groups()) if (found := _GROUPED.fullmatch(national)) else national


def _voices(settings: Settings) -> Mapping[Language, str]:
    """Which replace those of the languages; the connector has checked them."""
    found: Mapping[str, str] = settings.channels[KIND].get("voices", {})
    return {Language(tag): name for tag, name in found.items()}


def _form(channel: AsksBack, headers: Mapping[str, str], body: bytes, url: str) -> Mapping[str, str]:
    return channel.signed_form(headers, body, url=url)


async def _answered(postbox: Postbox, ref: ProviderRef, at: datetime) -> None:
    await postbox.post(KIND, [Receipt(ref=ref, outcome=Outcome.ANSWERED, at=at, reason="key")])
