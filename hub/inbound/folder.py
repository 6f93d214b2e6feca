"""A folder into which 気象庁's telegrams are laid, by a feed's download or by hand. What concerns the city becomes an
occasion for staff (`occasions`); nothing is sent by it.

A file is read once and moved: to `taken`; to `others`, when it is about other places; to `refused`, with the reason in
a file beside it. Lay a file in under another name than `*.xml` and rename it when it is whole.
"""

import asyncio
from collections.abc import Callable, Collection
from datetime import datetime
from itertools import count
from pathlib import Path

import structlog

from hub.clock import utc_now
from hub.errors import BadInput, BadSettings
from hub.inbound import jma, occasions
from hub.inbound.warning import Telegram
from hub.ledger import Ledger

log = structlog.get_logger(__name__)

TAKEN, OTHERS, REFUSED = "taken", "others", "refused"


class TelegramFolder:
    def __init__(
        self,
        folder: Path,
        *,
        ledger: Ledger,
        codes: Collection[str],
        page: Callable[[str, str], None],
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        """`codes`: 気象庁's, of the city, its rivers and its areas. The folder is made where it is missing.

        Raises:
            BadSettings: it cannot be made.
        """
        self._folder = folder
        self._ledger = ledger
        self._codes = codes
        self._page = page
        self._clock = clock
        try:
            for name in (TAKEN, OTHERS, REFUSED):
                (folder / name).mkdir(parents=True, exist_ok=True)
        except OSError as e:
            raise BadSettings(
                "[warnings] folder",
                f"{folder} cannot be made: {e.strerror} / 電文を置くフォルダーを作れません",
            ) from e

    async def look(self) -> None:
        """Take what lies there. Whatever cannot be kept now stays and is taken at a later look."""
        for path in await asyncio.to_thread(lambda: sorted(self._folder.glob("*.xml"))):
            try:
                await self._take(path)
            except FileNotFoundError:
                continue  # another process was first
            except OSError as e:
                log.warning("a telegram stays where it lies", file=path.name, error=type(e).__name__)

    async def _take(self, path: Path) -> None:
        try:
            telegram = await asyncio.to_thread(_read, path)
        except BadInput as e:
            await asyncio.to_thread(_refuse, path, e.message)
            self._page(
                f"telegram {path.name}",
                f"気象庁の電文を読めませんでした。{REFUSED} フォルダーの {path.name} を確かめてください。 / "
                f"A telegram cannot be read; see {path.name} in {REFUSED}: {e.message}",
            )
            return
        ours = concerns(telegram, self._codes)
        if ours:
            new = await self._ledger.write(
                lambda conn: occasions.keep(conn, telegram, source=path.name, at=self._clock())
            )
            log.info("a telegram came in", file=path.name, kind=telegram.kind, new=new)
        await asyncio.to_thread(_move, path, TAKEN if ours else OTHERS)


def concerns(telegram: Telegram, codes: Collection[str]) -> bool:
    """Whether staff see it. One that names no warning (a 取消) may be about any place, ours too."""
    return not telegram.warnings or bool(telegram.about(codes))


def _read(path: Path) -> Telegram:
    with path.open("rb") as file:
        return jma.parse(file.read(jma.MAX_BYTES + 1))


def _refuse(path: Path, reason: str) -> None:
    kept = _move(path, REFUSED)
    kept.with_name(f"{kept.name}.reason.txt").write_text(reason + "\n", encoding="utf-8")


def _move(path: Path, into: str) -> Path:
    """Under another name where a file of this one lies already: feeds use names again, and none is lost."""
    names = (f"{path.stem}-{number}{path.suffix}" if number else path.name for number in count())
    kept = next(kept for name in names if not (kept := path.parent / into / name).exists())
    return path.rename(kept)
