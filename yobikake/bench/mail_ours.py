"""The mail connector as the engine uses it: a parcel a transaction, twice as many under way as connections."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import uuid4

from channels.mail import Mail, Security, Settings
from hub import unsubscribe
from hub.alert import Mode
from hub.blocks import blocks
from hub.cap import MsgType
from hub.channel import Content, Parcel, Span
from hub.clock import utc_now
from hub.delivery import BatchId, Outcome, Result
from hub.evacuation import Level
from hub.keys import Keys
from hub.language import Language
from hub.outbound import Deployment, Outbound
from hub.recipient import Recipient, RecipientId
from yobikake.bench.mail_run import Clock, Run, Sender, Unanswered
from yobikake.rehearsal.faults import Faults
from yobikake.rehearsal.smtp import SmtpGateway

PARCEL = 100
REFUSED = 0.05
"""Of all recipients, where replies are told apart."""
KEYS = Keys(fields={"1": bytes(32)}, index=bytes(32), record=bytes(32))
SENDER = "bousai@yobikake.example"
HEADLINE = "【警戒レベル4】避難指示（洪水）川沿い地区"
BODY = """よびかけ市は21時47分、青波川の洪水について警戒レベル4 避難指示を発令しました。
危険な場所にいる方は、全員避難してください。

洪水のときに使える避難場所
・つつじ小学校　空いています（21時40分）
・青波市民センター　混んでいます（21時42分）

川には近づかないでください。"""


def together(connections: int) -> Sender:
    """Up to 100 recipients a transaction."""
    return _sender(connections)


def each_alone(connections: int) -> Sender:
    """A transaction and a message of their own for each recipient, as `personal` has it, tokens and all."""
    return _sender(connections, personal=True)


async def told_apart(connections: int, number: int) -> int:
    """Of so many recipients, of whom the rehearsal's smarthost refuses some, everyone got the reply that was
    theirs: that many. Raises `Unanswered` where somebody got another's, or none."""
    faults, to = Faults(permanent=REFUSED), people(number)
    async with SmtpGateway(faults=faults) as gateway, _opened(gateway.port, connections) as mail:
        parcels = [_parcel(block) for block in blocks(to, PARCEL)]
        results = await _hand_over(mail, parcels, at_once=2 * connections)
    refused = {each.id for each in to if faults.hits(faults.permanent, "permanent", each.address)}
    said = {each.recipient: each.outcome for each in results}
    theirs = {each.id: Outcome.PERMANENT if each.id in refused else Outcome.ACCEPTED for each in to}
    wrong = sum(said.get(recipient) is not outcome for recipient, outcome in theirs.items())
    if wrong or len(results) != number:
        raise Unanswered(f"the connector: {wrong:,} of {number:,} recipients had no reply of their own")
    return number


def people(number: int) -> list[Recipient]:
    return [Recipient(id=RecipientId(n), address=f"resident{n}@mail.example") for n in range(number)]


def _sender(connections: int, *, personal: bool = False) -> Sender:
    async def send(port: int, recipients: int) -> Run:
        to = people(recipients)
        parcels = [_parcel(block) for block in blocks(to, PARCEL)]
        clock = Clock()
        async with _opened(port, connections, personal=personal) as mail:
            with clock.running():
                results = await _hand_over(mail, parcels, at_once=2 * connections)
        _answered(to, results)
        return clock.run(recipients)

    return send


@asynccontextmanager
async def _opened(port: int, connections: int, *, personal: bool = False) -> AsyncIterator[Mail]:
    """All connections are made before the clock runs, as a hub keeps them."""
    settings = Settings(
        host="127.0.0.1",
        port=port,
        security=Security.NONE,
        sender=SENDER,
        personal=personal,
        connections=connections,
        warm_connections=connections,
    )
    mail = Mail(settings, outbound=Outbound(deployment=Deployment.REHEARSAL), clock=utc_now)
    mail.leave_by("https://hub.example/unsubscribe/", partial(unsubscribe.token, KEYS, "mail"))
    await mail.open()
    try:
        yield mail
    finally:
        await mail.close()


async def _hand_over(mail: Mail, parcels: Iterable[Parcel], *, at_once: int) -> list[Result]:
    waiting, results = iter(parcels), list[Result]()
    await asyncio.gather(*(_work(mail, waiting, results) for _ in range(at_once)))
    return results


async def _work(mail: Mail, waiting: Iterator[Parcel], results: list[Result]) -> None:
    for parcel in waiting:
        async for result in mail.send(parcel):
            results.append(result)


def _answered(to: Sequence[Recipient], results: Sequence[Result]) -> None:
    """One acceptance for each."""
    refused = sum(result.outcome is not Outcome.ACCEPTED for result in results)
    known = {result.recipient for result in results}
    if refused or not len(known) == len(results) == len(to):
        raise Unanswered(
            f"the connector: {len(to):,} recipients, {len(results):,} results for {len(known):,} of them, "
            f"{refused:,} not accepted"
        )


def _parcel(to: Sequence[Recipient]) -> Parcel:
    key = uuid4()
    return Parcel(
        batch_id=BatchId(f"bench/1/mail/{key.hex}"),
        attempt=1,
        idempotency_key=key,
        mode=Mode.LIVE,
        expires_at=utc_now() + timedelta(hours=3),
        content=CONTENT,
        to=to,
        gate=_open,
    )


def _open() -> None:
    """The gate, which lets everything through."""


CONTENT = Content(
    language=Language.JA,
    mode=Mode.LIVE,
    msg_type=MsgType.ALERT,
    level=Level.EVACUATE,
    identifier="bench-2026-0147",
    number="2026-0147",
    sender="よびかけ市",
    sent=datetime(2026, 9, 8, 12, 47, tzinfo=UTC),
    headline=(Span(HEADLINE),),
    body=(Span(BODY),),
    short=(Span(HEADLINE),),
    speech=(Span(HEADLINE),),
    link="https://hub.example/a/2026-0147/ja",
)
