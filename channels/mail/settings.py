"""What a city writes under `[channels.mail]`."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

Mailbox = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+$")]
Seconds = Annotated[float, Meta(gt=0, le=60)]


class Security(StrEnum):
    """How the way to the smarthost is protected. Certificates are always verified."""

    STARTTLS = "starttls"  # RFC 3207; a smarthost that does not offer it is refused
    TLS = "tls"  # from the first byte, RFC 8314, usually port 465
    NONE = "none"  # a smarthost on this machine


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[channels.mail]`. The defaults are those of message submission (RFC 6409)."""

    host: str
    """The smarthost's name, as its certificate has it."""
    port: Annotated[int, Meta(ge=1, le=65535)] = 587
    security: Security = Security.STARTTLS
    username: str | None = None
    password_file: Path | None = None
    sender: Mailbox
    """Stands in From; residents know it and let it through their carrier's filters."""
    bounces: Mailbox | None = None
    """The envelope sender, to which bounces come. Without it: `sender`."""
    unsubscribe: Mailbox | None = None
    """A mail to this address ends a registration (List-Unsubscribe, RFC 2369)."""
    ehlo_name: Annotated[str, Meta(pattern=r"^[A-Za-z0-9.:\[\]-]+$")] | None = None
    """What this hub calls itself. Without it: the domain of `sender`."""
    recipients_per_transaction: Annotated[int, Meta(ge=1, le=1000)] = 100
    """RFC 5321 §4.5.3.1.8 makes every server take 100."""
    connections: Annotated[int, Meta(ge=1, le=100)] = 8
    """At most this many at once, in each lane."""
    warm_connections: Annotated[int, Meta(ge=0, le=100)] = 2
    """Kept open and logged in while there is nothing to send."""
    connect_timeout_s: Seconds = 10.0
    """For everything up to the log-in."""
    reply_timeout_s: Seconds = 30.0

    def __post_init__(self) -> None:
        if (self.username is None) != (self.password_file is None):
            raise ValueError(
                "username and password_file go together / username と password_file は両方書いてください"
            )

    @property
    def envelope_sender(self) -> str:
        return self.bounces or self.sender

    @property
    def domain(self) -> str:
        return self.sender.rpartition("@")[2]
