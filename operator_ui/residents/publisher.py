"""Who publishes the city's data, whose data it is made from, and under which licence it may be used."""

from typing import Annotated

import msgspec
from msgspec import Meta

from hub import folder as files
from hub.folder import Folder

LICENCE = "CC-BY-4.0"
"""By SPDX's name. What 政府標準 and the cities of Tokyo use: whoever names the source may do as they like."""
LICENCE_TITLE = "クリエイティブ・コモンズ 表示 4.0 国際"
LICENCE_URL = "https://creativecommons.org/licenses/by/4.0/"


class Publisher(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`open_data.toml`. Everything may be left out: the name is the city's."""

    organization: Annotated[str, Meta(pattern=r"^[a-z0-9_-]*$")] = ""
    """The city's name in the catalogue of its prefecture (CKAN, owner_org)."""
    department: str = ""
    """所管部署."""
    sources: tuple[str, ...] = ()
    """Whom the pages must name."""
    site_source: str = ""
    """What the list of sites is made from, in the words its licence asks for."""


CITY_ITSELF = Publisher()


def load_publisher(folder: Folder) -> Publisher:
    """Read `open_data.toml`, where it is.

    Raises:
        BadSettings: names the key and what is wrong with it.
    """
    return files.optional(folder, "open_data.toml", Publisher)
