"""Open JTalk with the voice «Mei», inside this process (pyopenjtalk-plus). Dictionary and voice come with the package.

Measured on one core: some twenty seconds of speech a second, 280 MB with everything loaded. The interpreter is free
meanwhile (other threads go on), and the same text gives the same samples.
"""

import contextlib
import io
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.util import find_spec
from threading import Lock
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from channels._speech.readings import Readings
from hub.errors import BadSettings

PACKAGE = "pyopenjtalk"
MISSING = (
    "the speech engine is not installed: pip install 'yobikake[speech]' (docs/loudspeaker.md) / "
    "音声合成エンジンが入っていません。pip install 'yobikake[speech]' で入れてください"
)


class Said(NamedTuple):
    """`kana`: how it is read. `samples`: at `sound.ENGINE_HZ`, within 16 bits."""

    kana: str
    samples: npt.NDArray[np.float64]


def installed() -> bool:
    return find_spec(PACKAGE) is not None


class Engine:
    """May be used by several threads; they take turns.

    `readings`: of names, in kana; what stands there is read so wherever it stands in a text.
    """

    def __init__(self, readings: Mapping[str, str]) -> None:
        """Raises `BadSettings` where the engine is not installed."""
        if not installed():
            raise BadSettings("[channels.loudspeaker]", MISSING)
        with contextlib.redirect_stdout(
            io.StringIO()
        ):  # it tells everyone that it lacks a package we do not need
            import pyopenjtalk  # noqa: PLC0415 - 0.3 s and 100 MB, for whoever speaks
        self._module: Any = pyopenjtalk
        self._readings = Readings(readings)
        self._turn = Lock()

    def say(self, sentence: str, *, speed: float) -> Said:
        """`speed`: 1 is the voice's own. A sentence without a word is silent."""
        with self._turn:
            found = self._module.run_frontend(
                _spoken_form(self._readings.applied(sentence)),
                use_sudachi_kanji_yomi=False,
                predict_nani=False,
            )
            self._flatten(found)
            kana = "".join(word["read"] for word in found)
            if not any(map(str.isalnum, kana)):
                return Said("", np.zeros(0))
            labels = self._module.make_label(found)
            samples, _rate = self._module.synthesize(labels, speed=speed)
            return Said(kana, np.asarray(samples, dtype=np.float64))

    def _flatten(self, words: Sequence[dict[str, Any]]) -> None:
        """A city's name in katakana is a word the engine does not know; it is flat in accent, as most are with 町."""
        for word in words:
            if word["string"] in self._readings.sounds:
                word["acc"] = 0


@lru_cache(maxsize=2)
def engine(readings: tuple[tuple[str, str], ...]) -> Engine:
    """One in a process for each city. Raises as `Engine`."""
    return Engine(dict(readings))


_RANGE = re.compile(r"(?<=[0-9０-９])\s*[〜～~]\s*(?=[0-9０-９])")


def _spoken_form(text: str) -> str:
    """「1〜4人」 is said 「1から4人」."""
    return _RANGE.sub("から", text)
