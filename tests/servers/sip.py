"""Telephones: baresip makes the calls and stands for a console that answers, SIPp for one that answers anything else. No
server of a run: each test starts what it needs."""

from yobikake.rehearsal.servers.program import BARESIP, SIPP, Program

PROGRAMS: tuple[Program, ...] = (BARESIP, SIPP)
