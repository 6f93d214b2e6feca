"""What the pages call the ways in which a device counts."""

from shelters.device import Counts

COUNTS = {
    Counts.DOOR_TOTALS: "出入りの累計",
    Counts.DOOR_DELTAS: "出入りの増減",
    Counts.HEADS: "中の人数",
    Counts.LIST: "受付の名簿",
    Counts.STAFF: "職員の報告",
    Counts.PRESENCE: "在室の検知",
}
