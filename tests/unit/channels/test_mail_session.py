"""Where a connection breaks decides what is known of a message: before its final dot left, or behind it."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

import pytest

from channels.mail.handover import Envelope, Gates, Transaction
from channels.mail.relaying import Relaying
from channels.mail.session import PIECE_BYTES, Session
from hub.delivery import Outcome, Result
from hub.recipient import Recipient, RecipientId

DOT = b"\r\n.\r\n"
Told = list[Result] | Exception


class Wire(asyncio.Transport):
    """Takes pieces until there are `full_at` bytes, then nothing more."""

    def __init__(self) -> None:
        super().__init__()
        self.octets = b""
        self.full_at: int | None = None

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        assert isinstance(protocol, Session)
        self.session = protocol

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.octets += data
        if self.full_at is not None and len(self.octets) >= self.full_at:
            self.session.pause_writing()

    def abort(self) -> None:
        pass


class Waiting:
    def __init__(self, transactions: Sequence[Transaction]) -> None:
        self.waiting = list(transactions)
        self.displaced: Sequence[Transaction] = ()

    def next(self) -> Transaction | None:
        return self.waiting.pop(0) if self.waiting else None

    def idle(self, session: Session) -> None:
        pass

    def ended(self, session: Session, displaced: Sequence[Transaction]) -> None:
        self.displaced = displaced


@pytest.mark.parametrize("size_bytes", [1_000, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 150_000])
async def test_a_message_whose_dot_is_on_the_wire_may_have_arrived(size_bytes: int) -> None:
    """Whatever of the next envelope, which goes out in the same write, is still here."""
    for pieces in (1, 2, 3):
        first, second, wire = await _broken(size_bytes, pieces=pieces)
        [result] = first
        arrived = DOT in wire.octets
        assert result.outcome is (Outcome.AMBIGUOUS if arrived else Outcome.TEMPORARY), pieces
        assert second == [], "another session begins it anew"


async def _broken(size_bytes: int, *, pieces: int) -> tuple[list[Result], list[Told], Wire]:
    """What two transactions end with when the connection breaks after so many pieces of the first one's message."""
    first: list[Told] = []
    second: list[Told] = []
    wire = Wire()
    host = Waiting([_transaction(1, size_bytes, first), _transaction(900, 1_000, second)])
    session = Session(wire, offers=frozenset({"pipelining"}), round_trip_s=0.0, reply_s=60.0, whole_s=60.0)
    session.serve(host)
    session.data_received(b"250 ok\r\n250 ok\r\n")
    wire.full_at = len(wire.octets) + (pieces - 1) * PIECE_BYTES + 1
    session.data_received(b"354 go on\r\n")
    session.connection_lost(None)
    [results] = first
    assert isinstance(results, list)
    return results, second, wire


def _transaction(recipients: int, size_bytes: int, told: list[Told]) -> Transaction:
    to = [
        Recipient(id=RecipientId(each), address=f"{'a' * 60}{each}@city.example")
        for each in range(1, recipients + 1)
    ]
    message = b"\r\n".join([b"x" * 70] * (size_bytes // 72 + 1))[: size_bytes - len(DOT)] + DOT
    envelope = Envelope("alerts@city.example", to, lambda _: message, UUID(int=recipients))
    return Transaction(envelope, Gates(lambda: None, lambda: None), told.append, Relaying())
