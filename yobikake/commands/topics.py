"""`yobikake topics`: the Kafka topics as `config/topics.toml` declares them."""

import asyncio

from hub import city as cities
from hub.errors import BadSettings
from hub.ledger import deployment
from hub.settings import Settings
from yobikake import initialise
from yobikake.assembly import city_folder, ensure_topics, marked
from yobikake.commands.output import DEFAULT, SettingsFile, load, out


def topics(settings_file: SettingsFile = DEFAULT) -> None:
    """Create the topics that are missing, and tell which differ. Never changes one that exists.

    `serve` does the same when it starts; this is for looking beforehand.
    """
    settings = load(settings_file)
    if settings.embedded:
        raise BadSettings("[bus] kafka", "is not set: this hub needs no topics / Kafkaを使わない設定です")
    out.print(asyncio.run(_ensure(settings)))


async def _ensure(settings: Settings) -> str:
    async with initialise.opened(settings) as ledger:
        kind = await ledger.read(deployment.read)
    prefix = marked(settings, kind, cities.load(city_folder(settings.city)))
    return str(await ensure_topics(settings, settings.channels, prefix=prefix))
