"""DMARC (RFC 7489): what receivers are asked to do with mail in our name that neither SPF nor DKIM vouches for."""

from collections.abc import Mapping

from channels.mail.standing.records import Records
from channels.mail.standing.remark import bad, good, publish
from channels.mail.standing.tags import tags
from hub.channel import Remark

POLICIES = ("none", "quarantine", "reject")
LEAST_LABELS = 2
"""A record is looked for at the domain and above it, but never at a top-level domain."""


async def dmarc(records: Records, domain: str, envelope: str) -> Remark:
    """`domain`: of From; `envelope`: of the envelope's sender. Raises `Unanswered` as `Records` does.

    Where the domain has no record, the next one above counts, as RFC 7489 §6.6.3 has it of the organisation's domain.
    """
    for place in _above(domain):
        found = [
            each for each in await records.texts(f"_dmarc.{place}") if each.lstrip().startswith("v=DMARC1")
        ]
        if len(found) > 1:
            return bad(
                "DMARC",
                f"_dmarc.{place} has {len(found)} records and may have one: receivers pass over both",
                f"_dmarc.{place} に{len(found)}件あります。1件にしてください",
            )
        if found:
            return _judged(place, tags(found[0]) or {}, domain, envelope)
    english, japanese = publish(f"_dmarc.{domain}", f"v=DMARC1; p=none; rua=mailto:postmaster@{domain}")
    return bad(
        "DMARC",
        f"{domain} has no record: {english}; once its reports are in order, p=quarantine",
        f"{domain} にありません。{japanese}（届く報告に問題がなければ p=quarantine に）",
    )


def _above(domain: str) -> list[str]:
    labels = domain.split(".")
    return [".".join(labels[at:]) for at in range(max(1, len(labels) - LEAST_LABELS + 1))]


def _judged(place: str, record: Mapping[str, str], domain: str, envelope: str) -> Remark:
    policy = record.get("p", "") if place == domain else record.get("sp", record.get("p", ""))
    if policy not in POLICIES:
        return bad(
            "DMARC",
            f"_dmarc.{place}: p= is none of none, quarantine, reject",
            f"_dmarc.{place} の p= が正しくありません",
        )
    if policy == "none":
        advice = (
            "p=none lets everybody's forgeries through: write p=quarantine once SPF and DKIM are in order / "
            "p=none では なりすましを防げません。SPFとDKIMが整ったら p=quarantine にしてください"
        )
    else:
        advice = _unaligned(record, domain, envelope)
    return good("DMARC", f"_dmarc.{place}: p={policy}", f"_dmarc.{place}：p={policy}", advice)


def _unaligned(record: Mapping[str, str], domain: str, envelope: str) -> str:
    """Of an envelope's sender in another domain SPF vouches for nothing (§3.1.2): then DKIM has to."""
    strict = record.get("aspf", "r") == "s"
    related = not strict and (f".{domain}".endswith(f".{envelope}") or f".{envelope}".endswith(f".{domain}"))
    if envelope == domain or related:
        return ""
    return (
        f"bounces come to {envelope}, which is not {domain}: SPF does not count, only DKIM / "
        f"bounces のドメイン {envelope} が {domain} と違うため、SPFは数えられません。DKIMが必要です"
    )
