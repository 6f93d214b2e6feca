"""DKIM (RFC 6376): the public key by which receivers check what the smarthost signed."""

from base64 import b64decode
from binascii import Error
from collections.abc import Mapping

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from channels.mail.standing.records import Records
from channels.mail.standing.remark import bad, good, publish
from channels.mail.standing.tags import tags
from hub.channel import Remark

LEAST_BITS, ENOUGH_BITS = 1024, 2048
"""RFC 8301 §3.2: receivers need not look at shorter ones; what signers should have."""

THE_KEY = "v=DKIM1; k=rsa; p=…"
"""`…`: the public half of the key that the smarthost signs with, which only it knows."""


async def dkim(records: Records, domain: str, selector: str | None) -> Remark:
    """Raises `Unanswered` as `Records` does."""
    if selector is None:
        return good(
            "DKIM",
            "not looked up: which key the smarthost signs with is not known",
            "調べていません。署名の鍵の名前（セレクタ）が分かりません",
            "write [channels.mail.dns] dkim_selector, the s= of its DKIM-Signature / "
            "dkim_selector に、メールの DKIM-Signature の s= を書いてください",
        )
    name = f"{selector}._domainkey.{domain}"
    found = [tags(each) for each in await records.texts(name)]
    keys = [each for each in found if each is not None and "p" in each]
    if not keys:
        english, japanese = publish(name, THE_KEY)
        return bad(
            "DKIM",
            f"{name} has no key: {english}, with the smarthost's public key for …",
            f"{name} に公開鍵がありません。{japanese}（… は中継サーバーの公開鍵）",
        )
    if len(keys) > 1:
        return bad("DKIM", f"{name} has {len(keys)} keys: keep one", f"{name} に鍵が{len(keys)}件あります")
    return _judged(name, keys[0])


def _judged(name: str, key: Mapping[str, str]) -> Remark:
    kind, value = key.get("k", "rsa"), key["p"]
    if not value:
        return bad(
            "DKIM", f"{name}: the key was revoked (p= is empty)", f"{name} の鍵は失効しています（p= が空）"
        )
    if key.get("v", "DKIM1") != "DKIM1" or kind not in ("rsa", "ed25519"):
        return bad("DKIM", f"{name}: v= or k= is not known", f"{name} の v= か k= が正しくありません")
    testing = "y" in key.get("t", "").split(":")
    advice = "t=y says that this is a test: take it out / t=y（試験中）を消してください" if testing else ""
    if kind == "ed25519":
        return good(
            "DKIM",
            f"{name}: ed25519",
            f"{name}：ed25519",
            advice or "few receivers check ed25519: sign with rsa too / 受信側の多くは rsa だけを確かめます",
        )
    bits = _bits(value)
    if bits is None:
        return bad("DKIM", f"{name}: p= is no public key", f"{name} の p= は公開鍵ではありません")
    if bits < LEAST_BITS:
        return bad("DKIM", f"{name}: {bits} bits; use {ENOUGH_BITS}", f"{name}：{bits}ビットでは短すぎます")
    if bits < ENOUGH_BITS and not advice:
        advice = f"{bits} bits: make one of {ENOUGH_BITS} / {ENOUGH_BITS}ビットの鍵に替えてください"
    return good("DKIM", f"{name}: rsa, {bits} bits", f"{name}：rsa {bits}ビット", advice)


def _bits(value: str) -> int | None:
    """None: it is no RSA key in the form of RFC 6376 §3.6.1."""
    try:
        key = load_der_public_key(b64decode(value, validate=True))
    except (Error, ValueError, UnsupportedAlgorithm):
        return None
    return key.key_size if isinstance(key, RSAPublicKey) else None
