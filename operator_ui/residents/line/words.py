"""What the chat says by itself: labels of at most 20 characters, and the sentences of somebody new."""

from collections.abc import Mapping
from typing import NamedTuple

from hub.language import Language


class Words(NamedTuple):
    here: str
    """Shares where one is, by LINE's own map."""
    sites: str
    """A label, and the question that it stands for."""
    alerts: str
    register: str
    welcome: str
    """To who is not registered: {city}."""
    back: str
    """To who was, and has come back: {city}, {town}."""
    link: str
    """Above the button that opens the page: {city}."""


WORDS: Mapping[Language, Words] = {
    Language.JA: Words(
        here="現在地を送る",
        sites="いま開いている避難場所",
        alerts="いま出ている情報",
        register="地域を登録する",
        welcome="{city}の緊急情報のアカウントです。緊急の情報を受け取るには、お住まいの町と言語の登録が必要です。",
        back="{city}の緊急情報を、また {town} の方としてお届けします。",
        link="ボタンから{city}のページを開いて、町と言語を選んでください。30分以内に1回だけ使えます。"
        "氏名や住所は聞きません。",
    ),
    Language.JA_EASY: Words(
        here="今いる場所を送る",
        sites="避難場所はどこですか",
        alerts="いまのお知らせ",
        register="町を登録する",
        welcome="{city}の緊急（きんきゅう）のお知（し）らせです。お知（し）らせをもらうには、"
        "住（す）んでいる町（まち）と言葉（ことば）を登録（とうろく）してください。",
        back="{city}のお知（し）らせを、また送（おく）ります。町（まち）は {town} です。",
        link="ボタンを押（お）して、町（まち）と言葉（ことば）を選（えら）んでください。"
        "30分（ぷん）の間（あいだ）に、1回（かい）だけ使（つか）えます。名前（なまえ）は聞（き）きません。",
    ),
    Language.EN: Words(
        here="Send my location",
        sites="Open shelters now",
        alerts="Current alerts",
        register="Register my area",
        welcome="This is the emergency account of {city}. To receive alerts, register your neighbourhood and language.",
        back="You will receive the alerts of {city} for {town} again.",
        link="Open the page of {city} with the button and choose your neighbourhood and language. "
        "It works once, within 30 minutes. We do not ask your name or address.",
    ),
    Language.ZH_HANS: Words(
        here="发送当前位置",
        sites="现在开放的避难场所",
        alerts="当前的紧急信息",
        register="登记所在地区",
        welcome="这是{city}的紧急信息账号。要接收紧急信息，请登记您居住的町和语言。",
        back="将再次向您发送{city}的紧急信息（{town}）。",
        link="请点按钮打开{city}的页面，选择町和语言。30分钟内可使用一次。不会询问姓名和住址。",
    ),
    Language.ZH_HANT: Words(
        here="傳送目前位置",
        sites="現在開放的避難場所",
        alerts="目前的緊急資訊",
        register="登記所在地區",
        welcome="這是{city}的緊急資訊帳號。要接收緊急資訊，請登記您居住的町和語言。",
        back="將再次向您發送{city}的緊急資訊（{town}）。",
        link="請點按鈕開啟{city}的頁面，選擇町和語言。30分鐘內可使用一次。不會詢問姓名和住址。",
    ),
    Language.KO: Words(
        here="현재 위치 보내기",
        sites="지금 열린 피난 장소",
        alerts="현재 긴급 정보",
        register="지역 등록하기",
        welcome="{city}의 긴급 정보 계정입니다. 긴급 정보를 받으려면 거주하는 동네와 언어를 등록해야 합니다.",
        back="{city}의 긴급 정보를 다시 보내 드립니다({town}).",
        link="버튼을 눌러 {city}의 페이지를 열고 동네와 언어를 선택하세요. 30분 안에 한 번만 사용할 수 있습니다. "
        "이름과 주소는 묻지 않습니다.",
    ),
    Language.VI: Words(
        here="Gửi vị trí của tôi",
        sites="Nơi sơ tán đang mở",
        alerts="Thông báo hiện tại",
        register="Đăng ký khu vực",
        welcome="Đây là tài khoản thông tin khẩn cấp của {city}. Để nhận thông báo, hãy đăng ký khu phố và ngôn ngữ.",
        back="Bạn sẽ lại nhận thông báo của {city} cho {town}.",
        link="Nhấn nút để mở trang của {city}, chọn khu phố và ngôn ngữ. Dùng được một lần trong 30 phút. "
        "Chúng tôi không hỏi tên hay địa chỉ.",
    ),
    Language.NE: Words(
        here="मेरो स्थान पठाउने",
        sites="खुला आश्रय स्थल",
        alerts="अहिलेको सूचना",
        register="क्षेत्र दर्ता गर्ने",
        welcome="यो {city} को आपतकालीन सूचना खाता हो। सूचना पाउन आफ्नो टोल र भाषा दर्ता गर्नुहोस्।",
        back="{city} को सूचना फेरि {town} का लागि पठाइनेछ।",
        link="बटन थिचेर {city} को पृष्ठ खोल्नुहोस् र टोल र भाषा छान्नुहोस्। ३० मिनेटभित्र एक पटक मात्र चल्छ। "
        "नाम र ठेगाना सोधिँदैन।",
    ),
}
