"""How much memory an alert and its correction take, in a process of its own.

    python -m tests.integration.audience_of_any_size FOLDER PEOPLE BOUND

In a folder that was prepared for so many people. One in ten lives in `t1`. Prints by how many bytes the peak of the
resident memory is higher while all are told than while those of `t1` are.
"""

import asyncio
import logging
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace

import structlog
from sqlalchemy import Connection, insert

from hub.capabilities import Capabilities
from hub.channel import Health, Parcel
from hub.clock import utc_now
from hub.delivery import Outcome, Result
from hub.language import Language
from hub.ledger import packs, register, tables
from hub.recipient import Audience, Kind, RecipientId, Targeting, Town, Towns, WholeCity
from tests.integration.engine import KEYS, Engine, engine
from tests.integration.test_engine_correction import correct

ROUNDS = 3
LANGUAGES = (Language.EN, Language.JA, Language.VI)


class Accepting:
    """A gateway in this process that takes everything."""

    capabilities = Capabilities(kind="mail", japanese="メール", batch_size=500, connections=4)

    async def open(self) -> None:
        """It always is."""

    async def send(self, parcel: Parcel) -> AsyncIterator[Result]:
        parcel.gate()
        for recipient in parcel.to:
            yield Result(recipient.id, Outcome.ACCEPTED)

    async def probe(self) -> Health:
        return Health(ok=True, detail="", checked_at=utc_now())

    async def close(self) -> None:
        """There is nothing to close."""


def main() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    folder, people, bound = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    print(asyncio.run(measure(folder, people, bound)))


async def prepare(folder: Path, people: int) -> None:
    async with engine(folder, channels={"mail": Accepting()}) as hub:
        for language in LANGUAGES:
            await hub.ledger.write(lambda conn: _pack(conn, language, people))  # noqa: B023


async def measure(folder: Path, people: int, bound: int) -> int:
    """More than `bound` is measured again: which threads meet at a moment is chance, what everybody costs is not."""
    async with engine(folder, channels={"mail": Accepting()}) as hub, hub.running():
        some, everybody = Towns(towns=(Town("t1"),)), WholeCity()
        await _sent_and_corrected(hub, everybody, people)  # what is loaded, opened or cached once, is
        for _ in range(ROUNDS):
            of_some = await _peak_of(hub, some, people // 10)
            more = await _peak_of(hub, everybody, people) - of_some
            if more < bound:
                break
        return more


async def _peak_of(hub: Engine, audience: Audience, people: int) -> int:
    Path("/proc/self/clear_refs").write_text("5")  # proc_pid_clear_refs(5): forget the peak
    await _sent_and_corrected(hub, audience, people)
    (line,) = (row for row in Path("/proc/self/status").read_text().splitlines() if row.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


async def _sent_and_corrected(hub: Engine, audience: Audience, people: int) -> None:
    wrong = await hub.send(targeting=Targeting(audience=audience, channels=("mail",)))
    await _accepted_by(hub, wrong, people)
    await _accepted_by(hub, await correct(hub, wrong), people)


async def _accepted_by(hub: Engine, alert: str, people: int) -> None:
    while not (tally := (await hub.tally(alert))["mail"]).done:
        await asyncio.sleep(0.2)
    assert tally.accepted == people


def _pack(conn: Connection, language: Language, people: int) -> None:
    """Straight into the packs: nothing here registers or looks anybody up."""
    ours = [n for n in range(1, people + 1) if LANGUAGES[n % len(LANGUAGES)] is language]
    for begin in range(0, len(ours), packs.PACK):
        block = [
            SimpleNamespace(
                id=RecipientId(n), town="t1" if n % 10 == 0 else "t2", kind=Kind.RESIDENT, drills=False,
                suppressed=False, key_id=KEYS.active, said=None, said_key=None,
                sealed=KEYS.seal(f"r{n}@mail.example".encode(), bound_to=f"contacts mail {n}"),
            )
            for n in ours[begin : begin + packs.PACK]
        ]  # fmt: skip
        conn.execute(insert(tables.packs).values(register._pack(KEYS, "mail", language, "", block)))


if __name__ == "__main__":
    main()
