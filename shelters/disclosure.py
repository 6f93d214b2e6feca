"""How many people may be said to be at a site, to whoever is not staff: the rule of small numbers.

One to four people are said as «1 to 4», on every way out: page, text, file and history alike. What is hidden on one
of them and said on another is not hidden. Nothing else that is said may tell one of these numbers from another:
no sum of sites is published, and a word is that of four people (`crowding.Thresholds`).
"""

from typing import NamedTuple

from hub.shelter_list import MOST_HIDDEN


class Disclosed(NamedTuple):
    """`people` None and not `few`: not known. `few`: there are some, and fewer than may be said."""

    people: int | None
    few: bool


UNSAID = Disclosed(None, few=False)


def disclosed(people: int | None) -> Disclosed:
    """What is said of a head count. Nobody (0) is said as such: it tells of nobody."""
    hidden = people is not None and 0 < people <= MOST_HIDDEN
    return Disclosed(None, few=True) if hidden else Disclosed(people, few=False)
