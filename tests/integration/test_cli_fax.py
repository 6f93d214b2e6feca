"""`yobikake residents try-fax`: a test page comes out of one machine."""

from pathlib import Path

import pytest

from tests.integration.command_line import add, hub, run_apart
from tests.unit.channels.pdf import lines
from yobikake.rehearsal.fax import FaxGateway
from yobikake.rehearsal.inbox import Inbox


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    return hub(tmp_path / "a")


async def test_a_number_is_tried_out(settings: Path) -> None:
    said = await run_apart("residents", "try-fax", "042-555-0100", "-s", settings)
    assert said.code == 2
    assert "[channels.fax]" in said.err
    inbox = Inbox()
    async with FaxGateway(inbox) as gateway:
        stanza = f"host = '127.0.0.1'\nport = {gateway.port}\nsecurity = 'none'\nsender = 'a@city.example'"
        add(settings, f"[channels.fax]\n{stanza}\naddress = '{{number}}@fax.example'")
        said = await run_apart("residents", "try-fax", "not a number", "-s", settings)
        assert said.code == 2
        assert "not a number" not in said.err
        assert not gateway.pages
        said = await run_apart("residents", "try-fax", "042-555-0100", "-s", settings)
        assert (said.code, said.err) == (0, "")
        (page,) = gateway.pages
    assert list(inbox.addresses("fax")) == ["+81425550100"]
    assert "災害の情報ではありません。" in "".join(lines(page))
