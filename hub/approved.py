"""What was approved: alerts and frozen contents, read once and kept open for as long as they are in use."""

from hub import codec, render
from hub.alert import Alert
from hub.channel import Content
from hub.errors import Refused
from hub.keys import Keys
from hub.ledger import Ledger, alerts, batches
from hub.ledger.alerts import Accepted
from hub.newest import Newest

ALERTS = 64
CONTENTS = 256
"""An alert has some hundred: eight languages by up to twelve zones."""


class Approved:
    """Neither ever changes, so nothing that is kept grows old."""

    def __init__(self, ledger: Ledger, keys: Keys) -> None:
        self._ledger = ledger
        self._keys = keys
        self._alerts: Newest[str, Accepted] = Newest(ALERTS)
        self._contents: Newest[tuple[str, str], Content] = Newest(CONTENTS)

    async def alert(self, identifier: str) -> Accepted:
        """Raises `BadInput` when there is none, or when its row is not what was accepted."""
        known = self._alerts.get(identifier)
        if known is None:
            known = await self._ledger.read(lambda conn: alerts.get(conn, self._keys, identifier))
            self._alerts.keep(identifier, known)
        return known

    async def content(self, content_hash: str, alert: Alert) -> Content:
        """Raises `Refused`: it is not what was frozen, or does not say what was approved for this alert (I10)."""
        known = self._contents.get((content_hash, alert.identifier))
        if known is None:
            body = await self._ledger.read(lambda conn: batches.content(conn, content_hash))
            known = codec.content_from(body)
            if render.content_hash(known) != content_hash:
                raise Refused(
                    f"the content of alert {alert.identifier} was changed in the ledger. Nothing was sent. / "
                    "保存された文面が書きかえられています。送っていません"
                )
            render.verify(known, alert)
            self._contents.keep((content_hash, alert.identifier), known)
        return known
