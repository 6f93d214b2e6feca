"""The residents' listener with the city's LINE account behind it: LINE as rehearsed, and a chatbot that was there before."""

import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import aiohttp
from aiohttp import web
from sqlalchemy import Connection

from channels.line.relay import Relay
from channels.line.replies import Replies
from channels.line.settings import Chatbot, Settings
from hub import chat_link
from hub.background import Background
from hub.delivery import Variant
from hub.language import Language
from hub.ledger import audit, packs
from hub.outbound import Deployment, Outbound
from operator_ui.residents.app import create_app
from operator_ui.residents.line.chat import Ask, Chat
from operator_ui.residents.line.webhook import PATH, Webhook
from tests.unit.residents.portal_setup import CITY, Town
from yobikake.rehearsal.inbox import Inbox
from yobikake.rehearsal.line import LineGateway
from yobikake.rehearsal.line_sender import LineSender

SECRET = "channel-secret-0123456789abcdef"
TOKEN = "not-a-token-of-anybody"
OUTBOUND = Outbound(deployment=Deployment.REHEARSAL)
USER, OTHER = f"U{7:032x}", f"U{8:032x}"


class Relayed(NamedTuple):
    body: bytes
    signature: str
    content_type: str


@dataclass(slots=True)
class Bot:
    """A chatbot's webhook: what it got, and what it answers."""

    url: str = ""
    status: int = 200
    got: list[Relayed] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        signature = request.headers["X-Line-Signature"]
        self.got.append(Relayed(await request.read(), signature, request.headers["Content-Type"]))
        return web.Response(status=self.status)


@dataclass(slots=True, kw_only=True)
class Account:
    """One process of a hub with LINE."""

    town: Town
    url: str
    line: LineGateway
    sender: LineSender
    chat: Chat
    relay: Relay | None
    background: Background

    async def deliver(self, *events: dict[str, object]) -> int:
        """Until everything that follows from it is done."""
        status = await self.sender.deliver(*events)
        await self.background.finish(timeout_s=60)
        return status

    def read(self, user: str = USER) -> list[str]:
        """What somebody has in their chat."""
        return [arrival.text for arrival in self.line.inbox.of("line", user)]

    async def told(self) -> list[bool]:
        """Of everybody in the packs, whether they are sent to."""

        def look(conn: Connection) -> list[bool]:
            found = [
                (id_, not pack.traits.kinds[kind].suppressed)
                for variant in packs.variants(conn, "line")
                for pack in packs.some(conn, "line", Variant(*variant), after=0, limit=99)
                for id_, kind in zip(pack.ids, pack.traits.of, strict=True)
            ]
            return [sent for _, sent in sorted(found)]

        return await self.town.ledger.read(look)

    async def audited(self) -> Sequence[str]:
        return [
            each.action
            for each in await self.town.ledger.read(lambda conn: audit.about(conn, ["recipient 1"]))
        ]


@asynccontextmanager
async def bot_served() -> AsyncIterator[Bot]:
    bot = Bot()
    app = web.Application()
    app.router.add_post("/hook", bot.take)
    async with _listening(app) as url:
        bot.url = f"{url}/hook"
        yield bot


@asynccontextmanager
async def an_account(
    town: Town, folder: Path, *, ask: Ask, chatbot: Chatbot | None = None
) -> AsyncIterator[Account]:
    token = folder / "line-token"
    token.write_text(f"{TOKEN}\n")
    async with AsyncExitStack() as stack:
        line = await stack.enter_async_context(LineGateway(Inbox(), clock=town.clock))
        replies = Replies(Settings(access_token_file=token, base_url=line.url), outbound=OUTBOUND)
        relay = Relay(chatbot, outbound=OUTBOUND) if chatbot else None
        for each in (replies, relay):
            if each is not None:
                await each.open()
                stack.push_async_callback(each.close)
        background = Background()
        stack.push_async_callback(background.finish, 5.0)
        chat = Chat(
            ledger=town.ledger,
            keys=town.keys,
            city=CITY,
            clock=town.clock,
            url="https://hub.example",
            replies=replies,
            background=background,
            chatbot=chatbot,
            ask=ask,
        )
        app = create_app(town.portal())
        app.add_routes(Webhook(chat, channel_secret=SECRET, relay=relay).routes())
        url = await stack.enter_async_context(_listening(app))
        yield Account(
            town=town,
            url=url,
            line=line,
            sender=LineSender(line, url=url + PATH, channel_secret=SECRET),
            chat=chat,
            relay=relay,
            background=background,
        )


async def enrol(account: Account, user: str, town: str, language: Language = Language.JA) -> None:
    """Through the page, as people do."""
    token = chat_link.token(account.town.keys, "line", user, at=account.town.now)
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{account.url}/ja/chat/{token}", data={"town": town, "language": language}) as answer,
    ):
        assert answer.status == 200


@asynccontextmanager
async def database_away(town: Town) -> AsyncIterator[None]:
    """Nothing can be written: somebody else does, and does not end."""
    await town.ledger.write(lambda conn: conn.exec_driver_sql("PRAGMA busy_timeout = 10"))
    with closing(sqlite3.connect(town.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


@asynccontextmanager
async def _listening(app: web.Application) -> AsyncIterator[str]:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
