"""What a city is, as data. Nothing but these folders knows a city's name."""

from importlib.resources import files
from importlib.resources.abc import Traversable


def folder(name: str) -> Traversable:
    """The folder of one city, for example `akishima`, wherever this package was installed."""
    return files(__name__) / name
