"""What a resident asks."""

from datetime import datetime

import msgspec

from hub.language import Language
from hub.place import Position
from hub.recipient import Town

LONGEST = 300
"""Characters of a question. Whoever writes more is told that they were not understood."""


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """Kept nowhere. Its `repr` hides what was asked and from where, so that no traceback or log line can show it.

    `language`: the one chosen before, by a page or a registration; a text that is plainly in another is answered in that.
    `position`: shared for this question alone, with or without a text.
    """

    text: str
    asked_at: datetime
    language: Language | None = None
    position: Position | None = None
    town: Town | None = None

    def __repr__(self) -> str:
        return "Question(…)"
