"""Headers that every answer of a listener carries: a strict content security policy and its companions.

No script or style stands in a page unless it is the one whose hash the policy names, nothing comes from
another origin, and no other site may frame a page (OWASP Secure Headers; CSP Level 3).
"""

import base64
import hashlib
from collections.abc import Mapping

from aiohttp import web


class SecurityHeaders:
    def __init__(self, *, style: str, https: bool, extra: Mapping[str, str] | None = None) -> None:
        """`style`: the text of the one inline style sheet. `extra`: further directives of the policy."""
        self._headers = {
            "Content-Security-Policy": policy(style, extra or {}),
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "same-origin",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Permissions-Policy": "camera=(), microphone=(), geolocation=(self)",
            "Server": "Yobikake",  # without versions
        }
        if https:
            self._headers["Strict-Transport-Security"] = "max-age=31536000"

    def setup(self, app: web.Application) -> None:
        """On every response, streams and errors too."""
        app.on_response_prepare.append(self._add)

    async def _add(self, _request: web.Request, response: web.StreamResponse) -> None:
        for name, value in self._headers.items():
            response.headers[name] = value


def policy(style: str, extra: Mapping[str, str]) -> str:
    """The Content-Security-Policy that allows one inline style sheet, this text, and own files."""
    directives = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": f"'sha256-{base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()}'",
        "img-src": "'self' data:",
        "connect-src": "'self'",
        "form-action": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
        **extra,
    }
    return "; ".join(f"{name} {value}" for name, value in directives.items())
