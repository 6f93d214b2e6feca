"""Readings above their characters, in やさしい日本語."""

import re

from markupsafe import Markup


def ruby(text: Markup) -> Markup:
    """「警戒（けいかい）」 as ruby, whose brackets show where ruby does not."""
    return Markup(_READING.sub(r"<ruby>\1<rp>（</rp><rt>\2</rt><rp>）</rp></ruby>", str(text)))  # noqa: S704


_READING = re.compile(r"([\u4e00-\u9fff々]+)（([\u3041-\u309fー]+)）")
