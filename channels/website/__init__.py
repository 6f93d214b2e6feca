"""The city's own site: files in a folder that the site pulls (docs/decisions/0007), and a CMS by its API (0050).

DELIVERED says that it was read back as written; not that anybody looked.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import msgspec

from channels.website import wordpress
from channels.website.folder import LOCK_WAIT, Folder, unreadable
from channels.website.notice import Masthead
from channels.website.place import Failed, Place
from channels.website.wordpress import Wordpress, WordpressSettings
from hub.alert import Mode
from hub.capabilities import Capabilities, Drilling, Unit
from hub.channel import Health, Parcel, Target
from hub.clock import Clock
from hub.delivery import Outcome, ProviderRef, Result
from hub.outbound import Outbound


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[channels.website]`. `link` is the page of the city's site that shows the fragment."""

    directory: Path
    title: str
    link: str
    feed_url: str | None = None
    wordpress: WordpressSettings | None = None


PAGE = "website"
"""The target that is the folder."""

CAPABILITIES = Capabilities(
    kind="website",
    japanese="市ホームページ",
    unit=Unit.POSTS,
    batch_size=1,
    one_instance=True,
    drilling=Drilling.PREVIEW_ONLY,
    backoff=(timedelta(seconds=5), timedelta(seconds=30), timedelta(minutes=1), timedelta(minutes=2)),
    resends_ambiguous=False,
    request_deadline=LOCK_WAIT,
)


class Website:
    """Implements `hub.channel.Channel` and `hub.channel.Targets`. Its places stand beside each other: what is wrong
    with one says nothing of the other."""

    capabilities: Capabilities = CAPABILITIES

    def __init__(self, settings: Settings, *, outbound: Outbound, clock: Clock) -> None:
        masthead = Masthead(title=settings.title, link=settings.link, feed_url=settings.feed_url)
        self._folder = Folder(settings.directory, masthead, deployment=outbound.deployment, clock=clock)
        self._clock = clock
        places: dict[str, Place] = {PAGE: self._folder}
        if settings.wordpress is not None:
            places[wordpress.REF] = Wordpress(settings.wordpress, outbound=outbound)
            deadline = timedelta(seconds=settings.wordpress.timeout_s)
            self.capabilities = replace(CAPABILITIES, resends_ambiguous=True, request_deadline=deadline)
        self.places: Mapping[str, Place] = places
        """By the target's `ref`."""

    def targets(self) -> Sequence[Target]:
        names = {PAGE: self.capabilities.japanese, wordpress.REF: "WordPress"}
        return [Target(ref=ref, name=names[ref]) for ref in self.places]

    async def open(self) -> None:
        """Raises `Refused` for a folder of the other kind of hub."""
        for place in self.places.values():
            await place.open()

    async def close(self) -> None:
        for place in self.places.values():
            await place.close()

    async def send(self, parcel: Parcel) -> AsyncIterator[Result]:
        ref = ProviderRef(parcel.content.identifier)
        for recipient in parcel.to:
            failed = await self._put(parcel, recipient.address)
            if failed is None:
                yield Result(recipient.id, Outcome.DELIVERED, ref)
            else:
                yield Result(
                    recipient.id, failed.outcome, None, failed.reason, failed.retry_after, alone=True
                )

    async def probe(self) -> Health:
        for place in self.places.values():
            if bad := await place.trouble():
                return self._health(ok=False, detail=bad)
        try:
            shown = await self._folder.shown()
        except Failed as e:  # it was there a moment ago
            return self._health(ok=False, detail=unreadable(e))
        return self._health(ok=True, detail=f"いま {shown} 件を載せています / {shown} on the page")

    async def _put(self, parcel: Parcel, target: str) -> Failed | None:
        """None: it stands there, and was read back."""
        if parcel.mode is not Mode.LIVE:
            return Failed(Outcome.UNSUPPORTED, "drill")
        place = self.places.get(wordpress.REF if target == wordpress.REF else PAGE)
        if place is None:  # it has left the settings
            return Failed(Outcome.UNSUPPORTED, "not configured")
        return await place.publish(parcel)

    def _health(self, *, ok: bool, detail: str) -> Health:
        return Health(ok=ok, detail=detail, checked_at=self._clock())
