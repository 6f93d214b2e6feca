"""Which sites the benchmark of the window takes an answer to name, and which of them it calls wrong."""

import pytest

from hub.hazard import Hazard
from shelters.site import load_sites
from yobikake.assembly import city_folder
from yobikake.bench.asking import Judge
from yobikake.evaluation.window import Asked

SITES = load_sites(city_folder("akishima"))
FLOOD = next(site for site in SITES.values() if Hazard.FLOOD in site.hazards)
CLOSED = next(site for site in SITES.values() if Hazard.FLOOD in site.hazards and site is not FLOOD)
OTHER = next(site for site in SITES.values() if site.hazards and Hazard.FLOOD not in site.hazards)
QUAKE = Asked(ask="地震のとき", expect=("sites",), asked=(Hazard.EARTHQUAKE,))


def listed(*addresses: str) -> str:
    rows = (f'<li><b>どこか</b><br><span class="sub" lang="ja">{each}</span></li>' for each in addresses)
    return f'<section id="reply"><p class="lede">開いています</p><ol class="going">{"".join(rows)}</ol></section>'


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (listed(FLOOD.address), (1, 0)),
        (listed(FLOOD.address, CLOSED.address), (2, 1)),
        (listed(OTHER.address), (1, 1)),
        (f"<p>{FLOOD.name.ja}へ</p>", (0, 0)),
        (f"<p>{OTHER.name.ja}へ</p>", (1, 1)),
    ],
)
def test_a_site_may_be_named_that_is_open_and_designated(reply: str, expected: tuple[int, int]) -> None:
    judge = Judge(SITES, {FLOOD.code, OTHER.code}, frozenset())
    assert judge.named(reply, Asked(ask="避難所", expect=("sites",))) == expected


def test_what_is_asked_about_counts_too() -> None:
    judge = Judge(SITES, set(SITES), frozenset())
    both = FLOOD.hazards.issuperset({Hazard.FLOOD, Hazard.EARTHQUAKE})
    assert judge.named(listed(FLOOD.address), QUAKE) == (1, 0 if both else 1)
