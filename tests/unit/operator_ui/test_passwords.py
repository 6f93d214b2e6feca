"""Passwords: what may be set, and how one is told from another."""

import pytest

from hub.errors import BadInput
from operator_ui.staff import passwords


@pytest.mark.parametrize("password", ["short", "a" * 12, "abababababab", "my-sato-password", "x" * 201])
def test_a_weak_password_is_not_set(password: str) -> None:
    with pytest.raises(BadInput):
        passwords.check(password, login="sato")


def test_a_hash_is_salted_and_verifies_only_its_password() -> None:
    one, other = (passwords.hashed("correct horse battery", login="sato") for _ in range(2))
    assert one.startswith("$argon2id$")
    assert one != other
    assert passwords.verified(one, "correct horse battery")
    assert not passwords.verified(one, "correct horse batterz")


def test_no_account_and_a_broken_hash_are_no_match() -> None:
    assert not passwords.verified(None, "nobody has this password")
    assert not passwords.verified("not a hash", "correct horse battery")


def test_what_stands_for_no_account_is_hashed_once_and_only_when_needed() -> None:
    passwords._nobody.cache_clear()
    for _ in range(2):
        passwords.verified(None, "not the password")
    assert passwords._nobody.cache_info().misses == 1
