"""Web push: a notification in the browser of whoever asked for it on the residents' page."""

from channels.webpush import encryption, vapid
from channels.webpush.channel import Webpush
from channels.webpush.settings import Settings, services

__all__ = ["Settings", "Webpush", "encryption", "services", "vapid"]
