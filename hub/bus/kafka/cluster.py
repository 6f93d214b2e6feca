"""The topics of a cluster: what there is, and making what is missing."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import NoError, StaleMetadata, TopicAlreadyExistsError, for_code

from hub.bus.access import Access
from hub.bus.ending import cut
from hub.bus.kafka.calls import REQUEST_S, within
from hub.bus.transport import Topic, Unavailable

CREATE_S = 15.0
LOOK_AGAIN_S = 0.05
SETTINGS = ("min.insync.replicas", "retention.ms")


@asynccontextmanager
async def administration(bootstrap: str, access: Access | None = None) -> AsyncIterator["Administration"]:
    """Raises `Unavailable`."""
    options = {"bootstrap_servers": bootstrap, "request_timeout_ms": int(REQUEST_S * 1000)}
    kafka = AIOKafkaAdminClient(**options, **(access or Access()).options())
    try:
        await within(REQUEST_S, kafka.start())
        yield Administration(kafka)
    finally:
        await cut(kafka._client)


class Administration:
    """Reads and creates topics. Every method raises `Unavailable`."""

    def __init__(self, kafka: AIOKafkaAdminClient) -> None:
        self._kafka = kafka

    async def brokers(self) -> int:
        cluster = await within(REQUEST_S, self._kafka.describe_cluster())
        return len(cluster["brokers"])

    async def topics(self, names: Sequence[str]) -> dict[str, Topic]:
        """Those of `names` that exist."""
        found = [
            topic
            for topic in await within(REQUEST_S, self._kafka.describe_topics(list(names)))
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
        answer = await within(CREATE_S, self._ask_controller(new))
        for name, code, *_ in answer.topic_errors:
            if code not in (NoError.errno, TopicAlreadyExistsError.errno):
                raise Unavailable(f"{name}: {for_code(code).__name__}")
        await within(CREATE_S, self._appear([topic.name for topic in topics]))

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
        answers = await within(REQUEST_S, self._kafka.describe_configs(wanted))
        return {
            name: {key: value for key, value, *_ in settings}
            for answer in answers
            for _code, _message, _kind, name, settings in answer.resources
        }


def _topic(described: Any, settings: dict[str, str]) -> Topic:
    partitions = described["partitions"]
    return Topic(
        name=described["topic"],
        partitions=len(partitions),
        replication_factor=min(len(partition["replicas"]) for partition in partitions),
        min_insync_replicas=int(settings["min.insync.replicas"]),
        retention=timedelta(milliseconds=int(settings["retention.ms"])),
    )
