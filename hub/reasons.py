"""A short reason in words for staff, Japanese and English: what went wrong on the way, or what a gateway answered."""

import re
from collections.abc import Iterable, Mapping

Both = tuple[str, str]
"""Japanese and English."""

WAY: Mapping[str, Both] = {
    "no answer": ("時間内に応答がありません", "no answer in time"),
    "no connection": ("つながりません", "no connection can be made"),
    "unknown name": ("サーバーの名前が見つかりません", "its name is not known"),
    "certificate": (
        "証明書を確かめられません。[proxy] ca_file を確かめてください",
        "its certificate cannot be verified: check [proxy] ca_file",
    ),
    "proxy": (
        "プロキシがつなぎません。[proxy] url を確かめてください",
        "the proxy makes no connection: check [proxy] url",
    ),
    "broken off": ("通信が途中で切れました", "the connection broke off"),
    "unreadable answer": ("応答を読み取れません", "its answer cannot be read"),
    "address": ("アドレスの書き方を確かめてください", "its address cannot be used: check it"),
    "rehearsal": (
        "訓練用と名乗っています。本番のハブなので送りません",
        "it calls itself a rehearsal: this hub is in production, and sends it nothing",
    ),
    "not public": ("公開されていないアドレスです", "its address is not in public"),
    "not relayed": (
        "こちらからの送信を、どの宛先へも断っています。メールサーバーの管理者に、このハブのIPアドレス・アカウント・差出人からの"
        "中継が許可されているかを確かめてもらってください",
        "it takes mail from us for nobody: ask whoever runs the mail server whether it still relays for this hub's address, "
        "account and sender",
    ),
    "quota used up": ("今月の通数を使い切りました", "the month's messages are used up"),
}
"""The hub's own words, which no provider has."""

REFUSED = (
    "認証を受け付けません。鍵と契約を確かめてください",
    "it refuses our credentials: check the key and the contract",
)

_STATUS: Mapping[str, Both] = {
    "401": REFUSED,
    "403": REFUSED,
    "404": (
        "このアドレスには何もありません。アドレスを確かめてください",
        "nothing is at this address: check it",
    ),
    "407": WAY["proxy"],
    "429": (
        "要求が多いと断っています。しばらくして試し直します",
        "it takes no more requests for now; it is tried again",
    ),
}
_ERROR = ("エラーを返しました", "it answered with an error")
_THEIRS = ("先方の障害です", "it is out of order")


def sides(message: str) -> Both:
    """Of 「日本語 / English」, whichever comes first; of anything else the whole of it, twice."""
    parts = message.split(" / ")
    if len(parts) != 2:
        return message, message
    english, japanese = sorted(parts, key=_japanese)
    return (japanese, english) if _japanese(japanese) else (message, message)


def words(reason: str, *, refused: bool = False) -> Both:
    """`reason`: one of `WAY`, an HTTP status, or a provider's own code, which is named too. `refused`: its provider's
    table calls it a refusal of our credentials."""
    if reason in WAY:
        return WAY[reason]
    japanese, english = REFUSED if refused else _STATUS.get(reason) or _by_class(reason)
    return f"{japanese}（{reason}）", f"{english} ({reason})"


def told(name: str, reason: str, *, refused: bool = False) -> str:
    """As the detail of a probe: what `name` did."""
    japanese, english = words(reason, refused=refused)
    return f"{name}：{japanese} / {name}: {english}"


def together(details: Iterable[str]) -> str:
    """Several details as one, each language on its side."""
    said = [sides(each) for each in details]
    return f"{'。'.join(japanese for japanese, _ in said)} / {'; '.join(english for _, english in said)}"


def _japanese(text: str) -> float:
    """The share of kana in it: a name in Japanese script does not make an English sentence Japanese."""
    return len(_KANA.findall(text)) / max(1, len(text))


_KANA = re.compile(r"[\u3040-\u30ff]")


def _by_class(reason: str) -> Both:
    return _THEIRS if len(reason) == 3 and reason.startswith("5") and reason.isdecimal() else _ERROR
