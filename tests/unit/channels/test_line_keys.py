"""Retry keys of slices, and the webhook's signature."""

import base64
import hashlib
import hmac
from dataclasses import replace
from itertools import combinations
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.line.channel import retry_key
from channels.line.webhook import verify
from hub.errors import Forbidden
from hub.recipient import Recipient, RecipientId
from hub.testing.parcels import parcel

SECRET = "channel-secret-0123456789abcdef"
BODY = b'{"destination":"U0","events":[]}'


TO = [Recipient(id=RecipientId(n), address=f"U{n:032x}") for n in range(1, 41)]
IDS = [each.id for each in TO]


def test_the_whole_batch_goes_under_the_parcels_own_key() -> None:
    assert retry_key(parcel(TO), IDS) == parcel(TO).idempotency_key


def test_no_two_parts_share_a_key() -> None:
    parts = [IDS[start:stop] for start, stop in combinations(range(41), 2)]
    keys = {retry_key(parcel(TO), each, plain=plain) for each in parts for plain in (False, True)}
    assert len(keys) == 2 * len(parts)


@given(st.integers(1, 39))
def test_a_parts_key_follows_from_the_batchs_key_and_its_members_alone(cut: int) -> None:
    again = parcel(TO, attempt=2, resend=True)
    other = replace(parcel(TO), idempotency_key=UUID("6f0a2a36-7f1b-4f53-8a57-0c9d0a4f7c11"))
    assert retry_key(parcel(TO), IDS[:cut]) == retry_key(again, IDS[:cut])
    assert retry_key(parcel(TO), IDS[:cut]) != retry_key(other, IDS[:cut])


@given(st.sets(st.sampled_from(IDS), min_size=1))
def test_whoever_left_the_register_changes_no_key(gone: set[RecipientId]) -> None:
    before = replace(parcel(TO), members=IDS)
    after = replace(before, to=[each for each in TO if each.id not in gone])
    for part in (IDS, IDS[:20], IDS[20:]):
        assert retry_key(after, part) == retry_key(before, part)


def test_a_webhook_that_line_signed_passes() -> None:
    verify(BODY, _signature(BODY), channel_secret=SECRET)


@pytest.mark.parametrize("signature", ["", "署名", base64.b64encode(bytes(32)).decode()])
def test_a_wrong_signature_is_forbidden(signature: str) -> None:
    with pytest.raises(Forbidden):
        verify(BODY, signature, channel_secret=SECRET)


def test_a_changed_body_is_forbidden() -> None:
    with pytest.raises(Forbidden):
        verify(BODY + b" ", _signature(BODY), channel_secret=SECRET)


def _signature(body: bytes) -> str:
    return base64.b64encode(hmac.new(SECRET.encode(), body, hashlib.sha256).digest()).decode()
