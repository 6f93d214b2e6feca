"""What a feed says of itself, whatever its form."""

from datetime import datetime
from typing import NamedTuple

from hub.city import City


class Masthead(NamedTuple):
    """`url`: of the residents' listener. `checked_at`: when a feed without an alert was true."""

    city: City
    url: str
    title: str
    checked_at: datetime
