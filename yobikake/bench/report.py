"""A set of measurements, one after the other, and the page that says what they showed: `docs/performance.md`.

Each is `yobikake bench … --json` in a process of its own. What this machine lacks is skipped in a sentence; what
was not reached stands there as not reached.
"""

import asyncio
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from hub import codec
from hub.clock import JST
from yobikake.bench import sections
from yobikake.bench.figures import Machine, Say, machine
from yobikake.bench.part import Part, Table
from yobikake.bench.sections import Section

PATIENCE_S = 3_600.0
PAGE = "performance.md"
CHARTS = "performance"


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """One section's measurement. `missing`: why there is none."""

    section: Section
    arguments: Sequence[str]
    seconds: float
    load: float
    found: dict[str, Any]
    missing: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    page: Path
    seconds: float
    measured: Sequence[str]
    skipped: dict[str, str]
    not_reached: Sequence[str]


async def report(to: Path, *, full: bool, only: Sequence[str], say: Say) -> Reported:
    """Measure, and write the page and its charts below `to`. `only`: names of sections; none: all."""
    here = machine(
        "aiohttp", "sqlalchemy", "aiosmtplib", "aiokafka", "line-bot-sdk", "cryptography", "msgspec"
    )
    began, at = time.monotonic(), datetime.now(JST)
    chosen = [section for section in sections.ALL if not only or section.name in only]
    done: list[Done] = []
    for number, section in enumerate(chosen, 1):
        say(f"{number} of {len(chosen)}: {section.title}")
        done.append(await _measured(section, full=full, say=say))
    seconds = time.monotonic() - began
    found = {each.section.name: each.found for each in done if not each.missing}
    parts = {each.section.name: each.section.read(found) for each in done if not each.missing}
    page = write(to, done, parts, here, at=at, seconds=seconds, full=full)
    return Reported(
        page=page,
        seconds=seconds,
        measured=list(parts),
        skipped={each.section.name: each.missing for each in done if each.missing},
        not_reached=[
            f"{name}: {goal.what}" for name, part in parts.items() for goal in part.goals if not goal.met
        ],
    )


async def _measured(section: Section, *, full: bool, say: Say) -> Done:
    arguments = section.full if full else section.short
    load, began = os.getloadavg()[0], time.monotonic()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "yobikake", "bench", *arguments, "--json",
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env=os.environ | {"COLUMNS": "4000", "NO_COLOR": "1"},  # a refusal is one line
    )  # fmt: skip
    try:
        async with asyncio.timeout(PATIENCE_S):
            out, (said, _) = await asyncio.gather(
                _read(process), asyncio.gather(_heard(process, say), process.wait())
            )
        missing = "" if process.returncode == 0 else _reason(process.returncode, said)
    except TimeoutError:
        out, missing = b"", f"it did not end within {PATIENCE_S:.0f} s"
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()
    return Done(
        section=section,
        arguments=arguments,
        seconds=time.monotonic() - began,
        load=load,
        found={} if missing else codec.decode(dict[str, Any], out, what=section.name),
        missing=missing,
    )


async def _read(process: asyncio.subprocess.Process) -> bytes:
    assert process.stdout is not None  # noqa: S101 - a pipe was asked for
    return await process.stdout.read()


async def _heard(process: asyncio.subprocess.Process, say: Say) -> list[str]:
    """Its progress is passed on; everything else is returned."""
    assert process.stderr is not None  # noqa: S101 - a pipe was asked for
    other: list[str] = []
    async for line in process.stderr:
        text = line.decode(errors="replace").strip()
        if text.startswith("… "):
            say(f"   {text[2:]}")
        elif text:
            other.append(text)
    return other


def _reason(code: int | None, said: Sequence[str]) -> str:
    """A refusal (2) says what is missing; anything else is a failure, and its last line says most."""
    if not said:
        return f"it ended with {code}"
    if code == 2:
        return " ".join(said).removeprefix("yobikake: ")
    return f"it failed ({code}): {said[-1]}"


def write(
    to: Path,
    done: Sequence[Done],
    parts: dict[str, Part],
    here: Machine,
    *,
    at: datetime,
    seconds: float,
    full: bool,
) -> Path:
    """The page and its charts; charts of an earlier page go."""
    charts = to / CHARTS
    charts.mkdir(parents=True, exist_ok=True)
    for old in charts.glob("*.svg"):
        old.unlink()
    lines = _opening(done, parts, here, at=at, seconds=seconds, full=full)
    for each in done:
        lines += _section(each, parts.get(each.section.name), charts)
    page = to / PAGE
    page.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return page


def _opening(
    done: Sequence[Done], parts: dict[str, Part], here: Machine, *, at: datetime, seconds: float, full: bool
) -> list[str]:
    goals = [
        (each.section, goal) for each in done for goal in getattr(parts.get(each.section.name), "goals", ())
    ]
    loads = [each.load for each in done]
    versions = ", ".join(f"{name} {version}" for name, version in sorted(here.versions.items()))
    table = Table(
        head=("", "goal", "seen", ""),
        rows=[
            (
                f"[{section.title}](#{section.anchor}): {goal.what}",
                goal.goal,
                goal.seen,
                "reached" if goal.met else "**not reached**",
            )
            for section, goal in goals
        ],
    )
    return [
        "# Performance",
        "",
        f"Written by `yobikake bench report{' --full' if full else ''}` (`make bench`), not by hand. Ratios are between "
        "figures of the same run; figures of other machines, days or moments say little beside these.",
        "",
        f"{at:%Y-%m-%d %H:%M} JST, {seconds / 60:.0f} minutes; {here.cores} processors, {here.system}, Python {here.python}; {versions}. "
        f"Everything on this machine, over loopback. Load before each measurement: {min(loads):.1f} to {max(loads):.1f}"
        + (
            f": **other programs were using the {here.cores} processors**, so absolute figures are lower bounds."
            if max(loads) > here.cores + 1
            else "."
        ),
        "",
        *table.lines(),
        "",
        "What of this the time goes to, and why what is not reached is not: "
        "[decision 0023](decisions/0023-wire-speed.md#where-the-second-goes).",
    ]


def _section(done: Done, part: Part | None, charts: Path) -> list[str]:
    section = done.section
    lines = ["", f"## {section.title}", "", section.about, ""]
    command = f"`yobikake bench {' '.join(done.arguments)}`"
    if part is None:
        return [*lines, f"Not measured here ({command}): {done.missing}"]
    for table in part.tables:
        lines += [*table.lines(), ""]
    for chart in part.charts:
        (charts / f"{chart.name}.svg").write_text(chart.svg(), encoding="utf-8")
        lines += [f"![{chart.title}]({CHARTS}/{chart.name}.svg)", ""]
    lines += [line for note in part.notes for line in (note, "")]
    return [*lines, f"{command}, {done.seconds:.0f} s, load {done.load:.1f} before."]
