"""Who was told: whoever got a message, or may have got it. A correction goes to exactly those (I5).

That is what the two arrays together say, and one thing more: a proof of arrival counts on whatever
try it came, also on one after which the recipient was moved to a retry.
"""

from collections.abc import Sequence

from hub.delivery import MERGED, REACHED, Outcome
from hub.recipient import RecipientId

PROOF = frozenset({Outcome.DELIVERED, Outcome.ANSWERED})
"""Receipts after which nobody doubts that it arrived."""


def was_told(handover: int, receipt: int) -> bool:
    return (handover, receipt) in _TOLD


def told(members: Sequence[RecipientId], handover: bytes, receipt: bytes) -> list[RecipientId]:
    """Those of a batch who were or may have been told, in the order of `members`."""
    pairs = zip(handover, receipt, strict=True)
    return [member for member, pair in zip(members, pairs, strict=True) if pair in _TOLD]


_TOLD = frozenset(
    (handover, receipt)
    for (handover, receipt), merged in MERGED.items()
    if merged in REACHED or merged is Outcome.AMBIGUOUS or receipt in PROOF
)
