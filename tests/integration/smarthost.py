"""A Postfix of one's own, set up as `config/postfix` ships it, but for its ports, folders and next hop."""

import asyncio
import base64
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from hub.clock import utc_now
from yobikake.rehearsal.servers.port import free_port
from yobikake.rehearsal.servers.program import POSTCONF, POSTFIX

SHIPPED = Path(__file__).parents[2] / "config" / "postfix"
USER, PASSWORD = "hub", "correct-horse-battery"
NOBODY = 65534


@dataclass(frozen=True, slots=True, kw_only=True)
class Smarthost:
    """A running one. Every domain of its table of carriers has `.example` behind it: nothing can leave."""

    urgent: int
    routine: int
    inbound: int
    """Ports: the hub's two, and that for bounces from outside."""
    ca_file: Path
    maildir: Path
    log: Path

    def bounces(self) -> list[bytes]:
        return [path.read_bytes() for path in sorted((self.maildir / "new").glob("*"))]

    def sent(self) -> dict[str, list[str]]:
        """Address → the transports it left by, as the log has it; `smtp` is the one of no carrier."""
        found: dict[str, list[str]] = {}
        said = self.log.read_text(encoding="utf-8", errors="replace")
        for transport, address in re.findall(r"postfix/(?:(\w+)/)?smtp\[.*: to=<(.+?)>, .*status=sent", said):
            found.setdefault(address, []).append(transport or "smtp")
        return found

    def warnings(self) -> list[str]:
        said = self.log.read_text(encoding="utf-8", errors="replace")
        return [line for line in said.splitlines() if re.search(r"(warning|error|fatal|panic): ", line)]


@asynccontextmanager
async def smarthost(folder: Path, next_hop: int) -> AsyncIterator[Smarthost]:
    """`folder` is empty, and others may pass through it. Ends with the test, which must be root."""
    etc, queue, mail = folder / "etc", folder / "queue", folder / "mail"
    for each in (etc, queue, mail, folder / "data"):
        each.mkdir()
    shutil.chown(folder / "data", "postfix")
    shutil.chown(mail, NOBODY, NOBODY)
    made = Smarthost(
        urgent=free_port(),
        routine=free_port(),
        inbound=free_port(),
        ca_file=_certificates(etc),
        maildir=mail / "bounces",
        log=folder / "log",
    )
    async with _passwords() as passwords:
        await _settle(etc, made, relay=f"[127.0.0.1]:{next_hop}", passwords=passwords)
        await _run(POSTFIX.path, "-c", etc, "start")
        try:
            yield made
        finally:
            await _run(POSTFIX.path, "-c", etc, "stop")


async def _settle(etc: Path, made: Smarthost, *, relay: str, passwords: int) -> None:
    services = (SHIPPED / "master.cf").read_text()
    for name, port in {"smtp": made.inbound, "submission": made.urgent, "2587": made.routine}.items():
        services, times = re.subn(rf"(?m)^{name} +inet", f"127.0.0.1:{port} inet", services)
        assert times == 1
    (etc / "master.cf").write_text(services.replace("=routine:", f"=routine:{relay}"))
    carriers = (SHIPPED / "carriers").read_text()
    carriers = re.sub(r"(?m)^([^#\s]+)(\s+\w+:)$", rf"\1.example\2{relay}", carriers)
    (etc / "carriers").write_text(carriers)
    shutil.copy(SHIPPED / "main.cf", etc)
    folder = etc.parent
    changes = {
        "queue_directory": folder / "queue",
        "data_directory": folder / "data",
        "maillog_file": made.log,
        "maillog_file_prefixes": folder,
        "inet_protocols": "ipv4",
        "relayhost": relay,
        "smtp_dns_support_level": "disabled",
        "smtpd_tls_cert_file": etc / "smarthost.pem",
        "smtpd_tls_key_file": etc / "smarthost.key",
        "smtpd_sasl_path": f"inet:127.0.0.1:{passwords}",
        "smtpd_milters": "",
        "virtual_mailbox_base": made.maildir.parent,
        "virtual_uid_maps": f"static:{NOBODY}",
        "virtual_gid_maps": f"static:{NOBODY}",
    }
    await _run(POSTCONF.path, "-c", etc, *(f"{name}={value}" for name, value in changes.items()))


async def _run(*argv: str | Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *map(str, argv), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()


@asynccontextmanager
async def _passwords() -> AsyncIterator[int]:
    """What Dovecot's `auth` says to Postfix, for one user; its port.

    https://doc.dovecot.org/main/developers/design/auth_protocol.html
    """

    answering: set[asyncio.Task[None] | None] = set()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answering.add(asyncio.current_task())
        writer.write(b"VERSION\t1\t1\nMECH\tPLAIN\tplaintext\nSPID\t1\nCUID\t1\nCOOKIE\t0\nDONE\n")
        while line := (await reader.readline()).decode().rstrip("\n"):
            verb, *words = line.split("\t")
            if verb == "AUTH":
                given = dict(word.partition("=")[::2] for word in words[2:])
                right = base64.b64decode(given["resp"]).decode().split("\0")[1:] == [USER, PASSWORD]
                writer.write(f"{'OK' if right else 'FAIL'}\t{words[0]}\tuser={USER}\n".encode())
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()
    await asyncio.gather(*filter(None, answering), return_exceptions=True)  # until Postfix has hung up


def _certificates(folder: Path) -> Path:
    """An authority of the city's own, and what it signed for the smarthost at 127.0.0.1."""
    ours, theirs = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority = _certificate("authority.example", ours, ours, issuer="authority.example", authority=True)
    server = _certificate("smarthost.example", theirs, ours, issuer="authority.example", authority=False)
    key = theirs.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "smarthost.key").write_bytes(key)
    (folder / "smarthost.key").chmod(0o600)
    (folder / "smarthost.pem").write_bytes(server.public_bytes(Encoding.PEM))
    (folder / "authority.pem").write_bytes(authority.public_bytes(Encoding.PEM))
    return folder / "authority.pem"


def _certificate(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    signer: ec.EllipticCurvePrivateKey,
    *,
    issuer: str,
    authority: bool,
) -> x509.Certificate:
    now = utc_now()
    return (
        x509.CertificateBuilder()
        .subject_name(_called(name))
        .issuer_name(_called(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False
        )
        .sign(signer, hashes.SHA256())
    )


def _called(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
