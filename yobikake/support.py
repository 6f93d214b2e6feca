"""What somebody says of themselves at the counter: that they need help to evacuate, or no longer do."""

from datetime import datetime

from sqlalchemy import Connection

from hub import contact
from hub import keys as key_files
from hub.authorise import SYSTEM
from hub.contact import Wrong
from hub.errors import BadInput
from hub.keys import Keys
from hub.ledger import audit, enrolment
from hub.settings import Settings
from yobikake.initialise import opened


async def state(settings: Settings, typed: str, *, needs: bool, at: datetime) -> None:
    """In force with this commit. The audit row says that something was stated, not what.

    Raises:
        BadInput: this is no telephone number, or no resident is registered under it; it is not shown.
    """
    number, keys = _number(typed), key_files.load(settings.keys)
    async with opened(settings) as ledger:
        if not await ledger.write(lambda conn: _keep(conn, keys, number, needs=needs, at=at)):
            raise BadInput(
                "NUMBER", "no resident is registered under it / この番号で登録している住民はいません"
            )


def _keep(conn: Connection, keys: Keys, number: str, *, needs: bool, at: datetime) -> bool:
    said = [
        enrolment.say(conn, keys, channel, number, support=needs) for channel in sorted(enrolment.CALLING)
    ]
    residents = {recipient for recipient in said if recipient is not None}
    for recipient in sorted(residents):
        subject = f"recipient {recipient}"
        audit.append(
            conn, keys, at=at, actor=SYSTEM.login, action="register.support", subject=subject, detail={}
        )
    return bool(residents)


def _number(typed: str) -> str:
    try:
        return contact.telephone(typed)
    except Wrong as e:
        raise BadInput("NUMBER", f"{e.english} / {e.japanese}") from e
