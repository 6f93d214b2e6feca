"""How this hub comes into a Kafka cluster."""

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from ssl import SSLContext
from typing import Any

from hub.errors import BadSettings
from hub.secret import read_secret
from hub.settings import BusSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Plainly (on 127.0.0.1 or a network of one's own), by TLS, and as a user where there is one."""

    tls: SSLContext | None = None
    mechanism: str = "SCRAM-SHA-512"
    username: str | None = None
    password: str | None = field(default=None, repr=False)

    def options(self) -> dict[str, Any]:
        """The arguments of aiokafka's clients."""
        protocol = ("SASL_" if self.username else "") + ("SSL" if self.tls else "PLAINTEXT")
        login = {
            "sasl_mechanism": self.mechanism,
            "sasl_plain_username": self.username,
            "sasl_plain_password": self.password,
        }
        return {"security_protocol": protocol, "ssl_context": self.tls} | (login if self.username else {})


def access(settings: BusSettings) -> Access:
    """As `[bus]` says; reads the files it names.

    Raises:
        BadSettings: one cannot be read; names the key.
    """
    tls = _tls(settings.ca_file) if settings.by_tls else None
    if not settings.as_user or settings.password_file is None:
        return Access(tls=tls)
    return Access(
        tls=tls,
        mechanism=settings.sasl_mechanism,
        username=settings.username,
        password=read_secret(settings.password_file, setting="[bus] password_file"),
    )


def _tls(ca_file: Path | None) -> SSLContext:
    """Verifies the brokers' certificates and names; `ca_file` instead of the system's authorities."""
    try:
        return ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as e:
        raise BadSettings(
            "[bus] ca_file", f"{ca_file} cannot be read as PEM: {e} / PEM形式の証明書として読めません"
        ) from e
