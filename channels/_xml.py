"""Text that an XML document can hold."""

import re

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def printable(text: str) -> str:
    """`text` without the characters XML 1.0 forbids even when escaped (§2.2, Char)."""
    return _NOT_XML.sub("", text)
