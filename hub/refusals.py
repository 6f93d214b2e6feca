"""What an alert's refusals say together, by report or at the hand-over: of several, the addresses may not be to blame.

A few are the recipients' own trouble; of many that are about us, staff are called. Of many that say that nobody is
there, `hub.gone` calls them.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial

import structlog

from hub.capabilities import Capabilities
from hub.delivery import Batch, Outcome, Result
from hub.ledger import AWAY, Ledger, bounces
from hub.ledger.bounces import Noted
from hub.recipient import RecipientId

log = structlog.get_logger(__name__)

Page = Callable[[str, str], None]

POLICY_LIMIT = 0.01
"""Of an alert's recipients: with more refusals that are about us, staff are paged."""

POLICY_LEAST = 5


def about_us(batch: Batch, results: Mapping[RecipientId, Result], channel: Capabilities) -> list[Noted]:
    """Refusals at the hand-over, for good and for what we are."""
    return [
        Noted(recipient, batch.alert, False, True, result.reason)
        for recipient, result in results.items()
        if result.outcome is Outcome.PERMANENT and result.reason.startswith(channel.policy)
    ]


async def note(ledger: Ledger, batch: Batch, refused: list[Noted], *, at: datetime, page: Page) -> None:
    """Count them. While the database is away they are not counted: those that come later tell as well."""
    try:
        await ledger.write(partial(bounces.note, channel=batch.channel, noted=refused, at=at))
        await watch(ledger, batch.alert, batch.channel, page=page)
    except AWAY:
        log.warning("refusals are not counted", batch=batch.id, number=len(refused))


async def watch(ledger: Ledger, alert: str, channel: str, *, page: Page) -> None:
    """Call staff where too many of the alert's refusals are about us."""
    tally = await ledger.read(partial(bounces.tally, alert=alert, channel=channel))
    if tally.policy >= POLICY_LEAST and tally.policy > POLICY_LIMIT * tally.planned:
        page(
            f"refused by policy {channel}",
            f"{alert}：{tally.planned:,}件のうち{tally.policy:,}件が、こちらの認証や評判を理由に受け取りを断られました。"
            "SPF・DKIM・DMARCと、送信元IPアドレスが拒否リストにないか、メールサーバーがどの宛先へも中継するかを確かめてください / "
            f"{tally.policy:,} of {tally.planned:,} mails were refused for what we are, not for their addresses: "
            "check SPF, DKIM, DMARC, whether the smarthost's address is on a block list, and whether it relays to every "
            "domain",
        )
