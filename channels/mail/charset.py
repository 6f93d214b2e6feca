"""The character set of a message's headers and plain text."""

from collections.abc import Sequence
from enum import StrEnum

from hub.language import Language


class Charset(StrEnum):
    """By its MIME name, which is also Python's."""

    UTF_8 = "utf-8"
    ISO_2022_JP = "iso-2022-jp"  # RFC 1468: what the oldest mail programs of Japan read, in seven bits


JAPANESE = frozenset({Language.JA, Language.JA_EASY})

LOOKALIKES = str.maketrans(
    {
        "～": "〜",  # U+FF5E, as Windows types it; JIS X 0208 has U+301C
        "－": "−",  # U+FF0D; U+2212
        "∥": "‖",  # U+2225; U+2016
        "—": "―",  # U+2014; U+2015
        "￠": "¢",  # U+FFE0; U+00A2
        "￡": "£",  # U+FFE1; U+00A3
        "￢": "¬",  # U+FFE2; U+00AC
        "\N{NO-BREAK SPACE}": " ",
    }
)
"""Characters that programs disagree about, each the same on paper as the one that JIS X 0208 has. Nothing else is ever
replaced: ISO-2022-JP carries no ①, no 髙 and no half-width kana, and a message with one of them goes out in UTF-8."""


def carried(wanted: Charset, language: Language, texts: Sequence[str]) -> tuple[Charset, Sequence[str]]:
    """In which character set these texts go out together, and as what.

    What is not Japanese goes out in UTF-8, and so does a message of which one character has no place in ISO-2022-JP.
    """
    if wanted is Charset.UTF_8 or language not in JAPANESE:
        return Charset.UTF_8, texts
    alike = [text.translate(LOOKALIKES) for text in texts]
    return (Charset.ISO_2022_JP, alike) if all(map(_fits, alike)) else (Charset.UTF_8, texts)


def _fits(text: str) -> bool:
    """By an escape the character set itself says what follows: none of the text's own may stand there."""
    try:
        text.encode(Charset.ISO_2022_JP)
    except UnicodeEncodeError:
        return False
    return "\x1b" not in text
