"""What a web server in front says with every file it serves in our stead: `config/nginx/headers.conf`.

    python -m operator_ui.residents.front > config/nginx/headers.conf

The policy holds the hash of the pages' style, so the file is written from the code whenever a style sheet changes;
a test says when it was forgotten.
"""

import sys

from operator_ui.headers import SecurityHeaders
from operator_ui.residents.press import residents_pages

_HEAD = """\
# What the hub sends with every page, for the files that nginx serves in its stead. It belongs to one version of the
# pages (the policy holds the hash of their style): point to the file of the version that runs, and reload nginx
# after an upgrade. Written by `make headers`.
"""
_BY_ADDRESS = {
    "Cross-Origin-Resource-Policy": "$yobikake_corp",
    "Strict-Transport-Security": "$yobikake_hsts",
    "Access-Control-Allow-Origin": "$yobikake_cors",
    "Link": "$yobikake_licence",
    "Retry-After": "$yobikake_retry",
}
"""What `yobikake.conf` decides by the address that is asked for."""
_OF_FILES = {
    "Cache-Control": "$yobikake_cache",
    "Content-Language": "$yobikake_content_language",
    "Vary": "$yobikake_vary",
}
"""The same, for what was found alone."""


def headers_conf() -> str:
    """nginx's `add_header` lines, `always` where an error page needs them as well."""
    pages = residents_pages(https=False, context=lambda _request: {})
    extra = {"frame-ancestors": "$yobikake_frames"}
    said = SecurityHeaders(styles=pages.styles, https=False, extra=extra).sent
    everywhere = {name: value for name, value in said.items() if name != "Server"} | _BY_ADDRESS
    lines = [f"add_header {name} {_quoted(value)} always;\n" for name, value in everywhere.items()]
    lines += [f"add_header {name} {value};\n" for name, value in _OF_FILES.items()]
    return _HEAD + "".join(lines)


def _quoted(value: str) -> str:
    return f'"{value}"' if {" ", ";", "("} & set(value) else value


if __name__ == "__main__":
    sys.stdout.write(headers_conf())
