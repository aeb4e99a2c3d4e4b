"""Finds the header row and guesses which column is what; a person may correct it. What nobody knows is kept, never dropped."""

import re
import unicodedata
from dataclasses import dataclass

from core.errors import Invalid

# field → its name on the screen, and the headings under which it has been seen, the surest first (normalised).
FIELDS: dict[str, tuple[str, tuple[str, ...]]] = {
    field: (name, tuple(aliases.split()))
    for field, name, aliases in (
        (
            "external_no",
            "工单编号",
            "工单编号 工单号 工单编码 工单流水号 编号 诉求编号 受理编号 受理单号 热线单号 热线工单号 热线编号 12345工单编号 "
            "12345工单号 市工单编号 市平台编号 市热线编号 事件编号 案件编号 诉求工单编号 业务编号 单号 工单ID 诉求单号 "
            "转办单号 交办单号 市级工单编号 热线工单编号",
        ),
        (
            "district_no",
            "区平台编号",
            "平台单号 区平台编号 区平台单号 区工单编号 区编号 平台编号 平台工单号 区级工单编号 区单号 内部编号 区平台工单编号 "
            "区工单号",
        ),
        (
            "title",
            "标题",
            "标题 工单标题 诉求标题 来电标题 事项标题 主题 诉求主题",
        ),
        (
            "content",
            "诉求内容",
            "诉求内容 主要内容 反映内容 来电内容 问题描述 工单内容 投诉内容 内容 事项内容 诉求描述 反映问题 问题内容 内容描述 "
            "诉求详情 详细内容 受理内容 来电诉求 具体内容 反映情况 反映事项 投诉详情 诉求 工单描述 事件描述 诉求信息",
        ),
        (
            "kind",
            "诉求类型",
            "诉求类型 工单类型 事项类型 类型 诉求性质 来电类型 工单类别 工单性质类型 诉求种类",
        ),
        (
            "category",
            "问题分类",
            "问题分类 问题类别 诉求分类 来电类别 分类 一级分类 二级分类 三级分类 归口分类 问题类型 诉求类别",
        ),
        (
            "channel",
            "诉求渠道",
            "诉求渠道 诉求来源 来源 热线来源 工单来源 受理渠道 处理受理方式 受理方式 来源渠道",
        ),
        (
            "complainant_name",
            "诉求人",
            "诉求人 来电人 反映人 求助人员 姓名 诉求人姓名 来电人姓名 联系人 投诉人 市民姓名 反映人姓名 求助人 诉求人员 "
            "来电人员 客户姓名 申请人 联系人姓名",
        ),
        (
            "complainant_phone",
            "联系电话",
            "联系电话 求助号码 来电人电话 电话 来电号码 联系方式 手机号 手机号码 诉求人电话 联系号码 电话号码 账号 反映人电话 "
            "主叫号码 联系人电话 市民电话 来电电话 移动电话 手机 联系人号码 求助电话 诉求人联系电话 来电人联系电话 联系电话1 "
            "反映人联系电话",
        ),
        (
            "other_phone",
            "其他电话",
            "其他电话 备用电话 第二联系电话 其他联系方式 联系电话2 备用号码 第二联系人电话 电话2 其他联系电话",
        ),
        (
            "called_at",
            "来电时间",
            "来电时间 受理时间 创建时间 登记时间 投诉时间 诉求时间 反映时间 工单创建时间 热线受理时间 录入时间 提交时间 "
            "诉求登记时间 来电日期 诉求提交时间 工单受理时间 来话时间 进线时间",
        ),
        (
            "district_received_at",
            "区接收时间",
            "区接收时间 市交办时间 区签收时间 市转办时间 转区时间 市派单时间 接收时间 签收时间 下派时间 市级交办时间 "
            "区级接收时间 市下派时间",
        ),
        (
            "dispatched_at",
            "区交办时间",
            "区交办时间 交办时间 派单时间 转办时间 区派单时间 分派时间 派发时间 区级交办时间 区转办时间 工单派发时间",
        ),
        (
            "city_due_at",
            "市交办时限",
            "市交办办结期限 市交办时限 办结期限 办理时限 要求办结时间 截止时间 市办结时限 办结时限 到期时间 限办时间 答复时限 "
            "应办结时间 市时限 市级办结时限 市交办截止时间 市级交办时限 办结截止时间 应答复时间 工单时限",
        ),
        (
            "district_due_at",
            "区交办时限",
            "区交办办结期限 区交办时限 区办结时限 区时限 区要求办结时间 区级办结时限 区级交办时限",
        ),
        (
            "street",
            "街道",
            "街道 事发街道 所属街道 街乡镇 被反映街乡镇 事发街乡镇 街道办事处 街办 属地街道 街镇 镇街 所属街镇 事发街镇 "
            "被反映街道 镇街名称 街道名称 乡镇街道 街道乡镇",
        ),
        (
            "community",
            "小区",
            "小区 小区点位 小区名称 点位 问题点位 所属小区 事发小区 被反映小区 村社区小区 小区楼盘 被反映小区名称 楼盘 "
            "楼盘名称 小区院落",
        ),
        (
            "building",
            "楼栋",
            "楼栋 楼号 幢号 栋号 楼栋号 楼栋单元 楼栋单元号 楼幢",
        ),
        (
            "address",
            "详细地址",
            "详细地址 地址 诉求详细地址 事件发生地 事发地址 事发地点 问题地址 被反映地址 发生地址 诉求地址 具体地址 家庭住址 "
            "住址 事发详细地址 问题发生地 反映地址 小区地址",
        ),
        (
            "doer",
            "承办单位",
            "承办单位 办理单位 处理单位 责任单位 主办单位 主办承办单位 二级承办单位 二级承办单位简称 承办部门 市交办主办单位 "
            "责任部门 承办单位名称 责任主体 处置单位 办理部门",
        ),
        (
            "is_confidential",
            "是否保密",
            "是否保密 保密 个人信息保密 是否要求保密 隐私保护 诉求人信息保密",
        ),
        (
            "is_urgent",
            "紧急程度",
            "紧急程度 是否紧急 优先级 缓急程度 紧急等级 紧急",
        ),
        (
            "result",
            "办理结果",
            "办理结果 回复内容 处理结果 答复内容 办理情况 处理情况 办理反馈 处置结果",
        ),
        (
            "closed_at",
            "办结时间",
            "办结时间 完成时间 结案时间 回复时间 实际办结时间 答复时间",
        ),
    )
}
CITY_NUMBERS = frozenset("热线单号 热线工单号 热线工单编号 热线编号 12345工单编号 12345工单号 市工单编号 市级工单编号 市平台编号 市热线编号".split())  # noqa: SIM905
REQUIRED = ("content", "called_at")
# The columns that the file of wrong rows carries in front: of no interest when it comes back.
OWN_COLUMNS = ("导入错误原因", "原文件行号")
HEADER_WITHIN = 15
LEAST_HITS = 2

_INDEX = {alias: (field, rank) for field, (_, aliases) in FIELDS.items() for rank, alias in enumerate(aliases)}
_MARKS = re.compile(r"[\s\u3000:：,，.。;；、/\\|·_\-—–*＊()（）\[\]【】<>《》\"'“”‘’]+")
_NOTES = re.compile(r"[（(【\[](?:必填|选填|非必填|可空|单选|多选|格式[^）)】\]]*)[）)】\]]")


def normal(heading) -> str:
    """A heading as it is compared: full-width folded, remarks like （必填） and every mark taken out."""
    text = unicodedata.normalize("NFKC", "" if heading is None else str(heading))
    return _MARKS.sub("", _NOTES.sub("", text)).removeprefix("*")


def name_of(field: str) -> str:
    """What a field is called on the screen."""
    return FIELDS[field][0]


@dataclass(frozen=True)
class Guess:
    """Where the header is, what its headings say, and which column is taken for which field."""

    header_row: int
    first_row: int
    headings: tuple[str, ...]
    mapping: dict[str, str]  # column number as text → field

    @property
    def unmapped(self) -> list[str]:
        """Headings that nobody knows: kept with the ticket as they are."""
        return [heading for column, heading in enumerate(self.headings) if heading and str(column) not in self.mapping]

    @property
    def missing(self) -> list[str]:
        """Fields without which nothing can be imported."""
        return [field for field in REQUIRED if field not in self.mapping.values()]


def guess(rows: list[list]) -> Guess:
    """The header among the first rows, below any title rows, in one line or two. Invalid where no row looks like one."""
    best: tuple[int, int, int, tuple[str, ...]] | None = None
    # One line before two: of two readings with the same hits, the row below a header is a ticket, the one above a title.
    for depth in (1, 2):
        for index in range(min(len(rows), HEADER_WITHIN) - depth + 1):
            headings = _headings(rows[index : index + depth])
            hits = len({found[0] for found in map(_known, headings) if found})
            if hits >= LEAST_HITS and (best is None or hits > best[0]):
                best = (hits, index, depth, headings)
    if best is None:
        raise Invalid("没有找到表头：前 15 行里应有“工单编号”“诉求内容”“来电时间”等列名", field="file")
    _, index, depth, headings = best
    known = [_known(heading) for heading in headings]
    fields = [found[0] if found else None for found in known]
    if fields.count("external_no") > 1 and "district_no" not in fields:
        # Two numbers: the one that names the hotline is the city's, the other is the platform's that made the file.
        city = next((column for column, heading in enumerate(headings) if normal(heading) in CITY_NUMBERS), None)
        if city is not None:
            own = min((known[column][1], column) for column, field in enumerate(fields) if field == "external_no" and column != city)[1]
            fields[own] = "district_no"
    mapping: dict[str, str] = {}
    # Two columns for one field (来电时间 and 创建时间): the surer heading takes it, of equals the first.
    for _, column in sorted((found[1], column) for column, found in enumerate(known) if found):
        field = fields[column]
        if field == "complainant_phone" and field in mapping.values():
            field = "other_phone"
        if field not in mapping.values():
            mapping[str(column)] = field
    mapping = {column: mapping[column] for column in sorted(mapping, key=int)}
    if "external_no" not in mapping.values():
        # A file with one number only: whatever it is called, it is the ticket's.
        mapping = {column: "external_no" if field == "district_no" else field for column, field in mapping.items()}
    return Guess(header_row=index, first_row=index + depth, headings=headings, mapping=mapping)


def checked(mapping: dict, headings: int) -> dict[str, str]:
    """A mapping as a person corrected it. Invalid for unknown fields, a field twice, or a required one missing."""
    found: dict[str, str] = {}
    for column, field in mapping.items():
        if not field:
            continue
        if not re.fullmatch(r"[0-9]{1,3}", str(column)) or int(column) >= headings or field not in FIELDS:
            raise Invalid("对列有误，请重新选择", field=f"column_{column}")
        if field in found.values():
            raise Invalid(f"“{name_of(field)}”对应了两列", field=f"column_{column}")
        found[str(column)] = field
    missing = [name_of(field) for field in REQUIRED if field not in found.values()]
    if missing:
        raise Invalid(f"请指明哪一列是{'、'.join(missing)}", field="mapping")
    return found


def fields_of(headings: list[str] | tuple[str, ...]) -> list[str]:
    """What each heading alone stands for, "" where nobody knows; two may stand for the same."""
    return [found[0] if (found := _known(heading)) else "" for heading in headings]


def _headings(lines: list[list]) -> tuple[str, ...]:
    """One heading a column. Of two lines: what the lower says, alone or with the upper, which reaches over merged cells."""
    width = max(len(line) for line in lines)
    said = [[_text(line[column]) if column < len(line) else "" for column in range(width)] for line in lines]
    if len(said) == 1:
        return tuple(said[0])
    headings, over = [], ""
    for upper, lower in zip(*said, strict=True):
        over = upper or over
        # A digit below is a ticket's, not half of a heading: 联系电话 over 2 is no second phone.
        together = (f"{over}{lower}", f"{lower}{over}") if lower and not re.search(r"\d", lower) else (upper,)
        headings.append(next((text for text in (*together, lower) if _known(text)), lower or upper)[:60])
    return tuple(headings)


def _text(cell) -> str:
    return " ".join(str(cell).split())[:60] if cell is not None else ""


def _known(heading: str) -> tuple[str, int] | None:
    """The field of a heading and how sure that is (0 is surest), also with a count behind it (联系电话1)."""
    plain = normal(heading)
    return _INDEX.get(plain) or _INDEX.get(re.sub(r"\d+$", "", plain))
