"""Each lane's own sockets, and routine mail's own smarthost."""

from pathlib import Path
from typing import Any

import pytest

from channels.mail import Mail
from hub.alert import Lane
from hub.clock import utc_now
from hub.errors import BadSettings
from hub.outbound import Deployment, Outbound
from hub.settings import Settings
from yobikake.connectors import Configured, build

MAIL: dict[str, Any] = {"host": "127.0.0.1", "security": "none", "sender": "bosai@city.example"}


@pytest.fixture
def secret(tmp_path: Path) -> str:
    path = tmp_path / "secret"
    path.write_text("1000000001-not-a-secret-of-anybody\n")
    return str(path)


def built(**channels: dict[str, Any]) -> dict[str, Configured]:
    settings = Settings(data=Path("data"), city="akishima", channels=channels)
    return build(settings, Outbound(deployment=Deployment.REHEARSAL), utc_now)


def test_the_lanes_share_no_socket(secret: str, tmp_path: Path) -> None:
    account = {
        f"{name}_file": secret
        for name in ("consumer_key", "consumer_secret", "access_token", "access_token_secret")
    }
    channels = built(
        mail=MAIL,
        line={"access_token_file": secret, "base_url": "http://127.0.0.1:1"},
        x={"account": account, "base_url": "http://127.0.0.1:1"},
        voice={
            "account_sid": f"AC{'0' * 32}",
            "auth_token_file": secret,
            "from_number": "+815000000000",
            "callback_url": "http://127.0.0.1/callbacks/voice",
            "base_url": "http://127.0.0.1:1",
        },
    )
    for kind, channel in channels.items():
        assert channel.by_lane[Lane.URGENT] is not channel.by_lane[Lane.ROUTINE], kind


def test_what_keeps_a_state_of_its_own_is_one_instance(tmp_path: Path) -> None:
    channels = built(
        manual={},
        website={"directory": str(tmp_path), "title": "緊急情報", "link": "http://127.0.0.1"},
    )
    for kind, channel in channels.items():
        assert channel.by_lane[Lane.URGENT] is channel.by_lane[Lane.ROUTINE], kind


def test_routine_mail_has_what_is_written_for_it_and_the_rest_from_all_mail() -> None:
    channel = built(mail=MAIL | {"connections": 8, "routine": {"connections": 3, "drain_per_s": 20.0}})[
        "mail"
    ]
    assert (channel.on(Lane.URGENT).connections, channel.on(Lane.ROUTINE).connections) == (8, 3)
    assert channel.capabilities.drain_per_s == 20.0
    assert channel.capabilities.batch_size_on(Lane.ROUTINE) == 20
    assert channel.capabilities.batch_size_on(Lane.URGENT) == 100


def test_another_smarthost_gets_nothing_of_the_first_one(secret: str) -> None:
    whole = MAIL | {"username": "hub", "password_file": secret, "port": 2525, "drain_per_s": 9.0}
    mail = built(mail=whole | {"routine": {"host": "localhost"}})["mail"].by_lane[Lane.ROUTINE]
    assert isinstance(mail, Mail)
    assert mail.capabilities.drain_per_s is None
    settings = mail._smarthost._settings
    assert (settings.host, settings.port, settings.username) == ("localhost", 587, None)
    assert settings.sender == "bosai@city.example"


@pytest.mark.parametrize(
    ("routine", "place"),
    [({"prot": 25}, "routine"), ({"username": "hub"}, "password_file"), ({"drain_per_s": 0}, "drain_per_s")],
)
def test_a_routine_stanza_that_cannot_work_is_named(routine: dict[str, Any], place: str) -> None:
    with pytest.raises(BadSettings, match=rf"channels\.mail.*{place}"):
        built(mail=MAIL | {"routine": routine})


def test_a_channel_without_one_refuses_it(secret: str) -> None:
    with pytest.raises(BadSettings, match="routine"):
        built(line={"access_token_file": secret, "routine": {}})
