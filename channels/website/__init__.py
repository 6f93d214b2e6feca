"""The city's own site: files in a folder that the site pulls (docs/decisions/0007).

DELIVERED says that all three files were read back as written; not that anybody looked.
"""

import asyncio
import errno
import fcntl
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import IO

import msgspec
import structlog

from channels._durable import replace_file
from channels.website import wordpress
from channels.website.notice import Masthead, Notice, Notices, as_html, as_json, as_rss, in_force, notice
from channels.website.wordpress import Wordpress, WordpressSettings
from channels.website.wordpress_answers import Failed
from hub import typed
from hub.alert import Mode
from hub.channel import Capabilities, Content, Drilling, Health, Parcel, Target, Unit
from hub.clock import Clock
from hub.delivery import Outcome, ProviderRef, Result
from hub.errors import Refused
from hub.outbound import Outbound

log = structlog.get_logger(__name__)

STATE, FRAGMENT, FEED = "alerts.json", "alerts.html", "alerts.rss"
LOCK_WAIT = timedelta(seconds=4)
"""A process that was stopped in the middle of a change must not hold up the others with it."""

MARK = ".yobikake-deployment"
"""Says for which kind of hub a folder is, so that a rehearsal never writes what a city publishes."""


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
    """Implements `hub.channel.Channel` and `hub.channel.Targets`. Several processes may share the folder."""

    capabilities: Capabilities = CAPABILITIES

    def __init__(self, settings: Settings, *, outbound: Outbound, clock: Clock) -> None:
        self._directory = settings.directory
        self._masthead = Masthead(title=settings.title, link=settings.link, feed_url=settings.feed_url)
        self._outbound = outbound
        self._clock = clock
        self._wordpress: Wordpress | None = None
        if settings.wordpress is not None:
            self._wordpress = Wordpress(settings.wordpress, outbound=outbound)
            deadline = timedelta(seconds=settings.wordpress.timeout_s)
            self.capabilities = replace(CAPABILITIES, resends_ambiguous=True, request_deadline=deadline)

    def targets(self) -> Sequence[Target]:
        page = Target(ref=PAGE, name=self.capabilities.japanese)
        return [page, Target(ref=wordpress.REF, name="WordPress")] if self._wordpress else [page]

    async def open(self) -> None:
        """Raises `Refused` for a folder of the other kind of hub."""
        await asyncio.to_thread(self._recognise)
        if self._wordpress is not None:
            await self._wordpress.open()

    async def close(self) -> None:
        if self._wordpress is not None:
            await self._wordpress.close()

    async def send(self, parcel: Parcel) -> AsyncIterator[Result]:
        ref = ProviderRef(parcel.content.identifier)
        for recipient in parcel.to:
            failed = await self._put(parcel, recipient.address)
            if failed is None:
                yield Result(recipient.id, Outcome.DELIVERED, ref)
            else:
                yield Result(recipient.id, failed.outcome, None, failed.reason, failed.retry_after)

    async def keep(self, contents: Mapping[str, Content]) -> None:
        """Withdraw every notice but these, and those that expired; show these as `contents` now says.

        By identifier. To be called when an alert is cancelled or superseded, and when what the texts
        name has changed: a site that no longer receives must not stay on the page (I16).

        Raises:
            OSError: the folder cannot be written, or the site cannot be asked.
            Refused: it is a folder of the other kind of hub.
        """
        try:
            await asyncio.to_thread(self._change, lambda notices: list(_now(notices, contents)), _ungated)
        finally:  # the one does not wait for the other
            if self._wordpress is not None:
                await self._wordpress.keep(contents)

    async def probe(self) -> Health:
        try:
            await asyncio.to_thread(self._recognise)
            shown = len((await asyncio.to_thread(self._read)).notices)
        except Refused as e:
            return self._health(ok=False, detail=e.message)
        except OSError as e:
            return self._health(ok=False, detail=_unreadable(e))
        bad = await self._wordpress.trouble() if self._wordpress is not None else ""
        return self._health(ok=not bad, detail=bad or f"いま {shown} 件を載せています / {shown} on the page")

    async def _put(self, parcel: Parcel, target: str) -> Failed | None:
        """None: it stands there, and was read back."""
        if parcel.mode is not Mode.LIVE:
            return Failed(Outcome.UNSUPPORTED, "drill")
        if target != wordpress.REF:
            return await self._publish(parcel)
        if self._wordpress is None:
            return Failed(Outcome.UNSUPPORTED, "not configured")
        return await self._wordpress.publish(parcel)

    async def _publish(self, parcel: Parcel) -> Failed | None:
        new = notice(parcel.content, expires=parcel.expires_at)
        try:
            as_written = await asyncio.to_thread(
                self._change, lambda notices: [*_without(new, notices), new], parcel.gate
            )
        except OSError as e:
            return Failed(Outcome.TEMPORARY, _name(e))
        return None if as_written else Failed(Outcome.TEMPORARY, "read back")

    def _change(
        self, change: Callable[[Sequence[Notice]], Sequence[Notice]], gate: Callable[[], None]
    ) -> bool:
        """Apply `change` to what is there, write all three files, and say whether they read so.

        The gate is asked once nobody else is in the way: how long that takes is not ours to say.
        """
        with self._locked():
            gate()
            now = self._clock()
            notices = Notices(generated=now, notices=in_force(change(self._read().notices), now))
            files = {
                STATE: as_json(notices),
                FRAGMENT: as_html(notices),
                FEED: as_rss(notices, self._masthead),
            }
            for name, content in files.items():
                replace_file(self._directory / name, content)
            return all((self._directory / name).read_bytes() == content for name, content in files.items())

    def _read(self) -> Notices:
        """What the state file says. A damaged one must not keep a new alert off the page."""
        path = self._directory / STATE
        try:
            return typed.from_json(path.read_bytes(), Notices)
        except FileNotFoundError:
            self._directory.stat()
        except (msgspec.DecodeError, UnicodeDecodeError):
            log.error("website state damaged, starting from an empty page", file=str(path))
        return Notices(generated=self._clock())

    def _recognise(self) -> bool:
        """Whether the folder bears our mark; False if it bears none, or is not there. Raises `Refused`."""
        ours = self._outbound.deployment.value
        try:
            found = (self._directory / MARK).read_text(encoding="utf-8", errors="replace").strip()
        except OSError:
            return False
        if found != ours:
            raise Refused(
                f"[channels.website] directory: {self._directory} belongs to a {found} hub, this one is {ours}. "
                "Nothing was written. / 本番用と訓練用のフォルダを取り違えています。何も書いていません。"
            )
        return True

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One writer at a time, over all processes of this machine; the first leaves our mark.

        Raises:
            BlockingIOError: another writer did not make room within `LOCK_WAIT`.
        """
        with (self._directory / ".lock").open("w") as lock:
            _acquire(lock)
            if not self._recognise():
                replace_file(self._directory / MARK, self._outbound.deployment.value.encode())
            yield

    def _health(self, *, ok: bool, detail: str) -> Health:
        return Health(ok=ok, detail=detail, checked_at=self._clock())


def _acquire(lock: IO[str]) -> None:
    give_up_at = time.monotonic() + LOCK_WAIT.total_seconds()
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= give_up_at:
                raise
            time.sleep(0.05)  # in a thread of its own; the system has no wait for a lock with an end
        else:
            return


def _ungated() -> None:
    """The gate of what belongs to no parcel."""


def _without(new: Notice, notices: Sequence[Notice]) -> list[Notice]:
    return [each for each in notices if each.identifier != new.identifier]


def _unreadable(error: OSError) -> str:
    name = _name(error)
    return (
        f"掲載用のフォルダを読めません（{name}）。directory と権限を確かめてください / "
        f"the folder cannot be read ({name}): check directory and who may read it"
    )


def _name(error: OSError) -> str:
    """`ENOSPC`, `EACCES` …"""
    return errno.errorcode.get(error.errno or 0, "OSError")


def _now(notices: Sequence[Notice], contents: Mapping[str, Content]) -> Iterator[Notice]:
    for each in notices:
        if content := contents.get(each.identifier):
            yield notice(content, expires=each.expires)
