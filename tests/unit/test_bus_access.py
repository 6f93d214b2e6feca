"""Into a Kafka cluster: what the settings say is what aiokafka is given, and nothing else."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from hub.bus.access import Access, access
from hub.errors import BadSettings
from hub.settings import BusSettings

KAFKA = "127.0.0.1:9092"


def a_user(folder: Path, **changes: Any) -> BusSettings:
    password = folder / "password"
    password.write_text("hunter2\n")
    return BusSettings(
        kafka=KAFKA,
        **{"security_protocol": "SASL_SSL", "username": "yobikake", "password_file": password} | changes,
    )


def test_without_settings_it_goes_in_plainly() -> None:
    assert access(BusSettings(kafka=KAFKA)).options() == {
        "security_protocol": "PLAINTEXT",
        "ssl_context": None,
    }


def test_a_user_by_tls_with_a_scram_password(tmp_path: Path) -> None:
    options = access(a_user(tmp_path)).options()
    context = options.pop("ssl_context")
    assert options == {
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "yobikake",
        "sasl_plain_password": "hunter2",
    }
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


@pytest.mark.parametrize(
    ("changes", "protocol"),
    [({"security_protocol": "SASL_PLAINTEXT"}, "SASL_PLAINTEXT"), ({"sasl_mechanism": "PLAIN"}, "SASL_SSL")],
)
def test_the_protocol_is_the_one_that_was_written(
    tmp_path: Path, changes: dict[str, str], protocol: str
) -> None:
    options = access(a_user(tmp_path, **changes)).options()
    assert options["security_protocol"] == protocol
    assert options["sasl_mechanism"] == changes.get("sasl_mechanism", "SCRAM-SHA-512")


def test_a_private_authority_is_the_only_one_trusted(tmp_path: Path) -> None:
    authority = tmp_path / "ca.pem"
    authority.write_bytes(_certificate("Kafka of the city"))
    found = access(BusSettings(kafka=KAFKA, security_protocol="SSL", ca_file=authority))
    assert found.username is None
    assert found.tls is not None
    (known,) = found.tls.get_ca_certs()
    assert known["subject"] == ((("commonName", "Kafka of the city"),),)


async def test_the_clients_take_what_they_are_given(tmp_path: Path) -> None:
    """aiokafka checks its security arguments when a client is made."""
    for settings in (BusSettings(kafka=KAFKA), a_user(tmp_path), a_user(tmp_path, sasl_mechanism="PLAIN")):
        options = access(settings).options()
        for client in (AIOKafkaProducer, AIOKafkaConsumer):
            await client(bootstrap_servers=KAFKA, **options).stop()


@pytest.mark.parametrize(("key", "content"), [("password_file", ""), ("ca_file", "no certificate")])
def test_a_file_that_does_not_hold_it_is_named(tmp_path: Path, key: str, content: str) -> None:
    (tmp_path / "bad").write_text(content)
    for path in (tmp_path / "bad", tmp_path / "none"):
        with pytest.raises(BadSettings, match=rf"\[bus\] {key}"):
            access(a_user(tmp_path, **{key: path}))


def test_the_password_shows_nowhere(tmp_path: Path) -> None:
    assert "hunter2" not in repr(access(a_user(tmp_path)))
    assert "hunter2" not in repr(Access(username="y", password="hunter2"))


def _certificate(name: str) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    named = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(named)
        .issuer_name(named)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM)
