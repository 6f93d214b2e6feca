"""Every error the hub raises on purpose.

    HubError
    ├── BadInput(path)              a file, an event or a form that cannot be understood
    ├── BadSettings(path)           a setting that cannot work
    ├── Forbidden                   this person may not do this
    ├── Conflict                    somebody else was first; look again
    │   └── AlreadySent(alert)      it was sent; this is the alert
    ├── Refused                     the hub may not do this here (rehearsal, production, disk)
    │   └── DiskFull                there is no room for it
    ├── DatabaseAway                the ledger did not answer
    ├── GateClosed                  nothing more may be sent for this batch
    │   ├── Cancelled
    │   ├── Superseded
    │   ├── Expired
    │   ├── WrongMode
    │   └── LeaseLost
    └── DeliveryFailure(reason)     a gateway said no, or could not be asked
        ├── TemporaryFailure(retry_after)
        ├── PermanentFailure
        ├── CredentialsFailure
        └── AmbiguousFailure        the request may have been carried out

Messages name the place and what to do, in Japanese and English where staff see them. None holds an
address, a number, a token or a body.
"""

from datetime import timedelta


class HubError(Exception):
    """`message` is shown to staff as it is."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class BadInput(HubError):
    """`path` names the place: `$.info[0].severity`, `line 12`."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path}: {message}")
        self.path = path


class BadSettings(HubError):
    """`path` names the file and the key."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path}: {message}")
        self.path = path


class Forbidden(HubError):
    """The actor lacks the right, or is the author where a second person is needed (I10)."""


class Conflict(HubError):
    """The thing changed, or was done, since it was read."""


class AlreadySent(Conflict):
    """A draft is sent once. `alert` is the identifier of what became of it, `number` its public one."""

    def __init__(self, alert: str, number: str) -> None:
        super().__init__(
            f"すでに配信済みです（{number}）。二重には送りません / Already sent as {number}. It will not be sent twice"
        )
        self.alert = alert
        self.number = number


class Refused(HubError):
    """Allowed in general, but not here: a rehearsal hub and a live gateway, a full disk."""


class DiskFull(Refused):
    """There is too little room on the disk."""


class DatabaseAway(HubError):
    """The ledger did not answer. What was asked of it was done altogether or not at all."""


class GateClosed(HubError):
    """Raised by a parcel's gate directly before a request; that request is never made."""


class Cancelled(GateClosed):
    """The alert was cancelled (I5)."""


class Superseded(GateClosed):
    """A later alert took this one's place (I11)."""


class Expired(GateClosed):
    """The alert's `expires` has passed (I8)."""


class WrongMode(GateClosed):
    """The batch's mode is not the alert's, or this connector may not be used in it (I6)."""


class LeaseLost(GateClosed):
    """The claim ran out; another worker may hold the batch now."""


class DeliveryFailure(HubError):
    """`reason` is a short code from the provider's table, for example `5.1.1` or `429`."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class TemporaryFailure(DeliveryFailure):
    """Nothing was carried out; it may be tried again after `retry_after`, if given."""

    def __init__(self, reason: str, message: str, *, retry_after: timedelta | None = None) -> None:
        super().__init__(reason, message)
        self.retry_after = retry_after


class PermanentFailure(DeliveryFailure):
    """Trying again would not help."""


class CredentialsFailure(DeliveryFailure):
    """The gateway does not accept us. The channel pauses and staff are paged; no target is at fault."""


class AmbiguousFailure(DeliveryFailure):
    """The gateway may or may not have carried the request out."""
