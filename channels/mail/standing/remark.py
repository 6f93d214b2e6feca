"""What is said of one thing that others look up before they take our mail."""

from hub.channel import Remark

UNKNOWN_EN = "DNS does not answer ({reason}): it is not known whether there is one"
UNKNOWN_JA = "DNSに問い合わせできません。あるかどうか分かりません"


def good(what: str, english: str, japanese: str, advice: str = "") -> Remark:
    return Remark(what=what, ok=True, detail=f"{english} / {japanese}", advice=advice)


def bad(what: str, english: str, japanese: str) -> Remark:
    return Remark(what=what, ok=False, detail=f"{english} / {japanese}")


def unknown(what: str, reason: str) -> Remark:
    """Nobody is at fault, and nobody may rely on it either."""
    return bad(what, UNKNOWN_EN.format(reason=reason), UNKNOWN_JA)


def publish(name: str, record: str) -> tuple[str, str]:
    """What to write into the zone, in both languages."""
    return f'publish TXT {name} "{record}"', f'DNSに次のTXTを登録してください：{name} "{record}"'
