"""What the demo shows of the telephone: what those who were called say, and what somebody who calls in hears."""

from hub.ledger import Ledger, replies
from hub.reply import counts
from yobikake.rehearsal.city import RehearsalCity
from yobikake.rehearsal.twilio import TwilioGateway


async def replied(ledger: Ledger, alert: str) -> dict[str, int]:
    """How many said what by a key, each person once."""
    given = await ledger.read(lambda conn: replies.of_alert(conn, alert))
    return {reply.japanese: number for reply, number in counts(given).items()}


async def told(town: RehearsalCity, url: str) -> str:
    """The first words of the line at `url`, as a caller hears them."""
    for gateway in town.http:
        if isinstance(gateway, TwilioGateway):
            heard = await gateway.called_in(f"{url}/phone")
            return "".join(text for _, text in heard.said[:2])
    return ""
