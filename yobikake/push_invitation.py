"""What the residents' pages need so that a browser can be registered for notifications."""

from hub.settings import Settings, convert
from hub.subscription import encoded
from operator_ui.residents.portal import Push

KIND = "webpush"


def of(settings: Settings) -> Push | None:
    """None where the city has no such channel. Read from the settings: the channel may run in another process.

    Raises:
        BadSettings: the stanza cannot work, or its key cannot be read.
    """
    if KIND not in settings.channels:
        return None
    from channels import webpush  # noqa: PLC0415 - a connector is loaded when configured

    own = convert(settings.channels[KIND], webpush.Settings, where=f"[channels.{KIND}]")
    key = webpush.vapid.load(own.key_file, setting=f"[channels.{KIND}] key_file")
    return Push(encoded(webpush.encryption.point(key)), webpush.services(own))
