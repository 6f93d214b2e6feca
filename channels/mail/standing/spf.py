"""SPF (RFC 7208): a domain's record with all that it includes, and what it says of an address."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import NamedTuple

from channels.mail.standing.records import Address, Records

LOOKUPS_LIMIT = 10
"""Terms that ask DNS, in the record and in all it includes; one more and receivers take it for broken (§4.6.4)."""
VOID_LIMIT = 2
"""Of those, how many may find nothing (§4.6.4)."""
EXCHANGERS_LIMIT = 10
STOP_AT = 30
"""No record is followed further than this, not even to say by how much it is over."""

Network = IPv4Network | IPv6Network


class Says(StrEnum):
    """A record's word on an address (§2.6)."""

    PASS = "+"  # noqa: S105 - a word of the RFC
    FAIL = "-"
    SOFTFAIL = "~"
    NEUTRAL = "?"


class Term(NamedTuple):
    """A mechanism (§5), with what DNS said of it. `unseen`: it depends on each mail (a macro, the reverse name)."""

    says: Says
    name: str
    value: str = ""
    networks: tuple[Network, ...] = ()
    included: "Record | None" = None
    unseen: bool = False


class Record(NamedTuple):
    domain: str
    text: str
    terms: tuple[Term, ...]
    redirect: "Record | None" = None


class Broken(Exception):
    """Receivers cannot use the record (permerror, §2.6.7)."""

    def __init__(self, english: str, japanese: str) -> None:
        super().__init__(english, japanese)
        self.english, self.japanese = english, japanese


@dataclass(slots=True)
class Reading:
    """One record being read, to its last include."""

    records: Records
    lookups: int = 0
    void: int = 0
    _open: list[str] = field(default_factory=list)

    async def read(self, domain: str) -> Record | None:
        """None: there is no record. Raises `Broken`, and `Unanswered` as `Records` does."""
        found = [each for each in await self.records.texts(domain) if re.match(r"v=spf1(?: |$)", each, re.I)]
        if len(found) > 1:
            raise Broken(
                f"{domain} has {len(found)} SPF records, and may have one: join them",
                f"{domain} にSPFが{len(found)}件あります。1件にまとめてください",
            )
        if not found:
            return None
        self._open.append(domain.lower())
        record = await self._parsed(domain, found[0])
        self._open.pop()
        return record

    async def _parsed(self, domain: str, text: str) -> Record:
        terms: list[Term] = []
        redirect: Record | None = None
        for word in text.split()[1:]:
            name, _, value = word.partition("=")
            if re.fullmatch(r"[A-Za-z][\w.-]*", name) and "=" in word and ":" not in name:
                if name.lower() == "redirect":
                    redirect = await self._included(value)
                continue  # exp=, and modifiers that are not known yet (§6)
            terms.append(await self._term(domain, word))
        return Record(domain, text, tuple(terms), redirect)

    async def _term(self, domain: str, word: str) -> Term:
        match = _TERM.fullmatch(word)
        name = match["name"].lower() if match else ""
        if match is None or name not in _MECHANISMS:
            raise Broken(
                f"{domain}: {word!r} is no SPF term",
                f"{domain} のSPFの {word!r} は正しい書き方ではありません",
            )
        says, value = Says(match["says"] or "+"), match["value"] or ""
        if name in _LOOK_UP:
            self._count()
        if name == "include":
            return Term(says, name, value, included=await self._included(value, counted=True))
        if name in ("exists", "ptr") or "%" in value:
            return Term(says, name, value, unseen=True)
        lengths = {4: match["four"], 6: match["six"]}
        return Term(says, name, value, await self._networks(domain, name, value, lengths))

    async def _networks(
        self, domain: str, name: str, value: str, lengths: Mapping[int, str | None]
    ) -> tuple[Network, ...]:
        if name == "all":
            return ()
        if name in ("ip4", "ip6"):
            return (_network(f"{value}/{lengths[4]}" if lengths[4] else value, domain),)
        hosts = [value or domain]
        if name == "mx":
            hosts = await self.records.exchangers(hosts[0])
            if len(hosts) > EXCHANGERS_LIMIT:
                raise Broken(f"{domain}: mx names more than ten", f"{domain} のSPFの mx が10件を超えています")
        found = [address for host in hosts for address in await self.records.addresses(host)]
        self.void += not found
        return tuple(
            _network(f"{each}/{lengths[each.version] or each.max_prefixlen}", domain) for each in found
        )

    async def _included(self, domain: str, *, counted: bool = False) -> Record | None:
        if not counted:
            self._count()
        if "%" in domain:
            return None
        if domain.lower() in self._open:
            raise Broken(f"{domain} includes itself", f"{domain} のSPFが自分自身を含んでいます")
        record = await self.read(domain)
        if record is None:
            raise Broken(
                f"{domain} is included and has no SPF record", f"include の先 {domain} にSPFがありません"
            )
        return record

    def _count(self) -> None:
        self.lookups += 1
        if self.lookups > STOP_AT:
            raise Broken(f"more than {STOP_AT} DNS look-ups", f"DNSの問い合わせが{STOP_AT}回を超えます")


def says(record: Record, address: Address) -> Says:
    """Of mail from this address, as far as it can be told beforehand: what depends on a mail matches none (§4.6)."""
    for term in record.terms:
        if term.name == "all" or any(address in network for network in term.networks):
            return term.says
        if term.included is not None and says(term.included, address) is Says.PASS:
            return term.says
    return says(record.redirect, address) if record.redirect else Says.NEUTRAL


def unseen(record: Record) -> bool:
    """Something in it depends on each mail, and nobody can tell beforehand what it says."""
    inner = [term.included for term in record.terms if term.included] + [record.redirect]
    return any(term.unseen for term in record.terms) or any(unseen(each) for each in inner if each)


def everybody(record: Record) -> bool:
    """It lets the whole world send in this domain's name."""
    return any(term.name == "all" and term.says is Says.PASS for term in record.terms)


def with_addresses(record: Record, addresses: Sequence[Address]) -> str:
    """The record as it would have to be for these to pass: in front of everything that could refuse them."""
    own = " ".join(f"ip{each.version}:{each}" for each in addresses)
    version, _, rest = record.text.partition(" ")
    return f"{version} {own} {rest}".strip()


def _network(text: str, domain: str) -> Network:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        raise Broken(
            f"{domain}: {text!r} is no address", f"{domain} のSPFの {text!r} はアドレスではありません"
        ) from None


_TERM = re.compile(
    r"(?P<says>[+?~-])?(?P<name>[A-Za-z0-9]+)(?::(?P<value>[^\s/]+|[^\s/]*%[^\s]*))?"
    r"(?:/(?P<four>\d{1,3}))?(?://(?P<six>\d{1,3}))?"
)
_MECHANISMS = frozenset({"all", "include", "a", "mx", "ptr", "ip4", "ip6", "exists"})
_LOOK_UP = _MECHANISMS - {"all", "ip4", "ip6"}
