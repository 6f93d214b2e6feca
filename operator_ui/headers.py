"""Headers that every answer of a listener carries: a strict content security policy and its companions.

No script or style stands in a page unless it is the one whose hash the policy names, nothing comes from
another origin, and no other site may frame a page (OWASP Secure Headers; CSP Level 3).
"""

import base64
import hashlib
from collections.abc import Mapping, Sequence

from aiohttp import web

CSP = "Content-Security-Policy"


class SecurityHeaders:
    def __init__(self, *, styles: Sequence[str], https: bool, extra: Mapping[str, str] | None = None) -> None:
        """`styles`: the texts of the inline style sheets. `extra`: further directives of the policy."""
        self.sent = {
            CSP: policy(styles, extra or {}),
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "same-origin",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Permissions-Policy": "camera=(), microphone=(), geolocation=(self)",
            "Server": "Yobikake",  # without versions
        }
        if https:
            self.sent["Strict-Transport-Security"] = "max-age=31536000"

    def setup(self, app: web.Application) -> None:
        """On every response, streams and errors too."""
        app.on_response_prepare.append(self._add)

    async def _add(self, _request: web.Request, response: web.StreamResponse) -> None:
        for name, value in self.sent.items():
            if name == "Server" or name not in response.headers:  # some may be read or framed from elsewhere
                response.headers[name] = value


def policy(styles: Sequence[str], extra: Mapping[str, str]) -> str:
    """The Content-Security-Policy that allows these inline style sheets, to the letter, and own files."""
    directives = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": " ".join(_hashed(style) for style in styles),
        "img-src": "'self' data:",
        "connect-src": "'self'",
        "form-action": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
        **extra,
    }
    return "; ".join(f"{name} {value}" for name, value in directives.items())


def _hashed(style: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()}'"
