"""What this process has said aloud for staff: measured, and kept for a while to be listened to."""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping

from channels._speech.speaker import Speaker, Spoken
from hub.background import Background
from operator_ui.staff.previews import Recording

KEPT = 12
"""Recordings: a minute of sound is 2 MB."""

PATIENCE_S = 1.0
"""A page waits so long for a sound that is new; it is ready the next time."""


class Sounds:
    def __init__(self, speakers: Mapping[str, Speaker], background: Background) -> None:
        """`speakers`: who speaks for each channel."""
        self._speakers = {kind: speaker for kind, speaker in speakers.items() if speaker.able}
        self._background = background
        self._making: dict[tuple[str, str], asyncio.Task[Spoken]] = {}
        self._kept: OrderedDict[str, bytes] = OrderedDict()

    async def aloud(self, kind: str, text: str) -> Recording | None:
        """None where nobody speaks for the channel, or this was not said within `PATIENCE_S`."""
        if kind not in self._speakers or not text:
            return None
        task = self._task(kind, text)
        done, _ = await asyncio.wait({task}, timeout=PATIENCE_S)
        if not done or task.cancelled() or task.exception() is not None:  # the background logs it
            return None
        spoken = task.result()
        self._keep(spoken)
        return Recording(spoken.name, spoken.seconds)

    def file(self, name: str) -> bytes | None:
        return self._kept.get(name)

    def _task(self, kind: str, text: str) -> asyncio.Task[Spoken]:
        """One for each text, however many pages ask."""
        key = (kind, text)
        if key not in self._making:
            work = self._speakers[kind].spoken(text)
            self._making[key] = self._background.start(work, name=f"speech for {kind}")
            self._making[key].add_done_callback(lambda _: self._making.pop(key, None))
        return self._making[key]

    def _keep(self, spoken: Spoken) -> None:
        self._kept[spoken.name] = spoken.file
        self._kept.move_to_end(spoken.name)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
