"""What residents come with, in their words, and what each of it is to the plan (G24: two intents, enquiry and complaint)."""

from dataclasses import dataclass

from complaints.models import Category, TicketKind


@dataclass(frozen=True)
class Topic:
    """One tile of the page. `asks_rooms`: cold rooms, temperature and since when; `may_hide`: the resident may ask not to be named
    to whom it is about; `example` stands in the empty text field."""

    code: str
    name: str
    icon: str
    kind: str
    category: str = ""
    asks_rooms: bool = False
    needs_words: bool = True
    needs_door: bool = True
    may_hide: bool = False
    tone: str = ""
    example: str = ""


TOPICS = {
    topic.code: topic
    for topic in (
        Topic("cold", "家里不热", "snowflake", TicketKind.COMPLAINT, asks_rooms=True, needs_words=False, tone="hot", example="例如：暖气片上热下凉、整栋都不热"),
        Topic("leak", "漏水报修", "droplet", TicketKind.REQUEST, Category.HEATING_SERVICE, tone="bl", example="例如：卧室暖气片接头滴水，已关阀门"),
        Topic("measure", "预约测温", "temperature", TicketKind.REQUEST, Category.HEATING_SERVICE, needs_words=False, example="例如：白天家里有人，想请师傅来测室温"),
        Topic("fee", "收费退费", "receipt-yuan", TicketKind.COMPLAINT, Category.PRICE_FEE, needs_door=False, may_hide=True, example="例如：去年报停了，今年还在收基本热费"),
        Topic("complain", "投诉建议", "message-2", TicketKind.COMPLAINT, needs_door=False, may_hide=True, example="例如：约好上门没有来，也没有电话"),
        Topic("ask", "用热咨询", "help-circle", TicketKind.ENQUIRY, needs_door=False, tone="bl", example="例如：供暖到几号结束"),
    )
}  # fmt: skip
ROOMS = ("全屋", "客厅", "主卧", "次卧", "卫生间", "厨房")
SINCE = {"now": "刚刚", "yesterday": "昨天起", "earlier": "更早"}
WHEN = {"any": "随时", "evening": "18 点后", "call": "先联系"}
