"""Who is to be reached: recipients, and the audience an alert names."""

from enum import StrEnum
from typing import NewType

import msgspec

from hub.language import Language

RecipientId = NewType("RecipientId", int)
"""A row of the register. Logs, batches and events carry this, never an address."""

Town = NewType("Town", str)
"""A 町丁's code in the city's configuration, for example `13207-026`."""

Zone = NewType("Zone", str)
"""A shelter zone: towns that are sent to the same shelters (at most 12 in a city)."""


class Kind(StrEnum):
    """What stands behind a recipient."""

    RESIDENT = "resident"
    STAFF = "staff"  # takes part in staff drills; never in the count of residents
    TARGET = "target"  # a public post, a Wi-Fi facility, a sheet for staff: no person


class Recipient(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One target of one request, opened for sending: it exists in memory only.

    `address` is what the channel's gateway understands: a mail address, a LINE user id, a number
    in E.164, a facility's or an account's name. Its `repr` hides the address, so that no
    traceback or log line can show it.
    """

    id: RecipientId
    address: str

    def __repr__(self) -> str:
        return f"Recipient(id={self.id}, address=…)"


class WholeCity(msgspec.Struct, frozen=True, tag="whole_city"):
    """Everyone registered. Its own explicit value: no empty list ever means this (I9)."""


class Towns(msgspec.Struct, frozen=True, kw_only=True, tag="towns"):
    """The registrants of the named towns. At least one."""

    towns: tuple[Town, ...]

    def __post_init__(self) -> None:
        if not self.towns:
            raise ValueError("an audience of towns names at least one town / 町を1つ以上選んでください")


class Reached(msgspec.Struct, frozen=True, kw_only=True, tag="reached"):
    """For a correction: whoever the earlier alert reached, or may have reached, by channel."""

    identifier: str


class Called(msgspec.Struct, frozen=True, kw_only=True, tag="called"):
    """Staff, each named, whom a muster (参集) calls. At least one.

    Only recipients of kind STAFF are ever planned for, whatever the numbers say.
    """

    muster: int
    recipients: tuple[RecipientId, ...]

    def __post_init__(self) -> None:
        if not self.recipients:
            raise ValueError("a muster calls at least one person / 呼ぶ職員がいません")


Audience = WholeCity | Towns | Reached | Called


class Targeting(msgspec.Struct, frozen=True, kw_only=True):
    """An audience narrowed by what the operator chose.

    `languages` empty means all the alert is written in; a recipient whose language is not there
    gets its fallback (`Language.fallback`). `channels` is never empty.
    """

    audience: Audience
    channels: tuple[str, ...]
    languages: tuple[Language, ...] = ()

    def __post_init__(self) -> None:
        if not self.channels:
            raise ValueError("name at least one channel / 手段を1つ以上選んでください")
