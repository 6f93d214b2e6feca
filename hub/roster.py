"""The staff list (職員名簿): who may be called together, in which groups, and whose keys open which shelter.

A person is a recipient of kind STAFF in the register, where their addresses lie as everybody's do; this adds a name
and groups. The groups are what the city has already, its departments and its shelters, and teams (班) that staff add.
Kept as one revision, sealed.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from uuid import uuid4

import msgspec
from sqlalchemy import Connection

from hub import codec, trials
from hub.authorise import Action, Actor, authorise
from hub.contact import TYPED, Wrong
from hub.errors import BadInput, Conflict
from hub.keys import Keys
from hub.language import Language
from hub.ledger import register, revisions
from hub.ledger import trials as ledger_trials
from hub.ledger.trials import Finding
from hub.muster import CalledGroup, Member
from hub.organisation import Organisation
from hub.place import Name
from hub.recipient import RecipientId

SUBJECT = "roster"
KEY_HOLDERS = "keys"
"""In place of a group's code: the key-holders of every shelter."""
CHOICES = (1, 2, 3)
MOST_PEOPLE = 3_000
LONGEST_NAME = 60


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """鍵当番: `choice` 1 is asked to go first; all of them are called together."""

    site: str
    choice: int


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """`groups`: codes of departments and teams."""

    recipient: RecipientId
    name: str
    groups: tuple[str, ...] = ()
    keys: tuple[Key, ...] = ()


class Team(msgspec.Struct, frozen=True, kw_only=True):
    """A 班, or whatever else a city calls together that is no department."""

    code: str
    name: str


class Roster(msgspec.Struct, frozen=True):
    people: tuple[Person, ...] = ()
    teams: tuple[Team, ...] = ()

    def person(self, recipient: int) -> Person | None:
        return next((each for each in self.people if each.recipient == recipient), None)


class Typed(msgspec.Struct, frozen=True, kw_only=True):
    """A person as a form has them. `contacts`: by channel, as somebody types it; without those left empty."""

    name: str
    contacts: dict[str, str]
    groups: tuple[str, ...] = ()
    keys: tuple[Key, ...] = ()

    def __repr__(self) -> str:
        return f"Typed({sorted(self.contacts)})"


def listed(conn: Connection, keys: Keys) -> tuple[Roster, int]:
    """The list, and the number of its revision."""
    newest = revisions.latest(conn, keys, SUBJECT)
    if newest is None:
        return Roster(), 0
    return codec.decode(Roster, newest.value, what=SUBJECT), newest.number


def groups(roster: Roster, organisation: Organisation, sites: Mapping[str, Name]) -> list[CalledGroup]:
    """Every group, those of nobody too: departments, teams, then the key-holders of each shelter by their choice."""
    of_people = [
        *((each.code, each.name) for each in organisation.departments),
        *((each.code, Name(ja=each.name, en=each.name)) for each in roster.teams),
    ]
    return [
        *(CalledGroup(code=code, name=name, members=_of(roster, code)) for code, name in of_people),
        *(
            CalledGroup(code=_key_code(site), name=name, site=site, members=_holders(roster, site))
            for site, name in sites.items()
        ),
    ]


def chosen(of: Sequence[CalledGroup], codes: Collection[str]) -> tuple[CalledGroup, ...]:
    """Those of these codes, `KEY_HOLDERS` for all shelters', that have anybody in them."""
    return tuple(
        group
        for group in of
        if group.members and (group.code in codes or (group.site and KEY_HOLDERS in codes))
    )


def contacts(conn: Connection, keys: Keys, recipient: RecipientId) -> dict[str, str]:
    """By channel, opened for the form."""
    return {
        channel: found[recipient]
        for channel in TYPED
        if (found := register.addresses(conn, keys, channel, [recipient]))
    }


def set_person(
    conn: Connection,
    keys: Keys,
    typed: Typed,
    actor: Actor,
    *,
    old: RecipientId | None,
    known: Collection[str],
    seen: int,
    at: datetime,
) -> RecipientId:
    """Put somebody on the list, or change who is there under the number `old`; in force with this commit.

    Whose addresses change is registered anew, under another number; who is registered with just these, by an import,
    is taken over. `known`: the codes of the groups there are.

    Raises:
        Forbidden: no right.
        BadInput: names the field: `name`, `groups`, `keys`, or a channel.
        Conflict: somebody changed the list meanwhile, or an address is registered for somebody else.
    """
    authorise(actor, Action.CONFIGURE)
    recipient, changed = _put(conn, keys, listed(conn, keys)[0], typed, old=old, known=known, at=at)
    _keep(conn, keys, changed, actor, seen=seen, at=at)
    return recipient


def add_people(
    conn: Connection,
    keys: Keys,
    people: Sequence[Typed],
    actor: Actor,
    *,
    known: Collection[str],
    seen: int,
    at: datetime,
) -> None:
    """All of them, or nobody while anything is wrong with one. Raises as `set_person`; the message names the line."""
    authorise(actor, Action.CONFIGURE)
    changed, _ = listed(conn, keys)
    for line, typed in enumerate(people, start=1):
        try:
            _, changed = _put(conn, keys, changed, typed, old=None, known=known, at=at)
        except (BadInput, Conflict) as e:
            said = e.message.removeprefix(f"{e.path}: ") if isinstance(e, BadInput) else e.message
            japanese, _, english = said.partition(" / ")
            raise BadInput("lines", f"{line}行目：{japanese} / Line {line}: {english}") from e
    _keep(conn, keys, changed, actor, seen=seen, at=at)


def lines(text: str, group: str) -> list[Typed]:
    """A person a line: name, mail, telephone, with commas or tabs between, as a spreadsheet is copied."""
    found = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in re.split(r"[,、，\t]", line)]
        if any(cells):
            name, mail, voice, *_ = [*cells, "", "", ""]
            contacts = {channel: cell for channel, cell in (("mail", mail), ("voice", voice)) if cell}
            found.append(Typed(name=name, contacts=contacts, groups=(group,) if group else ()))
    return found


def remove_person(
    conn: Connection, keys: Keys, recipient: RecipientId, actor: Actor, *, seen: int, at: datetime
) -> None:
    """Off the list, and out of the register. Raises as `set_person`."""
    authorise(actor, Action.CONFIGURE)
    roster, _ = listed(conn, keys)
    _end(conn, keys, recipient)
    left = tuple(each for each in roster.people if each.recipient != recipient)
    _keep(conn, keys, Roster(left, roster.teams), actor, seen=seen, at=at)


def add_team(conn: Connection, keys: Keys, name: str, actor: Actor, *, seen: int, at: datetime) -> None:
    """Raises as `set_person`."""
    authorise(actor, Action.CONFIGURE)
    roster, _ = listed(conn, keys)
    _check_name("team", name)
    if any(each.name == name for each in roster.teams):
        raise BadInput("team", "同じ名前の班があります / There is a team of this name")
    team = Team(code=f"team-{uuid4().hex[:8]}", name=name)
    _keep(conn, keys, Roster(roster.people, (*roster.teams, team)), actor, seen=seen, at=at)


def remove_team(conn: Connection, keys: Keys, code: str, actor: Actor, *, seen: int, at: datetime) -> None:
    """Its people stay on the list. Raises as `set_person`."""
    authorise(actor, Action.CONFIGURE)
    roster, _ = listed(conn, keys)
    people = tuple(
        msgspec.structs.replace(each, groups=tuple(group for group in each.groups if group != code))
        for each in roster.people
    )
    teams = tuple(each for each in roster.teams if each.code != code)
    _keep(conn, keys, Roster(people, teams), actor, seen=seen, at=at)


def _put(
    conn: Connection,
    keys: Keys,
    roster: Roster,
    typed: Typed,
    *,
    old: RecipientId | None,
    known: Collection[str],
    at: datetime,
) -> tuple[RecipientId, Roster]:
    """Registered, and the list with them on it."""
    addresses = _checked(typed, known)
    if old is None and len(roster.people) >= MOST_PEOPLE:
        raise BadInput("name", f"{MOST_PEOPLE}人までです / {MOST_PEOPLE} people at most")
    recipient = _registered(conn, keys, roster, addresses, old=old, at=at)
    person = Person(recipient=recipient, name=typed.name, groups=typed.groups, keys=typed.keys)
    others = [each for each in roster.people if each.recipient not in {old, recipient}]
    people = tuple(sorted((*others, person), key=lambda each: (each.name, each.recipient)))
    return recipient, Roster(people, roster.teams)


def _key_code(site: str) -> str:
    return f"{KEY_HOLDERS}:{site}"


def _of(roster: Roster, code: str) -> tuple[Member, ...]:
    return tuple(
        Member(recipient=each.recipient, name=each.name) for each in roster.people if code in each.groups
    )


def _holders(roster: Roster, site: str) -> tuple[Member, ...]:
    def all_of() -> Iterator[Member]:
        for person in roster.people:
            for key in person.keys:
                if key.site == site:
                    yield Member(recipient=person.recipient, name=person.name, choice=key.choice)

    return tuple(sorted(all_of(), key=lambda each: (each.choice, each.name)))


def _checked(typed: Typed, known: Collection[str]) -> dict[str, str]:
    """The addresses as the register keeps them."""
    _check_name("name", typed.name)
    if any(group not in known for group in typed.groups):
        raise BadInput("groups", "組を選び直してください / Choose the groups again")
    sites = [key.site for key in typed.keys]
    if len(set(sites)) != len(sites) or any(
        key.choice not in CHOICES or _key_code(key.site) not in known for key in typed.keys
    ):
        raise BadInput(
            "keys", "避難所と順番を選び直してください / Choose the shelter and the place in order again"
        )
    if not typed.contacts:
        raise BadInput("mail", "メールか電話のどちらかが要ります / A mail or a telephone is needed")
    addresses = {}
    for channel, text in typed.contacts.items():
        try:
            addresses[channel] = TYPED[channel](text)
        except Wrong as e:
            raise BadInput(channel, f"{e.japanese} / It {e.english}") from e
    return addresses


def _check_name(field: str, name: str) -> None:
    if not name or not name.isprintable() or len(name) > LONGEST_NAME:
        raise BadInput(
            field,
            f"1行で、{LONGEST_NAME}文字までで書いてください / One line of at most {LONGEST_NAME} characters",
        )


def _registered(
    conn: Connection,
    keys: Keys,
    roster: Roster,
    addresses: dict[str, str],
    *,
    old: RecipientId | None,
    at: datetime,
) -> RecipientId:
    """Who has just these addresses. Somebody else's are left to them."""
    owners = {
        owner
        for channel, address in addresses.items()
        if (owner := register.find(conn, keys, channel, address)) is not None
    }
    same = next((each for each in owners if contacts(conn, keys, each) == addresses), None)
    if same is not None and (
        same == old or (roster.person(same) is None and _of_staff(conn, addresses, same))
    ):
        if old not in (None, same):
            _end(conn, keys, RecipientId(old or 0))
        return same
    if owners - {old}:
        raise Conflict(
            "この宛先は別の人（住民か職員）の登録にあります / "
            "An address is registered for somebody else, a resident or one of the staff"
        )
    sure = _tried(conn, keys, old, addresses)
    if old is not None:
        _end(conn, keys, old)
    recipient = register.add_staff(conn, keys, addresses, language=Language.JA, at=at)
    trials.ask(conn, {recipient: [channel for channel in addresses if channel not in sure]}, at=at)
    return recipient


def _tried(
    conn: Connection, keys: Keys, old: RecipientId | None, addresses: Mapping[str, str]
) -> Collection[str]:
    """Channels on which they keep a number that somebody picked up when it was tried."""
    if old is None:
        return ()
    before = contacts(conn, keys, old)
    kept = [channel for channel, address in addresses.items() if before.get(channel) == address]
    known = {channel: ledger_trials.of(conn, old, channel) for channel in kept}
    return [channel for channel, tried in known.items() if tried and tried.finding is Finding.CONFIRMED]


def _of_staff(conn: Connection, addresses: Mapping[str, str], recipient: RecipientId) -> bool:
    return any(
        recipient in ids
        for channel in addresses
        for ids in register.staff(conn, channel, [recipient]).values()
    )


def _end(conn: Connection, keys: Keys, recipient: RecipientId) -> None:
    for channel in TYPED:
        register.end(conn, keys, channel, recipient)


def _keep(conn: Connection, keys: Keys, roster: Roster, actor: Actor, *, seen: int, at: datetime) -> None:
    detail = {"people": len(roster.people), "teams": len(roster.teams)}
    revisions.add(conn, keys, SUBJECT, codec.encode(roster), seen=seen, at=at, by=actor.login, detail=detail)
