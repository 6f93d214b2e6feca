"""Addresses as the register keeps them: what a person types becomes the one form in which it is found again."""

import re
from collections.abc import Callable, Mapping

from hub.subscription import BadSubscription, Subscription


class Wrong(Exception):
    """This is no such address. Says what it should be, and never what it was."""

    def __init__(self, english: str, japanese: str) -> None:
        super().__init__(english, japanese)
        self.english, self.japanese = english, japanese


def mail(typed: str) -> str:
    """The domain in lower case. Raises `Wrong`."""
    local, _, domain = typed.rpartition("@")
    if not (_LOCAL.fullmatch(local) and _DOMAIN.fullmatch(domain)):
        raise Wrong("is no mail address", "メールアドレスではありません")
    return f"{local}@{domain.lower()}"


def line(typed: str) -> str:
    """LINE Messaging API, "User IDs": `U[0-9a-f]{32}`. Raises `Wrong`."""
    if not _LINE.fullmatch(typed):
        raise Wrong("is no LINE user id: U and 32 of 0-9 a-f", "LINEのユーザーID（U＋32桁）ではありません")
    return typed


def voice(typed: str) -> str:
    """E.164. Raises `Wrong`."""
    if not _E164.fullmatch(typed):
        raise Wrong(
            "is no telephone number in E.164: write + and digits, as in +81…; keep the column as text",
            "+81… の形で、数字だけで書いてください（表計算では列を「文字列」にします）",
        )
    return typed


def telephone(typed: str) -> str:
    """E.164 of what a person in Japan writes: `090-0000-0000`, `+81 90 …`. Raises `Wrong`."""
    digits = re.sub(r"[\s()（）‐‑–—ー−－-]", "", typed).translate(_HALF_WIDTH)
    if _DOMESTIC.fullmatch(digits):
        digits = f"+81{digits[1:]}"
    if not _E164.fullmatch(digits):
        raise Wrong("is no telephone number: write it as 090-0000-0000", "電話番号は 090-0000-0000 のように")
    return digits


def webpush(given: str) -> str:
    """A browser's subscription in one line (`hub.subscription`). Raises `Wrong`."""
    try:
        return Subscription.read(given).line
    except BadSubscription:
        raise Wrong(
            "is no push subscription: its endpoint, p256dh and auth with a space between them",
            "プッシュ通知の登録（endpoint p256dh auth を空白で区切る）ではありません",
        ) from None


def mobile(typed: str) -> str:
    """E.164 of what `telephone` reads; of numbers in Japan only those that take short messages. Raises `Wrong`."""
    digits = telephone(typed)
    if digits.startswith("+81") and not _MOBILE.fullmatch(digits):
        raise Wrong(
            "is no mobile number: short messages go to 060, 070, 080 and 090 only",
            "SMSは携帯電話の番号（060・070・080・090）だけに送れます",
        )
    return digits


TYPED: Mapping[str, Callable[[str], str]] = {
    "mail": mail,
    "line": line,
    "voice": telephone,
    "sms": mobile,
}
"""The channels that reach people, and how what somebody types into a form becomes an address of each."""

_LOCAL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+")
"""RFC 5321 §4.1.2 Atom, and dots wherever they stand."""
_DOMAIN = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z](?:[A-Za-z0-9-]*[A-Za-z0-9])")
_LINE = re.compile(r"U[0-9a-f]{32}")
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_DOMESTIC = re.compile(r"0[1-9][0-9]{8,9}")
_MOBILE = re.compile(r"\+81[6-9]0[0-9]{8}")
"""総務省「電気通信番号計画」: 音声伝送携帯電話番号."""
_HALF_WIDTH = str.maketrans("０１２３４５６７８９＋", "0123456789+")
