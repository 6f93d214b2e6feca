"""What a text that waited may still name: it was frozen when it was planned, and a call may be hours later (I16)."""

from collections.abc import Awaitable, Callable, Set
from datetime import datetime

import structlog

from hub.channel import Content
from hub.hazard import Hazard
from hub.render import without_list, without_old_list

log = structlog.get_logger(__name__)

Naming = Callable[[Hazard], Awaitable[Set[str] | None]]
"""The official names of the sites to which people may be sent for a hazard now; None: not known."""


async def as_of_now(content: Content, hazard: Hazard, naming: Naming | None, now: datetime) -> Content:
    """Without a list of sites that has grown old, or that names one to which nobody may be sent any more.

    A repeat under LINE's key may differ by that: it is carried out only if the first was not.
    """
    current = without_old_list(content, now)
    if current.sites and naming is not None:
        named = await naming(hazard)
        if named is not None and set(current.sites) - named:
            current = without_list(current)
    if current is not content:
        log.info("a list of sites was too old to be sent", alert=content.identifier)
    return current
