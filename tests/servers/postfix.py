"""Postfix: a smarthost, a server that takes everything and a sender to compare with. No server of a run:
each test starts what it needs."""

from yobikake.rehearsal.servers.program import POSTFIX, SMTP_SINK, SMTP_SOURCE, Program

PROGRAMS: tuple[Program, ...] = (POSTFIX, SMTP_SINK, SMTP_SOURCE)

PRESET = "postfix postfix/main_mailer_type select No configuration\n"
"""For debconf: without a configuration nothing is started. Unasked, Debian's package listens on port 25 of
every address."""
