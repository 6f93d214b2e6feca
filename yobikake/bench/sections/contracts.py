"""How much of a provider's contract is used."""

from yobikake.bench.chart import Bar, Chart
from yobikake.bench.part import Part, Table, at_least, at_most, figure
from yobikake.bench.sections.section import Found, percent


def line(found: Found) -> Part:
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
                percent(line["ratios"][name]["median"]),
                f"{percent(line['ratios'][name]['min'])}–{percent(line['ratios'][name]['max'])}",
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


def voice(found: Found) -> Part:
    voice = found["voice"]
    rows, bars, goals = [], [], []
    for name, ratio in sorted(voice["ratios"].items(), key=lambda each: int(each[0].split("_")[0])):
        contract = name.removesuffix("_per_s")
        rows.append(
            [
                f"{contract} a second", f"{voice['calls'][name]:,}", percent(ratio["median"]),
                f"{percent(ratio['min'])}–{percent(ratio['max'])}", str(voice["most_in_a_second"][name]),
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
