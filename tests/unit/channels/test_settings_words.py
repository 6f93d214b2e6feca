"""What a connector's stanza may hold, and what whoever wrote it wrong reads."""

from typing import Any

import pytest

from channels import fax, line, sms, voice, webhook, webpush, wifi, x
from hub import settings
from hub.errors import BadSettings

KEYS = {
    f"{name}_file": "key"
    for name in ("consumer_key", "consumer_secret", "access_token", "access_token_secret")
}
TWILIO = {
    "account_sid": "AC" + "0" * 32,
    "auth_token_file": "token",
    "callback_url": "https://bosai.city.example.lg.jp/callbacks",
}
RIGHT: dict[str, tuple[type, dict[str, Any]]] = {
    "line": (line.Settings, {"access_token_file": "token"}),
    "x": (x.Settings, {"account": KEYS}),
    "voice": (voice.Settings, TWILIO | {"from_number": "+81425550100"}),
    "sms": (sms.Settings, TWILIO | {"sender": "BOUSAI"}),
    "fax": (fax.Settings, {"host": "smtp", "sender": "a@b.example", "address": "{number}@fax.example"}),
    "webhook": (webhook.Settings, {"systems": []}),
    "webpush": (webpush.Settings, {"key_file": "key", "subject": "mailto:bosai@city.example"}),
    "meraki": (wifi.settings.Meraki, {"api_key_file": "key"}),
}


@pytest.mark.parametrize("kind", sorted(RIGHT))
@pytest.mark.parametrize("wrong", [0, -1, 601])
def test_a_request_ends(kind: str, wrong: float) -> None:
    type_, right = RIGHT[kind]
    settings.convert(right, type_, where=kind)
    with pytest.raises(BadSettings, match="timeout_s") as caught:
        settings.convert(right | {"timeout_s": wrong}, type_, where=kind)
    assert "より大きく" in caught.value.message or "以下に" in caught.value.message


@pytest.mark.parametrize(
    ("kind", "key", "wrong", "words"),
    [
        ("voice", "callback_url", "foo", ["https://", "のように）書いてください"]),
        ("sms", "callback_url", "ftp://a", ["https://", "書いてください"]),
        ("voice", "from_number", "042-555-0100", ["+81425550100", "ハイフンなしで書いてください"]),
        ("voice", "account_sid", "AC1", ["AC and 32", "32桁"]),
        ("voice", "voices", {"ja": ""}, ["Polly.", "書いてください"]),
        ("voice", "voices", {"jp": "Polly.Tomoko"}, ["ja, ja-x-easy, en", "のどれか"]),
        ("sms", "sender", "防災", ["BOUSAI", "書いてください"]),
        ("x", "languages", ["ja", "ja"], ["each once", "1回だけ"]),
        ("x", "languages", [], ["length", "空にはできません"]),
        ("x", "posts_per_day", 1, [">= 4", "4 以上にしてください"]),
        ("line", "connections", "50", ["Expected `int`, got `str`", "整数を書いてください（いまは"]),
        ("line", "timeout_s", [], ["数（1.5 など）を書いてください（いまは[…] で囲んだ一覧です）"]),
        ("line", "access_token_file", 3, ["囲んで書いてください"]),
        ("line", "base_url", "api.line.me", ["https://", "書いてください"]),
        ("fax", "sender", "防災課 <a@b.example>", ["bosai@city.example.lg.jp", "書いてください"]),
        ("webpush", "subject", "bosai@city.example", ["mailto:", "書いてください"]),
    ],
)
def test_what_is_wrong_says_how_it_is_written(kind: str, key: str, wrong: object, words: list[str]) -> None:
    type_, right = RIGHT[kind]
    with pytest.raises(BadSettings) as caught:
        settings.convert(right | {key: wrong}, type_, where=f"[channels.{kind}]")
    message = caught.value.message
    assert key in message
    assert all(word in message for word in words), message
    assert "regex" not in message
    assert "この値は使えません" not in message


def test_a_note_of_a_field_inside_another_is_found() -> None:
    right = {"access_token_file": "token", "channel_secret_file": "secret"}
    with pytest.raises(BadSettings, match=r"chatbot\.webhook_url.*https://"):
        settings.convert(right | {"chatbot": {"webhook_url": "foo"}}, line.Settings, where="line")
