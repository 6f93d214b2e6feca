"""Each connector in the whole hub, at a city's size; and what a push message costs before it leaves."""

from collections.abc import Mapping, Sequence
from typing import Any

from yobikake.bench.chart import Bar, Chart
from yobikake.bench.part import Goal, Part, Table, at_least, at_most, figure
from yobikake.bench.sections.section import Found, between
from yobikake.bench.ways import RAISED_PER_S

PUSH_CPU = 1.6
"""Messages for the same processor time, times pywebpush's with a token that is signed once."""


def connectors(found: Found) -> Part:
    measured = found["connectors"]
    clean = [run for run in measured["runs"] if not run["faulty"]]
    faulty = [run for run in measured["runs"] if run["faulty"]]
    peers = _beside(clean, measured["peers"])
    chart = Chart(
        name="connectors",
        title=f"One alert to {measured['residents']:,}, through the whole hub",
        unit="recipients a second",
        logarithmic=True,
        bars=[Bar(label=run["channel"], value=run["per_s"], ours=True) for run in clean],
    )
    return Part(
        tables=[_clean(clean), *([_faulty(faulty)] if faulty else []), *([peers] if peers else [])],
        charts=[chart],
        goals=[*_goals(measured, clean, faulty)],
        notes=[*_paces(measured, clean), *_window(measured["window"])],
    )


def _clean(runs: Sequence[dict[str, Any]]) -> Table:
    head = (
        "all is well", "recipients", "first, s", "last, s", "every outcome, s", "recipients/s", "requests",
        "CPU hub, s", "gateway, s", "memory, MB", "lost", "twice",
    )  # fmt: skip
    rows = [
        [
            run["channel"], f"{run['sums']['recipients']:,}", _moment(run["first_s"]), _moment(run["last_s"]),
            figure(run["settled_s"]), figure(run["per_s"]), f"{run['requests']:,}", figure(run["hub_cpu_s"]),
            figure(run["gateway_cpu_s"]), figure(run["growth_bytes"] / 1e6), str(run["sums"]["lost"]),
            str(run["sums"]["twice"]),
        ]
        for run in runs
    ]  # fmt: skip
    return Table(head=head, rows=rows)


def _faulty(runs: Sequence[dict[str, Any]]) -> Table:
    head = (
        "with faults", "recipients", "reached", "refused for good", "not known", "flagged resends", "lost",
        "twice without a flag", "every outcome, s",
    )  # fmt: skip
    return Table(head=head, rows=[_troubled(run["channel"], run["sums"], run["settled_s"]) for run in runs])


def _troubled(channel: str, sums: Mapping[str, Any], settled_s: float) -> list[str]:
    outcomes = sums["outcomes"]
    reached = sum(outcomes.get(name, 0) for name in ("accepted", "delivered", "answered"))
    unknown = outcomes.get("ambiguous", 0)
    numbers = (
        sums["recipients"], reached, sums["recipients"] - reached - unknown, unknown, sums["resent"],
        sums["lost"], sums["twice"],
    )  # fmt: skip
    return [channel, *(f"{number:,}" for number in numbers), figure(settled_s)]


def _beside(runs: Sequence[dict[str, Any]], peers: Sequence[dict[str, Any]]) -> Table | None:
    by_channel = {run["channel"]: run for run in runs}
    rows = [
        [
            f"{peer['channel']}: {peer['name']}", f"{peer['recipients']:,}", f"{peer['cpu_ms']:.2f}",
            f"{_cpu_ms(by_channel[peer['channel']]):.2f}",
            figure(peer["cpu_ms"] / _cpu_ms(by_channel[peer["channel"]])),
            figure(by_channel[peer["channel"]]["per_s"] / peer["per_s"]),
        ]
        for peer in peers
    ]  # fmt: skip
    head = ("beside", "sample", "its CPU, ms", "the whole hub's, ms", "CPU ×", "recipients/s ×")
    return Table(head=head, rows=rows) if rows else None


def _goals(
    measured: Mapping[str, Any], clean: Sequence[dict[str, Any]], faulty: Sequence[dict[str, Any]]
) -> list[Goal]:
    every = [*clean, *faulty]
    wrong = sum(run["sums"]["lost"] + run["sums"]["twice"] + run["sums"]["undecided"] for run in every)
    goals = [at_most("lost, without an outcome, or twice without a flag", wrong, 0, "recipients")]
    if (window := measured["window"]) is not None:
        goals.append(at_most("named by the window and not to be", window["wrong_sites"], 0, "sites"))
    for peer in measured["peers"]:
        run = next(run for run in clean if run["channel"] == peer["channel"])
        if peer["channel"] == "webpush":
            ratio = peer["cpu_ms"] / _cpu_ms(run)
            goals.append(at_least("web push, × pywebpush with one token", ratio, PUSH_CPU))
    return goals


def _paces(measured: Mapping[str, Any], clean: Sequence[dict[str, Any]]) -> list[str]:
    """What a contract would take, which nobody waits for."""
    contracts = measured["contracts_per_s"]
    if not contracts:
        return []
    parts = {run["channel"]: run["parts"] for run in clean}
    hours = ", ".join(
        f"{channel} {parts[channel]:,} at {per_s:g} a second, {parts[channel] / per_s / 3600:.0f} hours"
        for channel, per_s in contracts.items()
    )
    return [
        f"The pace of a contract is a setting, here raised to {RAISED_PER_S:,} a second (parts of short messages: twice as "
        f"many). At an ordinary one the same takes: {hours}."
    ]


def _window(window: Mapping[str, Any] | None) -> list[str]:
    if window is None:
        return []
    return [
        f"The window was asked {window['questions']:,} questions by the form of the residents' page, eight at a time, in a "
        f"flood: {figure(window['per_s'])} answers a second, half of them within "
        f"{figure(window['p50_ms'])} ms and 99 of 100 within {figure(window['p99_ms'])} ms, "
        f"{window['hub_cpu_ms']:.2f} ms of the hub's processor time each. {window['naming']:,} answers name sites."
    ]


def _cpu_ms(run: Mapping[str, Any]) -> float:
    return float(1000 * run["hub_cpu_s"] / run["sums"]["recipients"])


def _moment(seconds: float) -> str:
    """Empty where the gateway names nobody."""
    return figure(seconds) if seconds else ""


def push(found: Found) -> Part:
    measured = found["webpush"]
    rows = [
        [name, figure(each["median"]), between(each), *_times(measured["ratios"].get(name))]
        for name, each in measured["per_s"].items()
    ]
    head = (
        "a message of " + f"{measured['size_bytes']} bytes",
        "per s of CPU",
        "least–most",
        "ours ×",
        "least–most",
    )
    ratio = measured["ratios"]["pywebpush"]["median"]
    return Part(
        tables=[Table(head=head, rows=rows)], goals=[at_least("× pywebpush", ratio, measured["goal"])]
    )


def _times(ratio: Mapping[str, float] | None) -> list[str]:
    return ["", ""] if ratio is None else [figure(ratio["median"]), between(ratio)]
