"""From the click to the last acknowledgement, embedded and as a city."""

from collections.abc import Sequence
from statistics import median
from typing import Any

from yobikake.bench.chart import Bar, Chart
from yobikake.bench.part import Goal, Part, Table, at_most, figure
from yobikake.bench.sections.section import Found, least_most

LAST_MS = {0.0: 1_000.0, 10.0: 1_000.0, 50.0: 2_500.0}
FIRST_MS, FIRST_ROUND_TRIPS = 75.0, 3
CITY_RATIO = 2.0


def embedded(found: Found) -> Part:
    runs = found["alert"]["runs"]
    goals: list[Goal] = []
    for run in runs:
        if run["residents"] == 114_000 and run["delay_ms"] in LAST_MS:
            delay = run["delay_ms"]
            goals += [
                at_most(
                    f"first at {delay:g} ms", run["first_ms"], FIRST_MS + FIRST_ROUND_TRIPS * delay, "ms"
                ),
                at_most(f"last at {delay:g} ms", run["last_ms"], LAST_MS[delay], "ms"),
            ]
    return Part(
        tables=[_alerts(runs), _cpu(runs)],
        charts=[_last("alert", "The whole hub, embedded", runs)],
        goals=goals,
    )


def city(found: Found) -> Part:
    runs = found["city"]["runs"]
    embedded = {
        (run["residents"], run["delay_ms"]): run["last_ms"] for run in found.get("alert", {}).get("runs", [])
    }
    goals = [
        at_most(
            f"last, × embedded, at {run['delay_ms']:g} ms",
            run["last_ms"] / embedded[run["residents"], run["delay_ms"]],
            CITY_RATIO,
            "×",
        )
        for run in runs
        if (run["residents"], run["delay_ms"]) in embedded
    ]
    return Part(
        tables=[_alerts(runs), _cpu(runs)],
        charts=[_last("city", "The whole hub, over Kafka", runs)],
        goals=goals,
    )


def _alerts(runs: Sequence[dict[str, Any]]) -> Table:
    """Milliseconds after the click, median (least–most)."""
    figures = ("answer_ms", "first_ms", "last_ms", "durable_ms")
    return Table(
        head=(
            "residents, round trip",
            "answered, ms",
            "first, ms",
            "last, ms",
            "all durable, ms",
            "distinct",
        ),
        rows=[
            [
                f"{run['residents']:,}, {run['delay_ms']:g} ms",
                *(
                    f"{figure(run[name])} ({least_most([each[name] for each in run['rounds']])})"
                    for name in figures
                ),
                f"{run['distinct']:,}",
            ]
            for run in runs
        ],
    )


def _cpu(runs: Sequence[dict[str, Any]]) -> Table:
    """Of each process, the median of the rounds."""
    return Table(
        head=("processor time by process", "s an alert", "µs a recipient"),
        rows=[
            [
                f"{roles}, {run['delay_ms']:g} ms",
                figure(seconds),
                figure(1e6 * seconds / run["residents"]),
            ]
            for run in runs
            for roles in run["rounds"][0]["cpu_s"]
            for seconds in [median(each["cpu_s"][roles] for each in run["rounds"])]
        ],
    )


def _last(name: str, title: str, runs: Sequence[dict[str, Any]]) -> Chart:
    return Chart(
        name=name,
        title=f"{title}: the last of {max(run['residents'] for run in runs):,} acknowledged",
        unit="milliseconds after the second person's click",
        bars=[
            Bar(
                label=f"{run['delay_ms']:g} ms to the smarthost",
                value=run["last_ms"],
                note=f"first {figure(run['first_ms'])}",
                ours=True,
            )
            for run in runs
        ],
    )
