"""Writes each file of open data. Nothing is read meanwhile, and any thread may do it, as with the pages (`press`)."""

from codecs import BOM_UTF8
from collections.abc import Sequence

from hub.outbound import Deployment
from operator_ui.residents import geojson, open_data
from operator_ui.residents.alerts_geojson import alerts_geojson
from operator_ui.residents.catalogue import catalogue
from operator_ui.residents.data_files import DataFile, Form, Subject, data_files
from operator_ui.residents.document import Written
from operator_ui.residents.national_csv import national_csv
from operator_ui.residents.notice import texts_of
from operator_ui.residents.occupancy_file import occupancy_csv, occupancy_json
from operator_ui.residents.portal import Residents
from operator_ui.residents.snapshot import Snapshot
from shelters.public_past import Past
from shelters.site import SiteCode


class DataPress:
    def __init__(self, portal: Residents) -> None:
        self._portal = portal
        self._head = open_data.credit(portal.city, portal.publisher, portal.deployment)
        self.files: Sequence[DataFile] = data_files(portal.city)

    def catalogue(self, snapshot: Snapshot) -> Written:
        portal = self._portal
        body = catalogue(
            self.files, city=portal.city, publisher=portal.publisher, url=portal.url, head=self._head
        )
        return _written(body, Form.JSON, snapshot)

    def present(self, file: DataFile, snapshot: Snapshot) -> Written:
        """A file about the alerts or the sites as they are now, or about the sites as designated."""
        if file.subject is Subject.ALERTS:
            body = self._alerts(snapshot)
        elif file.subject is Subject.PRESENT:
            body = geojson.present(snapshot, file.hazard, self._head)
        elif file.form is Form.GEOJSON:
            body = geojson.standing(snapshot.sites.values(), self._head)
        else:
            body = national_csv(snapshot.sites.values(), self._portal.city)
        return _written(BOM_UTF8 + body if file.mark else body, file.form, snapshot)

    def _alerts(self, snapshot: Snapshot) -> bytes:
        portal = self._portal
        texts = [texts_of(each, snapshot.slots, portal.clock) for each in snapshot.alerts]
        return alerts_geojson(snapshot, texts, self._head, city=portal.city, url=portal.url)

    def past(self, file: DataFile, snapshot: Snapshot, past: Past) -> Written:
        sites, named = snapshot.sites, _named(snapshot)
        if file.form is Form.CSV:
            rehearsal = self._portal.deployment is Deployment.REHEARSAL
            body = occupancy_csv(past, sites, named, rehearsal=rehearsal)
        else:
            body = occupancy_json(past, sites, named, self._head)
        return _written(body, file.form, snapshot)


def _named(snapshot: Snapshot) -> set[SiteCode]:
    """While an alert is in force, the sites of its list; otherwise all whose past was public. Where nothing could be
    checked, an alert may be in force that is not known here: then none."""
    if snapshot.stuck:
        return set()
    if not snapshot.live_hazards:
        return {*snapshot.sites}
    return {SiteCode(entry.code) for entry in geojson.listed(snapshot, snapshot.live_hazards)}


def _written(body: bytes, form: Form, snapshot: Snapshot) -> Written:
    return Written(body=body, content_type=form.content_type, until=snapshot.until)
