"""Shelter sites that a text names in its own words: only the slot {shelters} follows what is open (I16)."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from hub.alert import AlertInfo
from hub.slots import Form
from operator_ui.staff.draft_form import field
from shelters.site import Site


class Named(NamedTuple):
    """`field`: the input of the text in which `site` stands."""

    field: str
    site: Site


def named(infos: Sequence[AlertInfo], sites: Sequence[Site], city: str) -> Iterator[Named]:
    """Each site once a text, however it is spaced or its kanji are read out. A school of `city` (in
    Japanese) is also known without the city's name in front."""
    by_name = {_plain(name): site for site in sites for name in _names(site, city)}
    longest_first = sorted(by_name, key=len, reverse=True)  # 「昭和会館前広場」 is not 「昭和会館」
    pattern = re.compile("|".join(map(re.escape, longest_first)))
    for info in infos if by_name else ():
        for form in Form:
            found = dict.fromkeys(pattern.findall(_plain(getattr(info, form.value))))
            codes = {by_name[name].code: by_name[name] for name in found}
            yield from (Named(field(info, form), site) for site in codes.values())


def _names(site: Site, city: str) -> tuple[str, ...]:
    return site.name.ja, site.name.ja.replace(f"{city}立", ""), site.name.en


def _plain(text: str) -> str:
    """Without what does not change which site is meant: width, case, spaces, readings in brackets."""
    folded = unicodedata.normalize("NFKC", text).casefold().replace("\u2019", "'")
    return _IGNORED.sub("", folded)


_IGNORED = re.compile(r"\([\u3041-\u309f\u30fc\s]+\)|\s")
