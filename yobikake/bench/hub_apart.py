"""A hub in processes of its own, as `yobikake serve` runs it, with one channel."""

import asyncio
import sys
import tomllib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import aiohttp
import tomli_w

from hub import settings
from hub.alert import DecisionMethod, Mode
from hub.draft import Draft
from hub.ledger import Ledger
from hub.settings import Settings
from yobikake import compose, initialise
from yobikake.assembly import Assembly, assemble
from yobikake.bench.figures import Say
from yobikake.bench.town import enrol
from yobikake.rehearsal import evening
from yobikake.rehearsal.city import Conditions, rehearsal_city
from yobikake.rehearsal.evening import Clerk
from yobikake.rehearsal.servers.port import free_port

READY_S = 120.0


class Shape(StrEnum):
    EMBEDDED = "embedded"  # one process, SQLite
    CITY = "city"  # a process for each kind of work, over Kafka, PostgreSQL and Redis


ROLES: Mapping[Shape, Sequence[Sequence[str]]] = {
    Shape.EMBEDDED: [[]],
    Shape.CITY: [["api"], ["fanout", "sweep", "receipts"], ["mail"]],
}
"""Of each process; none named: all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A hub that does not run yet: its people, and alerts that wait for their approval."""

    found: Settings
    path: Path
    drafts: Sequence[Draft]
    approver: Clerk


@asynccontextmanager
async def prepared(
    folder: Path, *, residents: int, alerts: int, servers: Mapping[str, Any], say: Say
) -> AsyncIterator[Prepared]:
    """`servers`: the stanzas of a ledger, bus and live state elsewhere."""
    async with AsyncExitStack() as stack:
        town = await stack.enter_async_context(
            rehearsal_city(
                folder, residents_port=free_port(), staff_port=free_port(), conditions=Conditions()
            )
        )
        path = folder / "yobikake.toml"
        _change(path, **servers)
        only_mail(path, town.smtp.port)
        author, approver = evening.clerks()
        await evening.set_up(town, (author, approver), number=0, seed=1, progress=lambda *_: None)
        found = settings.load(path)
        say(f"registering {residents:,} residents")
        await enrol(found, town.city, residents, lambda n: {"mail": f"bench{n}@mail.example"})
        async with assemble(found) as assembly:
            drafts = await submitted(assembly, author, channels=("mail",), number=alerts)
        yield Prepared(found=found, path=path, drafts=drafts, approver=approver)


async def submitted(
    assembly: Assembly, author: Clerk, *, channels: Sequence[str], number: int
) -> list[Draft]:
    """So many orders to the whole city, which wait for their approval."""
    message = compose.message(
        compose.template(evening.TEMPLATE),
        assembly.city,
        area=None,
        mode=Mode.LIVE,
        channels=tuple(channels),
        method=DecisionMethod.HEADQUARTERS,
        ordered_at=assembly.clock(),
        grounds="bench",
    )
    drafts = []
    for _ in range(number):
        draft = await assembly.intake.save(message, author.actor)
        drafts.append(await assembly.intake.submit(draft.id, author.actor, seen=draft.version))
    return drafts


@asynccontextmanager
async def running(path: Path, shape: Shape) -> AsyncIterator[Mapping[str, int]]:
    """The processes, by their roles, of the hub whose settings these are: each ready, ended behind the caller."""
    async with AsyncExitStack() as stack:
        yield {
            " ".join(roles) or "all": await stack.enter_async_context(
                _process(path, f"bench-{number}", roles)
            )
            for number, roles in enumerate(ROLES[shape])
        }


@asynccontextmanager
async def _process(path: Path, name: str, roles: Sequence[str]) -> AsyncIterator[int]:
    wanted = [word for role in roles for word in ("--role", role)]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "yobikake", "serve", "--settings", str(path), "--name", name, *wanted,
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stderr is not None  # noqa: S101 - a pipe was asked for
    try:
        async with asyncio.timeout(READY_S):
            while (line := await process.stderr.readline()) and b" runs: " not in line:
                continue
        draining = asyncio.create_task(process.stderr.read())
        yield process.pid
        draining.cancel()
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


class Desk:
    """The second person's browser."""

    def __init__(self, found: Settings, approver: Clerk) -> None:
        self._url = f"http://{found.staff.host}:{found.staff.port}"
        self._approver = approver
        self._session = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))

    async def sign_in(self) -> None:
        form = {"login": self._approver.login, "password": self._approver.password, "next": "/"}
        async with self._session.post(f"{self._url}/signin", data=form, headers=self._own) as answer:
            answer.raise_for_status()

    async def read(self, draft: Draft) -> dict[str, str]:
        """The page is looked at; the form as it stands there, with the level typed."""
        async with self._session.get(f"{self._url}/drafts/{draft.id}") as answer:
            answer.raise_for_status()
            text = await answer.text()
        csrf = text.split('name="csrf" value="', 1)[1].split('"', 1)[0]
        level = draft.message.level
        return {"csrf": csrf, "version": str(draft.version), "typed": str(int(level) if level else "")}

    async def approve(self, draft: Draft, form: Mapping[str, str]) -> str:
        """Returns the alert's identifier, from where the answer leads to."""
        url = f"{self._url}/drafts/{draft.id}/send"
        async with self._session.post(url, data=form, headers=self._own, allow_redirects=False) as answer:
            if answer.status != 303:
                raise RuntimeError(f"approving was answered by {answer.status}")
            return answer.headers["Location"].rpartition("/")[2]

    async def close(self) -> None:
        await self._session.close()

    @property
    def _own(self) -> dict[str, str]:
        return {"Origin": self._url}


@asynccontextmanager
async def ledger_of(found: Settings) -> AsyncIterator[Ledger]:
    """To look at from outside."""
    async with initialise.opened(found) as ledger:
        yield ledger


def only_mail(path: Path, port: int) -> None:
    """Leave the hub whose settings these are one channel, through the smarthost on this port."""
    only(path, "mail", port=port)


def only(path: Path, kind: str, *, of: Path | None = None, **over: Any) -> None:
    """Leave the hub whose settings these are one channel, with this laid over its stanza; what needs another goes.
    `of`: settings that have more of them."""
    values = tomllib.loads((of or path).read_text(encoding="utf-8"))
    values.pop("phone_in", None)
    values["channels"] = {kind: values["channels"][kind] | over}
    path.write_text(tomli_w.dumps(values), encoding="utf-8")


def _change(path: Path, **stanzas: Any) -> None:
    values = tomllib.loads(path.read_text(encoding="utf-8"))
    path.write_text(tomli_w.dumps(values | stanzas), encoding="utf-8")
