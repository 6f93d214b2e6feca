"""What every measurement tells: medians of interleaved rounds with their extremes, and the machine."""

import os
import platform
import resource
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median

Say = Callable[[str], None]
"""Where progress is told, a line at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Of the same figure in several rounds."""

    median: float
    min: float
    max: float

    def __str__(self) -> str:
        return f"{self.median:,.2f} ({self.min:,.2f}–{self.max:,.2f})"


def spread(values: Sequence[float]) -> Spread:
    """Of at least one round."""
    return Spread(median=median(values), min=min(values), max=max(values))


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> Spread:
    """Ours over theirs, each within its own round: what disturbed a round disturbed both."""
    return spread([mine / other for mine, other in zip(ours, theirs, strict=True)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """Where it was measured. `load`: the last minute's, before anything was measured."""

    cores: int
    python: str
    system: str
    load: float
    versions: dict[str, str]


def machine(*packages: str) -> Machine:
    """With the versions of these installed packages."""
    return Machine(
        cores=len(os.sched_getaffinity(0)),
        python=platform.python_version(),
        system=f"{platform.system()} {platform.release()}",
        load=os.getloadavg()[0],
        versions={package: version(package) for package in packages},
    )


@dataclass(slots=True)
class Cpu:
    """Seconds of processor time, user and system together."""

    own_s: float = 0.0
    children_s: float = 0.0
    """Of processes that ended meanwhile and were waited for."""


@contextmanager
def cpu() -> Iterator[Cpu]:
    """What this process used while it is entered; known at the end."""
    used, before, children = Cpu(), _own_s(), _children_s()
    try:
        yield used
    finally:
        used.own_s, used.children_s = _own_s() - before, _children_s() - children


def used_s(pid: int) -> float:
    """Seconds of processor time that another process has used so far. 0 where there is no `/proc`."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    except FileNotFoundError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")  # proc_pid_stat(5): utime, stime


def resident_bytes(pid: int) -> int:
    """Memory that another process has now. 0 where there is no `/proc`."""
    return _status_bytes(pid, "VmRSS")


def peak_bytes(pid: int) -> int:
    """The most that it had since it began, or since `forget_peak`."""
    return _status_bytes(pid, "VmHWM")


def forget_peak(pid: int) -> None:
    """proc_pid_clear_refs(5)."""
    with suppress(OSError):
        Path(f"/proc/{pid}/clear_refs").write_text("5")


def _status_bytes(pid: int, name: str) -> int:
    """proc_pid_status(5)."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except FileNotFoundError:
        return 0
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith(f"{name}:")), 0)


def _own_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def median_of(rounds: Sequence[object], figure: str) -> float:
    """Of one figure of each round."""
    return float(median(getattr(each, figure) for each in rounds))
