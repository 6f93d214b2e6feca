"""What holds up what, and what a durable answer and a plan cost."""

from yobikake.bench.chart import Bar, Chart
from yobikake.bench.part import Part, Table, at_most, figure
from yobikake.bench.sections.section import Found

LANES_RATIO = 1.10
CONSTANT_BYTES = 20_000_000
"""More memory than that for the largest audience than for the smallest is not constant."""
LINEAR = 1.5
"""Times as long for each million as with the smaller audience, at most."""


def lanes(found: Found) -> Part:
    lanes, alone, behind = found["lanes"], found["lanes"]["alone"], found["lanes"]["behind"]
    rows = [
        [what, figure(alone[name]), figure(behind[name]), figure(behind[name] / alone[name])]
        for name, what in {
            "first_byte_s": "first byte at any gateway",
            "mail_drained_s": "last mail passed on",
            "line_taken_s": "last LINE message taken",
        }.items()
    ]
    table = Table(head=("an urgent alert", "alone, s", "behind routine, s", "×"), rows=rows)
    goals = [
        at_most("last mail behind routine news, × alone", lanes["ratio"], LANES_RATIO, "×"),
        at_most("routine mail that stood in the smarthost", lanes["routine_held_s"], 2.0, "s of its work"),
    ]
    return Part(tables=[table], goals=goals)


def isolation(found: Found) -> Part:
    isolation = found["isolation"]
    table = Table(
        head=(f"{isolation['blackholed']} never answers", "without, s", "with it, s", "×"),
        rows=[
            [name, figure(isolation["without"][name]), figure(isolation["with_it"][name]), figure(ratio)]
            for name, ratio in isolation["ratios"].items()
        ],
    )
    return Part(tables=[table], goals=[at_most("the worst other channel", isolation["ratio"], 1.10, "×")])


def accept(found: Found) -> Part:
    accept = found["accept"]
    table = Table(
        head=("", "p50, ms", "p99, ms"),
        rows=[
            ["an approval, to its answer", figure(accept["p50_ms"]), figure(accept["p99_ms"])],
            ["SQLite FULL, one row", figure(accept["peer_p50_ms"]), figure(accept["peer_p99_ms"])],
        ],
    )
    notes = [
        f"{accept['accepts']} approvals under {figure(accept['readings_per_s'])} readings/s and "
        f"{accept['fan_outs']} fan-outs to {accept['recipients']:,}."
    ]
    goals = [at_most("99 of 100 approvals", accept["p99_ms"], accept["goal_p99_ms"], "ms")]
    return Part(tables=[table], goals=goals, notes=notes)


def plan(found: Found) -> Part:
    sizes = found["plan"]["sizes"]
    table = Table(
        head=(
            "residents",
            "batches",
            "s",
            "s per million",
            "memory growth, MB",
            "bytes in the ledger per recipient",
        ),
        rows=[
            [
                f"{size['residents']:,}",
                f"{size['batches']:,}",
                figure(size["seconds"]),
                figure(size["seconds_per_million"]),
                figure(size["memory_growth_bytes"] / 1e6),
                figure(size["bytes_per_recipient"]),
            ]
            for size in sizes
        ],
    )
    least, most = sizes[0], sizes[-1]
    growth = most["memory_growth_bytes"] - least["memory_growth_bytes"]
    goals = [
        at_most(
            f"time a million, {most['residents']:,} × {least['residents']:,}",
            most["seconds_per_million"] / least["seconds_per_million"],
            LINEAR,
            "×",
        ),
        at_most("more memory for the largest", growth / 1e6, CONSTANT_BYTES / 1e6, "MB"),
    ]
    chart = Chart(
        name="plan",
        title="Planning one alert by mail",
        unit="seconds for each million residents",
        bars=[
            Bar(
                label=f"{size['residents']:,} residents",
                value=size["seconds_per_million"],
                note=f"+{figure(size['memory_growth_bytes'] / 1e6)} MB",
                ours=True,
            )
            for size in sizes
        ],
    )
    return Part(tables=[table], charts=[chart], goals=goals)
