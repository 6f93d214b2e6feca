"""The chat with the city's LINE account, on the public listener: wired up where `[channels.line]` has a channel secret."""

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from aiohttp import web

from hub.background import Background
from hub.outbound import Outbound
from hub.secret import read_secret
from hub.settings import convert
from operator_ui.residents.news import News
from operator_ui.residents.portal import Residents
from operator_ui.window.question import Question
from operator_ui.window.reply import Reply
from yobikake.assembly import Assembly
from yobikake.window import load_window

if TYPE_CHECKING:
    from channels.line.settings import Settings
    from operator_ui.residents.line.chat import Ask

KIND = "line"
SECRET = f"[channels.{KIND}] channel_secret_file"


async def routes(assembly: Assembly, portal: Residents, stack: AsyncExitStack) -> list[web.RouteDef]:
    """What it needs is open until `stack` is closed. None where the account's webhooks do not come here.

    Raises:
        BadSettings, Refused: the secret cannot be read, or a gateway's address cannot be used.
    """
    settings = _settings(assembly)
    if settings is None or settings.channel_secret_file is None:
        return []
    from channels.line.relay import Relay  # noqa: PLC0415 - a connector is loaded when configured
    from channels.line.replies import Replies  # noqa: PLC0415
    from operator_ui.residents.line.chat import Chat  # noqa: PLC0415
    from operator_ui.residents.line.webhook import Webhook  # noqa: PLC0415

    outbound = _outbound(assembly)
    replies = Replies(settings, outbound=outbound)
    relay = Relay(settings.chatbot, outbound=outbound) if settings.chatbot else None
    background = Background()
    for each in (replies, relay):
        if each is not None:
            await each.open()
            stack.push_async_callback(each.close)
    stack.push_async_callback(background.finish, 2.0)  # answers under way use both
    chat = Chat(
        ledger=assembly.ledger,
        keys=assembly.keys,
        city=assembly.city,
        clock=assembly.clock,
        url=assembly.settings.residents.url,
        replies=replies,
        background=background,
        chatbot=settings.chatbot,
        ask=_ask(assembly, portal, background),
    )
    secret = read_secret(settings.channel_secret_file, setting=SECRET)
    return Webhook(chat, channel_secret=secret, relay=relay).routes()


def _ask(assembly: Assembly, portal: Residents, background: Background) -> "Ask":
    """What is true is read once a second, however many ask; the window works in a thread of its own."""
    window = portal.window or load_window(assembly.city_folder, assembly.city, assembly.sites)
    news = News(portal, background)

    async def ask(question: Question) -> Reply:
        return await asyncio.to_thread(window.answer, question, await news.now())

    return ask


def _settings(assembly: Assembly) -> "Settings | None":
    stanza = assembly.settings.channels.get(KIND)
    if stanza is None or "channel_secret_file" not in stanza:
        return None
    from channels.line.settings import Settings  # noqa: PLC0415

    return convert(stanza, Settings, where=f"[channels.{KIND}]")


def _outbound(assembly: Assembly) -> Outbound:
    proxy = assembly.settings.proxy
    return Outbound(
        deployment=assembly.deployment, proxy=proxy.url, direct=proxy.direct, ca_file=proxy.ca_file
    )
