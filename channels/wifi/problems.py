"""Why a facility's Wi-Fi is not as it is wanted, in words for staff."""

from collections.abc import Mapping

from hub import reasons
from hub.reasons import Both

_PLACE = ("設定した場所にWi-Fiがありません", "There is no Wi-Fi at the place that is set")
_KEY = ("鍵が使えません", "The key is not accepted")
SILENT = (
    "機器が応答しません。電源と回線を確かめてください",
    "It does not answer. Check its power and its line",
)

_PROBLEMS: Mapping[str, Both] = {
    "read back": (
        "命令は受け付けられましたが、まだ切り替わっていません",
        "The order was taken, but it has not switched yet",
    ),
    "not restorable": (
        "元の設定に戻せないため、切り替えません。設定を確かめてください",
        "Not switched, since what is there could not be put back. Check the settings",
    ),
    "in use": (
        "災害用の名前が出ているため、訓練に使いません",
        "The disaster's name is on the air: not used for a drill",
    ),
    "disk": (
        "元の設定を保存できないため、切り替えません。ディスクを確かめてください",
        "Not switched, since what is there cannot be saved. Check the disk",
    ),
    "no such controller": ("この機器の接続先が設定にありません", "Its controller is not in the settings"),
    "401": _KEY,
    "403": ("この鍵では変更できません", "The key may not change it"),
    "404": _PLACE,
    "ubus 4": _PLACE,
    "no wifi-iface": _PLACE,
    "ubus 6": _KEY,
    "disaster": (
        "訓練の間に本番で開かれたため、災害用の名前になりました",
        "It was opened in earnest during the drill, so it shows the disaster's name",
    ),
    "silent": SILENT,
    "no answer": SILENT,
    "no connection": SILENT,
    "broken off": SILENT,
    "unreadable answer": (
        "機器の応答を読み取れません。base_url と機器の版を確かめてください",
        "Its answer cannot be read. Check base_url and the controller's version",
    ),
    "refused": (
        "訓練用の機器につながっています。base_url を確かめてください",
        "It is a rehearsal's controller. Check base_url",
    ),
}


def words(problem: str) -> Both:
    """`problem`: a reason of `channels.wifi`, or a status or code of a vendor's."""
    return _PROBLEMS.get(problem) or reasons.words(problem)
