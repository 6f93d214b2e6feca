"""Bounces: whom a mail did not reach and why, from what their servers wrote back.

`classify` is a pure function of the mail's octets and takes anything. Delivery reports are read as
RFC 3464 has them, complaints as RFC 5965; notices that only people can read by the forms their servers
share (`forms`). Japanese carriers write such notices (`carriers`).
"""

from channels.mail.bounces.bounce import Bounce, Kind, Reason
from channels.mail.bounces.verdict import Read, classify, read

__all__ = ["Bounce", "Kind", "Read", "Reason", "classify", "read"]
