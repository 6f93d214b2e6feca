"""What posters are set in, and the programs that read and show them as people's do."""

from tests.servers.browser import CJK_FONTS
from yobikake.rehearsal.servers.program import Program

NOTO = Program(
    name="Noto Sans", package="fonts-noto-core", file="/usr/share/fonts/*/noto*/NotoSansDevanagari-Bold.ttf"
)
PDFTOTEXT = Program(name="pdftotext", package="poppler-utils")
PDFFONTS = Program(name="pdffonts", package="poppler-utils")
PDFTOPPM = Program(name="pdftoppm", package="poppler-utils")
PROGRAMS = (CJK_FONTS, NOTO, PDFTOTEXT, PDFFONTS, PDFTOPPM)
