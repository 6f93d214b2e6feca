"""`yobikake bench mail`, small: that it measures what it says, and fails where somebody is missing."""

import asyncio
import json
import os
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import typer

from channels.mail import Mail
from hub.channel import Parcel
from hub.delivery import Result
from hub.errors import Refused
from tests.servers.absence import absent
from tests.servers.postfix import PROGRAMS
from yobikake.bench import mail
from yobikake.bench.mail_ceiling import ceiling
from yobikake.bench.mail_ours import together, told_apart
from yobikake.bench.mail_run import Run, Unanswered
from yobikake.bench.smtp_sink import Told, hand_to_sink, recipients, smtp_sink, told
from yobikake.commands.bench.mail import delays
from yobikake.rehearsal.faults import Faults
from yobikake.rehearsal.servers.folder import temporary
from yobikake.rehearsal.servers.program import Program, advice, missing
from yobikake.rehearsal.smtp import SmtpGateway

pytestmark = pytest.mark.postfix

PEERS = {
    "sink_ceiling", "smtp_source_r100", "smtp_source_r1", "aiosmtplib_r100", "aiosmtplib_r1", "apprise",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _postfix() -> None:
    if lacking := missing(PROGRAMS):
        absent(advice(lacking))


async def bench(*arguments: str, **environment: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "yobikake", "bench", "mail", *arguments,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env=os.environ | environment,
    )  # fmt: skip
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def test_ratios_against_every_peer_at_every_distance() -> None:
    code, out, err = await bench(
        "--delay", "0,2", "--rounds", "1", "--connections", "2", "--recipients", "100", "--json"
    )
    assert code == 0, err
    found: dict[str, Any] = json.loads(out)
    assert found["ratios"].keys() == PEERS
    assert found["ratios"] == found["delays"][0]["ratios"]
    assert found["verified"] == {"r100": 100, "r1": 100, "told_apart": 100}
    assert found["machine"]["versions"].keys() == {"aiosmtplib", "apprise", "postfix"}
    assert [each["delay_ms"] for each in found["delays"]] == [0, 2]
    for each in found["delays"]:
        senders = each["senders"]
        assert senders.keys() == PEERS | {"ours_r100", "ours_r1"}
        for sender in senders.values():
            assert 0 < sender["recipients"] <= 100
            assert 0 < sender["rate"]["min"] == sender["rate"]["median"] == sender["rate"]["max"]
            assert sender["cpu_s"]["max"] > 0
        for name, ratio in each["ratios"].items():
            ours, theirs = senders[mail.OURS[name]], senders[name]
            assert ratio["median"] == ours["rate"]["median"] / theirs["rate"]["median"]
    far = found["delays"][1]["senders"]["aiosmtplib_r1"]
    assert far["elapsed_s"]["min"] / far["recipients"] >= 4 * 0.002  # four commands, each a round trip


async def test_what_is_missing_is_named_in_both_languages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(Refused, match=r"requirements-dev\.txt.*requirements-dev\.txt を実行"):
        await mail.measure(delays_ms=[0], rounds=1, connections=1, most=100, say=lambda _: None)
    nobodys = Program(name="smtp-sink-of-nobody", package="postfix")
    monkeypatch.setattr("yobikake.bench.smtp_sink.SMTP_SINK", nobodys)
    with pytest.raises(Refused, match=r"needs .*apt-get install postfix.*必要.*apt-get install postfix"):
        await mail.measure(delays_ms=[0], rounds=1, connections=1, most=100, say=lambda _: None)


async def test_a_delay_that_is_none_is_refused() -> None:
    code, _, err = await bench("--delay", "fast")
    assert code == 2
    assert "0,10,50" in err
    for text in ("", "-1", "10,,50", "9999", "nan"):
        with pytest.raises(typer.BadParameter):
            delays(text)
    assert delays("0, 2.5") == [0, 2.5]


async def test_the_ceiling_says_what_the_connector_says() -> None:
    with temporary("test-bench-mail-") as folder:
        hand_to_sink(folder)
        ours, theirs = folder / "ours", folder / "theirs"
        async with smtp_sink(ours) as sink:
            await together(2)(sink.port, 250)
        model = told(ours)
        async with smtp_sink(theirs) as sink:
            run = await ceiling(2, model=model)(sink.port, 250)
        assert run.recipients == 250
        copy = told(theirs)
        assert (copy.mail, copy.message) == (model.mail, model.message)
        assert named(theirs) == named(ours)
        assert recipients(theirs) == recipients(ours)
        assert recipients(ours).total() == 250
        assert "BODY=8BITMIME" in model.mail
        assert "NOTIFY=FAILURE" in model.rcpt
        assert "避難してください" in model.message.decode()


def named(dump: Path) -> list[bytes]:
    """The arguments of every RCPT, in no order."""
    return sorted(re.findall(rb"(?m)^X-Rcpt-Args: (.*)$", dump.read_bytes()))


async def test_a_recipient_without_an_acceptance_is_a_failure() -> None:
    async with SmtpGateway(faults=Faults(permanent=0.1)) as gateway:
        with pytest.raises(Unanswered, match="not accepted"):
            await together(2)(gateway.port, 200)


class Mixed(Mail):
    """Gives everyone the reply of somebody else."""

    async def send(self, parcel: Parcel) -> AsyncIterator[Result]:
        results = [result async for result in super().send(parcel)]
        for result, other in zip(results, reversed(results), strict=True):
            yield msgspec.structs.replace(result, outcome=other.outcome)


async def test_a_reply_given_to_another_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await told_apart(2, 200) == 200
    monkeypatch.setattr("yobikake.bench.mail_ours.Mail", Mixed)
    with pytest.raises(Unanswered, match="no reply of their own"):
        await told_apart(2, 200)


async def test_a_ceiling_that_was_refused_somebody_is_a_failure() -> None:
    model = Told(mail="<a@yobikake.example>", rcpt="<b@mail.example>", message=b"Subject: x\n\n.x\n")
    async with SmtpGateway() as gateway:
        assert (await ceiling(2, model=model)(gateway.port, 200)).recipients == 200
        gateway.faults.permanent = 0.1
        with pytest.raises(Unanswered, match="the ceiling"):
            await ceiling(2, model=model)(gateway.port, 200)


@pytest.mark.parametrize("sent", [99, 101])
async def test_who_is_missing_or_there_twice_is_a_failure(sent: int) -> None:
    async def wrong(port: int, number: int) -> Run:
        model = Told(mail="<a@yobikake.example>", rcpt="<b@mail.example>", message=b"Subject: x\n\nx\n")
        return await ceiling(1, model=model)(port, sent)

    with temporary("test-bench-mail-") as folder:
        hand_to_sink(folder)
        with pytest.raises(Unanswered, match=f"named {sent}"):
            await mail.arrived(folder / "dump", wrong, 100)
