"""What a city writes under `[channels.mail]`."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from channels.mail.charset import Charset
from channels.mail.intake.settings import From
from channels.mail.standing.settings import Dns
from hub.alert import Lane

Mailbox = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+$",
        description="as bosai@city.example.lg.jp, without a name / bosai@city.example.lg.jp の形で（名前は付けずに）",
    ),
]
Seconds = Annotated[float, Meta(gt=0, le=60)]


class Security(StrEnum):
    """How the way to the smarthost is protected. Certificates are always verified."""

    STARTTLS = "starttls"  # RFC 3207; a smarthost that does not offer it is refused
    TLS = "tls"  # from the first byte, RFC 8314, usually port 465
    NONE = "none"  # a smarthost on this machine


Port = Annotated[int, Meta(ge=1, le=65535)]
Recipients = Annotated[int, Meta(ge=1, le=1000)]
Connections = Annotated[int, Meta(ge=1, le=100)]
Rate = Annotated[float, Meta(gt=0)]


class Routine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[channels.mail.routine]`: what is different for routine mail, laid over `[channels.mail]`.

    With a `host` of its own nothing of the other smarthost is taken over, its password least of all.
    """

    host: str | UnsetType = UNSET
    port: Port | UnsetType = UNSET
    security: Security | UnsetType = UNSET
    username: str | UnsetType = UNSET
    password_file: Path | UnsetType = UNSET
    drain_per_s: Rate | UnsetType = UNSET
    recipients_per_transaction: Recipients | UnsetType = UNSET
    connections: Connections | UnsetType = UNSET
    warm_connections: Annotated[int, Meta(ge=0, le=100)] | UnsetType = UNSET

    @property
    def given(self) -> dict[str, Any]:
        values = {name: getattr(self, name) for name in self.__struct_fields__}
        return {name: value for name, value in values.items() if value is not UNSET}


ANOTHER_HOST: dict[str, Any] = {
    "port": 587,
    "security": Security.STARTTLS,
    "username": None,
    "password_file": None,
    "drain_per_s": None,
}
"""What belongs to one smarthost, as it is where nothing is written."""


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[channels.mail]`. The defaults are those of message submission (RFC 6409)."""

    host: str
    """The smarthost's name, as its certificate has it."""
    port: Port = 587
    security: Security = Security.STARTTLS
    username: str | None = None
    password_file: Path | None = None
    sender: Mailbox
    """Stands in From; residents know it and let it through their carrier's filters."""
    bounces: Mailbox | None = None
    """The envelope sender, to which bounces come. Without it: `sender`."""
    bounces_from: From | None = None
    """How the mail that comes to `bounces` gets here; without it nobody reads it."""
    dns: Dns = Dns()
    """What `yobikake check mail` has to know to look up how our mail stands."""
    unsubscribe: Mailbox | None = None
    """A mail to this address ends a registration (List-Unsubscribe, RFC 2369)."""
    personal: bool = False
    """Everybody gets a message of their own, with the address at which they end their registration by one click
    (RFC 8058). Needed where receivers ask that of whoever sends to many, as Gmail does; costs a transaction for each
    recipient instead of one for a hundred."""
    html: bool = True
    """Beside the plain text the same as simple HTML. Without it, plain text alone."""
    charset: Charset = Charset.UTF_8
    """Of Japanese plain text and headers. With `iso-2022-jp` a message that holds a character it cannot carry goes out
    in UTF-8, as every other language does."""
    ehlo_name: (
        Annotated[
            str,
            Meta(
                pattern=r"^[A-Za-z0-9.:\[\]-]+$",
                description="as a host: mx.city.example.lg.jp / mx.city.example.lg.jp のようなホスト名で",
            ),
        ]
        | None
    ) = None
    """What this hub calls itself. Without it: the domain of `sender`."""
    drain_per_s: Rate | None = None
    """Recipients a second that the smarthost passes on to the carriers. Routine mail is handed over no
    faster, so that urgent mail finds no queue there. Without it the hub goes by how fast the smarthost
    answers, which says nothing where it takes everything into a queue: then give routine mail a smarthost
    of its own."""
    recipients_per_transaction: Recipients = 100
    """RFC 5321 §4.5.3.1.8 makes every server take 100. With `personal`: messages that are handed over together."""
    connections: Connections = 50
    """At most this many at once, in each lane; how many are of use follows from the round trip."""
    warm_connections: Annotated[int, Meta(ge=0, le=100)] = 2
    """Kept open and logged in while there is nothing to send."""
    connect_timeout_s: Seconds = 10.0
    """For everything up to the log-in."""
    reply_timeout_s: Seconds = 30.0
    timeout_s: Annotated[float, Meta(gt=0, le=600)] = 45.0
    """For a transaction as a whole: what takes longer is cut off."""

    routine: Routine = Routine()

    def __post_init__(self) -> None:
        if self.routine.given:
            self.on(Lane.ROUTINE)
        if (self.username is None) != (self.password_file is None):
            raise ValueError(
                "username and password_file go together / username と password_file は両方書いてください"
            )

    def on(self, lane: Lane) -> "Settings":
        """As `hub.channel.ByLane` says."""
        laid = self.routine.given if lane is Lane.ROUTINE else {}
        transport = ANOTHER_HOST if "host" in laid else {}
        return msgspec.structs.replace(self, **(transport | laid), routine=Routine())

    @property
    def apart(self) -> bool:
        """As `hub.channel.ByLane` says."""
        routine = self.on(Lane.ROUTINE)
        return (routine.host, routine.port) != (self.host, self.port)

    @property
    def envelope_sender(self) -> str:
        return self.bounces or self.sender

    @property
    def domain(self) -> str:
        return self.sender.rpartition("@")[2]
