"""What loudspeakers say: sentence by sentence, with a pause behind each, and all of it once more.

A sentence that was said before is not made again, so a text that staff are still changing costs what changed.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock
from typing import Annotated, Literal, NamedTuple

import msgspec
import numpy as np
from msgspec import Meta

from channels._speech import engine as engines
from channels._speech.sound import Samples, reduced, sha256, silence, wav
from hub.measure import sentences

AGAIN = "繰り返します。"
KEPT_BYTES = 32 * 1024 * 1024
"""Of sentences: a quarter of an hour at 16 kHz."""


class Voice(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How it is spoken. `speed`: 1 is the voice's own; outdoors an echo needs slower. `times`: how often the whole is
    said, with «繰り返します» between."""

    speed: Annotated[float, Meta(ge=0.5, le=1.5)] = 0.85
    pause_s: Annotated[float, Meta(ge=0, le=5)] = 1.0
    between_s: Annotated[float, Meta(ge=0, le=10)] = 2.0
    times: Literal[1, 2, 3] = 2
    rate_hz: Literal[8000, 16000] = 16_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """A sound file, its name (SHA-256), how long it plays, measured from its samples, and how the text is read."""

    file: bytes
    name: str
    seconds: float
    kana: str


class _Piece(NamedTuple):
    kana: str
    samples: Samples


def speaker(readings: Mapping[str, str], voice: Voice) -> "Speaker":
    """The one of this process: connector and console say a sentence once between them."""
    return _speaker(tuple(sorted(readings.items())), voice)


class Speaker:
    """May be used by several threads."""

    def __init__(self, readings: tuple[tuple[str, str], ...], voice: Voice) -> None:
        self.voice = voice
        self._readings = readings
        self._kept: OrderedDict[str, _Piece] = OrderedDict()
        self._turn = Lock()

    @property
    def able(self) -> bool:
        """The engine is installed."""
        return engines.installed()

    async def spoken(self, text: str, *, times: int | None = None) -> Spoken:
        """In a thread. Raises `BadSettings` where the engine is not installed, `RuntimeError` where it fails."""
        return await asyncio.to_thread(self.say, text, times=times)

    def say(self, text: str, *, times: int | None = None) -> Spoken:
        """Takes as long as the machine needs. `times` instead of the voice's own. Raises as `spoken`."""
        said = [piece for each in sentences(text) if (piece := self._sentence(each)).kana]
        once = self._joined([piece.samples for piece in said])
        parts = [once]
        for _ in range((times or self.voice.times) - 1):
            again = self._sentence(AGAIN).samples
            parts += [self._silent(self.voice.between_s), again, self._silent(self.voice.pause_s), once]
        samples = np.concatenate(parts)
        file = wav(samples, self.voice.rate_hz)
        return Spoken(
            file=file,
            name=sha256(file),
            seconds=len(samples) / self.voice.rate_hz,
            kana="".join(piece.kana for piece in said),
        )

    def _sentence(self, sentence: str) -> _Piece:
        with self._turn:
            if (known := self._kept.get(sentence)) is not None:
                self._kept.move_to_end(sentence)
                return known
        said = engines.engine(self._readings).say(sentence, speed=self.voice.speed)
        piece = _Piece(said.kana, reduced(said.samples, self.voice.rate_hz))
        with self._turn:
            self._kept[sentence] = piece
            while sum(each.samples.nbytes for each in self._kept.values()) > KEPT_BYTES:
                self._kept.popitem(last=False)
        return piece

    def _joined(self, pieces: list[Samples]) -> Samples:
        spaced: list[Samples] = []
        for piece in pieces:
            spaced += [piece] if not spaced else [self._silent(self.voice.pause_s), piece]
        return np.concatenate(spaced) if spaced else self._silent(0)

    def _silent(self, seconds: float) -> Samples:
        return silence(seconds, self.voice.rate_hz)


@lru_cache(maxsize=4)
def _speaker(readings: tuple[tuple[str, str], ...], voice: Voice) -> Speaker:
    return Speaker(readings, voice)
