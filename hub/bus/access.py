"""How this hub comes into a Kafka cluster."""

from dataclasses import dataclass, field
from ssl import SSLContext
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Plainly (on 127.0.0.1 or a network of one's own), by TLS, and with a SCRAM user where there is one."""

    tls: SSLContext | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)

    def options(self) -> dict[str, Any]:
        """The arguments of aiokafka's clients."""
        protocol = ("SASL_" if self.username else "") + ("SSL" if self.tls else "PLAINTEXT")
        login = {
            "sasl_mechanism": "SCRAM-SHA-512",
            "sasl_plain_username": self.username,
            "sasl_plain_password": self.password,
        }
        return {"security_protocol": protocol, "ssl_context": self.tls} | (login if self.username else {})
