"""What a push service's answers mean, as one table.

RFC 8030 §5 to §8 and RFC 8292 §4.2; the services' own pages:
https://firebase.google.com/docs/cloud-messaging/error-codes (FCM),
https://mozilla-services.github.io/autopush-rs/errors.html (Mozilla),
https://developer.apple.com/documentation/usernotifications/sending-web-push-notifications-in-web-apps-and-browsers (Apple),
https://learn.microsoft.com/windows/apps/develop/notifications/push-notifications/push-request-response-headers (Microsoft).
"""

from collections.abc import Mapping

from hub.delivery import Outcome

GONE = frozenset({"404", "410"})
"""Reasons that say that there is no such subscription any more: it is taken out of the register (RFC 8030 §7.3)."""

_STATUSES: Mapping[int, Outcome] = {
    200: Outcome.ACCEPTED,
    201: Outcome.ACCEPTED,
    202: Outcome.ACCEPTED,
    401: Outcome.CREDENTIALS,  # the token
    403: Outcome.CREDENTIALS,  # the key: not the one that was subscribed under
    404: Outcome.PERMANENT,
    406: Outcome.THROTTLE,  # Microsoft's word for too many requests
    410: Outcome.PERMANENT,
    408: Outcome.TEMPORARY,
    413: Outcome.UNSUPPORTED,  # too large for this service
    429: Outcome.THROTTLE,
}


def outcome(status: int) -> Outcome:
    """For a status that is not in the table, by its class. A redirect is never followed."""
    if status in _STATUSES:
        return _STATUSES[status]
    if status >= 500 or 300 <= status < 400:
        return Outcome.TEMPORARY
    return Outcome.ACCEPTED if 200 <= status < 300 else Outcome.PERMANENT
