"""The shapes a hub runs in: which processes with which roles, and what they stand on."""

import shutil
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol

from yobikake.chaos import people
from yobikake.chaos.people import Register

KINDS = (
    "kill",
    "kill_at_intake",
    "kill_at_answer",
    "kill_at_stop",
    "kill_at_relay",
    "kill_at_fanout",
    "kill_at_claim",
    "kill_at_send",
    "kill_at_record",
    "kill_at_receipt",
    "kill_at_start",
    "kill_at_takeover",
    "freeze",
    "full_disk",
    "clock_jump",
    "duplicates",
    "reordering",
    "replayed",
    "forged",
    "slow",
    "half_open",
    "down_421",
    "temporary_4xx",
    "refused_5xx",
    "reset_in_data",
    "reset_after_dot",
    "server_error",
    "cut_before",
    "cut_after",
    "throttle",
    "credentials",
    "partial_refusals",
    "callback_first",
    "callback_late",
    "callback_repeated",
    "callback_disordered",
)
"""What can hit any hub."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """One process of the hub. No roles: all of them."""

    name: str
    roles: tuple[str, ...] = ()

    def does(self, roles: Collection[str]) -> bool:
        """Whether it has one of these roles."""
        return not self.roles or bool(set(roles) & set(self.roles))


class Shape(Protocol):
    """Opened once, then used for run after run, never for two at a time."""

    name: ClassVar[str]
    kinds: ClassVar[tuple[str, ...]]
    """Of the faults that can hit it: keys of `yobikake.chaos.faults.FAULTS`."""
    posts: ClassVar[tuple[Post, ...]]
    """Its processes; the operator works at the first."""

    async def open(self, folder: Path) -> Register:
        """Start the servers, and fill a ledger to copy from (`people.populate`); `folder` is its own.
        Gives who is in it.

        Raises:
            NotStarted: a server did not start; says which, and shows its log.
        """

    async def fresh(self, folder: Path) -> dict[str, Any]:
        """Make `folder` a hub's with a ledger like the filled one, and nothing else of an earlier run.

        Gives the settings' stanzas beside `channels`, `data`, `city`, `staff` and `residents`.
        """

    def carried(self, folder: Path) -> Sequence[Path]:
        """The files of this run's transport: no address may stand in them."""

    async def heal(self) -> None:
        """Every server is up and answers, whatever was done to it."""

    async def close(self) -> None:
        """End the servers."""


class Embedded:
    """One process, SQLite, no server."""

    name: ClassVar[str] = "embedded"
    kinds: ClassVar[tuple[str, ...]] = KINDS
    posts: ClassVar[tuple[Post, ...]] = (Post(name="hub"),)

    def __init__(self) -> None:
        self._template = Path()

    async def open(self, folder: Path) -> Register:
        self._template = folder / "template"
        self._template.mkdir()
        return await people.populate(self._template, {})

    async def fresh(self, folder: Path) -> dict[str, Any]:
        shutil.copytree(self._template, folder, dirs_exist_ok=True)
        return {}

    def carried(self, folder: Path) -> Sequence[Path]:
        return sorted(path for name in ("bus.db*", "readings.db*") for path in (folder / "data").glob(name))

    async def heal(self) -> None:
        return None

    async def close(self) -> None:
        return None
