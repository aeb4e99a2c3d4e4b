"""What a complaint is about is read from its words, and every reading can be explained."""

import json
from pathlib import Path

import pytest

from complaints import wording
from complaints.wording import WordsFault, classify, read_words, temperatures, title

DATA = Path(__file__).resolve().parent / "data"


def rows(name: str) -> list[dict]:
    return [json.loads(line) for line in (DATA / f"{name}.jsonl").read_text(encoding="utf-8").splitlines() if line]


def share_right(name: str, **only) -> float:
    chosen = [row for row in rows(name) if all(row[field] == value for field, value in only.items())]
    return sum(classify(row["text"]).category == row["category"] for row in chosen) / len(chosen)


def category(text: str) -> str:
    return classify(text).category


@pytest.mark.clause("D18.1")
@pytest.mark.parametrize(("name", "least"), [("sample", 0.90), ("held_out", 0.90), ("development", 0.95)])
def test_unambiguous_complaints_are_read_rightly(name, least):
    assert share_right(name, ambiguous=False) >= least


@pytest.mark.parametrize("name", ["sample", "held_out", "development"])
def test_an_ambiguous_complaint_is_read_as_one_of_its_accepted_meanings(name):
    chosen = rows(name)
    good = [row for row in chosen if classify(row["text"]).category in (row["category"], *row["alt_categories"])]
    assert len(good) / len(chosen) >= 0.95


@pytest.mark.parametrize("name", ["held_out", "development"])
@pytest.mark.parametrize("code", wording.read_words(wording.WORDS_FILE.read_text(encoding="utf-8")).categories)
def test_no_category_lives_at_the_cost_of_another(name, code):
    read = [(row["category"], classify(row["text"]).category) for row in rows(name) if not row["ambiguous"]]
    right = sum(true == given == code for true, given in read)
    assert right / sum(given == code for _, given in read) >= 0.8
    assert right / sum(true == code for true, _ in read) >= 0.8


@pytest.mark.clause("D18.2")
def test_a_cold_room_is_the_heating_companys_service():
    reading = classify("卧室暖气不热，室温只有15℃，给热力公司打了三次电话没人来。")
    assert reading.category == "heating_service"
    assert {"cold.not_hot", "temperature.low"} <= {reason.rule for reason in reading.reasons}


@pytest.mark.clause("D18.3")
def test_a_property_manager_who_heats_badly_is_property_service():
    assert category("物业自己烧锅炉供暖，白天停烧，家里只有十四度。") == "property_service"


@pytest.mark.clause("D18.4")
def test_a_question_of_money_is_price():
    assert category("物业向每户收取供暖加压水泵电费，合理吗？") == "price_fee"
    assert category("物业除暖气费外还收加压电费，请问有没有收费依据？") == "price_fee"


@pytest.mark.clause("D18.5")
def test_an_accused_neighbour_is_heat_theft_although_the_room_is_cold():
    assert category("举报楼上私自装循环泵，害得我家暖气不热，只有十五度。") == "heat_theft"


@pytest.mark.clause("D3.12")
def test_a_new_house_never_connected_is_construction_and_names_the_housing_bureau():
    reading = classify("交房三年，开发商一直没有把小区接入热力管网，从来没通过暖气。")
    assert reading.category == "construction"
    assert reading.residual[0] == "housing-construction"


@pytest.mark.clause("D9.1")
def test_a_resettlement_house_names_the_renewal_centre():
    reading = classify("城改安置楼回迁两年了，一直没通暖气，老人孩子挨冻。")
    assert reading.category == "construction"
    assert "urban-renewal" in reading.residual


@pytest.mark.clause("D18.6")
@pytest.mark.parametrize(
    ("text", "unit"),
    [
        pytest.param("小学教室没有暖气，孩子们冻得写不了字。", "education", marks=pytest.mark.clause("D10.2")),
        pytest.param("敬老院暖气坏了，老人们受冻。", "civil-affairs", marks=pytest.mark.clause("D11.1")),
        pytest.param("低保户取暖补贴什么时候发？", "civil-affairs", marks=pytest.mark.clause("D11.2")),
        pytest.param("卫生院病房没有供暖。", "health", marks=pytest.mark.clause("D13")),
        pytest.param("区政府办事大厅没有暖气。", "government-affairs", marks=pytest.mark.clause("D14")),
        pytest.param("锅炉房冒黑烟，气味刺鼻。", "ecology", marks=pytest.mark.clause("D5.1")),
        pytest.param("天然气停了，壁挂炉没法取暖。", "development-reform", marks=pytest.mark.clause("D2.3")),
    ],
)
def test_what_is_left_names_the_unit_of_the_plan(text, unit):
    reading = classify(text)
    assert reading.category == "other"
    assert reading.residual[0] == unit


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # the demand counts, not the ground for it
        ("去年不达标，请问什么时候退费？", "price_fee"),
        # what somebody is quoted as saying counts half
        ("物业说是热力公司水温低，家里一直不热，请派人来看。", "heating_service"),
        # a house near a school is no school, and thanks in advance are no praise
        ("我住在第三中学家属院，暖气不热。", "heating_service"),
        ("暖气不热，盼尽快解决，万分感谢！", "heating_service"),
        # to have paid is no question of price
        ("暖气费早交了，暖气片还是冰凉的。", "heating_service"),
    ],
)
def test_the_main_demand_as_worded_decides(text, expected):
    assert category(text) == expected


def test_every_reason_stands_in_the_text_where_it_says():
    for row in rows("development") + rows("sample"):
        for reason in classify(row["text"]).reasons:
            assert row["text"][reason.start : reason.end] == reason.words


def test_the_sums_of_the_reasons_are_the_scores():
    for row in rows("sample"):
        reading = classify(row["text"])
        if not reading.is_about_heat:
            continue
        for code, score in reading.scores:
            assert score == pytest.approx(sum(r.weight for r in reading.reasons if r.category == code), abs=0.21)


def test_the_same_text_is_always_read_the_same():
    text = rows("sample")[4]["text"]
    assert classify(text) == classify(text)


@pytest.mark.parametrize("text", ["路灯坏了没人修。", "医保卡怎么报销？", "自来水发黄。", "停车费太贵。"])
def test_what_has_nothing_to_do_with_heating_is_said_to_be_so(text):
    reading = classify(text)
    assert (reading.category, reading.is_about_heat) == ("other", False)


@pytest.mark.parametrize("text", ["太冷了", "屋里拔凉", "我家的室内温度一直在10℃左右"])
def test_a_few_cold_words_are_about_heating(text):
    reading = classify(text)
    assert (reading.category, reading.is_about_heat) == ("heating_service", True)


def test_traditional_and_full_width_letters_read_alike():
    for other in ("我家暖氣不熱，溫度只有１５℃，請儘快解決問題", "我家暖气不热，温度只有15℃，请尽快解决问题"):
        reading = classify(other)
        assert reading.category == "heating_service"
        assert [found.low for found in reading.temperatures] == [15]


def test_an_english_complaint_reaches_the_heating_desk():
    assert category("No heat in our flat, it is too cold") == "heating_service"


@pytest.mark.parametrize(
    "text",
    ["", " ", "\0\0\0", "暖" * 1_000_000, "1" * 1_000_000, "a1-" * 300_000, "请" * 1_000_000, "物业说" * 300_000,
     "家里不热，" * 200_000, "\n" * 1_000_000, "℃" * 100_000, "十" * 100_000, "\ud800暖气", "🥶" * 1000, "°" * 5000,
     "物业" + "热" * 5000 + "不修", "((((((", "<heat>", "零下" * 2000 + "度"],
    ids=range(19),
)
def test_no_text_is_too_long_or_too_strange(text):
    reading = classify(text)
    headline = title(text)
    temperatures(text)
    assert 0 <= reading.confidence <= 1
    assert 0 < len(headline) <= wording.TITLE_LENGTH


def test_what_is_said_at_the_end_of_a_very_long_text_still_counts():
    assert category("物业通知。" * 2000 + "举报邻居偷热，私自接管放暖气水，请公安查处。") == "heat_theft"


@pytest.mark.parametrize(
    ("text", "kind", "low", "high"),
    [
        ("室内只有十六度半", "room", 16.5, 16.5), ("家里15.8℃左右", "room", 15.8, 15.8),
        ("卧室十四五度", "room", 14, 15), ("白天二十三四度", "room", 23, 24), ("14—16℃之间", "room", 14, 16),
        ("实测１５摄氏度", "room", 15, 15), ("室外零下八度", "outdoor", -8, -8), ("不低于18度", "required", 18, 18),
        ("水温35度", "water", 35, 35), ("比以前低了五六度", "difference", 5, 6), ("温度也才刚刚达到18℃", "room", 18, 18),
    ],
)
def test_temperatures_are_found_with_what_they_are_of(text, kind, low, high):
    (found,) = temperatures(text)
    assert (found.kind, found.low, found.high) == (kind, low, high)


@pytest.mark.parametrize("text", ["2022年度供暖", "用了30度电", "再度反映", "态度恶劣", "一度没人管"])
def test_what_only_sounds_like_a_temperature_is_none(text):
    assert temperatures(text) == []


@pytest.mark.parametrize(
    ("text", "kind"),
    [("家里有九十岁老人", "elderly"), ("家里有85岁的母亲", "elderly"), ("孩子刚满月", "infant"), ("我是孕妇", "pregnant"),
     ("父亲卧病在床", "patient"), ("整栋楼都停暖", "whole_building"), ("三百余户没有暖气", "whole_building"),
     ("暖气管爆裂，水淹了客厅", "burst"), ("准备集体去上访", "petition")],
)
def test_who_cannot_wait_is_seen(text, kind):
    assert kind in {cue.kind for cue in classify(text).urgency}


def test_a_headline_says_the_core_of_it():
    assert title("我家卧室暖气一直不热，室温15℃左右，电话13800138000，请派人来看。") == "卧室不热，室温约 15℃"
    assert title("张三先生反映楼上私自安装循环泵，影响全楼。") == "举报私装水泵"
    assert title("请问今年居民取暖费每平方米多少钱？") == "咨询采暖收费标准"


def test_a_headline_names_nobody():
    for text in ("王小明女士来电，手机13912345678，路灯坏了没人修", "联系人13912345678，住址3号楼2单元1201，井盖坏了"):
        assert not any(piece in title(text) for piece in ("王", "139", "1201", "女士"))
    for row in rows("sample") + rows("development"):
        assert 0 < len(title(row["text"])) <= wording.TITLE_LENGTH


def test_the_words_file_says_what_is_wrong_with_it():
    good = wording.WORDS_FILE.read_text(encoding="utf-8")
    for bad, said in [
        (good.replace("category: heat_theft", "category: thievery", 1), "thievery"),
        (good.replace("weight: 3\n", "weight: viel\n", 1), "weight"),
        (good.replace("all: [cold.people]", "all: [cold.persons]", 1), "cold.persons"),
        (good.replace("'<heat>'", "'<heit>'", 1), "heit"),
        (good.replace("factors:", "faktoren:", 1), "faktoren"),
        ("- 1", "映射"), ("a: [", "YAML"), ("", "映射"),
    ]:
        with pytest.raises(WordsFault, match=said):
            read_words(bad)
