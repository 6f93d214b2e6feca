"""`yobikake voice test`: one registered number is called from a terminal."""

import asyncio
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.command_line import PASSWORD, Said, account, add, hub, run
from yobikake.rehearsal.inbox import Inbox
from yobikake.rehearsal.twilio import TwilioGateway

ACCOUNT, TOKEN = f"AC{'7' * 32}", "not-a-token-of-anybody"


@pytest.fixture(scope="module")
def gateway() -> Iterator[TwilioGateway]:
    """In a thread of its own: the command has the main one."""
    made = TwilioGateway(Inbox(), account_sid=ACCOUNT, auth_token=TOKEN)
    loop, up = asyncio.new_event_loop(), threading.Event()

    def serve() -> None:
        asyncio.set_event_loop(loop)
        loop.run_until_complete(made.start())
        up.set()
        loop.run_forever()
        loop.run_until_complete(made.stop())
        loop.close()

    thread = threading.Thread(target=serve)
    thread.start()
    assert up.wait(60)
    yield made
    loop.call_soon_threadsafe(loop.stop)
    thread.join(60)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory, gateway: TwilioGateway) -> Path:
    folder = tmp_path_factory.mktemp("voice") / "a"
    made = hub(folder)
    (folder / "token").write_text(TOKEN)
    add(
        made,
        f"""[channels.voice]
account_sid = "{ACCOUNT}"
auth_token_file = "token"
from_number = "+815012345678"
callback_url = "http://127.0.0.1:1/callbacks/voice"
base_url = "{gateway.url}"
""",
    )
    account(made, "sato", "welfare")
    people = folder / "people.csv"
    people.write_text("language,town,voice\nja,築地町,+819011110000\n", encoding="utf-8")
    assert run("residents", "import", people, "-s", made).code == 0
    return made


def tried(settings: Path, number: str) -> Said:
    return run("voice", "test", number, "--as", "sato", "--json", "-s", settings, typed=[PASSWORD])


def test_the_registered_number_rings_and_no_other(settings: Path, gateway: TwilioGateway) -> None:
    said = tried(settings, "090-1111-0000")
    assert said.code == 0, said.err
    assert json.loads(said.out)["outcome"] == "accepted"
    other = tried(settings, "090-2222-0000")
    assert other.code == 2
    assert "2222" not in other.err + other.out
    assert [call.to for call in gateway.calls] == ["+819011110000"]
