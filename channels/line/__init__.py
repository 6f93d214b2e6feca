"""The city's LINE official account: what is sent, what comes in, and the menu under the chat.

settings.py   `[channels.line]`
account.py    the one way to the Messaging API, with its errors as answers
channel.py    sending: multicasts of up to 500
message.py    what is sent: a bubble and the whole text        bubble.py  words.py
answers.py    what LINE's answers mean
"""

from channels.line.channel import Line
from channels.line.message import compose
from channels.line.settings import Settings

__all__ = ["Line", "Settings", "compose"]
