"""What is done before each step of an opening: the manual, as a list to tick."""

from enum import StrEnum

from shelters.shelter import Stage


class Item(StrEnum):
    """Nothing here bars a step: people decide, and the list says what is not done yet."""

    KEY_HOLDER = "key_holder"
    HEADQUARTERS = "headquarters"
    DOORS = "doors"
    LIGHTS = "lights"
    SURROUNDINGS = "surroundings"
    BUILDING = "building"
    GAS = "gas"
    WATER = "water"
    RECEPTION = "reception"
    ROOMS = "rooms"
    SIGNS = "signs"

    @property
    def japanese(self) -> str:
        return _JAPANESE[self]


BEFORE: dict[Stage, tuple[Item, ...]] = {
    Stage.STAFF_ARRIVED: (Item.KEY_HOLDER, Item.HEADQUARTERS),
    Stage.UNLOCKED: (Item.DOORS, Item.LIGHTS),
    Stage.SAFETY_CHECKED: (Item.SURROUNDINGS, Item.BUILDING, Item.GAS, Item.WATER),
    Stage.RECEIVING: (Item.RECEPTION, Item.ROOMS, Item.SIGNS),
}
"""By the step that they make ready for."""

_JAPANESE = {
    Item.KEY_HOLDER: "鍵を持つ人に連絡した",
    Item.HEADQUARTERS: "着いたことを本部に伝えた",
    Item.DOORS: "門と入口を開けた",
    Item.LIGHTS: "照明がつく",
    Item.SURROUNDINGS: "まわりに浸水・土砂・火の危険がない",
    Item.BUILDING: "天井・壁・ガラスに異常がない",
    Item.GAS: "ガスのにおいがしない",
    Item.WATER: "水とトイレが使える",
    Item.RECEPTION: "受付と名簿を用意した",
    Item.ROOMS: "要配慮者とペットの場所を決めた",
    Item.SIGNS: "入口に表示を出した",
}
