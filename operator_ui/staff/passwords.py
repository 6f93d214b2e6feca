"""Passwords of staff: Argon2id (RFC 9106, the library's second recommended profile), and what is too weak."""

from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from hub.errors import BadInput

SHORTEST = 12
"""Characters. There is no other rule: length is what helps (NIST SP 800-63B §3.1.1)."""
LONGEST = 200

_hasher = PasswordHasher()


def check(password: str, *, login: str) -> None:
    """Raises `BadInput` for a password that is too weak to be set."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise BadInput(
            "password",
            f"パスワードは{SHORTEST}文字以上{LONGEST}文字以下にしてください / "
            f"A password has {SHORTEST} to {LONGEST} characters",
        )
    if len(set(password)) < 5 or login.casefold() in password.casefold():
        raise BadInput(
            "password",
            "同じ文字のくり返しや、ログイン名を含むパスワードは使えません / "
            "Too easy to guess: few different characters, or the login in it",
        )


def hashed(password: str, *, login: str) -> str:
    """What is stored of a new password. Slow on purpose: run it in a thread.

    Raises:
        BadInput: it is too weak.
    """
    check(password, login=login)
    return _hasher.hash(password)


def verified(stored: str | None, password: str) -> bool:
    """Whether `password` is the one. `stored` None (no such login) takes as long and is False. Run in a thread."""
    try:
        return _hasher.verify(stored or _nobody(), password[:LONGEST]) and stored is not None
    except (VerificationError, InvalidHashError):
        return False


@cache
def _nobody() -> str:
    return _hasher.hash("nobody has this password")
