"""The header is found wherever it stands and however it is written; nothing that a file says is dropped."""

import pytest

from complaints.hotline import columns
from core.errors import Invalid
from tests.complaints import hotline_files as files

pytestmark = pytest.mark.clause("D18.1", "D1.7")


def fields(header: list, *, above: list[list] | None = None, below: list[list] | None = None) -> dict[str, str]:
    """Heading → field, as guessed."""
    found = columns.guess([*(above or []), header, *(below or [["x"] * len(header)])])
    return {found.headings[int(column)]: field for column, field in found.mapping.items()}


def test_title_rows_above_the_header_are_passed_over():
    found = columns.guess([files.TITLE, ["制表：区委社会工作部", "2025-11-14"], [], files.HEADER, *files.lines(2)])
    assert (found.header_row, found.first_row) == (3, 4)
    assert found.mapping["0"] == "external_no"
    assert found.unmapped == ["工单状态"]


@pytest.mark.parametrize(
    ("heading", "field"),
    [
        ("工单号", "external_no"), ("工单编码", "external_no"), ("诉求编号", "external_no"), ("受理编号", "external_no"),
        ("主要内容", "content"), ("反映内容", "content"), ("来电内容", "content"), ("问题描述", "content"), ("投诉内容", "content"),
        ("受理时间", "called_at"), ("创建时间", "called_at"), ("登记时间", "called_at"), ("投诉时间", "called_at"),
        ("来电人电话", "complainant_phone"), ("求助号码", "complainant_phone"), ("账号", "complainant_phone"), ("联系电话1", "complainant_phone"),
        ("来电人", "complainant_name"), ("反映人", "complainant_name"), ("求助人员", "complainant_name"),
        ("市交办时间", "district_received_at"), ("区交办时间", "dispatched_at"),
        ("市交办办结期限", "city_due_at"), ("区交办办结期限", "district_due_at"),
        ("被反映街乡镇", "street"), ("问题点位", "community"), ("事件发生地", "address"), ("诉求详细地址", "address"),
        ("二级承办单位简称", "doer"), ("处理受理方式", "channel"), ("热线来源", "channel"), ("事项类型", "kind"), ("问题类别", "category"),
        ("答复内容", "result"), ("是否保密", "is_confidential"), ("紧急程度", "is_urgent"),
    ],
)  # fmt: skip
def test_the_headings_seen_in_real_systems_are_known(heading, field):
    header = ["诉求内容" if field != "content" else "工单编号", "来电时间" if field != "called_at" else "工单编号", heading]
    assert fields(header)[heading] == field


@pytest.mark.parametrize(
    "heading",
    ["＊联系电话（必填）", "联系 电话", "联系\n电话", "联系电话：", "【联系电话】", "联系电话(选填)", " 联系电话　", "联系电话/*"],
)
def test_marks_and_remarks_in_a_heading_change_nothing(heading):
    header = ["工单编号", "诉求内容", heading]
    assert "complainant_phone" in fields(header).values()


def test_of_two_numbers_the_hotline_s_is_the_ticket_s():
    assert fields(["平台单号", "热线单号", "诉求内容", "来电时间"]) == {
        "平台单号": "district_no", "热线单号": "external_no", "诉求内容": "content", "来电时间": "called_at",
    }  # fmt: skip
    assert fields(["工单编号", "热线工单号", "诉求内容", "来电时间"])["工单编号"] == "district_no"


def test_one_number_alone_is_the_ticket_s_whatever_it_is_called():
    assert fields(["平台单号", "诉求内容", "来电时间"])["平台单号"] == "external_no"


def test_of_two_columns_for_one_field_the_surer_heading_takes_it():
    found = fields(["创建时间", "来电时间", "诉求内容", "一级分类", "问题分类"])
    assert found["来电时间"] == "called_at" and "创建时间" not in found
    assert found["问题分类"] == "category" and "一级分类" not in found


def test_a_second_phone_column_is_the_other_phone():
    found = columns.guess([["工单编号", "联系电话", "来电号码", "诉求内容"], ["1", "2", "3", "4"]])
    assert (found.mapping["1"], found.mapping["2"]) == ("complainant_phone", "other_phone")


def test_a_header_of_two_lines_with_merged_cells():
    upper = ["工单编号", "诉求人", "", "时间", "", "诉求内容", "市", ""]
    lower = ["", "姓名", "电话", "来电", "区交办", "", "交办时间", "交办时限"]
    found = columns.guess([files.TITLE, upper, lower, ["A1", "王", "138", "2025-11-14", "2025-11-14", "冷", "", ""]])
    said = {field: int(column) for column, field in found.mapping.items()}
    assert said == {
        "external_no": 0, "complainant_name": 1, "complainant_phone": 2, "called_at": 3, "dispatched_at": 4, "content": 5,
        "district_received_at": 6, "city_due_at": 7,
    }  # fmt: skip
    assert found.first_row == 3


def test_headings_by_the_same_name_both_stay():
    found = columns.guess([["工单编号", "诉求内容", "备注", "备注", "诉求内容"], ["1", "冷", "a", "b", "c"]])
    assert found.mapping == {"0": "external_no", "1": "content"}
    assert found.unmapped == ["备注", "备注", "诉求内容"]


def test_a_file_without_a_header_is_refused_in_words():
    with pytest.raises(Invalid, match="没有找到表头"):
        columns.guess([["张三", "暖气不热"], ["李四", "漏水"]])


def test_a_person_may_correct_the_guess():
    assert columns.checked({"0": "content", "1": "", "2": "called_at"}, 3) == {"0": "content", "2": "called_at"}


@pytest.mark.parametrize(
    ("mapping", "said"),
    [
        ({"0": "content", "1": "content", "2": "called_at"}, "对应了两列"),
        ({"0": "content"}, "来电时间"),
        ({"0": "content", "9": "called_at"}, "有误"),
        ({"0": "content", "1": "state"}, "有误"),
        ({"-1": "content", "1": "called_at"}, "有误"),
        ({"²": "content", "1": "called_at"}, "有误"),
    ],
)
def test_a_correction_that_cannot_be_is_refused(mapping, said):
    with pytest.raises(Invalid, match=said):
        columns.checked(mapping, 3)
