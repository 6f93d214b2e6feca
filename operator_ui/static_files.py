"""Static files: read once at start, served with an ETag, compressed once."""

import gzip
import hashlib
import mimetypes
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources.abc import Traversable

from aiohttp import ETag, hdrs, web

FAVICON = "/favicon.ico"

_FOREVER = "public, max-age=31536000, immutable"
_CHECK = "public, no-cache"


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    body: bytes
    packed: bytes
    content_type: str
    etag: str


class StaticFiles:
    """`url("staff.js")` names a file with its content's hash, so that a browser keeps it for good.

    The hash is part of the name: where the files are copied to, old and new stand side by side.
    """

    def __init__(self, folders: Iterable[Traversable], *, prefix: str = "/static") -> None:
        self._prefix = prefix
        self._files = {
            entry.name: _read(entry) for folder in folders for entry in folder.iterdir() if entry.is_file()
        }
        self._hashed = {_hashed(name, file.etag): file for name, file in self._files.items()}

    def url(self, name: str) -> str:
        """Raises `KeyError` for a file that is not there."""
        return f"{self._prefix}/{_hashed(name, self._files[name].etag)}"

    def hashed(self, *names: str) -> dict[str, bytes]:
        """These files by the address that `url` names, without the slash in front."""
        return {self.url(name).lstrip("/"): self._files[name].body for name in names}

    def body(self, name: str) -> bytes:
        return self._files[name].body

    def setup(self, app: web.Application) -> None:
        app.router.add_get(f"{self._prefix}/{{name}}", self.serve)
        app.router.add_get(FAVICON, self.icon)

    async def icon(self, request: web.Request) -> web.Response:
        """Browsers ask for it by themselves where no page names one, for example beside JSON."""
        return self.response(request, "icon.svg")

    async def serve(self, request: web.Request) -> web.Response:
        return self.response(request, request.match_info["name"])

    def response(self, request: web.Request, name: str) -> web.Response:
        """The file, or 304 when the browser has it. Raises `HTTPNotFound`."""
        hashed = self._hashed.get(name)
        file = hashed or self._files.get(name)
        if file is None:
            raise web.HTTPNotFound
        headers: dict[str, str] = {
            hdrs.CACHE_CONTROL: _FOREVER if hashed else _CHECK,
            hdrs.VARY: hdrs.ACCEPT_ENCODING,
        }
        if _has(request, file):
            response = web.Response(status=304, headers=headers)
        else:
            response = _body(request, file, headers)
        response.etag = file.etag
        return response


def _has(request: web.Request, file: _File) -> bool:
    known = request.if_none_match or ()
    return any(tag == ETag(file.etag, tag.is_weak) or tag.value == "*" for tag in known)


def _body(request: web.Request, file: _File, headers: Mapping[str, str]) -> web.Response:
    if "gzip" in request.headers.get(hdrs.ACCEPT_ENCODING, ""):
        return web.Response(
            body=file.packed,
            headers={**headers, hdrs.CONTENT_TYPE: file.content_type, hdrs.CONTENT_ENCODING: "gzip"},
        )
    return web.Response(body=file.body, headers={**headers, hdrs.CONTENT_TYPE: file.content_type})


def _hashed(name: str, etag: str) -> str:
    """`staff.0123456789abcdef.js`."""
    stem, dot, suffix = name.rpartition(".")
    return f"{stem}.{etag}{dot}{suffix}"


def _read(entry: Traversable) -> _File:
    body = entry.read_bytes()
    guessed = mimetypes.guess_type(entry.name)[0] or "application/octet-stream"
    text = guessed.startswith("text/") or guessed.endswith(("javascript", "json", "svg+xml"))
    return _File(
        body=body,
        packed=gzip.compress(body, 9, mtime=0),
        content_type=f"{guessed}; charset=utf-8" if text else guessed,
        etag=hashlib.sha256(body).hexdigest()[:16],
    )
