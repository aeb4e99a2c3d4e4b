"""Finds the header row and guesses which column is what; a person may correct it. What nobody knows is kept, never dropped."""

import re
import unicodedata
from dataclasses import dataclass

from core.errors import Invalid

# field → its name on the screen, and the headings under which it has been seen (normalised).
FIELDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "external_no": ("工单编号", (
        "工单编号", "工单号", "工单编码", "工单流水号", "编号", "诉求编号", "受理编号", "受理单号", "热线单号", "热线工单号", "热线编号", "12345工单编号", "12345工单号",
        "市工单编号", "市平台编号", "市热线编号", "事件编号", "案件编号", "诉求工单编号", "业务编号", "单号",
    )),
    "district_no": ("区平台编号", ("平台单号", "区平台编号", "区平台单号", "区工单编号", "区编号", "平台编号", "平台工单号", "区级工单编号", "区单号", "内部编号")),
    "title": ("标题", ("标题", "工单标题", "诉求标题", "来电标题", "事项标题", "主题", "诉求主题")),
    "content": ("诉求内容", (
        "诉求内容", "主要内容", "反映内容", "来电内容", "问题描述", "工单内容", "投诉内容", "内容", "事项内容", "诉求描述", "反映问题", "问题内容", "内容描述", "诉求详情",
        "详细内容", "受理内容", "来电诉求", "具体内容", "反映情况",
    )),
    "kind": ("诉求类型", ("诉求类型", "工单类型", "事项类型", "类型", "诉求性质", "来电类型", "工单类别")),
    "category": ("问题分类", ("问题分类", "问题类别", "诉求分类", "来电类别", "分类", "一级分类", "二级分类", "三级分类", "归口分类", "问题类型", "诉求类别")),
    "channel": ("诉求渠道", ("诉求渠道", "诉求来源", "来源", "热线来源", "工单来源", "受理渠道", "处理受理方式", "受理方式", "来源渠道")),
    "complainant_name": ("诉求人", ("诉求人", "来电人", "反映人", "求助人员", "姓名", "诉求人姓名", "来电人姓名", "联系人", "投诉人", "市民姓名", "反映人姓名", "求助人", "诉求人员")),
    "complainant_phone": ("联系电话", (
        "联系电话", "求助号码", "来电人电话", "电话", "来电号码", "联系方式", "手机号", "手机号码", "诉求人电话", "联系号码", "电话号码", "账号", "反映人电话", "主叫号码", "联系人电话", "市民电话",
    )),
    "called_at": ("来电时间", ("来电时间", "受理时间", "创建时间", "登记时间", "投诉时间", "诉求时间", "反映时间", "工单创建时间", "热线受理时间", "录入时间", "提交时间", "诉求登记时间")),
    "district_received_at": ("区接收时间", ("区接收时间", "市交办时间", "区签收时间", "市转办时间", "转区时间", "市派单时间", "接收时间", "签收时间", "下派时间")),
    "dispatched_at": ("区交办时间", ("区交办时间", "交办时间", "派单时间", "转办时间", "区派单时间", "分派时间", "派发时间")),
    "city_due_at": ("市交办时限", ("市交办办结期限", "市交办时限", "办结期限", "办理时限", "要求办结时间", "截止时间", "市办结时限", "办结时限", "到期时间", "限办时间", "答复时限", "应办结时间", "市时限")),
    "district_due_at": ("区交办时限", ("区交办办结期限", "区交办时限", "区办结时限", "区时限", "区要求办结时间")),
    "street": ("街道", ("街道", "事发街道", "所属街道", "街乡镇", "被反映街乡镇", "事发街乡镇", "街道办事处", "街办", "属地街道", "街镇", "镇街", "所属街镇")),
    "community": ("小区", ("小区", "小区点位", "小区名称", "点位", "问题点位", "所属小区", "事发小区", "被反映小区", "村社区小区", "小区楼盘")),
    "building": ("楼栋", ("楼栋", "楼号", "幢号", "栋号", "楼栋号")),
    "address": ("详细地址", ("详细地址", "地址", "诉求详细地址", "事件发生地", "事发地址", "事发地点", "问题地址", "被反映地址", "发生地址", "诉求地址", "具体地址", "家庭住址", "住址")),
    "doer": ("承办单位", ("承办单位", "办理单位", "处理单位", "责任单位", "主办单位", "主办承办单位", "二级承办单位", "二级承办单位简称", "承办部门", "市交办主办单位", "责任部门")),
    "is_confidential": ("是否保密", ("是否保密", "保密", "个人信息保密", "是否要求保密")),
    "is_urgent": ("紧急程度", ("紧急程度", "是否紧急", "优先级", "缓急程度")),
    "result": ("办理结果", ("办理结果", "回复内容", "处理结果", "答复内容", "办理情况", "处理情况")),
    "closed_at": ("办结时间", ("办结时间", "完成时间", "结案时间", "回复时间")),
}  # fmt: skip
CITY_NUMBERS = {"热线单号", "热线工单号", "热线编号", "12345工单编号", "12345工单号", "市工单编号", "市平台编号", "市热线编号"}
REQUIRED = ("content", "called_at")
# Of an exported header, whatever comes first wins where two columns claim the same field.
HEADER_WITHIN = 15
LEAST_HITS = 2

_INDEX = {alias: field for field, (_, aliases) in FIELDS.items() for alias in aliases}
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
            hits = len({_field(heading) for heading in headings} - {None})
            if hits >= LEAST_HITS and (best is None or hits > best[0]):
                best = (hits, index, depth, headings)
    if best is None:
        raise Invalid("没有找到表头：前 15 行里应有“工单编号”“诉求内容”“来电时间”等列名", field="file")
    _, index, depth, headings = best
    mapping: dict[str, str] = {}
    taken: set[str] = set()
    fields = [_field(heading) for heading in headings]
    if sum(field == "external_no" for field in fields) > 1 and "district_no" not in fields:
        # Two numbers: the one that names the hotline is the city's, the other is the platform's that made the file.
        city = next((column for column, heading in enumerate(headings) if normal(heading) in CITY_NUMBERS), None)
        if city is not None:
            own = next(column for column, field in enumerate(fields) if field == "external_no" and column != city)
            fields[own] = "district_no"
    for column, field in enumerate(fields):
        if field and field not in taken:
            taken.add(field)
            mapping[str(column)] = field
    if "external_no" not in taken and "district_no" in taken:
        # A file with one number only: whatever it is called, it is the ticket's.
        mapping = {column: "external_no" if field == "district_no" else field for column, field in mapping.items()}
    return Guess(header_row=index, first_row=index + depth, headings=headings, mapping=mapping)


def checked(mapping: dict, headings: int) -> dict[str, str]:
    """A mapping as a person corrected it. Invalid for unknown fields, a field twice, or a required one missing."""
    found: dict[str, str] = {}
    for column, field in mapping.items():
        if not field:
            continue
        if not str(column).isdigit() or int(column) >= headings or field not in FIELDS:
            raise Invalid("对列有误，请重新选择", field=f"column_{column}")
        if field in found.values():
            raise Invalid(f"“{name_of(field)}”对应了两列", field=f"column_{column}")
        found[str(column)] = field
    missing = [name_of(field) for field in REQUIRED if field not in found.values()]
    if missing:
        raise Invalid(f"请指明哪一列是{'、'.join(missing)}", field="mapping")
    return found


def _headings(lines: list[list]) -> tuple[str, ...]:
    """One heading a column; of two lines the lower says it, the upper where the lower is empty."""
    width = max(len(line) for line in lines)
    headings = []
    for column in range(width):
        parts = [str(line[column]).strip() for line in lines if column < len(line) and line[column] not in (None, "")]
        headings.append(parts[-1][:60] if parts else "")
    return tuple(headings)


def _field(heading: str) -> str | None:
    plain = normal(heading)
    if plain in _INDEX:
        return _INDEX[plain]
    # 诉求人（市民）, 联系电话1: the heading with something behind it.
    trimmed = re.sub(r"\d+$", "", plain)
    return _INDEX.get(trimmed)
