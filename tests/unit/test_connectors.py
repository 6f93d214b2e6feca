"""Each lane's own sockets, and routine mail's own smarthost."""

from pathlib import Path
from typing import Any

import pytest

from channels.mail import Mail
from hub import unsubscribe
from hub.alert import Lane
from hub.clock import utc_now
from hub.errors import BadSettings
from hub.keys import Keys
from hub.outbound import Deployment, Outbound
from hub.recipient import RecipientId
from hub.settings import ResidentsListener, Settings
from yobikake.connectors import Configured, build, leave_by

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
        sms={
            "account_sid": f"AC{'0' * 32}",
            "auth_token_file": secret,
            "sender": "YOBIKAKE",
            "callback_url": "http://127.0.0.1/callbacks/sms",
            "base_url": "http://127.0.0.1:1",
        },
        fax=MAIL | {"address": "{number}@fax.example"},
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


@pytest.mark.parametrize(("host", "fills"), [({}, 9.0), ({"host": "localhost"}, None)])
def test_urgent_mail_fills_the_queue_of_routine_mail_only_where_it_is_the_same(
    host: dict[str, Any], fills: float | None
) -> None:
    channel = built(mail=MAIL | {"routine": host | {"drain_per_s": 9.0}})["mail"]
    assert channel.on(Lane.URGENT).drain_per_s == fills
    assert channel.on(Lane.ROUTINE).drain_per_s == 9.0


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


def test_personal_mail_in_production_needs_an_address_that_everybodys_provider_can_ask() -> None:
    def made(url: str, deployment: Deployment) -> None:
        settings = Settings(
            data=Path("data"),
            city="akishima",
            residents=ResidentsListener(port=8081, public_url=url),
            channels={"mail": MAIL | {"personal": True}},
        )
        build(settings, Outbound(deployment=deployment), utc_now)

    for url in ("", "http://bosai.example.lg.jp"):
        with pytest.raises(BadSettings, match=r"\[residents\] public_url"):
            made(url, Deployment.PRODUCTION)
        made(url, Deployment.REHEARSAL)
    made("https://bosai.example.lg.jp", Deployment.PRODUCTION)


def test_both_lanes_are_told_how_their_recipients_leave() -> None:
    settings = Settings(
        data=Path("data"),
        city="akishima",
        residents=ResidentsListener(port=8081, public_url="https://bosai.example.lg.jp/"),
        channels={"mail": MAIL | {"personal": True}},
    )
    channels = build(settings, Outbound(deployment=Deployment.REHEARSAL), utc_now)
    keys = Keys(fields={"1": bytes(32)}, index=bytes(32), record=bytes(32))
    leave_by(channels, settings, keys)
    for channel in channels["mail"].by_lane.values():
        assert isinstance(channel, Mail)
        assert channel._ways is not None
        assert channel._ways.page == "https://bosai.example.lg.jp/unsubscribe/"
        assert unsubscribe.read(keys, channel._ways.token(RecipientId(3)).decode()) == ("mail", 3)
