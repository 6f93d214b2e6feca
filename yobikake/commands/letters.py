"""`yobikake dead-letters`: records that could not be processed."""

import asyncio
import hashlib
from collections.abc import Sequence
from typing import Any

import msgspec
from rich.markup import escape

from hub import keys as key_files
from hub.codec import RecordCodec
from hub.ledger import dead_letters
from hub.ledger.dead_letters import MOST, DeadLetter
from hub.settings import Settings
from yobikake import initialise
from yobikake.commands.output import DEFAULT, AsJson, SettingsFile, answer, load, local, out


def show_dead_letters(settings_file: SettingsFile = DEFAULT, as_json: AsJson = False) -> None:
    """Show records that could not be processed: where each was, when, and why. The newest first.

    What a record says is printed only where this hub wrote it. Staff mark them as seen in the console.
    """
    settings = load(settings_file)
    records = RecordCodec(key_files.load(settings.keys))
    found = asyncio.run(_newest(settings))
    answer([_letter(each, records) for each in found], as_json=as_json, show=lambda _: _list(found))


async def _newest(settings: Settings) -> list[DeadLetter]:
    async with initialise.opened(settings) as ledger:
        return await ledger.read(lambda conn: dead_letters.newest(conn, limit=MOST))


def _letter(letter: DeadLetter, records: RecordCodec) -> dict[str, Any]:
    payload = records.payload(letter.topic, letter.key, letter.value)
    return {
        "id": letter.id,
        "at": letter.at,
        "topic": letter.topic,
        "key": letter.key,
        "reason": letter.reason,
        "record": None if payload is None else msgspec.Raw(payload),
        "bytes": len(letter.value),
        "sha256": hashlib.sha256(letter.value).hexdigest(),
        "seen_at": letter.seen_at,
        "seen_by": letter.seen_by,
    }


def _list(found: Sequence[DeadLetter]) -> None:
    if not found:
        out.print("There is none / ありません")
    for letter in found:
        seen = (
            ""
            if letter.seen_at is None
            else f"  seen by {escape(letter.seen_by or '')} {local(letter.seen_at)}"
        )
        out.print(f"{local(letter.at)}  {escape(letter.topic)}{seen}", soft_wrap=True)
        out.print(f"    {escape(letter.reason)}", soft_wrap=True)
