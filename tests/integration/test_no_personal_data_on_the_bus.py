"""No personal data ever enters the transport's log: a whole run's records and files are searched for it.

An alert goes to residents by mail, LINE and telephone; some addresses are refused, some numbers are
busy, and the calls' receipts come back over the bus.
"""

import os
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
import pytest_asyncio

from hub.bus.embedded import EmbeddedBus
from hub.bus.kafka import KafkaBus, administration
from hub.bus.transport import Topic
from hub.language import Language
from hub.ledger.register import Registration
from hub.recipient import Kind
from tests.integration.carried import CHANNELS, Carried, bus_files, embedded, missing, over_kafka, segments
from yobikake.rehearsal.residents import Persona

pytestmark = pytest.mark.asyncio(loop_scope="module")

SERVERS = [pytest.mark.kafka, pytest.mark.postgresql, pytest.mark.redis]
SHAPES = {"embedded": embedded, "city": over_kafka}


@pytest_asyncio.fixture(
    scope="module", loop_scope="module", params=["embedded", pytest.param("city", marks=SERVERS)]
)
async def carried(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Carried]:
    yield await SHAPES[request.param](tmp_path_factory.mktemp(request.param) / "hub")


async def test_everybody_was_sent_to_and_what_happened_travelled(carried: Carried) -> None:
    """Otherwise the others have searched in the wrong place."""
    tallies = carried.tallies
    assert all(tallies[channel].planned > 10 for channel in CHANNELS)
    assert tallies["mail"].accepted
    assert tallies["line"].accepted
    assert tallies["voice"].delivered, "no receipt came back"
    assert tallies["mail"].failed
    assert tallies["voice"].failed, "nobody was refused"
    assert missing(carried.records, carried.names) == []
    if carried.files:
        assert missing(carried.files.values(), carried.names) == []


async def test_no_record_holds_an_address_or_a_name(carried: Carried) -> None:
    assert of_whom(carried.records, carried.personas) == []


async def test_no_file_of_the_bus_holds_an_address_or_a_name(carried: Carried) -> None:
    if not carried.files:
        pytest.skip("KAFKA_LOG_DIRS is not set: this Kafka's files are out of reach")
    assert of_whom(carried.files.values(), carried.personas) == []


@pytest.fixture
def stranger() -> Persona:
    """Somebody whom no other run knows."""
    number = f"{uuid4().int % 10**9:09}"
    return Persona(
        name=f"昭島 {number}郎",
        registration=Registration(
            kind=Kind.RESIDENT,
            language=Language.JA,
            contacts={"mail": f"q{number}@mail.example", "line": f"U{uuid4().hex}", "voice": f"+819{number}"},
        ),
    )


def slips(person: Persona) -> list[bytes]:
    """Records that should never have been written, each with one thing about a person in it."""
    mail, line, voice = person.registration.contacts.values()
    return [
        f'{{"to":"{mail.upper()}"}}'.encode(),
        f'{{"refused":["{line}"]}}'.encode(),
        f"To=%2B{voice[1:]}&CallStatus=busy".encode(),
        f'{{"name":"{person.name}"}}'.encode(),
        ascii(person.name).encode(),
    ]


async def test_a_slip_would_be_found_in_the_embedded_bus(tmp_path: Path, stranger: Persona) -> None:
    bus = EmbeddedBus(tmp_path / "bus.db")
    await bus.open()
    for slip in slips(stranger):
        assert of_whom([slip], [stranger]) == [stranger.name]
        await bus.publish("receipts", "key", slip)
        assert of_whom(bus_files(tmp_path).values(), [stranger]) == [stranger.name]
    await bus.close()


@pytest.mark.kafka
async def test_a_slip_would_be_found_in_kafka(kafka_bootstrap: str, stranger: Persona) -> None:
    if not os.environ.get("KAFKA_LOG_DIRS"):
        pytest.skip("KAFKA_LOG_DIRS is not set: this Kafka's files are out of reach")
    name = f"slip-{uuid4()}"
    topic = Topic(
        name=name, partitions=1, replication_factor=1, min_insync_replicas=1, retention=timedelta(days=1)
    )
    async with administration(kafka_bootstrap) as cluster:
        await cluster.create([topic])
    bus = KafkaBus(kafka_bootstrap, client_id=name)
    await bus.open()
    assert of_whom(segments().values(), [stranger]) == []
    await bus.publish(name, "key", slips(stranger)[0])
    await bus.close()
    assert of_whom(segments().values(), [stranger]) == [stranger.name]


def of_whom(found: Iterable[bytes], personas: Sequence[Persona]) -> list[str]:
    """The names of those of whom any trace is there, in whatever case."""
    everything = b"\n".join(found).lower()
    return [person.name for person in personas if any(trace in everything for trace in traces(person))]


def traces(person: Persona) -> set[bytes]:
    """What gives a person away: a whole address, what stands before its @, a number without its +, a name."""
    contacts = person.registration.contacts
    words = {contacts.get("line", ""), contacts.get("voice", "").removeprefix("+"), person.name}
    words |= {contacts.get("mail", ""), contacts.get("mail", "").partition("@")[0]}
    plain = {word.lower().encode() for word in words if word}
    escaped = {ascii(word)[1:-1].lower().encode() for word in words if word}
    return plain | escaped
