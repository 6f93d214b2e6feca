"""Trials of new numbers (`hub.trials`), beside the workers of the channels that they go by."""

from collections.abc import Iterable
from datetime import time

from hub.alert import Lane
from hub.ledger.trials import TRIED
from hub.trials import Hours, Trials
from yobikake.assembly import Assembly


async def run(assembly: Assembly, kinds: Iterable[str]) -> None:
    """Until cancelled, of those of these channels whose numbers are tried."""
    settings = assembly.settings.trials
    of = [assembly.channels[kind].by_lane[Lane.ROUTINE] for kind in kinds if kind in TRIED]
    if not of or not settings.automatic:
        return
    await Trials(
        of,
        ledger=assembly.ledger,
        keys=assembly.keys,
        clock=assembly.clock,
        hours=Hours(begin=time.fromisoformat(settings.begin), end=time.fromisoformat(settings.end)),
        city=assembly.city.names,
        link=assembly.settings.residents.url,
    ).run()
