"""The browser of the tests, and fonts for what it shows."""

import os

from yobikake.rehearsal.servers.program import CHROMIUM, Program

CJK_FONTS = Program(
    name="Noto CJK", package="fonts-noto-cjk", file="/usr/share/fonts/*/noto*/NotoSansCJK-*.ttc"
)


def programs() -> list[Program]:
    """None when one stands in the environment."""
    return [] if os.environ.get("CHROMIUM") else [CHROMIUM, CJK_FONTS]


def environment() -> dict[str, str]:
    return {} if os.environ.get("CHROMIUM") else {"CHROMIUM": str(CHROMIUM.path)}
