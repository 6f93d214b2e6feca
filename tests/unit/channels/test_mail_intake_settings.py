"""What may stand under `[channels.mail.bounces_from]`."""

from typing import Any

import pytest

from channels.mail.intake import From
from hub.errors import BadSettings
from hub.settings import convert

IMAP = {"imap": "imaps://imap.example", "username": "u", "password_file": "p"}


@pytest.mark.parametrize(
    "values",
    [
        {"maildir_dir": "/var/mail/bounces"},
        {"lmtp": "127.0.0.1:8024", "others_dir": "others"},
        {"lmtp": "[::1]:24", "others_dir": "others"},
        IMAP,
        IMAP | {"imap": "imap://127.0.0.1:143", "mailbox": "Bounces"},
    ],
)
def test_each_way_in_may_be_written(values: dict[str, Any]) -> None:
    convert(values, From, where="[channels.mail]")


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({}, "maildir_dir"),
        ({"every_s": 5}, "maildir_dir"),
        ({"lmtp": "127.0.0.1:8024"}, "others_dir"),
        ({"maildir_dir": "a", "others_dir": "b"}, "others_dir"),
        ({"lmtp": "0.0.0.0:8024", "others_dir": "o"}, "127.0.0.1:8024"),
        ({"lmtp": "mx.example:24", "others_dir": "o"}, "127.0.0.1:8024"),
        (IMAP | {"imap": "imap://imap.example"}, "imaps://"),
        (IMAP | {"imap": "imap.example"}, "imaps://"),
        ({"imap": "imaps://imap.example", "username": "u"}, "password_file"),
        (IMAP | {"mailbox": 'a"b'}, "mailbox"),
        (IMAP | {"pop": "x"}, "pop"),
    ],
)
def test_what_cannot_work_is_refused_in_both_languages(values: dict[str, Any], named: str) -> None:
    with pytest.raises(BadSettings) as refused:
        convert(values, From, where="[channels.mail]")
    assert named in refused.value.message
    assert any("\u3040" <= letter <= "\u9fff" for letter in refused.value.message)


def test_a_listener_has_a_host_and_a_port() -> None:
    assert From(lmtp="[::1]:24", others_dir="o").listener == ("::1", 24)  # type: ignore[arg-type]
