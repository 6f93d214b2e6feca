"""Loudspeaker: 防災行政無線. The order as sound, made here, handed over to the console (操作卓), which broadcasts it.

ACCEPTED means that the console has taken it; whether a loudspeaker sounded, or who heard it, is not known here.
Only live alerts go out: a drill must never sound outside (I6).
"""

from channels.loudspeaker.channel import Loudspeaker
from channels.loudspeaker.settings import Settings

__all__ = ["Loudspeaker", "Settings"]
