"""The peers: Postfix's smtp-source, aiosmtplib, Apprise; each as its documentation shows it, at its best.

All send the message that the connector sent, but for Apprise, which writes its own around the same text.
"""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import aiosmtplib

from hub.blocks import blocks
from hub.errors import Refused
from yobikake.bench.mail_ours import BODY, HEADLINE, SENDER, people
from yobikake.bench.mail_run import Clock, Run, Sender, Unanswered
from yobikake.rehearsal.servers.program import SMTP_SOURCE

if TYPE_CHECKING:
    import apprise


EIGHT_BIT = ("BODY=8BITMIME",)


def smtp_source(connections: int, *, in_one: int, message: Path) -> Sender:
    """smtp-source(1), with connections kept (`-d`) and every recipient another (`-N`).

    Its clock also covers making the connections: it cannot be asked to wait.
    """

    async def send(port: int, recipients: int) -> Run:
        transactions = -(-recipients // in_one)
        argv = [
            str(SMTP_SOURCE.path), "-d", "-N",
            "-s", str(connections), "-m", str(transactions), "-r", str(in_one),
            "-f", SENDER, "-t", "resident@mail.example", "-M", "bench.example", "-F", str(message),
            f"127.0.0.1:{port}",
        ]  # fmt: skip
        clock = Clock()
        with clock.running():
            process = await asyncio.create_subprocess_exec(*argv, stderr=asyncio.subprocess.PIPE)
            _, said = await process.communicate()
        if process.returncode != 0:
            raise Unanswered(f"smtp-source: {said.decode(errors='replace').strip()}")
        return clock.run(transactions * in_one)

    return send


def aiosmtplib_on_one_connection(*, in_one: int, message: bytes) -> Sender:
    """`sendmail` with a message that is ready, faster than `send_message`, which writes it anew each time."""

    async def send(port: int, recipients: int) -> Run:
        addresses = [person.address for person in people(recipients)]
        clock = Clock()
        async with aiosmtplib.SMTP(hostname="127.0.0.1", port=port) as smtp:
            with clock.running():
                for block in blocks(addresses, in_one):
                    refused, _ = await smtp.sendmail(SENDER, block, message, mail_options=EIGHT_BIT)
                    if refused:
                        raise Unanswered(f"aiosmtplib: {len(refused)} refused")
        return clock.run(recipients)

    return send


def apprise_mailto() -> Sender:
    """One `notify` to everyone: it makes one connection, and writes a mail for each."""

    async def send(port: int, recipients: int) -> Run:
        app = _apprise(port, recipients)
        clock = Clock()
        with clock.running():
            taken = await asyncio.to_thread(app.notify, title=HEADLINE, body=BODY)
        if not taken:
            raise Unanswered("apprise: not everything was sent")
        return clock.run(recipients)

    return send


def _apprise(port: int, recipients: int) -> "apprise.Apprise":
    import apprise  # noqa: PLC0415 - a peer to measure against, which no hub needs

    to = ",".join(quote(person.address) for person in people(recipients))
    app = apprise.Apprise()
    app.add(f"mailto://127.0.0.1:{port}?from={quote(SENDER)}&to={to}&mode=insecure&format=text")
    return app


def require_apprise() -> None:
    """Raises `Refused` with what to install."""
    try:
        import apprise  # noqa: F401, PLC0415
    except ImportError:
        raise Refused(
            "This measurement compares with Apprise, which is not installed: "
            "pip install -r requirements-dev.txt (the extra `dev`). / "
            "比較に使う Apprise がありません。pip install -r requirements-dev.txt を実行してください。"
        ) from None
