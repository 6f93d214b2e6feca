"""The topics as `config/topics.toml` declares them, and bringing a Kafka cluster there."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import msgspec

from hub import typed
from hub.alert import Lane
from hub.bus import ALERTS, DEAD_LETTERS, OCCUPANCY, READINGS, RECEIPTS, SHELTER_STEPS, deliveries
from hub.bus.access import Access
from hub.bus.kafka import administration
from hub.bus.transport import Topic, Unavailable
from hub.errors import BadSettings, TemporaryFailure

FIXED = (ALERTS, RECEIPTS, READINGS, OCCUPANCY, SHELTER_STEPS, DEAD_LETTERS)

Positive = Annotated[int, msgspec.Meta(ge=1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """One setting in which a topic of the cluster differs from its declaration."""

    topic: str
    setting: str
    declared: str
    actual: str

    def __str__(self) -> str:
        return f"{self.topic}: {self.setting} is {self.actual}, declared {self.declared}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What `ensure` did, and what it found but leaves to people: changing a topic that holds records."""

    created: tuple[str, ...]
    drift: tuple[Drift, ...]

    def __str__(self) -> str:
        lines = [f"{name}: created" for name in self.created] + [str(drift) for drift in self.drift]
        return "\n".join(lines) or "all topics are as declared"


async def ensure(
    bootstrap: str, channels: Iterable[str], *, path: Path, prefix: str = "", access: Access | None = None
) -> Report:
    """Create the topics that are missing; change none. `prefix`: as `KafkaBus` has it.

    A cluster of fewer brokers than the declared replication factor gets as many copies as it can
    hold: a drift, which the report tells.

    Raises:
        BadSettings: `path` names no file of topics.
        TemporaryFailure: the cluster did not answer, or did not create them.
    """
    wanted = [replace(topic, name=prefix + topic.name) for topic in declared(path, channels)]
    try:
        async with administration(bootstrap, access) as cluster:
            existing = await cluster.topics([topic.name for topic in wanted])
            missing = [topic for topic in wanted if topic.name not in existing]
            brokers = await cluster.brokers()
            new = [_within(topic, brokers) for topic in missing]
            await cluster.create(new)
    except Unavailable as e:
        raise TemporaryFailure(
            "kafka_topics", f"Kafka did not create the topics ({e.reason}). / トピックを作成できません。"
        ) from e
    there = existing | {topic.name: topic for topic in new}
    return Report(
        created=tuple(topic.name for topic in new),
        drift=tuple(drift for topic in wanted for drift in _drift(topic, there[topic.name])),
    )


def declared(path: Path, channels: Iterable[str]) -> Sequence[Topic]:
    """Every topic of a hub with these channels. Raises `BadSettings` naming the place."""
    topics, lanes = _read(path)
    fixed = [topics[name].topic(name) for name in FIXED]
    return fixed + [lanes[lane].topic(deliveries(channel, lane)) for channel in channels for lane in Lane]


class _Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    partitions: Positive
    replication_factor: Positive
    min_insync_replicas: Positive
    retention_days: Positive

    def topic(self, name: str) -> Topic:
        return Topic(
            name=name,
            partitions=self.partitions,
            replication_factor=self.replication_factor,
            min_insync_replicas=self.min_insync_replicas,
            retention=timedelta(days=self.retention_days),
        )


def _read(path: Path) -> tuple[dict[str, _Settings], dict[str, _Settings]]:
    """The settings of the fixed topics and of the lanes, by name."""
    try:
        raw = msgspec.toml.decode(path.read_bytes())
    except OSError as e:
        raise BadSettings(str(path), f"cannot be read ({e.strerror}) / 読み込めません") from e
    except (msgspec.DecodeError, UnicodeDecodeError) as e:
        raise BadSettings(str(path), f"is not TOML: {e} / TOML の形式が違います") from e
    _require_names(str(path), "$", raw, ("topics", "deliveries"))
    topics = _section(str(path), "$.topics", raw["topics"], FIXED)
    return topics, _section(str(path), "$.deliveries", raw["deliveries"], tuple(Lane))


def _section(path: str, place: str, raw: Any, names: Sequence[str]) -> dict[str, _Settings]:
    _require_names(path, place, raw, names)
    return {name: _settings(path, f"{place}.{name}", raw[name]) for name in names}


def _require_names(path: str, place: str, raw: Any, names: Sequence[str]) -> None:
    """Exactly these: one that is missing is used, one that is not known is used by nothing."""
    found = raw if isinstance(raw, dict) else {}
    for name in names:
        if name not in found:
            raise BadSettings(f"{path} {place}.{name}", "is missing / 必要な項目がありません")
    for name in found:
        if name not in names:
            raise BadSettings(
                f"{path} {place}.{name}", "is not known, and nothing uses it / 使われない項目です"
            )


def _settings(path: str, place: str, raw: object) -> _Settings:
    try:
        settings = typed.convert(raw, _Settings)
    except msgspec.ValidationError as e:
        message, _, within = str(e).partition(" - at ")
        raise BadSettings(f"{path} {place}{within.strip('`$')}", f"{message} / 設定の誤りです") from e
    if (
        settings.min_insync_replicas >= settings.replication_factor > 1
    ):  # one broker's restart stops all publishing
        raise BadSettings(
            f"{path} {place}.min_insync_replicas",
            "must be lower than replication_factor / replication_factor より小さくしてください",
        )
    return settings


def _within(topic: Topic, brokers: int) -> Topic:
    copies = min(topic.replication_factor, brokers)
    return replace(
        topic, replication_factor=copies, min_insync_replicas=min(topic.min_insync_replicas, copies)
    )


def _drift(wanted: Topic, actual: Topic) -> list[Drift]:
    return [
        Drift(
            topic=wanted.name,
            setting=field.name,
            declared=str(getattr(wanted, field.name)),
            actual=str(getattr(actual, field.name)),
        )
        for field in fields(Topic)
        if getattr(wanted, field.name) != getattr(actual, field.name)
    ]
