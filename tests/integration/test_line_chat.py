"""The chat with the city's LINE account in a whole hub: what `yobikake serve` puts behind `/callbacks/line`."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

from hub import settings as settings_file
from yobikake import api
from yobikake.assembly import assemble
from yobikake.rehearsal import evening
from yobikake.rehearsal.city import Conditions, rehearsal_city
from yobikake.rehearsal.line import LineGateway
from yobikake.rehearsal.line_sender import LineSender
from yobikake.rehearsal.servers.port import free_port

USER = f"U{7:032x}"


async def test_a_hub_answers_in_the_chat(tmp_path: Path) -> None:
    port = free_port()
    async with AsyncExitStack() as stack:
        town = await stack.enter_async_context(
            rehearsal_city(
                tmp_path / "town", residents_port=port, staff_port=free_port(), conditions=Conditions()
            )
        )
        await evening.set_up(town, evening.clerks(), number=0, seed=1, progress=lambda *_: None)
        found = settings_file.load(town.folder / "yobikake.toml")
        assembly = await stack.enter_async_context(assemble(found))
        await api.listen(assembly, stack)
        line = next(gateway for gateway in town.http if isinstance(gateway, LineGateway))
        sender = LineSender(
            line,
            url=f"http://127.0.0.1:{port}/callbacks/line",
            channel_secret=(town.folder / "secrets" / "line_secret").read_text(),
        )
        assert await sender.deliver(sender.follow(USER), sender.text(USER, "避難指示とは何ですか")) == 200
        async with asyncio.timeout(120):
            while len(said := line.inbox.of("line", USER)) < 2:
                await asyncio.sleep(0.02)
        texts = [arrival.text for arrival in said]
        assert any("昭島市の緊急情報のアカウントです" in text for text in texts)
        assert any("警戒レベル4" in text for text in texts)
        assert line.used == 0
