"""`[channels.mail]`."""

from pathlib import Path

import msgspec
import pytest

from channels.mail import Mail, Security, Settings
from hub.clock import utc_now
from hub.errors import BadSettings, Refused
from hub.outbound import Deployment, Outbound

STANZA: dict[str, object] = {"host": "127.0.0.1", "sender": "bousai@yobikake.example"}


def test_the_least_a_city_must_write() -> None:
    settings = msgspec.convert(STANZA, Settings)
    assert (settings.port, settings.security) == (587, Security.STARTTLS)
    assert settings.envelope_sender == "bousai@yobikake.example"
    assert settings.domain == "yobikake.example"


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"prot": 25}, "prot"),
        ({"port": 0}, "port"),
        ({"security": "ssl"}, "security"),
        ({"sender": "bousai"}, "sender"),
        ({"sender": "a@b.example>\r\nRCPT TO:<c@d.example"}, "sender"),
        ({"ehlo_name": "hub.example\r\nMAIL"}, "ehlo_name"),
        ({"username": "hub"}, "password_file"),
        ({"connections": 0}, "connections"),
        ({"reply_timeout_s": 0}, "reply_timeout_s"),
    ],
)
def test_what_cannot_work_is_named(change: dict[str, object], place: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=place):
        msgspec.convert(STANZA | change, Settings)


def test_what_a_city_sets_is_what_the_engine_plans_with() -> None:
    settings = Settings(
        host="127.0.0.1", sender="bousai@yobikake.example", connections=20, recipients_per_transaction=50
    )
    mail = Mail(settings, outbound=Outbound(deployment=Deployment.REHEARSAL), clock=utc_now)
    assert (mail.capabilities.connections, mail.capabilities.batch_size) == (20, 50)


def test_a_password_file_that_is_not_there(tmp_path: Path) -> None:
    settings = Settings(
        host="127.0.0.1",
        sender="bousai@yobikake.example",
        username="hub",
        password_file=tmp_path / "none",
    )
    with pytest.raises(BadSettings, match="password_file"):
        Mail(settings, outbound=Outbound(deployment=Deployment.REHEARSAL), clock=utc_now)


def test_a_rehearsal_hub_refuses_a_real_smarthost() -> None:
    settings = Settings(host="smtp.carrier.example", sender="bousai@yobikake.example")
    with pytest.raises(Refused, match=r"\[channels.mail\] host"):
        Mail(settings, outbound=Outbound(deployment=Deployment.REHEARSAL), clock=utc_now)
