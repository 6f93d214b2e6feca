"""Every file of open data: where it is, what is in it, in which form. The routes, the static site, the catalogue and
the page that lists them all read this one list."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from hub.city import City
from hub.hazard import DESIGNABLE, Hazard
from hub.language import Language
from hub.place import Name
from operator_ui.residents.portal import data_path

FOLDER = "/open-data/"
CATALOGUE = f"{FOLDER}catalogue.json"
DOCUMENTATION = data_path(Language.JA)


class Form(StrEnum):
    """As catalogues name it."""

    CSV = "CSV"
    GEOJSON = "GeoJSON"
    JSON = "JSON"

    @property
    def content_type(self) -> str:
        return _CONTENT_TYPES[self]


_CONTENT_TYPES = {Form.CSV: "text/csv", Form.GEOJSON: "application/geo+json", Form.JSON: "application/json"}


class Subject(StrEnum):
    """What a file is about: each subject is a data set of the catalogue."""

    DESIGNATED = "designated"
    PRESENT = "present"
    PAST = "past"
    ALERTS = "alerts"


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFile:
    """`hazard`: the only one it is about. `mark`: UTF-8 with a mark (BOM) in front, for spreadsheets."""

    path: str
    form: Form
    subject: Subject
    title: Name
    hazard: Hazard | None = None
    mark: bool = False

    @property
    def encoding(self) -> str:
        return "UTF-8 (BOM)" if self.mark else "UTF-8"

    @property
    def old(self) -> bool:
        """It has a place of its own among the pages' JSON, and no limit but the server's."""
        return not self.path.startswith(FOLDER)


def data_files(city: City) -> Sequence[DataFile]:
    """In the order in which they are listed. A name with the city's code is the one the national set asks for."""
    national = f"{FOLDER}{city.code_with_check}_evacuation_space"
    return (
        DataFile(
            path=f"{national}.csv",
            form=Form.CSV,
            subject=Subject.DESIGNATED,
            title=Name(ja="指定緊急避難場所・指定避難所一覧", en="Designated evacuation sites and shelters"),
        ),
        DataFile(
            path=f"{national}_bom.csv",
            form=Form.CSV,
            subject=Subject.DESIGNATED,
            title=Name(ja="同（表計算ソフト用）", en="The same, for spreadsheets"),
            mark=True,
        ),
        DataFile(
            path=f"{national}.geojson",
            form=Form.GEOJSON,
            subject=Subject.DESIGNATED,
            title=Name(ja="同（地図用）", en="The same, for maps"),
        ),
        DataFile(
            path=f"{FOLDER}shelters.geojson",
            form=Form.GEOJSON,
            subject=Subject.PRESENT,
            title=Name(ja="いま案内している避難場所", en="Shelters that are named now"),
        ),
        *(_of_hazard(hazard) for hazard in Hazard if hazard in DESIGNABLE - city.absent),
        DataFile(
            path="/api/shelters.json",
            form=Form.JSON,
            subject=Subject.PRESENT,
            title=Name(
                ja="いま案内している避難場所（災害ごと）", en="Shelters that are named now, by hazard"
            ),
        ),
        DataFile(
            path=f"{FOLDER}occupancy.csv",
            form=Form.CSV,
            subject=Subject.PAST,
            title=Name(ja="避難所の人数の記録", en="How many people were at the shelters"),
        ),
        DataFile(
            path=f"{FOLDER}occupancy.json",
            form=Form.JSON,
            subject=Subject.PAST,
            title=Name(ja="避難所の人数の記録", en="How many people were at the shelters"),
        ),
        DataFile(
            path=f"{FOLDER}alerts.geojson",
            form=Form.GEOJSON,
            subject=Subject.ALERTS,
            title=Name(ja="いま有効な緊急情報（地図用）", en="Alerts in force, for maps"),
        ),
        DataFile(
            path="/api/alerts.json",
            form=Form.JSON,
            subject=Subject.ALERTS,
            title=Name(ja="いま有効な緊急情報", en="Alerts in force"),
        ),
    )


def _of_hazard(hazard: Hazard) -> DataFile:
    return DataFile(
        path=f"{FOLDER}shelters-{hazard}.geojson",
        form=Form.GEOJSON,
        subject=Subject.PRESENT,
        title=Name(
            ja=f"いま案内している避難場所（{hazard.japanese}）",
            en=f"Shelters that are named now ({hazard.value.replace('_', ' ')})",
        ),
        hazard=hazard,
    )
