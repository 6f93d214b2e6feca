"""How names are read: a city's official readings win over the engine's guesses.

「大神町」 is おおがみちょう; the engine would say ダイジンマチ. So it is given a name as it sounds, in katakana.
"""

import re
from collections.abc import Mapping

_HIRAGANA = {code: code + 0x60 for code in range(0x3041, 0x3097)}
_O_ROW = "オコゴソゾトドノホボポモヨロヲョォ"
_LONG = re.compile(rf"(?<=[{_O_ROW}])[ウオ](?![ァィゥェォャュョ])|(?<=[ウクグスズツヅヌフブプムユルュゥ])ウ")


def sound(reading: str) -> str:
    """「おおがみちょう」 is オーガミチョー. A 「・」 keeps two vowels apart, 「たけの・うち」: it is not heard."""
    return _LONG.sub("ー", reading.translate(_HIRAGANA)).replace("・", "")


class Readings:
    def __init__(self, readings: Mapping[str, str]) -> None:
        """By name, in kana. Of two names that begin in the same place the longer one is read."""
        self._sounds = {name: sound(reading) for name, reading in readings.items()}
        longest_first = sorted(self._sounds, key=len, reverse=True)
        self._names = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None
        self.sounds = frozenset(self._sounds.values())

    def applied(self, text: str) -> str:
        if self._names is None:
            return text
        return self._names.sub(lambda name: self._sounds[name[0]], text)
