"""The city's LINE official account: what is sent, what comes in, and the menu under the chat.

settings.py   `[channels.line]`, and the chatbot that was there before
channel.py    sending: multicasts of up to 500; answers.py: what LINE's answers mean
message.py    what is sent: a bubble (bubble.py, words.py) and the whole text
webhook.py    what comes in, verified and parsed; relay.py: what is the chatbot's
replies.py    answers in the chat
menu.py       the menu, from the city's file; menu_picture.py draws it, menus.py puts it up
"""

from channels.line.channel import Line
from channels.line.message import compose
from channels.line.settings import Settings

__all__ = ["Line", "Settings", "compose"]
