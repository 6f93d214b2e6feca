"""Registering people from a spreadsheet: every row is good and all are registered, or nobody is.

A fault names the line and the column, never what stands there: it may be an address.
"""

import asyncio
import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple, TypeVar

import msgspec
from sqlalchemy import Connection, select
from sqlalchemy.exc import IntegrityError

from channels.mail.mailbox import path as envelope_path
from hub import city as cities
from hub import contact, trials
from hub import keys as key_files
from hub.authorise import SYSTEM
from hub.blocks import blocks
from hub.city import City
from hub.contact import Wrong
from hub.errors import BadInput, Conflict, HubError, Refused
from hub.idset import IdSet
from hub.keys import Keys
from hub.language import Language
from hub.ledger import Ledger, audit, packing, packs, register, tables
from hub.ledger.register import Registration
from hub.ledger.trials import TRIED
from hub.recipient import Kind, RecipientId, Town, Zone
from hub.settings import Settings
from yobikake.assembly import city_folder
from yobikake.initialise import opened

T = TypeVar("T")
Progress = Callable[[int, int], None]
"""Called with how many people are registered, of how many."""

_BLOCK = 500
"""People of one commit."""
BULK = 20
"""With more people a file is a city's, and nobody in it was told that the telephone will ring."""


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """`channels`: contacts by channel and language; somebody with two of them counts on both."""

    residents: int
    channels: dict[str, dict[Language, int]]


class Imported(Counts, frozen=True, kw_only=True):
    """What a file holds, of residents and staff together in `channels`. Nothing was written on a dry run."""

    staff: int
    dry_run: bool
    trials: int
    """Numbers that will be tried once."""


class Entry(NamedTuple):
    line: int
    registration: Registration


class Sheet(NamedTuple):
    """A file as it was read: the good rows, and what is wrong with the others."""

    entries: list[Entry]
    faults: list["Fault"]


class Fault(BadInput):
    """A cell that cannot be used. `line` counts from 1, the head line."""

    def __init__(self, line: int, column: str, english: str, japanese: str) -> None:
        super().__init__(f"line {line} {column}", f"{english} / {line}行目「{column}」：{japanese}")
        self.line = line


async def import_file(
    found: Settings, file: Path, *, dry_run: bool, progress: Progress, at: datetime, trial: bool | None = None
) -> Imported:
    """Register everybody in `file`, or nobody, with one audit row that holds counts only.

    `trial`: whether their telephones and faxes are tried once (`hub.trials`); None: unless there are more than `BULK`
    people.

    They are written a few at a time, so that nobody's batch waits for the ledger, and are in force together
    once all are there. Of an import that was cut off the same file takes what is left over.

    Raises:
        BadInput: the file cannot be read, or is no such table.
        ExceptionGroup: of a `Fault` for everything that is wrong in it, then a `Refused`. Nobody was registered.
        Conflict: somebody else registered one of these addresses meanwhile. Nobody was registered.
    """
    keys = key_files.load(found.keys)
    async with opened(found) as ledger:
        sheet = read(_text(file), cities.load(city_folder(found.city)))
        known, left_over = await ledger.read(lambda conn: _registered(conn, keys, sheet.entries))
        faults = sheet.faults + known
        if faults:
            raise ExceptionGroup(file.name, [*sorted(faults, key=lambda fault: fault.line), _none(faults)])
        people = [entry.registration for entry in sheet.entries]
        wanted = found.trials.automatic and (len(people) <= BULK if trial is None else trial)
        tried = [channel for channel in TRIED if channel in found.channels] if wanted else []
        imported = _imported(people, tried, dry_run=dry_run)
        if not dry_run:
            await _register(ledger, keys, people, imported, left_over, tried=tried, progress=progress, at=at)
    return imported


async def count(found: Settings) -> Counts:
    """Residents registered, each once, and their contacts by channel and language."""
    async with opened(found) as ledger:
        return await ledger.read(_count)


def read(text: str, city: City) -> Sheet:
    """Check every row. Rows without anything in them are passed over.

    Raises:
        BadInput: there is no head line, no row, or a quotation mark is left open.
    """
    rows = _rows(text)
    _, head = next(rows, (1, []))
    _check_head(head)
    reader = _Reader(city)
    for line, cells in rows:
        if any(cells):
            reader.take(line, head, cells)
    if not reader.sheet.entries and not reader.sheet.faults:
        raise BadInput("line 2", "there is nobody in this file / 登録する人が1人も書かれていません")
    return reader.sheet


def mail(cell: str) -> str:
    """With the dots of old carrier addresses (`a..b@`, `a.@`), which the connector quotes."""
    address = contact.mail(cell)
    if not envelope_path(address):
        raise Wrong("is no mail address", "メールアドレスではありません")
    return address


def sms(cell: str) -> str:
    """E.164 of a number that takes short messages."""
    return contact.mobile(contact.voice(cell))


ADDRESSES: Mapping[str, Callable[[str], str]] = {
    "mail": mail,
    "line": contact.line,
    "voice": contact.voice,
    "sms": sms,
    "fax": contact.voice,
    "webpush": contact.webpush,
}
"""The channels that reach people, and what each takes for an address."""
COLUMNS = ("kind", "language", "town", *ADDRESSES, "drills", "support")

_KINDS = {kind.value: kind for kind in (Kind.RESIDENT, Kind.STAFF)}
_LANGUAGES = {language.lower(): language for language in Language}
_YES_NO = {"yes": True, "no": False}


class _Reader:
    """One file being read, row by row."""

    def __init__(self, city: City) -> None:
        self.sheet = Sheet([], [])
        self._city = city
        names = Counter(town.name.ja for town in city.towns.values())
        self._towns = {town.name.ja: code for code, town in city.towns.items() if names[town.name.ja] == 1}
        self._lines: dict[tuple[str, str], int] = {}

    def take(self, line: int, head: Sequence[str], cells: Sequence[str]) -> None:
        if len(cells) != len(head):
            self._fault(line, "*", "has more or fewer cells than the head line", "列の数が1行目と合いません")
            return
        row = {column: cell for column, cell in zip(head, cells, strict=True) if cell}
        wrong_before = len(self.sheet.faults)
        kind = self._cell(line, row, "kind", _one_of(_KINDS), Kind.RESIDENT)
        language = self._cell(line, row, "language", _one_of(_LANGUAGES), Language.JA)
        drills = self._cell(line, row, "drills", _one_of(_YES_NO), default=False)
        support = self._cell(line, row, "support", _one_of(_YES_NO), default=False)
        town = self._cell(line, row, "town", self._town, Town(""))
        if kind is Kind.RESIDENT and "town" not in row:
            self._fault(line, "town", "is empty: residents live somewhere", "住民には町が必要です")
        contacts = self._contacts(line, row)
        if len(self.sheet.faults) == wrong_before:
            zone = self._city.zone_of(town) if town else Zone("")
            self.sheet.entries.append(
                Entry(
                    line,
                    Registration(
                        kind=kind,
                        language=language,
                        contacts=contacts,
                        town=town,
                        zone=zone,
                        drills=drills,
                        support=support and kind is Kind.RESIDENT,
                    ),
                )
            )

    def _contacts(self, line: int, row: Mapping[str, str]) -> dict[str, str]:
        given = [channel for channel in ADDRESSES if channel in row]
        if not given:
            self._fault(line, "/".join(ADDRESSES), "has no address on any channel", "宛先が1つもありません")
        contacts = {channel: self._cell(line, row, channel, ADDRESSES[channel], "") for channel in given}
        for channel, address in contacts.items():
            if address and (earlier := self._lines.setdefault((channel, address), line)) != line:
                self._fault(
                    line, channel, f"is the same as on line {earlier}", f"{earlier}行目と同じ宛先です"
                )
        return contacts

    def _cell(
        self, line: int, row: Mapping[str, str], column: str, parse: Callable[[str], T], default: T
    ) -> T:
        """The default also stands for a cell that is wrong; its row is then not used."""
        if column not in row:
            return default
        try:
            return parse(row[column])
        except Wrong as e:
            self._fault(line, column, e.english, e.japanese)
            return default

    def _town(self, cell: str) -> Town:
        code = Town(cell) if cell in self._city.towns else self._towns.get(cell)
        if code is None:
            raise Wrong(
                "is no town of this city: write its code or its name in towns.csv",
                "この市の町ではありません。towns.csv の番号か名前を書いてください",
            )
        return code

    def _fault(self, line: int, column: str, english: str, japanese: str) -> None:
        self.sheet.faults.append(Fault(line, column, english, japanese))


def _one_of(values: Mapping[str, T]) -> Callable[[str], T]:
    def parse(cell: str) -> T:
        try:
            return values[cell.lower()]
        except KeyError:
            known = ", ".join(values)
            raise Wrong(f"is none of {known}", f"{known} のどれかを書いてください") from None

    return parse


def _text(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8-sig")
    except OSError as e:
        raise BadInput(str(file), f"cannot be read: {e.strerror} / 読めません") from e
    except UnicodeDecodeError:  # not chained: it holds the whole file
        raise BadInput(str(file), "is not UTF-8; save it as «CSV UTF-8» / UTF-8で保存してください") from None


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """Each row with the line on which it begins."""
    reader, line = csv.reader(io.StringIO(text, newline=""), strict=True), 1
    try:
        for cells in reader:
            yield line, [cell.strip() for cell in cells]
            line = reader.line_num + 1
    except csv.Error:
        raise BadInput(
            f"line {line}", 'a quotation mark is left open / 引用符（"）が閉じられていません'
        ) from None


def _check_head(head: Sequence[str]) -> None:
    if not any(channel in head for channel in ADDRESSES):  # perhaps a person already: show nothing of it
        raise BadInput(
            "line 1",
            f"is no head line: write the columns' names there, {','.join(COLUMNS)} / 1行目に列の名前を書いてください",
        )
    if unknown := [_shown(place, name) for place, name in enumerate(head, 1) if name not in COLUMNS]:
        raise BadInput(
            "line 1",
            f"{', '.join(unknown)}: no such column; there are {', '.join(COLUMNS)} / この列はありません",
        )
    if twice := [name for name, number in Counter(head).items() if number > 1]:
        raise BadInput("line 1", f"{', '.join(twice)} is there twice / 同じ列が2つあります")


def _shown(place: int, name: str) -> str:
    """A column by its name; by its number where what stands there may be an address."""
    return name if re.fullmatch(r"[^\W\d][\w -]{0,19}", name) else f"column {place} ({place}列目)"


def _none(faults: Sequence[Fault]) -> HubError:
    rows = len({fault.line for fault in faults})
    return Refused(f"Nobody was registered; rows to correct: {rows} / だれも登録していません。直す行：{rows}")


def _registered(
    conn: Connection, keys: Keys, entries: Iterable[Entry]
) -> tuple[list[Fault], list[RecipientId]]:
    """A fault for every address that is in the register already; and who is left over of an import cut off.

    Those stand in no pack, so that nothing was ever planned for them.
    """
    contacts = (
        (keys.blind(channel, address), entry.line, channel)
        for entry in entries
        for channel, address in entry.registration.contacts.items()
    )
    packed: dict[str, IdSet] = {}
    faults: list[Fault] = []
    left_over: set[RecipientId] = set()
    for block in blocks(contacts, 500):
        known = _known(conn, [contact[0] for contact in block])
        for index, line, channel in block:
            if (recipient := known.get((channel, index))) is None:
                continue
            if channel not in packed:
                packed[channel] = packs.everyone(conn, channel)
            if recipient in packed[channel]:
                faults.append(Fault(line, channel, "is registered already", "すでに登録されています"))
            else:
                left_over.add(recipient)
    return faults, sorted(left_over)


def _known(conn: Connection, blinds: Sequence[bytes]) -> dict[tuple[str, bytes], RecipientId]:
    table = tables.contacts.c
    rows = conn.execute(select(table.channel, table.blind, table.recipient).where(table.blind.in_(blinds)))
    return {(row.channel, row.blind): RecipientId(row.recipient) for row in rows}


async def _register(
    ledger: Ledger,
    keys: Keys,
    people: Sequence[Registration],
    imported: Imported,
    left_over: Sequence[RecipientId],
    *,
    tried: Collection[str],
    progress: Progress,
    at: datetime,
) -> None:
    """Whoever is in the packs at the end has an audit row; until then nothing is planned for them."""
    added: list[RecipientId] = []
    try:
        await _take_out(ledger, left_over)
        for block in blocks(people, _BLOCK):
            added += await ledger.write(lambda conn: _add(conn, keys, block, at))  # noqa: B023
            progress(len(added), len(people))
        used = [channel for channel, languages in imported.channels.items() if languages]
        new = {
            id_: [channel for channel in person.contacts if channel in tried]
            for id_, person in zip(added, people, strict=True)
        }

        def along(conn: Connection) -> None:
            _audit(conn, keys, imported, at)
            trials.ask(conn, new, at=at)

        await packing.repack(ledger, keys, used, along=along)
    except BaseException:
        await asyncio.shield(_take_out(ledger, added))
        raise


def _add(conn: Connection, keys: Keys, people: Sequence[Registration], at: datetime) -> list[RecipientId]:
    try:
        return register.add(conn, keys, people, at=at)
    except IntegrityError:  # not chained: it holds the rows
        raise Conflict(
            "somebody else is registering the same addresses; try again / "
            "同じ宛先が同時に登録されています。もう一度実行してください"
        ) from None


async def _take_out(ledger: Ledger, recipients: Sequence[RecipientId]) -> None:
    for block in blocks(recipients, _BLOCK):
        await ledger.write(lambda conn: register.remove(conn, block))  # noqa: B023


def _audit(conn: Connection, keys: Keys, imported: Imported, at: datetime) -> None:
    channels = {channel: sum(languages.values()) for channel, languages in imported.channels.items()}
    audit.append(
        conn,
        keys,
        at=at,
        actor=SYSTEM.login,
        action="register.import",
        subject="register",
        detail={"residents": imported.residents, "staff": imported.staff, "channels": channels},
    )


def _imported(people: Sequence[Registration], tried: Collection[str], *, dry_run: bool) -> Imported:
    kinds = Counter(person.kind for person in people)
    return Imported(
        residents=kinds[Kind.RESIDENT],
        staff=kinds[Kind.STAFF],
        channels={
            channel: dict(Counter(person.language for person in people if channel in person.contacts))
            for channel in ADDRESSES
        },
        dry_run=dry_run,
        trials=sum(channel in tried for person in people for channel in person.contacts),
    )


def _count(conn: Connection) -> Counts:
    channels = {}
    for channel in ADDRESSES:
        languages: Counter[Language] = Counter()
        for (language, _), number in register.headcount(conn, channel).items():
            languages[language] += number
        channels[channel] = dict(languages)
    return Counts(residents=register.registrants(conn), channels=channels)
