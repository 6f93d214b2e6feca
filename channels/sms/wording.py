"""What a short message says."""

from hub.channel import Content

LIMIT = 670
"""Units of a message that the carriers of Japan join together: ten parts of 67 UCS-2 characters (70 alone). A text
that is all in the GSM alphabet is held to the same number, though 1,530 of its septets would fit."""


def text(content: Content) -> str:
    """The short text, and under it the address of the alert's page."""
    return f"{content.text(content.short)}\n{content.link}"
