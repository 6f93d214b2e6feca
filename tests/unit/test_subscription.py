"""What is a subscription, and which push services may be sent to."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.subscription import BadSubscription, Services, Subscription

P256DH = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
AUTH = "BTBZMqHH6r4Tts7J_aSIgg"
ENDPOINT = "https://fcm.googleapis.com/fcm/send/abc:def"
SERVICES = Services.of(
    ("https://fcm.googleapis.com", "https://*.notify.windows.com", "http://127.0.0.1:8090")
)


def test_a_line_is_the_same_for_the_same_subscription_and_says_nothing_in_a_log() -> None:
    made = Subscription.made(ENDPOINT, P256DH + "=", AUTH + "==")
    assert made.line == f"{ENDPOINT} {P256DH} {AUTH}"
    assert Subscription.read(made.line) == made
    assert made.origin == "https://fcm.googleapis.com"
    assert AUTH not in repr(made)
    assert ENDPOINT not in repr(made)


@pytest.mark.parametrize(
    ("endpoint", "p256dh", "auth"),
    [
        ("ftp://push.example/a", P256DH, AUTH),
        ("https:///a", P256DH, AUTH),
        ("https://user@push.example/a", P256DH, AUTH),
        ("https://push.example/a#b", P256DH, AUTH),
        ("https://push.example:99999/a", P256DH, AUTH),
        ("https://[::1/a", P256DH, AUTH),
        ("https://push.example/a b", P256DH, AUTH),
        ("https://evil.example\\.push.example/a", P256DH, AUTH),
        ("https://プッシュ.example/a", P256DH, AUTH),
        (f"https://{'a' * 64}.notify.windows.com/a", P256DH, AUTH),
        (f"https://{'a.' * 126}example/a", P256DH, AUTH),
        ("https://-.notify.windows.com/a", P256DH, AUTH),
        ("https://a..notify.windows.com/a", P256DH, AUTH),
        ("https://push.example/\r\nHost: x", P256DH, AUTH),
        ("https://push.example/" + "a" * 1000, P256DH, AUTH),
        (ENDPOINT, P256DH[:-4], AUTH),
        (ENDPOINT, "B" + "A" * 86, AUTH),
        (ENDPOINT, "!" * 87, AUTH),
        (ENDPOINT, P256DH, AUTH[:-2]),
        (ENDPOINT, P256DH, ""),
    ],
)
def test_what_is_none_is_refused(endpoint: str, p256dh: str, auth: str) -> None:
    with pytest.raises(BadSubscription) as refusal:
        Subscription.made(endpoint, p256dh, auth)
    assert endpoint not in str(refusal.value)


@settings(max_examples=50)
@given(st.text(max_size=200))
def test_no_text_breaks_the_reading_of_a_line(text: str) -> None:
    with pytest.raises(BadSubscription):
        Subscription.read(text)
    assert SERVICES.allow(text) is False


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        (ENDPOINT, True),
        ("https://fcm.googleapis.com:443/x", True),
        ("https://wns2-par02p.notify.windows.com/w/?token=x", True),
        ("http://127.0.0.1:8090/push/x", True),
        ("http://fcm.googleapis.com/x", False),
        ("https://fcm.googleapis.com:8443/x", False),
        ("https://fcm.googleapis.com.evil.example/x", False),
        ("https://evilnotify.windows.com/x", False),
        ("https://notify.windows.com/x", False),
        ("https://evil.example/.notify.windows.com", False),
        ("https://evil.example?.notify.windows.com", False),
        ("https://evil.example#.notify.windows.com", False),
        ("https://evil.example\\.notify.windows.com/x", False),
        ("https://169.254.169.254/latest/meta-data", False),
        ("http://127.0.0.1/push/x", False),
    ],
)
def test_only_the_named_services_may_be_sent_to(url: str, allowed: bool) -> None:
    assert SERVICES.allow(url) is allowed


@pytest.mark.parametrize(
    "origin", ["fcm.googleapis.com", "https://a.example/", "https://*", "https://*.*.example", ""]
)
def test_what_is_no_origin_is_no_setting(origin: str) -> None:
    with pytest.raises(ValueError, match="origin"):
        Services.of((origin,))
