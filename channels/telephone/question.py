"""The question after an order, and what is said once a key was pressed, in each language that has a voice.

Nobody is told to stay upstairs: who says so hears whom that is not for. Nobody is promised that help comes.
"""

from collections.abc import Mapping
from typing import NamedTuple

from channels.telephone.spoken import VOICES
from hub.language import Language
from hub.reply import AGAIN, KeySet, Reply


class Words(NamedTuple):
    """`key` has {who} and {key}. `thanks`: after each reply."""

    ask: str
    key: str
    who: Mapping[Reply, str]
    again: str
    thanks: Mapping[Reply, str]
    other_key: str
    away: str
    over: str


def question(keys: KeySet, language: Language) -> str:
    """What is asked, each key with its one meaning, the key for hearing it again last."""
    words = WORDS[language]
    lines = [words.key.format(who=words.who[reply], key=key) for key, reply in keys.items()]
    return "\n".join([words.ask, *lines, words.key.format(who=words.again, key=AGAIN)])


_JAPANESE = Words(
    ask="よろしければ、いまの様子を番号で教えてください。",
    key="{who}方は、{key}。",
    who={
        Reply.SHELTER: "避難場所へ向かう、またはもう着いた",
        Reply.UPSTAIRS: "自宅の上の階にいる",
        Reply.CANNOT: "避難が難しい",
        Reply.SAFE: "無事な",
        Reply.HELP: "助けが必要な",
    },
    again="もう一度聞く",
    thanks={
        Reply.SHELTER: "避難場所へ、と受け付けました。気をつけて移動してください。",
        Reply.UPSTAIRS: "自宅の上の階、と受け付けました。川の近くで家が流されるおそれのある区域の方は、必ず区域の外へ"
        "避難してください。",
        Reply.CANNOT: "避難が難しい、と市が受け付けました。すぐに迎えに行けるとは限りません。"
        "近所の人にも声をかけてください。命の危険があるときは、119番に電話してください。",
        Reply.SAFE: "無事、と受け付けました。",
        Reply.HELP: "助けが必要、と市が受け付けました。すぐに行けるとは限りません。"
        "近所の人にも声をかけてください。命の危険があるときは、119番に電話してください。",
    },
    other_key="その番号は使いません。",
    away="いまは受け付けられません。命の危険があるときは、119番に電話してください。",
    over="この情報は、もう新しくありません。新しい情報は、市に確かめてください。命の危険があるときは、119番に電話してください。",
)

WORDS: Mapping[Language, Words] = {
    Language.JA: _JAPANESE,
    Language.JA_EASY: Words(
        ask="今、どうしているか、番号で教えてください。押さなくてもいいです。",
        key="{who}人は、{key}。",
        who={
            Reply.SHELTER: "避難場所へ行く、または、もう着いた",
            Reply.UPSTAIRS: "自分の家の、上の階にいる",
            Reply.CANNOT: "逃げることが難しい",
            Reply.SAFE: "けがなどがなく、大丈夫な",
            Reply.HELP: "助けてほしい",
        },
        again="もう一度聞く",
        thanks={
            Reply.SHELTER: "避難場所へ行く、と聞きました。気をつけて行ってください。",
            Reply.UPSTAIRS: "家の上の階、と聞きました。川の近くで、家が流されるかもしれないところの人は、"
            "必ずそこから出てください。",
            Reply.CANNOT: "逃げることが難しい、と聞きました。すぐに行くことができないかもしれません。"
            "近くの人にも、言ってください。とても危ないときは、119番に電話してください。",
            Reply.SAFE: "大丈夫、と聞きました。",
            Reply.HELP: "助けてほしい、と聞きました。すぐに行くことができないかもしれません。"
            "近くの人にも、言ってください。とても危ないときは、119番に電話してください。",
        },
        other_key="その番号は、使いません。",
        away="今は、聞くことができません。とても危ないときは、119番に電話してください。",
        over="この話は、もう古いです。新しい話は、市に聞いてください。とても危ないときは、119番に電話してください。",
    ),
    Language.EN: Words(
        ask="If you can, tell us with a key how you are.",
        key="{who}: {key}.",
        who={
            Reply.SHELTER: "If you are going to an evacuation place, or are there already",
            Reply.UPSTAIRS: "If you are upstairs at home",
            Reply.CANNOT: "If it is hard for you to leave",
            Reply.SAFE: "If you are safe",
            Reply.HELP: "If you need help",
        },
        again="To hear this again",
        thanks={
            Reply.SHELTER: "Noted: going to an evacuation place. Please take care on the way.",
            Reply.UPSTAIRS: "Noted: upstairs at home. If you live near the river, where houses may be washed away, "
            "you must leave that area.",
            Reply.CANNOT: "The city has noted that it is hard for you to leave. Help may not come at once. "
            "Tell your neighbours too. If your life is in danger, call 1 1 9.",
            Reply.SAFE: "Noted: you are safe.",
            Reply.HELP: "The city has noted that you need help. Help may not come at once. "
            "Tell your neighbours too. If your life is in danger, call 1 1 9.",
        },
        other_key="That key is not used.",
        away="Answers cannot be taken now. If your life is in danger, call 1 1 9.",
        over="This information is out of date. Ask the city for the latest. If your life is in danger, call 1 1 9.",
    ),
    Language.ZH_HANS: Words(
        ask="如果可以，请按键告诉我们您现在的情况。",
        key="{who}，请按{key}。",
        who={
            Reply.SHELTER: "前往避难场所或已经到达",
            Reply.UPSTAIRS: "在自己家的楼上",
            Reply.CANNOT: "难以避难",
            Reply.SAFE: "平安",
            Reply.HELP: "需要帮助",
        },
        again="再听一遍",
        thanks={
            Reply.SHELTER: "已记录：前往避难场所。路上请小心。",
            Reply.UPSTAIRS: "已记录：在自己家的楼上。住在河边、房屋可能被冲走的区域的人，请务必到区域外避难。",
            Reply.CANNOT: "市政府已记录您难以避难。不一定能马上赶到。请也告诉邻居。有生命危险时，请拨打119。",
            Reply.SAFE: "已记录：平安。",
            Reply.HELP: "市政府已记录您需要帮助。不一定能马上赶到。请也告诉邻居。有生命危险时，请拨打119。",
        },
        other_key="不使用这个键。",
        away="现在无法受理。有生命危险时，请拨打119。",
        over="这条信息已经过时。最新信息请向市政府确认。有生命危险时，请拨打119。",
    ),
    Language.ZH_HANT: Words(
        ask="如果可以，請按鍵告訴我們您現在的情況。",
        key="{who}，請按{key}。",
        who={
            Reply.SHELTER: "前往避難場所或已經到達",
            Reply.UPSTAIRS: "在自己家的樓上",
            Reply.CANNOT: "難以避難",
            Reply.SAFE: "平安",
            Reply.HELP: "需要幫助",
        },
        again="再聽一次",
        thanks={
            Reply.SHELTER: "已記錄：前往避難場所。路上請小心。",
            Reply.UPSTAIRS: "已記錄：在自己家的樓上。住在河邊、房屋可能被沖走的區域的人，請務必到區域外避難。",
            Reply.CANNOT: "市政府已記錄您難以避難。不一定能馬上趕到。請也告訴鄰居。有生命危險時，請撥打119。",
            Reply.SAFE: "已記錄：平安。",
            Reply.HELP: "市政府已記錄您需要幫助。不一定能馬上趕到。請也告訴鄰居。有生命危險時，請撥打119。",
        },
        other_key="不使用這個鍵。",
        away="現在無法受理。有生命危險時，請撥打119。",
        over="這則資訊已經過時。最新資訊請向市政府確認。有生命危險時，請撥打119。",
    ),
    Language.KO: Words(
        ask="가능하시면 지금 상황을 번호로 알려 주십시오.",
        key="{who} 분은 {key}번.",
        who={
            Reply.SHELTER: "피난 장소로 가거나 이미 도착한",
            Reply.UPSTAIRS: "자택의 위층에 있는",
            Reply.CANNOT: "피난이 어려운",
            Reply.SAFE: "무사한",
            Reply.HELP: "도움이 필요한",
        },
        again="다시 들으실",
        thanks={
            Reply.SHELTER: "피난 장소로 가시는 것으로 접수했습니다. 조심해서 이동하십시오.",
            Reply.UPSTAIRS: "자택의 위층으로 접수했습니다. 강 가까이에서 집이 떠내려갈 우려가 있는 구역에 계신 분은 "
            "반드시 구역 밖으로 피난하십시오.",
            Reply.CANNOT: "피난이 어렵다고 시가 접수했습니다. 바로 가지 못할 수도 있습니다. 이웃에게도 알려 주십시오. "
            "생명이 위험할 때는 119에 전화하십시오.",
            Reply.SAFE: "무사하신 것으로 접수했습니다.",
            Reply.HELP: "도움이 필요하다고 시가 접수했습니다. 바로 가지 못할 수도 있습니다. 이웃에게도 알려 주십시오. "
            "생명이 위험할 때는 119에 전화하십시오.",
        },
        other_key="그 번호는 사용하지 않습니다.",
        away="지금은 접수할 수 없습니다. 생명이 위험할 때는 119에 전화하십시오.",
        over="이 정보는 더 이상 최신이 아닙니다. 최신 정보는 시에 확인하십시오. 생명이 위험할 때는 119에 전화하십시오.",
    ),
    Language.VI: Words(
        ask="Nếu được, xin bấm phím cho biết tình hình của bạn.",
        key="{who}: phím {key}.",
        who={
            Reply.SHELTER: "Đang đi hoặc đã đến nơi sơ tán",
            Reply.UPSTAIRS: "Đang ở tầng trên của nhà mình",
            Reply.CANNOT: "Khó đi sơ tán",
            Reply.SAFE: "An toàn",
            Reply.HELP: "Cần giúp đỡ",
        },
        again="Nghe lại",
        thanks={
            Reply.SHELTER: "Đã ghi nhận: đi đến nơi sơ tán. Xin cẩn thận trên đường.",
            Reply.UPSTAIRS: "Đã ghi nhận: ở tầng trên của nhà mình. Nếu bạn ở gần sông, nơi nhà có thể bị cuốn trôi, "
            "bạn phải ra khỏi khu vực đó.",
            Reply.CANNOT: "Thành phố đã ghi nhận bạn khó đi sơ tán. Có thể chưa đến giúp ngay được. "
            "Hãy báo cả cho hàng xóm. Nếu nguy hiểm đến tính mạng, hãy gọi 1 1 9.",
            Reply.SAFE: "Đã ghi nhận: an toàn.",
            Reply.HELP: "Thành phố đã ghi nhận bạn cần giúp đỡ. Có thể chưa đến giúp ngay được. "
            "Hãy báo cả cho hàng xóm. Nếu nguy hiểm đến tính mạng, hãy gọi 1 1 9.",
        },
        other_key="Phím đó không dùng.",
        away="Hiện không thể ghi nhận. Nếu nguy hiểm đến tính mạng, hãy gọi 1 1 9.",
        over="Thông tin này đã cũ. Hãy hỏi thành phố để biết tin mới nhất. Nếu nguy hiểm đến tính mạng, hãy gọi 1 1 9.",
    ),
}
assert WORDS.keys() == VOICES.keys()  # noqa: S101 - whoever can be spoken to can be asked
