"""The minutes a city gives itself: for answering a warning, and for approving what was submitted.

The city's `targets.toml` says them; staff may lay others over it in the console.
"""

from typing import Annotated

import msgspec
from msgspec import Meta
from sqlalchemy import Connection

from hub import codec
from hub import folder as files
from hub.folder import Folder
from hub.keys import Keys
from hub.ledger import revisions

SUBJECT = "targets"

Minutes = Annotated[int, Meta(ge=1, le=240)]


class Targets(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Calm until then; what waits longer is marked late. In whole minutes."""

    decision_minutes: Minutes = 20
    approval_minutes: Minutes = 3


def load(folder: Folder) -> Targets:
    """Read `targets.toml`, where there is one. Raises `BadSettings`, naming the key."""
    return files.optional(folder, "targets.toml", Targets)


def in_force(conn: Connection, keys: Keys, city: Targets) -> Targets:
    """What staff set, else the city's."""
    newest = revisions.latest(conn, keys, SUBJECT)
    return city if newest is None else codec.decode(Targets, newest.value, what=SUBJECT)
