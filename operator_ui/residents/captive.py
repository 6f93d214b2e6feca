"""The page on the disaster Wi-Fi that each facility's own box serves, also when its line out is dead.

Whole in one file (no script, no picture, no style beside it), and never more than `MOST_BYTES`: what does not fit is
counted, and stands on the city's page. Nothing can be found out by it there, so it says of when it is; its twin for a
box that has had nothing new for long says that, and no number of people any more (I13). Sites as on every page (I16).
"""

from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import NamedTuple

import structlog
from markupsafe import Markup

from hub.channel import Content, Spans
from hub.language import Language
from operator_ui.headers import policy
from operator_ui.residents.document import Written
from operator_ui.residents.snapshot import Snapshot

log = structlog.get_logger(__name__)

MOST_BYTES = 20 * 1024
TEMPLATE = "captive.html"
Page = Callable[..., Written]
"""Writes a template of the residents'."""


class Plan(NamedTuple):
    """How much of everything a page shows: alerts with their text, alerts by name, lists of sites, sites in each.
    Without `texts`, even the first has its headline alone."""

    whole: int
    named: int
    lists: int
    sites: int
    texts: bool = True


PLANS = (
    Plan(3, 8, 2, 12),
    Plan(2, 6, 2, 8),
    Plan(1, 4, 1, 8),
    Plan(1, 2, 1, 4),
    Plan(1, 1, 1, 3, texts=False),
)
"""The first that fits is taken."""


def captive_path(language: Language, *, aged: bool = False) -> str:
    """The page's address, of which a box keeps a copy; `aged`: its twin."""
    return f"/portal/{'old/' if aged else ''}{language}.html"


def captive(page: Page, language: Language, snapshot: Snapshot, *, aged: bool = False) -> Written:
    """The page in one language, as much of it as fits."""
    for plan in PLANS:
        written = page(
            TEMPLATE,
            language,
            snapshot,
            plan=plan,
            aged=aged or snapshot.stuck,
            captive_css=Markup(style()),  # noqa: S704 - our own file
            captive_policy=POLICY,
            leads_to_sites=_leads_to_sites,
        )
        if len(written.body) <= MOST_BYTES:
            return written
    log.error(
        "the page on the Wi-Fi is larger than it may be", language=language, size_bytes=len(written.body)
    )
    return written


def _leads_to_sites(line: Spans) -> bool:
    """A line of the text that is the list of sites, or announces it: here the list stands beside the text."""
    return any(span.slot == "shelters" for span in line) or Content.text(line).endswith(("：", ":"))


@cache
def style() -> str:
    return (files("operator_ui") / "residents" / "captive.css").read_text(encoding="utf-8")


def _policy() -> str:
    """As a `meta` element may hold it: a box need not know how to send headers (CSP Level 3, frame-ancestors)."""
    nothing = {"script-src": "'none'", "connect-src": "'none'", "form-action": "'none'", "img-src": "data:"}
    return policy([style()], nothing).replace("; frame-ancestors 'none'", "")


POLICY = _policy()
