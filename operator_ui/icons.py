"""Icons, inlined: each page carries only those it shows."""

import re
from functools import cache
from importlib.resources import files

from markupsafe import Markup


def icon(name: str, label: str = "") -> Markup:
    """An `<svg>` that says `label` to a screen reader, or nothing. Raises `KeyError` for an unknown name."""
    said = Markup('role="img" aria-label="{}"').format(label) if label else Markup('aria-hidden="true"')
    return Markup('<svg class="icon" viewBox="0 0 24 24" {}>{}</svg>').format(said, _shapes()[name])


@cache
def _shapes() -> dict[str, Markup]:
    sprite = (files("operator_ui") / "icons.svg").read_text(encoding="utf-8")
    found = re.findall(r'<symbol id="([\w-]+)"[^>]*>(.*?)</symbol>', sprite)
    return {name: Markup(shapes) for name, shapes in found}  # noqa: S704 - our own file
