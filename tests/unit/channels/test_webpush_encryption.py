"""Encryption against the example of RFC 8291 §5, and against what opens it in the rehearsal."""

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, derive_private_key
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.webpush.encryption import PAYLOAD_LIMIT, encrypt, point
from hub.subscription import Subscription, decoded, encoded
from yobikake.rehearsal.push_message import opened

PLAIN = b"When I grow up, I want to be a watermelon"
RECEIVER = derive_private_key(
    int.from_bytes(decoded("q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"), "big"), SECP256R1()
)
SENDER = derive_private_key(
    int.from_bytes(decoded("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"), "big"), SECP256R1()
)
TO = Subscription.made(
    "https://push.example.net/push/JzLQ3raZJfFBR0aqvOMsLrt54w4rJUsV",
    "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
    "BTBZMqHH6r4Tts7J_aSIgg",
)
BODY = (
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27ml"
    "mlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPT"
    "pK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
)


def test_it_makes_the_body_of_the_standards_example() -> None:
    assert TO.p256dh == point(RECEIVER)
    body = encrypt(PLAIN, TO, salt=decoded("DGv6ra1nlYgDCS1FRnbzlw"), sender=SENDER)
    assert encoded(body) == BODY


def test_a_browser_opens_the_standards_example() -> None:
    assert opened(decoded(BODY), TO, RECEIVER) == PLAIN


@settings(max_examples=30)
@given(st.binary(max_size=PAYLOAD_LIMIT))
def test_what_is_encrypted_opens_and_fits_into_what_every_service_takes(plain: bytes) -> None:
    body = encrypt(plain, TO)
    assert len(body) == len(plain) + 103
    assert len(body) <= 4096
    assert opened(body, TO, RECEIVER) == plain


def test_no_two_messages_share_a_key_or_a_salt() -> None:
    one, other = encrypt(PLAIN, TO), encrypt(PLAIN, TO)
    assert one[:16] != other[:16]
    assert one[21:86] != other[21:86]


def test_nobody_else_opens_it() -> None:
    with pytest.raises(InvalidTag):
        opened(encrypt(PLAIN, TO), TO, SENDER)
    changed = bytearray(encrypt(PLAIN, TO))
    changed[-1] ^= 1
    with pytest.raises(InvalidTag):
        opened(bytes(changed), TO, RECEIVER)
