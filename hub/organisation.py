"""How a city hall is organised: its departments, and how its headquarters grows, from the city's folder."""

from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from hub import folder as files
from hub import targets
from hub.errors import BadSettings
from hub.folder import Folder
from hub.hazard import Hazard
from hub.place import Name
from hub.targets import Targets

Code = Annotated[str, Meta(pattern=r"^[a-z0-9-]{1,32}$")]


class Department(msgspec.Struct, frozen=True, kw_only=True):
    """A 課. `hazards`: the kinds of alert that are its own; empty: all of them."""

    code: str
    name: Name
    hazards: frozenset[Hazard]


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """How far the city hall has gone over to a disaster. `headquarters`: the 災害対策本部 is set up."""

    code: str
    name: Name
    headquarters: bool


class Organisation(msgspec.Struct, frozen=True, kw_only=True):
    """Empty where the city's folder says nothing."""

    departments: tuple[Department, ...] = ()
    stages: tuple[Stage, ...] = ()
    """The lightest first."""

    targets: Targets = Targets()

    def stage(self, code: str) -> Stage | None:
        return next((each for each in self.stages if each.code == code), None)

    def department(self, code: str) -> Department | None:
        return next((each for each in self.departments if each.code == code), None)


class _Row(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    code: Code
    ja: Annotated[str, Meta(min_length=1)]
    en: Annotated[str, Meta(min_length=1)]

    @property
    def name(self) -> Name:
        return Name(ja=self.ja, en=self.en)


class _DepartmentRow(_Row, kw_only=True, forbid_unknown_fields=True):
    hazards: frozenset[Hazard] = frozenset()


class _DepartmentsFile(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    departments: list[_DepartmentRow] = []


class _StageRow(_Row, kw_only=True, forbid_unknown_fields=True):
    headquarters: bool = False


class _StagesFile(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    stages: list[_StageRow] = []


def load(folder: Folder) -> Organisation:
    """Read `departments.toml`, `stages.toml` and `targets.toml`, where they are.

    Raises:
        BadSettings: names the file and the key.
    """
    departments = files.optional(folder, "departments.toml", _DepartmentsFile).departments
    stages = files.optional(folder, "stages.toml", _StagesFile).stages
    _once("departments.toml", departments)
    _once("stages.toml", stages)
    return Organisation(
        departments=tuple(
            Department(code=row.code, name=row.name, hazards=row.hazards) for row in departments
        ),
        stages=tuple(Stage(code=row.code, name=row.name, headquarters=row.headquarters) for row in stages),
        targets=targets.load(folder),
    )


def _once(file: str, rows: Sequence[_Row]) -> None:
    codes = [row.code for row in rows]
    if twice := sorted({code for code in codes if codes.count(code) > 1}):
        raise BadSettings(file, f"{', '.join(twice)}: there twice / 同じ番号が2つあります")
