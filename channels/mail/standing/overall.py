"""All three together, and SPF from its record to what is said of it."""

import asyncio
from collections.abc import Coroutine, Sequence
from ipaddress import ip_address
from typing import Any

from channels.mail.standing.dkim import dkim
from channels.mail.standing.dmarc import dmarc
from channels.mail.standing.records import Address, Records, Unanswered
from channels.mail.standing.remark import bad, good, publish, unknown
from channels.mail.standing.settings import Dns
from channels.mail.standing.spf import (
    LOOKUPS_LIMIT,
    VOID_LIMIT,
    Broken,
    Reading,
    Record,
    Says,
    everybody,
    says,
    unseen,
    with_addresses,
)
from hub.channel import Remark


async def standing(dns: Dns, records: Records, *, host: str, domain: str, envelope: str) -> Sequence[Remark]:
    """`host`: the smarthost; `domain`: of From; `envelope`: of the envelope's sender, which is what SPF is asked of.

    What DNS does not answer is said to be unknown, and is not called missing.
    """
    asked = {
        "SPF": _spf(dns, records, host, envelope),
        "DKIM": dkim(records, domain, dns.dkim_selector),
        "DMARC": dmarc(records, domain, envelope),
    }
    return await asyncio.gather(*(_answered(what, asking) for what, asking in asked.items()))


def not_asked() -> Remark:
    """Of a rehearsal, which asks nobody but this machine."""
    return good(
        "DNS",
        "not asked: a rehearsal hub asks a name server on this machine only ([channels.mail.dns] name_server)",
        "訓練用のハブは外のDNSに問い合わせません。SPF・DKIM・DMARCは調べていません",
    )


async def _answered(what: str, asking: Coroutine[Any, Any, Remark]) -> Remark:
    try:
        return await asking
    except Unanswered as e:
        return unknown(what, str(e))
    except Broken as e:
        return bad(what, e.english, e.japanese)


async def _spf(dns: Dns, records: Records, host: str, domain: str) -> Remark:
    reading = Reading(records)
    record, addresses = await reading.read(domain), await _outgoing(dns, records, host)
    if record is None:
        own = " ".join(f"ip{each.version}:{each}" for each in addresses) or "ip4:…"
        english, japanese = publish(domain, f"v=spf1 {own} ~all")
        return bad("SPF", f"{domain} has no record: {english}", f"{domain} にありません。{japanese}")
    if reading.lookups > LOOKUPS_LIMIT:
        return bad(
            "SPF",
            f"{domain}: {reading.lookups} DNS look-ups, and receivers stop after {LOOKUPS_LIMIT}: "
            "write addresses (ip4:, ip6:) instead of includes",
            f"{domain}：DNSの問い合わせが{reading.lookups}回（上限{LOOKUPS_LIMIT}回）。include を減らしてください",
        )
    if reading.void > VOID_LIMIT:
        return bad(
            "SPF",
            f"{domain}: {reading.void} of its names are not there, and receivers stop after {VOID_LIMIT}",
            f"{domain}：存在しない名前が{reading.void}件あります（上限{VOID_LIMIT}件）",
        )
    return _covering(record, addresses, reading.lookups)


def _covering(record: Record, addresses: Sequence[Address], lookups: int) -> Remark:
    what = f"{record.domain}: {lookups} of {LOOKUPS_LIMIT} look-ups"
    japanese = f"{record.domain}：問い合わせ{lookups}回（上限{LOOKUPS_LIMIT}回）"
    if everybody(record):
        return bad(
            "SPF", f"{what}; +all lets everybody send in this name", f"{japanese}。+all では誰でも名乗れます"
        )
    if not addresses:
        return good(
            "SPF",
            f"{what}; whether it covers the smarthost was not looked at",
            f"{japanese}。中継サーバーを含むかは調べていません",
            "write [channels.mail.dns] sends_from, the addresses it sends from / "
            "sends_from に、中継サーバーが外へ送るときのアドレスを書いてください",
        )
    outside = [each for each in addresses if says(record, each) is not Says.PASS]
    if not outside:
        covered = ", ".join(map(str, addresses))
        return good("SPF", f"{what}; covers {covered}", f"{japanese}。{covered} を含みます")
    missing = ", ".join(map(str, outside))
    if unseen(record):
        return good(
            "SPF",
            f"{what}; whether it covers {missing} depends on macros",
            f"{japanese}。{missing} を含むかは、マクロのため分かりません",
            "send a mail to a carrier and read its Authentication-Results / "
            "携帯電話などに試しに送り、Authentication-Results を見てください",
        )
    english, instead = publish(record.domain, with_addresses(record, outside))
    return bad(
        "SPF",
        f"{record.domain} does not cover {missing}: {english} instead",
        f"{record.domain} のSPFに {missing} が含まれていません。今のものの代わりに、{instead}",
    )


async def _outgoing(dns: Dns, records: Records, host: str) -> Sequence[Address]:
    """Of a smarthost within the city nobody outside sees the address it is reached at."""
    if dns.sends_from:
        return [ip_address(each) for each in dns.sends_from]
    try:
        found = [ip_address(host)]
    except ValueError:
        found = await records.addresses(host)
    return [each for each in found if each.is_global]
