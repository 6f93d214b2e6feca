"""Sound: 16-bit samples of one channel, as the speech engine makes them and as consoles take them."""

import hashlib
import io
import wave
from functools import lru_cache

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.int16]

ENGINE_HZ = 48_000
TAPS_PER_STEP = 20
"""Of the low-pass filter in front of the decimation, for each step of it: what would be folded is 50 dB down."""


def reduced(samples: npt.NDArray[np.float64], rate_hz: int) -> Samples:
    """From `ENGINE_HZ` down to `rate_hz`, of which it is a multiple."""
    step = ENGINE_HZ // rate_hz
    if not len(samples):
        return silence(0, rate_hz)
    filtered = np.convolve(samples, _low_pass(step), mode="same") if step > 1 else samples
    return np.clip(np.round(filtered[::step]), -32768, 32767).astype(np.int16)


def silence(seconds: float, rate_hz: int) -> Samples:
    return np.zeros(round(seconds * rate_hz), dtype=np.int16)


def wav(samples: Samples, rate_hz: int) -> bytes:
    """RIFF/WAVE, PCM. The same samples give the same bytes."""
    file = io.BytesIO()
    with wave.open(file, "wb") as written:
        written.setnchannels(1)
        written.setsampwidth(2)
        written.setframerate(rate_hz)
        written.writeframes(samples.astype("<i2").tobytes())
    return file.getvalue()


def sha256(file: bytes) -> str:
    return hashlib.sha256(file).hexdigest()


@lru_cache
def _low_pass(step: int) -> npt.NDArray[np.float64]:
    """A sinc under a Blackman window; it lets through nine tenths of what `rate_hz` can carry."""
    half = TAPS_PER_STEP * step
    at = np.arange(-half, half + 1)
    kernel = np.sinc(0.9 * at / step) * np.blackman(2 * half + 1)
    return np.asarray(kernel / kernel.sum(), dtype=np.float64)
