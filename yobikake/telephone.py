"""The residents' telephone, from the channel that calls them."""

from collections.abc import Mapping
from datetime import datetime
from functools import partial

from hub.channel import AsksBack, Receipt
from hub.delivery import Outcome, ProviderRef
from hub.language import Language
from hub.postbox import Postbox
from hub.settings import Settings
from operator_ui.residents.portal import Telephone
from yobikake.assembly import Assembly


def telephone(assembly: Assembly) -> Telephone | None:
    """None: no channel of this hub asks back."""
    for kind, configured in assembly.channels.items():
        if isinstance(configured.channel, AsksBack):
            return Telephone(
                asking=assembly.asking,
                form=partial(_form, configured.channel),
                answered=partial(_answered, assembly.postbox, kind),
                voices=voices(assembly.settings, kind),
            )
    return None


def voices(settings: Settings, kind: str) -> Mapping[Language, str]:
    """Which replace those of the languages; the connector has checked them."""
    found: Mapping[str, str] = settings.channels[kind].get("voices", {})
    return {Language(tag): name for tag, name in found.items()}


def _form(channel: AsksBack, headers: Mapping[str, str], body: bytes, url: str) -> Mapping[str, str]:
    return channel.signed_form(headers, body, url=url)


async def _answered(postbox: Postbox, kind: str, ref: ProviderRef, at: datetime) -> None:
    await postbox.post(kind, [Receipt(ref=ref, outcome=Outcome.ANSWERED, at=at, reason="key")])
