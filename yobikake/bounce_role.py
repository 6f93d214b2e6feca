"""The role `bounces`: reports on our mail come in, become receipts, and count against addresses that are none.

One process of it is enough; with a maildir or a mailbox there must not be two.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

import structlog

from channels.fax import result
from channels.fax import settings as fax_settings
from channels.mail import Settings
from channels.mail.bounces import Read, read
from channels.mail.bounces.addressed import returned
from channels.mail.intake import From, Source
from channels.mail.intake.imap import Mailbox
from channels.mail.intake.lmtp import Listener
from channels.mail.intake.maildir import Maildir
from hub import settings as hub_settings
from hub.channel import Receipt
from hub.clock import Clock
from hub.delivery import ProviderRef
from hub.errors import BadSettings
from hub.ledger import Ledger, canaries
from hub.outbound import Outbound
from hub.returns import Returned, Returns
from yobikake.assembly import Assembly

log = structlog.get_logger(__name__)

MAIL, FAX = "mail", "fax"


def configured(settings: hub_settings.Settings) -> bool:
    """Whether there is a way in."""
    return "bounces_from" in settings.channels.get(MAIL, {})


async def run(assembly: Assembly) -> None:
    """Until cancelled. Raises `BadSettings` or `Refused` where the way in cannot be used."""
    returns = Returns(
        ledger=assembly.ledger,
        keys=assembly.keys,
        postbox=assembly.postbox,
        clock=assembly.clock,
        page=assembly.pager.page,
    )
    taking = partial(
        take, returns, fax=_fax(assembly), tried=partial(of_canary, assembly.ledger, assembly.clock)
    )
    async with asyncio.TaskGroup() as group:
        for way_in in sources(assembly):
            group.create_task(way_in.run(taking))


def sources(assembly: Assembly) -> list[Source]:
    """Where the settings say that reports come from."""
    return ways_in(assembly, _settings(assembly), setting=f"[channels.{MAIL}.bounces_from]")


def ways_in(assembly: Assembly, found: From, *, setting: str) -> list[Source]:
    """As `found`, which stands at `setting`, says that mail comes in. Raises `BadSettings` or `Refused`."""
    ways: list[Source] = []
    if found.maildir_dir is not None:
        ways.append(Maildir(found.maildir_dir, every_s=found.every_s))
    if found.others_dir is not None:
        host, port = found.listener
        ways.append(Listener(host, port, others=found.others_dir))
    if found.imap:
        outbound = _outbound(assembly)
        ways.append(Mailbox(found, outbound=outbound, page=assembly.pager.page, setting=setting))
    return ways


Tried = Callable[[Sequence[Returned]], Awaitable[int]]


async def no_canary(_found: Sequence[Returned]) -> int:
    return 0


async def take(
    returns: Returns, mail: bytes, *, fax: fax_settings.Settings | None = None, tried: Tried = no_canary
) -> bool:
    """As `channels.mail.intake.Take` says. Counted by what it is; nothing of the mail itself is logged. `tried`: takes
    what is said of a test fax, and returns of how many somebody waits for that.

    A fax is a mail too: what is no report on mail may be on a fax, in a report's form or in its gateway's own words.
    """
    reported = await asyncio.to_thread(_read, mail)
    ours = returned(reported)
    known = await returns.take(MAIL, ours) if ours else 0
    if not known and fax is not None:
        ours = ours or await asyncio.to_thread(_fax_result, mail, fax)
        known = (await returns.take(FAX, ours) or await tried(ours)) if ours else 0
    reasons = Counter(str(bounce.reason) for bounce in reported.bounces)
    log.info("a mail to the bounce address", ours=bool(known), known=known, reasons=dict(reasons))
    return known > 0


async def of_canary(ledger: Ledger, clock: Clock, found: Sequence[Returned]) -> int:
    """Test faxes have no batch: what is said of them waits for whoever sent them (`hub.canaries`)."""
    at = clock()
    said = [
        Receipt(ref=ProviderRef(each.key.hex), outcome=each.outcome, at=at, reason=each.reason)
        for each in found
        if each.outcome is not None
    ]
    return await ledger.write(lambda conn: sum(canaries.report(conn, FAX, receipt) for receipt in said))


def _fax_result(mail: bytes, fax: fax_settings.Settings) -> list[Returned]:
    try:
        return result.returned(mail, sent=fax.sent_words, failed=fax.failed_words)
    except Exception:
        log.exception("a fax's result could not be read; it is kept with what is no report")
        return []


def _read(mail: bytes) -> Read:
    try:
        return read(mail)
    except Exception:
        log.exception("a mail could not be read; it is kept with what is no report")
        return Read(bounces=())


def _outbound(assembly: Assembly) -> Outbound:
    proxy = assembly.settings.proxy
    return Outbound(
        deployment=assembly.deployment, proxy=proxy.url, direct=proxy.direct, ca_file=proxy.ca_file
    )


def _fax(assembly: Assembly) -> fax_settings.Settings | None:
    stanza = assembly.settings.channels.get(FAX)
    return (
        None
        if stanza is None
        else hub_settings.convert(stanza, fax_settings.Settings, where=f"[channels.{FAX}]")
    )


def _settings(assembly: Assembly) -> From:
    where = f"[channels.{MAIL}]"
    found = hub_settings.convert(assembly.settings.channels[MAIL], Settings, where=where).bounces_from
    if found is None:
        raise BadSettings(f"{where} bounces_from", "is missing / 書いてください")
    return found
