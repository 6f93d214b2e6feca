"""The window of one city: the bank that all share, and what the city's own folder knows."""

from collections.abc import Mapping

import config
from hub.city import City
from hub.folder import Folder
from operator_ui.window import bank
from operator_ui.window.places import load_neighbours
from operator_ui.window.window import Window
from shelters.site import Site, SiteCode


def load_window(folder: Folder, city: City, sites: Mapping[SiteCode, Site]) -> Window:
    """`folder`: the city's. Raises `BadSettings`: names the file and the key."""
    return Window(bank.load(config.folder("faq")), city, sites.values(), load_neighbours(folder))
