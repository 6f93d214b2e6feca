"""What `yobikake bench report` measures: the commands, short and full, and how the answer of each is read.

Goals that a command knows come with its answer; the others stand here.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from yobikake.bench.chart import Bar, Chart
from yobikake.bench.part import Goal, Part, Table, at_least, at_most, figure

Found = Mapping[str, dict[str, Any]]
"""The answers of all sections that were measured, by name."""

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
LAST_MS = {0.0: 1_000.0, 10.0: 1_000.0, 50.0: 2_500.0}
FIRST_MS, FIRST_ROUND_TRIPS = 75.0, 3
CITY_RATIO = 2.0
LANES_RATIO = 1.10
CONSTANT_BYTES = 20_000_000
"""More memory than that for the largest audience than for the smallest is not constant."""
LINEAR = 1.5
"""Times as long for each million as with the smaller audience, at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    name: str
    title: str
    about: str
    short: Sequence[str]
    full: Sequence[str]
    read: Callable[[Found], Part]

    @property
    def anchor(self) -> str:
        """As GitHub makes it from a heading."""
        return re.sub(r"[^\w\- ]", "", self.title.lower()).replace(" ", "-")


def _mail(found: Found) -> Part:
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
        _range(rate),
        f"{sender['recipients']:,}",
        figure(sender["cpu_s"]["median"]),
        figure(ratio["median"]) if ratio else "",
        _range(ratio) if ratio else "",
    ]


def _embedded(found: Found) -> Part:
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


def _city(found: Found) -> Part:
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
                    f"{figure(run[name])} ({_least_most([each[name] for each in run['rounds']])})"
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


def _line(found: Found) -> Part:
    line = found["line"]
    names = {"connector": "the connector", "hub": "the whole hub", "sdk_gather": "line-bot-sdk, at once",
             "sdk_readme": "line-bot-sdk, as its README"}  # fmt: skip
    known = {name: title for name, title in names.items() if name in line["ratios"]}
    table = Table(
        head=(
            f"of {line['contract_per_s']} requests/s",
            "used",
            "least–most",
            "most in a second",
            "refused",
            "CPU ms each",
        ),
        rows=[
            [
                title,
                _percent(line["ratios"][name]["median"]),
                f"{_percent(line['ratios'][name]['min'])}–{_percent(line['ratios'][name]['max'])}",
                f"{line['most_in_a_second'][name]:,}",
                f"{line['refused'][name]:,}",
                figure(line["cpu_ms"][name]["median"]),
            ]
            for name, title in known.items()
        ],
    )
    chart = Chart(
        name="line",
        title="How much of LINE's contract is used",
        unit="per cent of 200 requests a second; each takes 500 people",
        bars=[
            Bar(
                label=title,
                value=100 * line["ratios"][name]["median"],
                note=f"{line['refused'][name]:,} refused",
                ours=not name.startswith("sdk"),
            )
            for name, title in known.items()
        ],
    )
    goals = [
        at_least(
            "the connector, of the contract",
            100 * line["ratios"]["connector"]["median"],
            100 * line["goal"],
            "%",
        ),
        at_most(
            "the connector, in any second",
            line["most_in_a_second"]["connector"],
            line["contract_per_s"],
            "requests",
        ),
    ]
    return Part(tables=[table], charts=[chart], goals=goals)


def _voice(found: Found) -> Part:
    voice = found["voice"]
    rows, bars, goals = [], [], []
    for name, ratio in sorted(voice["ratios"].items(), key=lambda each: int(each[0].split("_")[0])):
        contract = name.removesuffix("_per_s")
        rows.append(
            [
                f"{contract} a second", f"{voice['calls'][name]:,}", _percent(ratio["median"]),
                f"{_percent(ratio['min'])}–{_percent(ratio['max'])}", str(voice["most_in_a_second"][name]),
            ]
        )  # fmt: skip
        bars.append(Bar(label=f"{contract} a second", value=100 * ratio["median"], ours=True))
        goals.append(
            at_least(f"{contract} calls/s, of the contract", 100 * ratio["median"], 100 * voice["goal"], "%")
        )
    table = Table(head=("contract", "calls", "used", "least–most", "most in a second"), rows=rows)
    chart = Chart(name="voice", title="How much of a contract for calls is used", unit="per cent", bars=bars)
    return Part(
        tables=[table], charts=[chart], goals=goals, notes=[f"{voice['refused']} calls were refused."]
    )


def _ingest(found: Found) -> Part:
    ingest = found["ingest"]
    rates = Table(
        head=("readings/s", "how", "median", "least–most"),
        rows=[
            [name, what, figure(each["median"]), _range(each)]
            for name, ways in ingest["rates"].items()
            for what, each in ways.items()
        ],
    )
    chart = Chart(
        name="ingest",
        title="Readings taken together, beside one by one",
        unit="times as many a second",
        bars=[
            Bar(label=name.replace("_", " "), value=each["median"], note=_range(each), ours=True)
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


def _readings(found: Found) -> Part:
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


def _page(found: Found) -> Part:
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
                _range(page["rates"][way]["per_s"]),
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
                note=_range(page["rates"][way]["per_s"]),
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


def _lanes(found: Found) -> Part:
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


def _isolation(found: Found) -> Part:
    isolation = found["isolation"]
    table = Table(
        head=(f"{isolation['blackholed']} never answers", "without, s", "with it, s", "×"),
        rows=[
            [name, figure(isolation["without"][name]), figure(isolation["with_it"][name]), figure(ratio)]
            for name, ratio in isolation["ratios"].items()
        ],
    )
    return Part(tables=[table], goals=[at_most("the worst other channel", isolation["ratio"], 1.10, "×")])


def _accept(found: Found) -> Part:
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


def _plan(found: Found) -> Part:
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


def _range(spread: Mapping[str, float]) -> str:
    return f"{figure(spread['min'])}–{figure(spread['max'])}"


def _least_most(values: Sequence[float]) -> str:
    return f"{figure(min(values))}–{figure(max(values))}"


def _percent(part: float) -> str:
    return f"{100 * part:.1f} %"


ALL: Sequence[Section] = (
    Section(
        name="mail",
        title="Mail: hand-over",
        about="The mail connector by itself, against Postfix's `smtp-sink`, beside what else could hand mail over: "
        "[decision 0019](decisions/0019-measuring-mail.md) says who and why. Before the clock runs it is verified "
        "that everyone arrives exactly once.",
        short=("mail", "--delay", "0,50", "--rounds", "3"),
        full=("mail", "--delay", "0,10,50", "--rounds", "7"),
        read=_mail,
    ),
    Section(
        name="alert",
        title="The whole hub, embedded",
        about="From the second person's click over HTTP to the last of 114,000 residents acknowledged by the smarthost, "
        "all by mail: accepted durably, planned, rendered in eight languages and twelve zones, claimed, opened, sent, "
        "recorded durably. The hub is one process with SQLite, the smarthost another, which counts distinct recipients. "
        "One alert before them warms up and does not count.",
        short=("alert", "--delay", "0,10,50", "--rounds", "3"),
        full=("alert", "--delay", "0,10,50", "--rounds", "9"),
        read=_embedded,
    ),
    Section(
        name="city",
        title="The whole hub, over Kafka, PostgreSQL and Redis",
        about="The same with a process for the console, one for planning and one for mail, over three Kafka nodes, "
        "PostgreSQL (syncing to disk) and Redis, **all on this one machine**: they share its processors with the hub, "
        "which no city's would.",
        short=("alert", "--shape", "city", "--delay", "0", "--rounds", "3"),
        full=("alert", "--shape", "city", "--delay", "0,10,50", "--rounds", "7"),
        read=_city,
    ),
    Section(
        name="line",
        title="LINE",
        about="LINE allows 200 multicasts a second, of 500 people each. What counts is how much of that is used without "
        "ever exceeding it; line-bot-sdk by itself is the peer. The gateway is the rehearsal's, in another process.",
        short=("line", "--rounds", "2", "--requests", "600"),
        full=("line", "--rounds", "5", "--requests", "2000"),
        read=_line,
    ),
    Section(
        name="voice",
        title="Voice",
        about="Calls go out one by one, as fast as the contract allows and never faster.",
        short=("voice", "--rounds", "1", "--seconds", "10"),
        full=("voice", "--rounds", "3", "--seconds", "30"),
        read=_voice,
    ),
    Section(
        name="ingest",
        title="Readings",
        about="Sensor readings by HTTP and MQTT until they are counted in the shelters' occupancy: fifty together, beside "
        "one by one. Each arrives exactly once.",
        short=("ingest", "--rounds", "3"),
        full=("ingest", "--rounds", "9"),
        read=_ingest,
    ),
    Section(
        name="readings",
        title="From a reading to the page",
        about="Sensors report over MQTT at a steady pace; now and then a group of people comes in, and a reader of the "
        "residents' page looks for it, over bus, estimate, Redis and event stream, while an alert goes out by mail.",
        short=("readings", "--seconds", "20", "--recipients", "5000"),
        full=("readings",),
        read=_readings,
    ),
    Section(
        name="page",
        title="The residents' page",
        about="The page kept ready by the listener, the same listener rendering it for every request, and nginx with the "
        "exported files; and open pages that are told of a change.",
        short=("page", "--rounds", "3", "--seconds", "1"),
        full=("page", "--rounds", "9"),
        read=_page,
    ),
    Section(
        name="lanes",
        title="Urgent behind routine",
        about="An urgent alert alone, and behind a backlog of routine news to the same people, through a smarthost that "
        "passes on so many recipients a second.",
        short=("lanes", "--recipients", "4000", "--drain", "400"),
        full=("lanes",),
        read=_lanes,
    ),
    Section(
        name="isolation",
        title="A gateway that never answers",
        about="How much longer the other channels take while one channel's gateway is a black hole.",
        short=("isolation", "--recipients", "1000", "--rounds", "2"),
        full=("isolation", "--recipients", "4000", "--rounds", "5"),
        read=_isolation,
    ),
    Section(
        name="accept",
        title="The operator's answer under load",
        about="Approvals while the hub fans out to the whole register and takes 500 readings a second, in turn with the "
        "least that a durable answer can cost on the same disk.",
        short=("accept", "--accepts", "100"),
        full=("accept", "--accepts", "1000"),
        read=_accept,
    ),
    Section(
        name="plan",
        title="Audiences of any size",
        about="The planner over a register of so many sealed addresses, embedded; the bus takes the records and forgets "
        "them. What it means for a city and for Tokyo: [capacity](capacity.md).",
        short=("plan", "--residents", "100000,1000000"),
        full=("plan", "--residents", "100000,1000000,14000000"),
        read=_plan,
    ),
)
