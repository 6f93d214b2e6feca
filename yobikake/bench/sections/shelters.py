"""Readings, and the page that shows what they say."""

from yobikake.bench.chart import Bar, Chart
from yobikake.bench.part import Goal, Part, Table, at_least, at_most, figure
from yobikake.bench.sections.section import Found, between


def ingest(found: Found) -> Part:
    ingest = found["ingest"]
    rates = Table(
        head=("readings/s", "how", "median", "least–most"),
        rows=[
            [name, what, figure(each["median"]), between(each)]
            for name, ways in ingest["rates"].items()
            for what, each in ways.items()
        ],
    )
    chart = Chart(
        name="ingest",
        title="Readings taken together, beside one by one",
        unit="times as many a second",
        bars=[
            Bar(label=name.replace("_", " "), value=each["median"], note=between(each), ours=True)
            for name, each in ingest["ratios"].items()
        ],
    )
    http = f"http_{ingest['together']}_to_1"
    goals = [
        at_least(
            f"{ingest['together']} in a POST, × one", ingest["ratios"][http]["median"], ingest["goal_http"]
        )
    ]
    absent = [f"Not installed here, so not measured: {each}." for each in ingest["absent"]]
    return Part(tables=[rates], charts=[chart], goals=goals, notes=absent)


def readings(found: Found) -> Part:
    """A goal that no figure is there for, since too many groups were never seen, is not reached."""
    readings = found["readings"]
    late = readings["page_s"]
    table = Table(
        head=("from a reading to the page", "seconds"),
        rows=[[name, "not seen" if late[name] is None else figure(late[name])] for name in late],
    )
    goal = Goal(
        what="95 of 100 readings are on the page",
        goal=f"≤ {figure(readings['goal_p95_s'])} s",
        seen="not seen" if late["p95"] is None else f"{figure(late['p95'])} s",
        met=readings["met"],
    )
    over = "was not over with" if readings["alert_s"] is None else f"took {figure(readings['alert_s'])} s"
    notes = [
        f"{readings['readings']:,} readings at {figure(readings['per_s'])} a second; {readings['seen']:,} of "
        f"{readings['groups']:,} groups were seen on the page. The alert to {readings['recipients']:,} {over}.",
        *(f"Not installed here: {each}." for each in readings["absent"]),
    ]
    return Part(tables=[table], goals=[goal], notes=notes)


def page(found: Found) -> Part:
    page, sse = found["page"], found["page"]["sse"]
    names = {
        "kept": "the listener",
        "rendered_each_time": "rendered each time",
        "nginx": "nginx, exported files",
    }
    known = {way: title for way, title in names.items() if way in page["rates"]}
    table = Table(
        head=("the residents' page", "pages/s", "least–most", "CPU µs each", "the listener ×"),
        rows=[
            [
                title,
                figure(page["rates"][way]["per_s"]["median"]),
                between(page["rates"][way]["per_s"]),
                figure(page["rates"][way]["cpu_us"]["median"]),
                figure(page["ratios"][f"kept/{way}"]["median"]) if f"kept/{way}" in page["ratios"] else "",
            ]
            for way, title in known.items()
        ],
    )
    chart = Chart(
        name="page",
        title="The residents' page",
        unit="pages a second",
        logarithmic=True,
        bars=[
            Bar(
                label=title,
                value=page["rates"][way]["per_s"]["median"],
                note=between(page["rates"][way]["per_s"]),
                ours=way == "kept",
            )
            for way, title in known.items()
        ],
    )
    goals = [
        at_most(f"{sse['connected']:,} open pages, first to last", sse["to_all_s"], 0.3, "s"),
        at_most("memory of an open page", sse["bytes_each"], 10_000, "bytes"),
    ]
    notes = [
        f"{sse['heard']:,} of {sse['connected']:,} open pages heard of a change, the last "
        f"{figure(sse['to_all_s'])} s after the first and {figure(sse['after_commit_s'])} s after the commit."
    ]
    return Part(
        tables=[table],
        charts=[chart],
        goals=goals,
        notes=[*notes, *([page["nginx"]] if page["nginx"] else [])],
    )
