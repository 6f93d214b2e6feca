"""Before anything is imported: are the packages ours?

`channels` and `config` are generic names (Django's channels installs a package of the same name and
would overwrite ours). A hub that sends through somebody else's `channels` is worse than one that
does not start.
"""

from collections.abc import Mapping, Sequence
from importlib import metadata

OURS = "yobikake"
PACKAGES = ("hub", "channels", "shelters", "operator_ui", "config", "yobikake")


def refuse_foreign_packages(owners: Mapping[str, Sequence[str]] | None = None) -> None:
    """`owners`: package → distributions that own it, as `metadata.packages_distributions()` tells.

    Raises:
        SystemExit: another distribution owns one of our package names; says which and what to do.
    """
    known = metadata.packages_distributions() if owners is None else owners
    for package in PACKAGES:
        foreign = [owner for owner in known.get(package, ()) if owner.lower() != OURS]
        if foreign:
            raise SystemExit(
                f"yobikake: the package `{package}` also belongs to {', '.join(foreign)} in this environment, "
                f"and one of the two has overwritten the other. Install yobikake into a virtual environment "
                f"of its own: python3 -m venv .venv / 別のライブラリと名前が重なっています。専用の仮想環境に入れてください。"
            )
