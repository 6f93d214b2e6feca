"""Failpoints: every name stands for a function of the program, and a process really ends there."""

import asyncio
import inspect
import os
import signal

import pytest

from yobikake.chaos import failpoints
from yobikake.chaos.failpoints import AFTER, ALL, BEFORE, FAMILIES, Armed, Failpoint, Failpoints, resolve
from yobikake.chaos.faults import processes


@pytest.mark.parametrize("name", ALL)
def test_every_failpoint_is_a_function_of_the_program(name: str) -> None:
    owner, attribute = resolve(ALL[name])
    assert callable(inspect.getattr_static(owner, attribute))
    assert ALL[name].when in (BEFORE, AFTER)
    assert name.split(".", maxsplit=1)[0] in FAMILIES


def test_every_family_is_a_fault() -> None:
    assert {f"kill_at_{family}" for family in FAMILIES} <= processes.FAULTS.keys()


def test_what_is_written_is_what_is_read() -> None:
    armed = Armed(name="send.result", nth=3, how="kill")
    assert Armed.parse(str(armed)) == armed


@pytest.mark.parametrize(
    "text", ["send.nowhere:1:kill", "send.result:1:maim", "send.result", "send.result:x:kill"]
)
def test_what_there_is_not_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"failpoint|unpack|invalid literal"):
        Armed.parse(text)


class Passed:
    """Stands for a module of the program, with a function of each kind."""

    @staticmethod
    def at_once() -> str:
        return "done"

    @staticmethod
    async def awaited() -> str:
        return "done"


@pytest.fixture
def signals(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """What the process would have got."""
    sent: list[int] = []
    monkeypatch.setattr(os, "kill", lambda pid, number: sent.append(number) if pid == os.getpid() else None)
    return sent


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Failpoints:
    points = {
        name: Failpoint(module=__name__, attribute=f"Passed.{name}", when=when, says="")
        for name, when in (("at_once", AFTER), ("awaited", BEFORE))
    }
    monkeypatch.setattr(failpoints, "ALL", points)
    for name in points:
        monkeypatch.setattr(Passed, name, inspect.getattr_static(Passed, name))  # put back afterwards
    installed = Failpoints()
    installed.install(points)
    return installed


def test_the_nth_time_counts_and_no_other(installed: Failpoints, signals: list[int]) -> None:
    installed.arm(Armed(name="at_once", nth=2, how="kill"))
    counted = []
    for _ in range(4):
        assert Passed.at_once() == "done"
        counted.append(len(signals))
    assert counted == [0, 1, 1, 1]
    assert signals == [signal.SIGKILL]


def test_an_awaited_function_may_be_stopped(installed: Failpoints, signals: list[int]) -> None:
    installed.arm(Armed(name="awaited", nth=1, how="stop"))
    assert asyncio.run(Passed.awaited()) == "done"
    assert signals == [signal.SIGSTOP]


def test_what_was_disarmed_lets_pass(installed: Failpoints, signals: list[int]) -> None:
    installed.arm(Armed(name="at_once", nth=1, how="kill"))
    installed.disarm()
    assert Passed.at_once() == "done"
    assert signals == []
