"""The simulated smarthost, spoken to on its socket."""

import asyncio
import base64
import json
import sys
from collections import Counter
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.outbound import REHEARSAL_BANNER
from tests.unit.rehearsal.smtp_client import MESSAGE, connected
from yobikake.rehearsal.faults import Faults
from yobikake.rehearsal.inbox import Inbox
from yobikake.rehearsal.smtp import SmtpGateway, letter
from yobikake.rehearsal.smtp_dialogue import Terms


@pytest.fixture
async def gateway() -> AsyncIterator[SmtpGateway]:
    async with SmtpGateway(Inbox()) as gateway:
        yield gateway


async def test_it_says_that_it_is_a_rehearsal_smarthost(gateway: SmtpGateway) -> None:
    async with connected(gateway, ehlo=False) as client:
        assert REHEARSAL_BANNER in await client.reply()
        (offers,) = await client.say("EHLO client.example")
    for extension in ("PIPELINING", "8BITMIME", "SIZE", "ENHANCEDSTATUSCODES", "DSN", "SMTPUTF8"):
        assert extension in offers


async def test_a_pipelined_transaction_is_answered_in_order(gateway: SmtpGateway) -> None:
    gateway.faults.permanent, gateway.faults.seed = 0.5, 3
    addresses = [f"r{n}@mail.example" for n in range(10)]
    async with connected(gateway) as client:
        commands = ["MAIL FROM:<hub@hub.example>", *(f"RCPT TO:<{each}>" for each in addresses), "DATA"]
        replies = await client.say(*commands, replies=12)
        expected = ["550" if gateway.faults.hits(0.5, "permanent", each) else "250" for each in addresses]
        assert [reply[:3] for reply in replies] == ["250", *expected, "354"]
        assert len(set(expected)) == 2
        again = await client.say(MESSAGE, ".", "MAIL FROM:<hub@hub.example>", replies=2)
    assert [reply[:3] for reply in again] == ["250", "250"]
    taken = [each for each, code in zip(addresses, expected, strict=True) if code == "250"]
    assert gateway.inbox is not None
    assert sorted(gateway.inbox.addresses("mail")) == sorted(taken)


async def test_people_read_the_subject_and_the_text(gateway: SmtpGateway) -> None:
    async with connected(gateway) as client:
        await client.say("MAIL FROM:<hub@hub.example>", "RCPT TO:<r@mail.example>", "DATA", replies=3)
        await client.say(MESSAGE, ".")
    assert gateway.inbox is not None
    (arrival,) = gateway.inbox.of("mail", "r@mail.example")
    assert (arrival.subject, arrival.text, arrival.key) == ("避難指示", "全員避難\n", "<one@hub.example>")


@given(
    lines=st.lists(st.text(alphabet=".a\t あ", max_size=6), max_size=8),
    cuts=st.lists(st.integers(0, 200), max_size=6),
)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_dots_survive_however_the_bytes_are_cut(
    gateway: SmtpGateway, lines: list[str], cuts: list[int]
) -> None:
    body = "".join(f"{line}\r\n" for line in lines).encode()
    stuffed = "".join(f"{'.' * line.startswith('.')}{line}\r\n" for line in lines).encode()
    wire = stuffed + b".\r\nNOOP\r\n"
    async with connected(gateway) as client:
        await client.say("MAIL FROM:<>", "RCPT TO:<r@mail.example>", "DATA", replies=3)
        points = sorted({0, *(min(cut, len(wire)) for cut in cuts), len(wire)})
        for start, end in pairwise(points):
            await client.say(wire[start:end], replies=0)
            await asyncio.sleep(0)
        assert [await client.reply(), await client.reply()] == [
            f"250 2.0.0 Ok: queued as {gateway.transactions - 1}",
            "250 2.0.0 Ok",
        ]
    assert gateway.messages[-1] == body


@pytest.mark.parametrize(
    ("commands", "code"),
    [
        (["RCPT TO:<r@mail.example>"], "503"),
        (["DATA"], "503"),
        (["MAIL FROM:<hub@hub.example>", "DATA"], "554"),
        (["MAIL FROM:<hub@hub.example>", "MAIL FROM:<hub@hub.example>"], "503"),
        (["MAIL FROM:hub@hub.example"], "501"),
        (["MAIL FROM:<hub@hub.example> FUTURE=1"], "555"),
        (["MAIL FROM:<hub@hub.example> SIZE=99999999999999999999999"], "552"),
        (["MAIL FROM:<hub@hub.example>", "RCPT TO:<nobody>"], "501"),
        (["MAIL FROM:<hub@hub.example>", "RCPT TO:<山田@mail.example>"], "501"),
        (["MAIL FROM:<hub@hub.example> SMTPUTF8", "RCPT TO:<山田@mail.example>"], "250"),
        (["MAIL FROM:<hub@hub.example>", 'RCPT TO:<"a..b"@mail.example> NOTIFY=FAILURE'], "250"),
        (["EHLO"], "501"),
        (["AUTH PLAIN AGEAYg=="], "504"),
        (["STARTTLS"], "503"),
        (["HELLO there"], "502"),
        ([b"\xff\xfe\x00 nonsense\r\n"], "502"),
        ([b"A" * 5000], "500"),
        (["QUIT"], "221"),
    ],
)
async def test_what_it_answers(gateway: SmtpGateway, commands: list[str | bytes], code: str) -> None:
    async with connected(gateway) as client:
        replies = await client.say(*commands, replies=len(commands))
    assert replies[-1][:3] == code


async def test_a_message_over_the_limit_is_refused_and_the_next_one_taken(gateway: SmtpGateway) -> None:
    gateway.terms.size_bytes = 1000
    async with connected(gateway) as client:
        for body, code in [(b"x" * 100_000 + b"\r\n", "552"), (b"short\r\n", "250")]:
            await client.say("MAIL FROM:<>", "RCPT TO:<r@mail.example>", "DATA", replies=3)
            (reply,) = await client.say(body, ".")
            assert reply[:3] == code
    assert gateway.messages == [b"short\r\n"]


async def test_credentials(gateway: SmtpGateway) -> None:
    gateway.terms.login = ("hub", "secret")

    def plain(password: str) -> str:
        return base64.b64encode(f"\0hub\0{password}".encode()).decode()

    async with connected(gateway) as client:
        assert (await client.say("MAIL FROM:<>"))[0][:3] == "530"
        assert (await client.say(f"AUTH PLAIN {plain('wrong')}"))[0][:3] == "535"
        assert (await client.say("AUTH PLAIN !!!"))[0][:3] == "501"
        assert (await client.say("AUTH PLAIN"))[0][:3] == "334"
        assert (await client.say(plain("secret")))[0][:3] == "235"
        assert (await client.say("MAIL FROM:<>"))[0][:3] == "250"


@pytest.mark.parametrize(
    ("faults", "code"),
    [
        (Faults(credentials=True), "530"),
        (Faults(throttle=1.0), "421"),
        (Faults(down=True), "421"),
    ],
)
async def test_faults_of_a_whole_transaction(gateway: SmtpGateway, faults: Faults, code: str) -> None:
    async with connected(gateway) as client:
        gateway.faults = faults
        assert (await client.say("MAIL FROM:<>"))[0][:3] == code


async def test_refused_once_and_then_taken(gateway: SmtpGateway) -> None:
    gateway.faults.temporary = 1.0
    async with connected(gateway) as client:
        replies = await client.say(
            "MAIL FROM:<>", "RCPT TO:<r@m.example>", "RCPT TO:<r@m.example>", replies=3
        )
    assert [reply[:3] for reply in replies] == ["250", "450", "250"]


async def test_silence_comes_after_the_message_was_taken(gateway: SmtpGateway) -> None:
    gateway.faults.silent = 1.0
    async with connected(gateway) as client:
        await client.say("MAIL FROM:<>", "RCPT TO:<r@m.example>", "DATA", replies=3)
        assert await client.say(MESSAGE, ".") == [""]
    assert gateway.messages == [MESSAGE]


async def test_what_drains_slowly_is_recorded_when_it_has_drained(gateway: SmtpGateway) -> None:
    gateway.faults.drain_per_s = 1 / 600
    async with connected(gateway) as client:
        await client.say("MAIL FROM:<>", "RCPT TO:<r@m.example>", "DATA", replies=3)
        await client.say(MESSAGE, ".", "NOOP", replies=0)
        while not gateway.in_flight:
            await asyncio.sleep(0.001)
        assert gateway.messages == []


async def test_hanging_up_midway_harms_nobody(gateway: SmtpGateway) -> None:
    for part in (b"", b"MAIL FR", b"MAIL FROM:<>\r\nRCPT TO:<r@m.example>\r\nDATA\r\nhalf a mess"):
        async with connected(gateway) as client:
            await client.say(part, replies=0)
    async with connected(gateway) as client:
        assert (await client.say("NOOP"))[0][:3] == "250"
    assert gateway.messages == []


@given(st.binary(max_size=300))
@settings(max_examples=100)
def test_whatever_comes_as_a_message_can_be_shown(message: bytes) -> None:
    shown = letter(message)
    assert isinstance(shown.subject, str)
    assert isinstance(shown.text, str)


async def test_its_log_outlives_the_one_who_wrote_to_it(tmp_path: Path) -> None:
    log = tmp_path / "arrivals.jsonl"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "yobikake.rehearsal.smtp", "--log", str(log), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        line = (await process.stdout.readline()).decode()
        gateway = SmtpGateway(port=int(line.rpartition(":")[2]))
        async with connected(gateway) as client:
            commands = ["MAIL FROM:<>", "RCPT TO:<a@m.example>", "RCPT TO:<b@m.example>", "DATA"]
            await client.say(*commands, replies=4)
            assert (await client.say(MESSAGE, "."))[0][:3] == "250"
    finally:
        process.kill()
        await process.wait()
    entries = [json.loads(entry) for entry in log.read_text().splitlines()]
    assert Counter((entry["message_id"], entry["recipient"]) for entry in entries) == {
        ("<one@hub.example>", "a@m.example"): 1,
        ("<one@hub.example>", "b@m.example"): 1,
    }
    assert all(entry["at"].endswith("+00:00") for entry in entries)


def test_terms_are_generous_unless_told_otherwise() -> None:
    """RFC 5321 §4.5.3.1.8: a server takes at least 100 recipients."""
    assert Terms().recipients_max >= 100
