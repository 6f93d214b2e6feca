"""What stands between a hub and its gateways: a forward proxy, and an authority that no system knows."""

import asyncio
import contextlib
import ssl
from abc import ABC, abstractmethod
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from hub.testing.answers import leap_until

LOGIN = "hub:prxyPass-0f1e2d3c4b"
"""Of the proxy, as it stands in its address."""


class Listener(ABC):
    """On loopback, between entering and leaving it; at the end nobody is connected any more."""

    def __init__(self, port: int = 0) -> None:
        self.port = port
        self._server: asyncio.Server | None = None
        self._serving: set[asyncio.Task[None]] = set()

    @abstractmethod
    async def serve(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        """One connection."""

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._take, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *exc: object) -> None:
        assert self._server is not None, "enter it first"
        self._server.close()
        for serving in self._serving:
            serving.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def _take(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        serving = asyncio.current_task()
        assert serving is not None
        self._serving.add(serving)
        try:
            await self.serve(client, to_client)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            return  # one of the two has gone
        finally:
            await hang_up(to_client)
            self._serving.discard(serving)


class Mute(Listener):
    """Takes connections, and says nothing; whoever waits for it has waited."""

    async def serve(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        waiting = asyncio.create_task(client.read())  # until the other end goes
        await leap_until(waiting.done)


class ForwardProxy(Listener):
    """A proxy of RFC 9110 §9.3.6: it opens tunnels, and sees nothing of what goes through them.

    `tunnels`: which it was asked for, in order. One that `refuses` answers 502 to each, as a proxy does that
    cannot get out.
    """

    def __init__(self, *, refuses: bool = False) -> None:
        super().__init__()
        self.refuses = refuses
        self.tunnels: list[str] = []

    @property
    def url(self) -> str:
        return f"http://{LOGIN}@127.0.0.1:{self.port}"

    async def serve(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        method, target, _ = (await client.readuntil(b"\r\n\r\n")).split(b" ", 2)
        self.tunnels.append(target.decode())
        if self.refuses or method != b"CONNECT":
            to_client.write(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
            await to_client.drain()
            return
        host, _, port = target.decode().rpartition(":")
        gateway, to_gateway = await asyncio.open_connection(host, int(port))
        to_client.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        try:
            await asyncio.gather(_pass_on(client, to_gateway), _pass_on(gateway, to_client))
        finally:
            await hang_up(to_gateway)


async def _pass_on(said: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
    while octets := await said.read(65_536):
        to.write(octets)
        await to.drain()
    to.close()


async def hang_up(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


class Authority:
    """A private authority, its certificate in `file` (PEM), and a certificate for 127.0.0.1 that it signed."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "authority.pem"
        self._chain, self._key = folder / "server.pem", folder / "server.key"
        own, server = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        certificate = _certificate("private authority", own.public_key(), "private authority", own, of=None)
        signed = _certificate("127.0.0.1", server.public_key(), "private authority", own, of="127.0.0.1")
        self.file.write_bytes(certificate.public_bytes(Encoding.PEM))
        self._chain.write_bytes(signed.public_bytes(Encoding.PEM))
        self._key.write_bytes(
            server.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        )

    def server(self) -> ssl.SSLContext:
        """For a server at 127.0.0.1."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self._chain, self._key)
        return context


def _certificate(
    name: str,
    key: ec.EllipticCurvePublicKey,
    issuer: str,
    signer: ec.EllipticCurvePrivateKey,
    *,
    of: str | None,
) -> x509.Certificate:
    """`of`: the address it is for; None: an authority's own."""
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(
        subject_name=x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]),
        issuer_name=x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, issuer)]),
        public_key=key,
        serial_number=x509.random_serial_number(),
        not_valid_before=now - timedelta(hours=1),
        not_valid_after=now + timedelta(hours=1),
    ).add_extension(x509.BasicConstraints(ca=of is None, path_length=None), critical=True)
    if of is not None:
        names = [x509.IPAddress(ip_address(of)), x509.DNSName("localhost")]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(signer, hashes.SHA256())
