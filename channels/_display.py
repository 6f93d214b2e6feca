"""What a receiver with a display shows, for those who cannot hear its loudspeaker (文字表示付き戸別受信機)."""

from channels._fit import CUT, fitted, full_width, lines
from hub.channel import Content
from hub.errors import PermanentFailure

FIRST = 12
"""Characters within which a level is seen at once."""


def display_text(content: Content) -> str:
    """The alert's short text, the level in front."""
    short = content.text(content.short)
    if content.level is None or f"レベル{int(content.level)}" in short[:FIRST]:
        return short
    return f"【警戒レベル{int(content.level)}】{short}"


def display(content: Content, *, limit: int, columns: int) -> str:
    """At most `limit` full-width characters, cut at the end of a sentence; in lines of `columns`, 0: as the display breaks it.

    Raises:
        PermanentFailure: not one sentence fits; somebody has to write a shorter one.
    """
    fit = fitted("", display_text(content), limit, full_width, CUT)
    if fit is None:
        raise PermanentFailure(
            "too long",
            f"戸別受信機の表示（{limit}字）に収まる文がありません。短い文を作ってください。 / "
            "no whole sentence fits the display; write a shorter text",
        )
    return lines(fit, columns) if columns else fit
