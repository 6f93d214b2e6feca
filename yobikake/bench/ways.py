"""How a city of any size is registered on each channel, and at which pace the benchmark lets it send."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from channels.fax.settings import mailbox
from yobikake.rehearsal.fax import DOMAIN

RAISED_PER_S = 500
"""Calls and faxes a second, and half of the parts of short messages: far more than any contract, so that the hub is what is
measured."""

Contact = Callable[[int], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """`contact`: the address of the n-th resident; None: the channel has targets of its own. `over`: laid over the
    channel's stanza."""

    kind: str
    contact: Contact | None = None
    over: Mapping[str, Any] = field(default_factory=dict)
    contract_per_s: float | None = None
    """Requests (of short messages: their parts) a second of an ordinary contract, where that is far below what the benchmark
    sends at."""
    counts: bool = True
    """Its gateway takes something for each recipient by name; a post and a switch name nobody."""

    def at_gateway(self, address: str) -> str:
        """A registered address as the gateway knows it."""
        return mailbox(f"{{number}}@{DOMAIN}", address) or "" if self.kind == "fax" else address


def _mobile(n: int) -> str:
    return f"+8190{n:08}"


def ways(browsers: Sequence[str]) -> dict[str, Way]:
    """By channel, in the order in which they are measured. `browsers`: subscriptions, one a resident."""
    found = (
        Way(kind="line", contact=lambda n: f"U{n:032x}"),
        Way(kind="webpush", contact=browsers.__getitem__),
        Way(
            kind="sms",
            contact=_mobile,
            over={"segments_per_s": 2 * RAISED_PER_S, "timeout_s": 60.0},
            contract_per_s=1.0,
        ),
        Way(kind="voice", contact=_mobile, over={"calls_per_s": RAISED_PER_S}, contract_per_s=1.0),
        Way(
            kind="fax",
            contact=lambda n: f"+8142{n:07}",
            over={"per_minute": 60 * RAISED_PER_S, "connections": 20},
            contract_per_s=0.5,
        ),
        Way(kind="mail", contact=lambda n: f"bench{n}@mail.example"),
        Way(kind="webhook"),
        Way(kind="loudspeaker", counts=False),
        Way(kind="x", counts=False),
        Way(kind="website", counts=False),
        Way(kind="wifi", counts=False),
    )
    return {way.kind: way for way in found}
