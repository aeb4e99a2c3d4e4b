"""A row becomes a complaint or says what is wrong with it, field by field; a fault is never mended in silence."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from complaints.hotline import columns, rows
from complaints.intake import Intake

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = datetime(2025, 11, 14, 12, 0, tzinfo=SHANGHAI)
pytestmark = pytest.mark.clause("D18.1", "D1.7")


def drafted(**cells) -> rows.RowDraft:
    """A row by field; content, number and time are right unless said otherwise. Other names are headings nobody knows."""
    values = {"external_no": "WY001", "content": "家里暖气不热", "called_at": "2025-11-14 11:40", **cells}
    values = {name: cell for name, cell in values.items() if cell is not ...}
    mapping = {str(column): name for column, name in enumerate(values) if name in columns.FIELDS}
    return rows.draft(7, list(values.values()), mapping, list(values), now=NOW)


def faults(draft: rows.RowDraft) -> set[str]:
    """The fields at fault."""
    assert all(error["row"] == 7 and error["message"] for error in draft.errors)
    return {error["field"] for error in draft.errors}


@pytest.mark.parametrize(
    ("cell", "moment"),
    [
        ("2024年1月3日 9时30分", (2024, 1, 3, 9, 30)), ("2024年01月03日9:30:15", (2024, 1, 3, 9, 30, 15)), ("2024/1/3 9:30", (2024, 1, 3, 9, 30)),
        ("2024.01.04", (2024, 1, 4)), ("20240106", (2024, 1, 6)), ("202401060930", (2024, 1, 6, 9, 30)), ("20240106093015", (2024, 1, 6, 9, 30, 15)),
        ("2024-1-3 下午3:05", (2024, 1, 3, 15, 5)), ("2024/1/3 上午 12:10", (2024, 1, 3, 0, 10)), ("2024/1/3 9:30 PM", (2024, 1, 3, 21, 30)),
        ("2024年1月3日晚上8点", (2024, 1, 3, 20)), ("2024-01-03 中午12:30", (2024, 1, 3, 12, 30)), ("2024年1月3日 星期三 9:30", (2024, 1, 3, 9, 30)),
        ("２０２４－０１－０３　０９：３０", (2024, 1, 3, 9, 30)), ("2024-01-03T09:30:00+08:00", (2024, 1, 3, 9, 30)),
        ("2024-01-03T01:30:00Z", (2024, 1, 3, 9, 30)), ("2024-01-03 09:30:00.000", (2024, 1, 3, 9, 30)), ("2024-01-03 24:00", (2024, 1, 4)),
        ("45294.395833333336", (2024, 1, 3, 9, 30)), (45294.395833333336, (2024, 1, 3, 9, 30)), (20240106.0, (2024, 1, 6)),
        (20240106093000.0, (2024, 1, 6, 9, 30)), (datetime(2024, 1, 3, 9, 30), (2024, 1, 3, 9, 30)), (date(2024, 1, 3), (2024, 1, 3)),
    ],
)  # fmt: skip
def test_a_time_however_it_is_written_is_shanghai_time(cell, moment):
    assert rows.moment_in(cell) == datetime(*moment, tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    "cell", ["2024-13-01", "2024-02-30 10:00", "昨天下午", "2024-01-03 25:00", "9999-12-31", "1/3/24", "99999", True, 1e300, "0000-00-00", "2024"]
)
def test_a_time_that_is_none_is_a_fault_that_names_field_and_value(cell):
    assert rows.moment_in(cell) is None
    draft = drafted(called_at=cell)
    assert faults(draft) == {"called_at"}
    assert "来电时间" in draft.errors[0]["message"] and rows.said(cell)[:20] in draft.errors[0]["message"]


def test_a_day_without_an_hour_is_taken_and_remarked():
    draft = drafted(called_at="2025.11.13")
    assert not draft.errors and any("只有日期" in remark for remark in draft.warnings)
    assert not drafted(called_at="2025-11-13 00:00").warnings


def test_times_in_the_future_or_out_of_order_are_faults_not_mended():
    assert faults(drafted(called_at="2025-11-14 12:30")) == {"called_at"}
    assert not faults(drafted(called_at="2025-11-14 12:01"))  # two clocks, two minutes
    assert faults(drafted(district_received_at="2025-11-14 11:30")) == {"district_received_at"}
    assert faults(drafted(district_received_at="2025-11-14 11:50", dispatched_at="2025-11-14 11:45")) == {"dispatched_at"}
    assert faults(drafted(dispatched_at="2025-11-14 11:30")) == {"dispatched_at"}
    assert faults(drafted(city_due_at="2025-11-13 10:00")) == {"city_due_at"}
    assert faults(drafted(closed_at="2025-11-13 10:00")) == {"closed_at"}
    due = {"city_due_at": "2025-11-17 18:00", "district_due_at": "2025-11-16"}
    good = drafted(district_received_at="2025-11-14 11:45", dispatched_at="2025-11-14 11:50", **due)
    assert not good.errors and good.values["city_due_at"] == datetime(2025, 11, 17, 18, tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("cell", "phone", "other"),
    [
        ("13812345678", "13812345678", None), (13812345678.0, "13812345678", None), ("13812345678.0", "13812345678", None),
        ("138 1234 5678", "13812345678", None), ("138-1234-5678", "13812345678", None), ("１３８１２３４５６７８", "13812345678", None),
        ("+86 13812345678", "13812345678", None), ("1.3812345678E+10", "13812345678", None), ("029-86291234", "02986291234", None),
        ("13812345678 13987654321", "13812345678", "13987654321"), ("13812345678/029-86291234", "13812345678", "02986291234"),
        ("13812345678、13987654321", "13812345678", "13987654321"), ("'13812345678", "13812345678", None), ("86291234", "86291234", None),
    ],
)  # fmt: skip
def test_a_phone_however_excel_left_it(cell, phone, other):
    values = drafted(complainant_phone=cell).values
    assert (values["complainant_phone"], values.get("other_phone")) == (phone, other)


def test_a_phone_that_lost_its_digits_is_a_fault():
    assert faults(drafted(complainant_phone="1.38E+10")) == {"complainant_phone"}
    assert faults(drafted(complainant_phone="没留")) == {"complainant_phone"}
    masked = drafted(complainant_phone="138****5678")
    assert not masked.errors and masked.warnings and "complainant_phone" not in masked.values
    for nothing in ("不详", "无", "", None, "-"):
        assert not drafted(complainant_phone=nothing).errors


def test_a_number_keeps_its_leading_zeros_and_is_refused_when_excel_broke_it():
    assert drafted(external_no="0012025").values["external_no"] == "0012025"
    assert drafted(external_no=2025111400001.0).values["external_no"] == "2025111400001"
    assert drafted(external_no="ＷＹ００１").values["external_no"] == "WY001"
    for broken in ("2.02511E+17", 2.0251114000010001e17, "2.02511e17"):
        draft = drafted(external_no=broken)
        assert faults(draft) == {"external_no"} and "科学计数法" in draft.errors[0]["message"]
    assert faults(drafted(external_no="x" * 65)) == {"external_no"}


def test_without_content_the_title_is_the_content_and_without_both_it_is_a_fault():
    assert drafted(content="", title="暖气不热").values["content"] == "暖气不热"
    assert faults(drafted(content="  ", title="无")) == {"content"}
    assert faults(drafted(content="#REF!")) == {"content"}
    assert faults(drafted(content="冷" * 10_001)) == {"content"}
    assert not faults(drafted(content="冷" * 10_000))
    assert faults(drafted(called_at="")) == {"called_at"}


@pytest.mark.parametrize(
    ("said", "kind"),
    [("咨询", "enquiry"), ("求助类", "request"), ("投诉", "complaint"), ("举报", "report"), ("建议", "suggestion"), ("投诉举报", "report"),
     ("咨询投诉", "complaint"), ("表扬", "suggestion"), ("", "complaint"), ("不知道什么", "complaint")],
)  # fmt: skip
def test_kinds_in_the_hotline_s_words(said, kind):
    draft = drafted(kind=said)
    assert draft.values["kind"] == kind
    assert bool(draft.warnings) == (said == "不知道什么")


def test_confidential_urgent_and_category():
    for said, confidential in (("是", True), ("否", False), ("要求保密", True), ("不保密", False), ("Y", True)):
        assert drafted(is_confidential=said).values["is_confidential"] is confidential
    for said, urgent in (("紧急", True), ("特急", True), ("非常紧急", True), ("一般", False), ("不紧急", False), ("", False)):
        assert drafted(is_urgent=said).values["is_urgent"] is urgent
    assert drafted(category="城建-集中供热-温度不达标").values["category"] == "heating_service"
    unknown = drafted(category="市政公用").values
    assert "category" not in unknown and unknown["extra"]["问题分类"] == "市政公用"


def test_unknown_places_are_nothing():
    values = drafted(street="不详", community="无", address="未知").values
    assert not {"street", "community", "address"} & set(values)


def test_what_nobody_knows_is_kept_and_numbers_in_it_are_blotted_out():
    draft = drafted(性别="女", 备注="另请联系13912345678", doer="某供热公司", result="已联系")
    assert draft.values["extra"] == {"性别": "女", "备注": "另请联系139****5678", "承办单位": "某供热公司", "办理结果": "已联系"}


def test_more_cells_than_headings_are_kept():
    mapping = {"0": "external_no", "1": "content", "2": "called_at"}
    draft = rows.draft(7, ["WY1", "冷", "2025-11-14 10:00", "多出来的"], mapping, ["a", "b", "c"], now=NOW)
    assert draft.values["extra"] == {"第 4 列": "多出来的"}


def test_the_reasons_of_an_earlier_import_are_not_kept_with_the_ticket():
    draft = drafted(**{"导入错误原因": "来电时间晚于现在", "原文件行号": "9"})
    assert draft.values["extra"] == {}


def test_a_limit_in_the_words_is_remarked_and_never_a_clock():
    draft = drafted(content="家中无暖。请区分中心关注不稳定动态，2小时内回复市中心。")
    assert "city_due_at" not in draft.values and not draft.errors
    assert any("2小时内回复" in remark for remark in draft.warnings)
    assert draft.values["extra"]["内容中的时限"] == "2小时内回复"


def test_every_fault_of_a_row_is_named_at_once():
    assert faults(drafted(external_no="1.2E+18", content="", called_at="昨天", complainant_phone="1.38E+10")) == {
        "external_no", "content", "called_at", "complainant_phone",
    }  # fmt: skip


CELLS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=40), st.datetimes(), st.dates(),
    st.sampled_from(["2025-11-14 10:00", "1e400", "９" * 20, "\ud800", "\x00", "=cmd|' /C calc'!A0", "-" * 9000, "1" * 400, "0" * 30 + "e+9"]),
)  # fmt: skip


@settings(max_examples=300, deadline=timedelta(seconds=2))
@given(st.dictionaries(st.sampled_from([*columns.FIELDS, "备注", "其他"]), CELLS))
def test_whatever_stands_in_a_row_it_is_a_complaint_or_a_list_of_faults(cells):
    mapping = {str(column): name for column, name in enumerate(cells) if name in columns.FIELDS}
    draft = rows.draft(7, list(cells.values()), mapping, list(cells), now=NOW)
    if not draft.errors:
        values = {name: value for name, value in draft.values.items() if name != "closed_at"}
        Intake(source="12345", **values)
        assert values["content"].strip() and values["called_at"].tzinfo is not None
