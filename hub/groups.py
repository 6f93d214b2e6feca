"""Groups of towns that staff choose with one touch: the city's presets, and what staff laid over them.

A city's file stays as it is: a group that staff changed hides the file's one of the same code, and one they removed
hides it too.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime

import msgspec
from sqlalchemy import Connection

from hub import codec
from hub.authorise import Action, Actor, authorise
from hub.city import CityTown, Preset
from hub.errors import BadInput
from hub.keys import Keys
from hub.ledger import revisions
from hub.recipient import Town

SUBJECT = "groups"
LONGEST_NAME = 60


class _Kept(msgspec.Struct, frozen=True):
    """By code; None: removed."""

    groups: dict[str, Preset | None] = {}


class Groups(Mapping[str, Preset]):
    """The groups in force, by code, the city's order first. `refresh` reads what staff laid over them."""

    def __init__(self, presets: Mapping[str, Preset], towns: Mapping[Town, CityTown]) -> None:
        self._presets = dict(presets)
        self._towns = towns
        self._now = dict(presets)
        self.revision = 0
        """Of what staff laid over them; 0: nothing."""

    def __getitem__(self, code: str) -> Preset:
        return self._now[code]

    def __iter__(self) -> Iterator[str]:
        return iter(self._now)

    def __len__(self) -> int:
        return len(self._now)

    def own(self, code: str) -> bool:
        """Whether it stands here as in the city's file."""
        return self._now.get(code) == self._presets.get(code)

    def refresh(self, conn: Connection, keys: Keys) -> None:
        """Reads the whole only where the revision is another."""
        if revisions.number(conn, SUBJECT) == self.revision:
            return
        kept, revision = _kept(conn, keys)
        laid = {code: self._known(group) for code, group in kept.items()}
        merged = {**self._presets, **laid}
        self._now = {code: group for code, group in merged.items() if group is not None}
        self.revision = revision

    def _known(self, group: Preset | None) -> Preset | None:
        """Without towns that the city's file does not have any more."""
        if group is None:
            return None
        towns = tuple(town for town in group.towns if town in self._towns)
        return msgspec.structs.replace(group, towns=towns) if towns else None

    def set_group(
        self,
        conn: Connection,
        keys: Keys,
        code: str,
        group: Preset | None,
        actor: Actor,
        *,
        seen: int,
        at: datetime,
    ) -> None:
        """Lay a group over that code, or remove it (None); in force from the next `refresh` on.

        Raises:
            Forbidden: no right.
            BadInput: names the field.
            Conflict: somebody changed a group meanwhile.
        """
        authorise(actor, Action.CONFIGURE)
        if group is not None:
            self._check(code, group)
        kept, _ = _kept(conn, keys)
        value = codec.encode(_Kept({**kept, code: group}))
        detail = {"group": code, "towns": len(group.towns) if group else 0}
        revisions.add(conn, keys, SUBJECT, value, seen=seen, at=at, by=actor.login, detail=detail)

    def _check(self, code: str, group: Preset) -> None:
        texts = {"ja": group.name.ja, "en": group.name.en, "area_ja": group.area.ja, "area_en": group.area.en}
        for field, text in texts.items():
            longest = LONGEST_NAME if field in ("ja", "en") else 4 * LONGEST_NAME
            if not text or not text.isprintable() or len(text) > longest:
                raise BadInput(
                    field,
                    f"1行で、{longest}文字までで書いてください / One line of at most {longest} characters",
                )
        if not group.towns or any(town not in self._towns for town in group.towns):
            raise BadInput("towns", "町を1つ以上選んでください / Choose at least one town")
        for other in (other for key, other in self.items() if key != code):
            if other.name.ja == group.name.ja:
                raise BadInput("ja", "同じ名前の組があります / There is a group of this name")
            if set(other.towns) == set(group.towns):
                raise BadInput(
                    "towns", f"「{other.name.ja}」と同じ町です / The same towns as {other.name.en}"
                )


def _kept(conn: Connection, keys: Keys) -> tuple[dict[str, Preset | None], int]:
    newest = revisions.latest(conn, keys, SUBJECT)
    if newest is None:
        return {}, 0
    return codec.decode(_Kept, newest.value, what=SUBJECT).groups, newest.number
