"""How many people were at the shelters, every five minutes of the last days, as JSON and as CSV.

Whatever is in it was public in its own moment (`shelters.public_past`), and small numbers are said as everywhere
else (`shelters.disclosure`). While an alert is in force, only sites that may be named for it are there at all (I16).
"""

import csv
import io
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from itertools import groupby

import msgspec

from hub.clock import cap_time
from shelters.disclosure import disclosed
from shelters.history import SLOT, Point
from shelters.public_past import Past
from shelters.site import Site, SiteCode

REACH = timedelta(days=7)
"""How far back the file goes."""
COLUMNS = ("ID", "名称", "日時", "人数", "少人数", "想定収容人数")
"""ID and 名称 as in the list of designated sites. 少人数 is 1 where there were one to four people; then, and where it
is not known, 人数 is empty."""
NOTICE = (
    "そのとき公開していた値の記録です。いま開いていることを示すものではありません。1〜4人は人数を示しません（few）。 / "
    "A record of what was public in its own moment. Nothing here says that a place is open. One to four: few."
)

Sites = Mapping[SiteCode, Site]


def occupancy_json(
    past: Past, sites: Sites, named: Collection[SiteCode], head: Mapping[str, object]
) -> bytes:
    """By site, first to last. `named`: the sites that may stand in it."""
    members = {
        "from": cap_time(past.since),
        "to": cap_time(past.until),
        "every_minutes": SLOT // timedelta(minutes=1),
        "notice": NOTICE,
    }
    by_site = groupby(_ordered(past, sites, named), key=lambda sample: sample.site)
    found = [_site(sites[code], list(samples)) for code, samples in by_site]
    return msgspec.json.encode({**head, **members, "sites": found})


def occupancy_csv(past: Past, sites: Sites, named: Collection[SiteCode], *, rehearsal: bool) -> bytes:
    """The same in lines, UTF-8 without a mark in front. A rehearsal's names say that it is one."""
    mark = "【訓練】" if rehearsal else ""
    written = io.StringIO()
    rows = csv.writer(written)
    rows.writerow(COLUMNS)
    for sample in _ordered(past, sites, named):
        site, said = sites[sample.site], disclosed(sample.people)
        people = "" if said.people is None else said.people
        capacity = "" if site.capacity is None else site.capacity
        rows.writerow(
            [site.code, mark + site.name.ja, cap_time(sample.at), people, "1" if said.few else "", capacity]
        )
    return written.getvalue().encode()


def _ordered(past: Past, sites: Sites, named: Collection[SiteCode]) -> list[Point]:
    place = {code: number for number, code in enumerate(sites)}
    known = (sample for sample in past.samples if sample.site in named and sample.site in place)
    return sorted(known, key=lambda sample: (place[sample.site], sample.at))


def _site(site: Site, samples: Sequence[Point]) -> dict[str, object]:
    return {
        "code": site.code,
        "name": site.name.ja,
        "name_en": site.name.en,
        "capacity": site.capacity,
        "samples": [_sample(sample) for sample in samples],
    }


def _sample(sample: Point) -> dict[str, object]:
    return {"at": cap_time(sample.at), **disclosed(sample.people)._asdict()}
