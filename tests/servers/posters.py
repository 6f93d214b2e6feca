"""What posters in Vietnamese and Nepali are set in, and the program that reads them as people's do."""

from yobikake.rehearsal.servers.program import Program

NOTO = Program(
    name="Noto Sans", package="fonts-noto-core", file="/usr/share/fonts/*/noto*/NotoSansDevanagari-Bold.ttf"
)
PDFTOTEXT = Program(name="pdftotext", package="poppler-utils")
PROGRAMS = (NOTO, PDFTOTEXT)
