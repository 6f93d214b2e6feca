"""The bus of a hub of several processes: Apache Kafka, through aiokafka.

aiokafka 0.14 has unsafe defaults, waits without end and can stay stuck. So every await here has a
deadline, and a client that failed is abandoned for a new one: docs/decisions/0003-kafka-adapter.md.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any, TypeVar

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import (
    CommitFailedError,
    ConsumerStoppedError,
    IllegalOperation,
    IllegalStateError,
    InvalidTopicError,
    KafkaError,
    MessageSizeTooLargeError,
    NoError,
    RecordListTooLargeError,
    StaleMetadata,
    TopicAlreadyExistsError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
    for_code,
)

from hub.alert import Lane
from hub.bus import OCCUPANCY, READINGS, RECEIPTS, Record, Subscription
from hub.bus.access import Access
from hub.bus.ending import bounded, cut
from hub.bus.publisher import Publisher
from hub.bus.subscriber import Subscriber
from hub.bus.transport import Topic, Unavailable
from hub.errors import Refused, TemporaryFailure

T = TypeVar("T")

REQUEST_S = 5.0
POLL_MS = 500
CLOSE_S = 5.0
STOP_S = 2.0
CREATE_S = 15.0
LOOK_AGAIN_S = 0.05
METADATA_MS = 5_000
"""A member that joined before a broker knew the topic is assigned nothing until it asks again: aiokafka would after
five minutes."""
LINGER_MS = 5
"""A true wait in aiokafka, so none where a record is urgent: 149 single sends a second against 1,001."""

SETTINGS = ("min.insync.replicas", "retention.ms")
IN_BULK = frozenset({READINGS, RECEIPTS, OCCUPANCY})
FAILURES = (KafkaError, ConsumerStoppedError, IllegalOperation, OSError, AssertionError)
"""What aiokafka raises when it, or its broker, is at fault."""

REFUSALS = (
    TopicAuthorizationFailedError,
    InvalidTopicError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
)
"""The broker's answers that another producer would get as well."""


class KafkaBus:
    """`client_id` names this process: unique among all, and the same after a restart.

    A group is a Kafka group for each topic (`<group>.<topic>`), so that topics do not rebalance
    together. A member that ends keeps its partitions for `session_timeout`: a restart within it moves
    nothing. Kafka need not be there when the bus opens, nor later.

    Args:
        publish_within: after this a record is given up with `TemporaryFailure`.
        buffer: records held ahead of a slow reader, for each subscription.
        prefix: stands before every topic's and group's name, so that several hubs can share a Kafka.
        stuck_after: a consumer without an assignment, or with a lag and no progress, is then replaced.
    """

    def __init__(
        self,
        bootstrap: str,
        *,
        client_id: str,
        prefix: str = "",
        access: Access | None = None,
        publish_within: timedelta = timedelta(seconds=15),
        session_timeout: timedelta = timedelta(seconds=10),
        stuck_after: timedelta = timedelta(seconds=30),
        buffer: int = 2_000,
    ) -> None:
        self._client_id = client_id
        self._prefix = prefix
        self._common = {
            "bootstrap_servers": bootstrap,
            "client_id": client_id,
            **(access or Access()).options(),
        }
        self._within = publish_within
        self._session_timeout = session_timeout
        self._stuck_after = stuck_after
        self._buffer = buffer
        self._publishers: dict[int, Publisher] = {}
        self._seats: set[tuple[str, str, int]] = set()
        self._subscribers: set[Subscriber] = set()

    async def open(self) -> None:
        """Connects in the background: an unreachable Kafka is not an error here."""
        self._publishers = {linger_ms: self._publisher(linger_ms) for linger_ms in (0, LINGER_MS)}
        for publisher in self._publishers.values():
            publisher.warm_up()

    async def publish(self, topic: str, key: str, value: bytes) -> None:
        await self.publish_many(topic, [(key, value)])

    async def publish_many(self, topic: str, records: Sequence[tuple[str, bytes]]) -> None:
        """Returns once every in-sync replica has them.

        Raises:
            TemporaryFailure: not in time, or the broker refuses them; some may still appear.
            Refused: the bus is not open.
        """
        self._require_open()
        await self._publishers[_linger_ms(topic)].publish(self._prefix + topic, records)

    @asynccontextmanager
    async def subscribe(self, topic: str, *, group: str) -> AsyncIterator[Subscription]:
        """Returns at once, and joins in the background: `get` waits for it."""
        self._require_open()
        seat = self._free_seat(topic, group)
        subscriber = self._subscriber(topic, group, f"{self._client_id}-{seat[2]}")
        self._subscribers.add(subscriber)
        try:
            yield subscriber
        finally:
            await subscriber.close()
            self._subscribers.discard(subscriber)
            self._seats.discard(seat)

    async def close(self) -> None:
        """Ends within some seconds, whatever the broker does. Every waiting `get` raises `Refused`."""
        publishers, self._publishers = self._publishers.values(), {}
        ending: list[Publisher | Subscriber] = [*publishers, *self._subscribers]
        await asyncio.gather(*(each.close() for each in ending))

    def _require_open(self) -> None:
        if not self._publishers:
            raise Refused("The bus is not open. / バスは開いていません。")

    def _publisher(self, linger_ms: int) -> Publisher:
        async def make() -> _Producer:
            return await _Producer(self._common | {"linger_ms": linger_ms}).connect()

        return Publisher(make, within=self._within, attempt=timedelta(seconds=REQUEST_S + 1))

    def _subscriber(self, topic: str, group: str, instance: str) -> Subscriber:
        options = self._common | _consumer_options(
            f"{self._prefix}{group}.{topic}", instance, self._session_timeout
        )
        patience_s = (self._stuck_after + self._session_timeout).total_seconds()

        async def make(revoked: Callable[[], None]) -> _Consumer:
            return await _Consumer(options, topic, revoked, prefix=self._prefix, patience_s=patience_s).join()

        return Subscriber(make, topic=topic, group=group, buffer=self._buffer, stuck_after=self._stuck_after)

    def _free_seat(self, topic: str, group: str) -> tuple[str, str, int]:
        """Members of one process are numbered, so that each finds its own place again after a restart."""
        number = 0
        while (topic, group, number) in self._seats:
            number += 1
        self._seats.add((topic, group, number))
        return topic, group, number


@asynccontextmanager
async def administration(bootstrap: str, access: Access | None = None) -> AsyncIterator["Administration"]:
    """Raises `Unavailable`."""
    options = {"bootstrap_servers": bootstrap, "request_timeout_ms": int(REQUEST_S * 1000)}
    kafka = AIOKafkaAdminClient(**options, **(access or Access()).options())
    try:
        await _within(REQUEST_S, kafka.start())
        yield Administration(kafka)
    finally:
        await cut(kafka._client)


class Administration:
    """Reads and creates topics. Every method raises `Unavailable`."""

    def __init__(self, kafka: AIOKafkaAdminClient) -> None:
        self._kafka = kafka

    async def brokers(self) -> int:
        cluster = await _within(REQUEST_S, self._kafka.describe_cluster())
        return len(cluster["brokers"])

    async def topics(self, names: Sequence[str]) -> dict[str, Topic]:
        """Those of `names` that exist."""
        found = [
            topic
            for topic in await _within(REQUEST_S, self._kafka.describe_topics(list(names)))
            if topic["error_code"] == 0
        ]
        settings = await self._settings([topic["topic"] for topic in found])
        known = [topic for topic in found if settings.get(topic["topic"])]  # by the broker asked second, too
        return {topic["topic"]: _topic(topic, settings[topic["topic"]]) for topic in known}

    async def create(self, topics: Sequence[Topic]) -> None:
        """Returns once they can be used. One that exists meanwhile is left as it is."""
        if not topics:
            return
        new = [
            NewTopic(
                name=topic.name,
                num_partitions=topic.partitions,
                replication_factor=topic.replication_factor,
                topic_configs={
                    "min.insync.replicas": str(topic.min_insync_replicas),
                    "retention.ms": str(topic.retention // timedelta(milliseconds=1)),
                    "unclean.leader.election.enable": "false",
                },
            )
            for topic in topics
        ]
        answer = await _within(CREATE_S, self._ask_controller(new))
        for name, code, *_ in answer.topic_errors:
            if code not in (NoError.errno, TopicAlreadyExistsError.errno):
                raise Unavailable(f"{name}: {for_code(code).__name__}")
        await _within(CREATE_S, self._appear([topic.name for topic in topics]))

    async def _ask_controller(self, new: Sequence[NewTopic]) -> Any:
        """A cluster that has just started knows of no controller for a moment."""
        while True:
            try:
                return await self._kafka.create_topics(new)
            except (StaleMetadata, AttributeError):  # aiokafka asks no controller for its node's id
                await asyncio.sleep(LOOK_AGAIN_S)

    async def _appear(self, names: Sequence[str]) -> None:
        """The controller answers before the brokers know of a topic."""
        while len(await self.topics(names)) < len(names):  # noqa: ASYNC110 - Kafka tells nobody
            await asyncio.sleep(LOOK_AGAIN_S)

    async def _settings(self, names: Sequence[str]) -> dict[str, dict[str, str]]:
        wanted = [
            ConfigResource(ConfigResourceType.TOPIC, name, configs=dict.fromkeys(SETTINGS)) for name in names
        ]
        if not wanted:
            return {}
        answers = await _within(REQUEST_S, self._kafka.describe_configs(wanted))
        return {
            name: {key: value for key, value, *_ in settings}
            for answer in answers
            for _code, _message, _kind, name, settings in answer.resources
        }


class _Producer:
    """Idempotent, acknowledged by every in-sync replica."""

    def __init__(self, options: dict[str, Any]) -> None:
        self._kafka = AIOKafkaProducer(
            acks="all",
            enable_idempotence=True,
            request_timeout_ms=int(REQUEST_S * 1000),
            max_batch_size=131_072,
            **options,
        )

    async def connect(self) -> "_Producer":
        try:
            await _within(REQUEST_S, self._kafka.start())
        except BaseException:
            await self.abandon()
            raise
        return self

    async def send(self, topic: str, records: Sequence[tuple[str, bytes]]) -> None:
        try:
            await self._know(topic)
            sent = [await self._kafka.send(topic, value, key.encode()) for key, value in records]
            await asyncio.gather(*sent)
        except REFUSALS as e:
            raise TemporaryFailure(
                type(e).__name__,
                f"{topic}: Kafka refuses the records ({type(e).__name__}). / Kafka が拒否しました。",
            ) from e
        except FAILURES as e:
            raise Unavailable(type(e).__name__) from e

    async def _know(self, topic: str) -> None:
        """An unknown topic is nothing that another producer would find."""
        try:
            await self._kafka.partitions_for(topic)
        except UnknownTopicOrPartitionError as e:
            if await self._kafka.client.force_metadata_update():
                raise TemporaryFailure(
                    "unknown_topic",
                    f"{topic}: there is no such topic. Create it: `yobikake topics`. / トピックがありません。",
                ) from e
            raise

    async def close(self) -> None:
        try:
            await _within(CLOSE_S, self._kafka.stop())
        except Unavailable:
            await self.abandon()

    async def abandon(self) -> None:
        """Left alone, its sender would go on for ever, and write what was given up once the broker is back."""
        await asyncio.shield(asyncio.create_task(self._abandon()))

    async def _abandon(self) -> None:
        self._kafka._closed = True
        await cut(self._kafka.client, self._kafka, self._kafka._sender)
        self._kafka._message_accumulator.fail_all(KafkaError("abandoned"))


class _Consumer(ConsumerRebalanceListener):  # type: ignore[misc]
    """A static member of its group; commits only what it is told to."""

    def __init__(
        self,
        options: dict[str, Any],
        topic: str,
        revoked: Callable[[], None],
        *,
        prefix: str,
        patience_s: float,
    ) -> None:
        self._name = topic
        self._topic = prefix + topic
        self._revoked = revoked
        self._patience_s = patience_s
        self._kafka = AIOKafkaConsumer(**options)
        self._kafka.subscribe([self._topic], listener=self)

    async def join(self) -> "_Consumer":
        try:
            await _within(self._patience_s, self._kafka.start())
        except BaseException:
            await self.abandon()
            raise
        return self

    async def poll(self, *, room: int) -> Sequence[Record]:
        """Without an assignment aiokafka waits for one; hence the deadline."""
        partitions = self._kafka.assignment()
        (self._kafka.resume if room > 0 else self._kafka.pause)(*partitions)
        wait_ms = POLL_MS if room > 0 else 0
        got = await _within(
            self._patience_s, self._kafka.getmany(timeout_ms=wait_ms, max_records=max(room, 1))
        )
        return [_record(each, self._name) for records in got.values() for each in records]

    async def commit(self, following: dict[int, int]) -> dict[int, int]:
        held = {partition.partition for partition in self._kafka.assignment()}
        ours = {partition: offset for partition, offset in following.items() if partition in held}
        offsets = {TopicPartition(self._topic, partition): offset for partition, offset in ours.items()}
        try:
            if offsets:
                await bounded(REQUEST_S, self._kafka.commit(offsets))
        except (CommitFailedError, IllegalStateError):  # rebalanced meanwhile
            return {}
        except FAILURES as e:
            raise Unavailable(type(e).__name__) from e
        return ours

    async def behind(self) -> bool:
        partitions = self._kafka.assignment()
        if not partitions:
            return False
        ends = await _within(REQUEST_S, self._kafka.end_offsets(partitions))
        positions = [await _within(REQUEST_S, self._kafka.position(partition)) for partition in ends]
        return any(end > position for end, position in zip(ends.values(), positions, strict=True))

    async def abandon(self) -> None:
        """To the end, also when the caller is cancelled: a part that lives on would take its place back."""
        await asyncio.shield(asyncio.create_task(self._abandon()))

    async def _abandon(self) -> None:
        with suppress(Unavailable):
            await _within(STOP_S, self._kafka.stop())
        parts = (self._kafka, self._kafka._coordinator, self._kafka._fetcher, self._kafka._subscription)
        await cut(self._kafka._client, *parts)

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Also before every rebalance: each member then starts again from what is committed."""
        self._revoked()

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        pass


def _topic(described: Any, settings: dict[str, str]) -> Topic:
    partitions = described["partitions"]
    return Topic(
        name=described["topic"],
        partitions=len(partitions),
        replication_factor=min(len(partition["replicas"]) for partition in partitions),
        min_insync_replicas=int(settings["min.insync.replicas"]),
        retention=timedelta(milliseconds=int(settings["retention.ms"])),
    )


def _linger_ms(topic: str) -> int:
    return LINGER_MS if topic in IN_BULK or topic.endswith(f".{Lane.ROUTINE}") else 0


def _consumer_options(group: str, instance: str, session_timeout: timedelta) -> dict[str, Any]:
    session_ms = session_timeout // timedelta(milliseconds=1)
    return {
        "group_id": group,
        "group_instance_id": instance,
        "enable_auto_commit": False,
        "auto_offset_reset": "earliest",
        "metadata_max_age_ms": METADATA_MS,
        "session_timeout_ms": session_ms,
        "heartbeat_interval_ms": min(3_000, session_ms // 3),
        "request_timeout_ms": session_ms + 5_000,  # joining waits for the others, as long as a session
    }


def _record(record: Any, topic: str) -> Record:
    return Record(
        topic=topic,
        key=(record.key or b"").decode(errors="replace"),
        value=record.value or b"",
        partition=record.partition,
        offset=record.offset,
    )


async def _within(seconds: float, doing: Coroutine[Any, Any, T]) -> T:
    try:
        return await bounded(seconds, doing)
    except FAILURES as e:
        raise Unavailable(type(e).__name__) from e
