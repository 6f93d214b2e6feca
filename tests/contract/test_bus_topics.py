"""The declared topics: what the hub uses is declared, and a mistake in the file is named where it is."""

from datetime import timedelta
from pathlib import Path

import pytest

from hub import bus
from hub.alert import Lane
from hub.bus.topics import declared
from hub.errors import BadSettings

TOPICS = Path(__file__).parents[2] / "config" / "topics.toml"


def test_every_topic_the_hub_uses_is_declared() -> None:
    names = {topic.name for topic in declared(TOPICS, ["mail", "line"])}
    fixed = {bus.ALERTS, bus.RECEIPTS, bus.READINGS, bus.OCCUPANCY, bus.SHELTER_STEPS, bus.DEAD_LETTERS}
    lanes = {bus.deliveries(channel, lane) for channel in ("mail", "line") for lane in Lane}
    assert names == fixed | lanes


def test_settings_of_a_lane_hold_for_every_channel() -> None:
    topics = {topic.name: topic for topic in declared(TOPICS, ["mail", "voice"])}
    mail, voice = topics["deliveries.mail.urgent"], topics["deliveries.voice.urgent"]
    assert (
        (mail.partitions, mail.retention) == (voice.partitions, voice.retention) == (12, timedelta(days=14))
    )
    assert topics["deliveries.mail.routine"].partitions == 6


def test_one_broker_may_fail_without_stopping_a_publisher() -> None:
    assert all(topic.min_insync_replicas < topic.replication_factor for topic in declared(TOPICS, ["mail"]))


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("[topics.alerts]", "[topics.alerts", ""),
        ("partitions = 3", 'partitions = "3"', "$.topics.alerts.partitions"),
        ("partitions = 3", "partitions = 0", "$.topics.alerts.partitions"),
        ("retention_days = 30", "retention = 30", "$.topics.alerts"),
        ("[topics.occupancy]", "[topics.occupation]", "$.topics.occupancy"),
        ("[deliveries.routine]", "[deliveries.slow]", "$.deliveries.routine"),
        ("[topics.alerts]", "[topics.news]\npartitions = 1\n[topics.alerts]", "$.topics.news"),
        ("[deliveries.urgent]", "[lanes]\n[deliveries.urgent]", "$.lanes"),
        ("min_insync_replicas = 2", "min_insync_replicas = 3", "$.topics.alerts.min_insync_replicas"),
    ],
)
def test_a_mistake_is_named_where_it_is(tmp_path: Path, old: str, new: str, place: str) -> None:
    path = tmp_path / "topics.toml"
    text = TOPICS.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(BadSettings) as caught:
        declared(path, ["mail"])
    assert caught.value.path == f"{path} {place}".strip()


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "topics.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadSettings, match=r"topics\.toml"):
        declared(path, ["mail"])
