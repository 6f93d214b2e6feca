"""`yobikake topics`: the Kafka topics as `config/topics.toml` declares them."""

import asyncio

from hub.errors import BadSettings
from yobikake.assembly import ensure_topics
from yobikake.commands.output import DEFAULT, SettingsFile, load, out


def topics(settings_file: SettingsFile = DEFAULT) -> None:
    """Create the topics that are missing, and tell which differ. Never changes one that exists.

    `serve` does the same when it starts; this is for looking beforehand.
    """
    settings = load(settings_file)
    if settings.embedded:
        raise BadSettings("[bus] kafka", "is not set: this hub needs no topics / Kafkaを使わない設定です")
    out.print(str(asyncio.run(ensure_topics(settings, settings.channels))))
