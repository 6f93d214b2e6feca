"""A name server on loopback, over UDP, that knows what a test writes into it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset


@dataclass(slots=True)
class NameServer:
    """`zone`: name and type → what it answers. Of a name that is not in it there is none (NXDOMAIN)."""

    zone: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    silent: bool = False
    failing: bool = False
    port: int = 0
    asked: list[tuple[str, str]] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def text(self, name: str, *records: str) -> None:
        """In strings of at most 255 octets, as DNS has them."""
        self.zone[name, "TXT"] = [
            " ".join(f'"{each[at : at + 255]}"' for at in range(0, len(each), 255)) for each in records
        ]

    def answer(self, question: bytes) -> bytes | None:
        query = dns.message.from_wire(question)
        (asked,) = query.question
        name, kind = asked.name.to_text(omit_final_dot=True).lower(), dns.rdatatype.to_text(asked.rdtype)
        self.asked.append((name, kind))
        if self.silent:
            return None
        reply = dns.message.make_response(query)
        records = self.zone.get((name, kind), [])
        if self.failing:
            reply.set_rcode(dns.rcode.SERVFAIL)
        elif records:
            reply.answer.append(dns.rrset.from_text_list(asked.name, 60, "IN", kind, records))
        elif not any(each == name for each, _ in self.zone):
            reply.set_rcode(dns.rcode.NXDOMAIN)
        return reply.to_wire()


class _Udp(asyncio.DatagramProtocol):
    def __init__(self, server: NameServer) -> None:
        self._server = server

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        answer = self._server.answer(data)
        if answer is not None:
            self._transport.sendto(answer, addr)


@asynccontextmanager
async def name_server() -> AsyncIterator[NameServer]:
    server = NameServer()
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: _Udp(server), local_addr=("127.0.0.1", 0))
    server.port = transport.get_extra_info("sockname")[1]
    try:
        yield server
    finally:
        transport.close()
