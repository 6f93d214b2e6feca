"""A console of loudspeakers that takes a signed request: it looks whether the sound is what the request says."""

import base64
import binascii
import hashlib
import io
import wave
from typing import Any

from yobikake.rehearsal.webhook import Receiver

CONSOLE = "console"


class LoudspeakerConsole(Receiver):
    """Its inbox says how long each sound plays."""

    channel = "loudspeaker"
    for_good = frozenset({400, 413, 415, 422})
    gone = 422
    later = 503
    request_bytes = 32 * 1024**2

    @property
    def address(self) -> str:
        return self.url_of(CONSOLE)

    def understood(self, data: dict[str, Any]) -> bool:
        return data["sound"] is None or _plays(data["sound"])

    def keep(self, system: str, data: dict[str, Any], message: str) -> None:
        said, sound = data["text"], data["sound"]
        if sound is not None:
            said = f"（約{round(sound['seconds'])}秒）{said}"
        shown = f"\n［文字表示］{data['display']}" if data["display"] else ""
        self.arrive(address=system, text=f"{said}{shown}", key=message)


def _plays(sound: dict[str, Any]) -> bool:
    """The file is whole, is a WAV of one channel, and plays as long as is said."""
    try:
        file = base64.b64decode(sound["base64"], validate=True)
        with wave.open(io.BytesIO(file)) as read:
            seconds = read.getnframes() / read.getframerate()
            form = (read.getnchannels(), read.getsampwidth(), read.getframerate())
    except (binascii.Error, wave.Error, EOFError):
        return False
    whole = hashlib.sha256(file).hexdigest() == sound["sha256"]
    return whole and form == (1, 2, sound["rateHz"]) and abs(seconds - sound["seconds"]) < 0.01
