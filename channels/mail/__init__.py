"""Mail, handed over to the city's smarthost: up to 100 recipients a transaction, an outcome for each.

The smarthost signs (DKIM), queues by carrier and retries for days; that is not repeated here.
SMTP takes no HTTP proxy: the smarthost stands on the city's side of it.
"""

from channels.mail.channel import Mail
from channels.mail.settings import Security, Settings

__all__ = ["Mail", "Security", "Settings"]
