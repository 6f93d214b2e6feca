"""Mail beside its peers."""

from collections.abc import Mapping
from typing import Any

from yobikake.bench.chart import Bar, Chart
from yobikake.bench.part import Part, Table, at_least, figure
from yobikake.bench.sections.section import Found, between

MAIL_GOALS = {
    "sink_ceiling": 0.5,
    "smtp_source_r100": 8,
    "aiosmtplib_r100": 80,
    "apprise": 800,
    "smtp_source_r1": 1,
    "aiosmtplib_r1": 7,
}
"""Of ours over theirs, without a delay."""
SENDERS = {
    "sink_ceiling": "the sink's ceiling",
    "ours_r100": "ours, 100 RCPT",
    "smtp_source_r100": "smtp-source -r 100",
    "aiosmtplib_r100": "aiosmtplib, 100 RCPT",
    "ours_r1": "ours, one mail each",
    "smtp_source_r1": "smtp-source",
    "aiosmtplib_r1": "aiosmtplib",
    "apprise": "Apprise",
}


def mail(found: Found) -> Part:
    at = found["mail"]["delays"]
    tables, charts = [], []
    for each in at:
        delay, senders = each["delay_ms"], each["senders"]
        known = [name for name in SENDERS if name in senders]
        tables.append(
            Table(
                head=(
                    f"at {delay:g} ms",
                    "recipients/s",
                    "least–most",
                    "of",
                    "CPU s",
                    "ours ×",
                    "least–most",
                ),
                rows=[_sender(name, senders[name], each["ratios"].get(name)) for name in known],
            )
        )
        charts.append(
            Chart(
                name=f"mail-{delay:g}ms",
                title=f"Mail hand-over at a round trip of {delay:g} ms",
                unit="recipients a second",
                logarithmic=True,
                bars=[
                    Bar(
                        label=SENDERS[name],
                        value=senders[name]["rate"]["median"],
                        note=f"ours {figure(each['ratios'][name]['median'])} ×"
                        if name in each["ratios"]
                        else "",
                        ours=name.startswith("ours"),
                    )
                    for name in known
                ],
            )
        )
    near: Mapping[str, Any] = next((each["ratios"] for each in at if each["delay_ms"] == 0), {})
    goals = [
        at_least(f"× {SENDERS[name]}, without a delay", near[name]["median"], least)
        for name, least in MAIL_GOALS.items()
        if name in near
    ]
    return Part(tables=tables, charts=charts, goals=goals)


def _sender(name: str, sender: dict[str, Any], ratio: dict[str, float] | None) -> list[str]:
    rate = sender["rate"]
    return [
        SENDERS[name],
        figure(rate["median"]),
        between(rate),
        f"{sender['recipients']:,}",
        figure(sender["cpu_s"]["median"]),
        figure(ratio["median"]) if ratio else "",
        between(ratio) if ratio else "",
    ]
