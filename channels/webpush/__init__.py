"""Web push: a notification in the browser of whoever asked for it on the residents' page."""

from channels.webpush.channel import Webpush
from channels.webpush.settings import Settings

__all__ = ["Settings", "Webpush"]
