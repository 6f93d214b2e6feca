"""What the data sets are, for a catalogue: each as CKAN's `package_create` takes it, which 東京都オープンデータ
カタログサイト runs, with the facts that it shows beside a set (所管部署, 更新頻度, 文字コード).

    {"license": …, "packages": [{"name": …, "title": …, "resources": [{"url": …, "format": "CSV", …}], …}]}
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from hub.city import City
from hub.language import Language
from operator_ui.residents.data_files import DOCUMENTATION, DataFile, Subject
from operator_ui.residents.publisher import LICENCE_TITLE, LICENCE_URL, Publisher


class _Set(NamedTuple):
    name: str
    title: str
    notes: str
    renewed: str
    tags: tuple[str, ...]


_SETS: Mapping[Subject, _Set] = {
    Subject.DESIGNATED: _Set(
        "evacuation-space",
        "指定緊急避難場所・指定避難所一覧",
        "災害対策基本法により指定した場所の一覧です。列は自治体標準オープンデータセットのものです。"
        "いま開いていること、受け入れていることを示すものではありません。",
        "変更のつど",
        ("避難所", "避難場所", "防災"),
    ),
    Subject.PRESENT: _Set(
        "shelters-now",
        "避難所の開設・混雑状況",
        "緊急情報が出ている間、その災害に使え、受け入れている（または開設予定の）避難場所だけが入ります。"
        "1〜4人は人数を示しません。人数が空のときは、分からないという意味です。空きがあるという意味ではありません。",
        "1分ごと（変化があればすぐ）",
        ("避難所", "混雑状況", "防災"),
    ),
    Subject.PAST: _Set(
        "shelter-occupancy",
        "避難所の人数の記録",
        "過去7日間、5分ごとの人数です。そのとき公開していた値だけが入ります。1〜4人は人数を示しません。",
        "5分ごと",
        ("避難所", "混雑状況", "防災"),
    ),
    Subject.ALERTS: _Set(
        "alerts",
        "緊急情報（避難情報など）",
        "いま有効な緊急情報の、8つの言語の文章です。",
        "発信のつど",
        ("避難情報", "防災"),
    ),
}


def catalogue(
    files: Iterable[DataFile], *, city: City, publisher: Publisher, url: str, head: Mapping[str, object]
) -> bytes:
    """`url`: of the residents' listener. No time stands in it: it is the same until the hub changes."""
    known = list(files)
    packages = [
        _package(subject, [each for each in known if each.subject is subject], city, publisher, url)
        for subject in Subject
    ]
    return msgspec.json.encode({**head, "packages": packages})


def _package(
    subject: Subject, files: Sequence[DataFile], city: City, publisher: Publisher, url: str
) -> dict[str, object]:
    about, name = _SETS[subject], city.names[Language.JA]
    source = f"\n\n出典：{publisher.site_source}" if publisher.site_source else ""
    return {
        "name": f"{city.code_with_check}-{about.name}",
        "title": f"{name} {about.title}",
        "notes": about.notes + source,
        "owner_org": publisher.organization,
        "author": name,
        "maintainer": publisher.department or name,
        **({} if city.contact.placeholder else {"maintainer_email": city.contact.mail}),
        "license_id": "cc-by",
        "license_title": LICENCE_TITLE,
        "license_url": LICENCE_URL,
        "url": url + DOCUMENTATION,
        "tags": [{"name": tag} for tag in about.tags],
        "extras": [
            {"key": "更新頻度", "value": about.renewed},
            {"key": "所管部署", "value": publisher.department},
            {"key": "全国地方公共団体コード", "value": city.code_with_check},
        ],
        "resources": [_resource(each, position, url) for position, each in enumerate(files)],
    }


def _resource(file: DataFile, position: int, url: str) -> dict[str, object]:
    return {
        "name": file.title.ja,
        "name_en": file.title.en,
        "description": f"文字コード：{file.encoding}",
        "url": url + file.path,
        "format": file.form,
        "mimetype": file.form.content_type,
        "encoding": file.encoding,
        "position": position,
    }
