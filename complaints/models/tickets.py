"""Tickets, whoever handles them, and everything that is recorded on their way."""

import pghistory
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import F, Q

from complaints.grams import Grams, ReversedText
from core.crypto import SealedTextField
from core.models import Attachment
from plants.models import Community
from units.models import Unit, User


class Source(models.TextChoices):
    """Where a ticket came from; wire names."""

    HOTLINE = "12345", "12345 转办"
    QR = "qr", "码上暖"
    PHONE = "phone", "值班电话"
    VISIT = "visit", "访民问暖"
    OPINION = "opinion", "网络舆情"
    PETITION = "petition", "信访"


class TicketKind(models.TextChoices):
    """What the caller wants; wire names."""

    COMPLAINT = "complaint", "投诉"
    ENQUIRY = "enquiry", "咨询"
    REQUEST = "request", "求助"
    REPORT = "report", "举报"
    SUGGESTION = "suggestion", "建议"


class Category(models.TextChoices):
    """What it is about, as D18.2–D18.6 divide it; wire names."""

    HEATING_SERVICE = "heating_service", "供热服务"
    PROPERTY_SERVICE = "property_service", "物业服务"
    PRICE_FEE = "price_fee", "价格收费"
    HEAT_THEFT = "heat_theft", "偷热"
    CONSTRUCTION = "construction", "供暖建设"
    OTHER = "other", "其他"


class State(models.TextChoices):
    """Where a ticket stands."""

    RECEIVED = "received", "待交办"
    DISPATCHED = "dispatched", "待响应"
    RESPONDED = "responded", "待上门"
    ARRIVED = "arrived", "处理中"
    FINISHED = "finished", "待回访"
    CLOSED = "closed", "已销号"
    VOID = "void", "已作废"


OPEN_STATES = (State.RECEIVED, State.DISPATCHED, State.RESPONDED, State.ARRIVED, State.FINISHED)


@pghistory.track(exclude=["complainant_name", "complainant_phone", "complainant_email", "other_contacts", "content", "content_original", "address", "extra", "suggestion", "anonymised_at"])
class Ticket(models.Model):
    """A ticket 工单 from intake to close-out. Changed by complaints/lifecycle.py and its sisters only."""

    number = models.CharField("编号", max_length=20, unique=True)
    source = models.CharField("来源", max_length=12, choices=Source.choices)
    external_no = models.CharField("来源编号", max_length=64, null=True, blank=True)
    # A ticket may carry the city's number and the district platform's.
    district_no = models.CharField("区平台编号", max_length=64, blank=True, default="")
    kind = models.CharField("诉求类型", max_length=12, choices=TicketKind.choices)
    category = models.CharField("分类", max_length=20, choices=Category.choices, blank=True, default="")
    suggested_category = models.CharField(max_length=20, choices=Category.choices, blank=True, default="")
    # What routing proposed, and which words or register entries decided.
    suggestion = models.JSONField(default=dict, blank=True)
    title = models.CharField("标题", max_length=80)
    # Without phone and identity numbers, so that it may be searched and shown; the words as they came are sealed beside it.
    content = models.TextField("诉求内容")
    content_original = SealedTextField(blank=True, default="")
    is_urgent = models.BooleanField("紧急", default=False)
    is_confidential = models.BooleanField("保密", default=False)

    complainant_name = SealedTextField("诉求人", blank=True, default="")
    complainant_phone = SealedTextField("联系电话", blank=True, default="")
    # Given by residents who want to be told by e-mail as well; shown to nobody.
    complainant_email = SealedTextField("电子邮箱", blank=True, default="")
    other_contacts = SealedTextField("其他联系方式", blank=True, default="")
    phone_index = models.CharField(max_length=32, blank=True, default="")
    address = SealedTextField("地址", blank=True, default="")
    building = models.CharField("楼栋", max_length=60, blank=True, default="")
    community = models.ForeignKey(
        Community, models.PROTECT, null=True, blank=True, related_name="tickets", db_index=False, verbose_name="小区"
    )
    street = models.ForeignKey(
        Unit, models.PROTECT, null=True, blank=True, related_name="+", db_index=False, verbose_name="属地街道"
    )

    state = models.CharField("状态", max_length=12, choices=State.choices, default=State.RECEIVED)
    round = models.PositiveSmallIntegerField("轮次", default=1)
    segment = models.PositiveSmallIntegerField("经手", default=1)
    version = models.PositiveIntegerField(default=1)
    lead = models.ForeignKey(
        Unit, models.PROTECT, null=True, blank=True, related_name="+", db_index=False, verbose_name="主办"
    )
    doer = models.ForeignKey(
        Unit, models.PROTECT, null=True, blank=True, related_name="+", db_index=False, verbose_name="承办"
    )
    # The clock that runs out first, kept for queues: its stage and its due moment. Null when none runs.
    stage = models.CharField(max_length=24, blank=True, default="")
    due_at = models.DateTimeField("时限", null=True)

    # Five moments of its way here; each hop between them belongs to somebody (behaviour 1).
    called_at = models.DateTimeField("来电时间")
    district_received_at = models.DateTimeField("区接收时间", null=True, blank=True)
    dispatched_at = models.DateTimeField("交办时间", null=True, blank=True)
    delivered_at = models.DateTimeField("送达承办时间", null=True, blank=True)
    ingested_at = models.DateTimeField("进入本平台时间")
    city_due_at = models.DateTimeField("市交办时限", null=True, blank=True)
    district_due_at = models.DateTimeField("区交办时限", null=True, blank=True)
    late_on_arrival = models.BooleanField("到达时已超时", default=False)
    arrival_hop = models.CharField("耽误环节", max_length=12, blank=True, default="")
    closed_at = models.DateTimeField("销号时间", null=True, blank=True)
    # Since when it no longer knows who complained (complaints/retention.py).
    anonymised_at = models.DateTimeField("匿名化时间", null=True, blank=True)

    repeat_of = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="repeats", verbose_name="复诉自"
    )
    call_count = models.PositiveSmallIntegerField("来电次数", default=1)
    returns = models.PositiveSmallIntegerField("退单次数", default=0)
    is_history = models.BooleanField("历史工单", default=False)
    is_demo = models.BooleanField("演示数据", default=False)
    # What an import brought under headings we do not know; never dropped.
    extra = models.JSONField(default=dict, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "工单"
        constraints = [
            models.UniqueConstraint(fields=["source", "external_no"], name="one_ticket_per_external_number"),
            models.CheckConstraint(condition=Q(round__gte=1), name="rounds_from_one"),
            models.CheckConstraint(
                condition=Q(state__in=["received", "void", "closed"]) | Q(doer__isnull=False, lead__isnull=False),
                name="dispatched_has_lead_and_doer",
            ),
            models.CheckConstraint(
                condition=~Q(state="closed") | Q(closed_at__isnull=False), name="closed_has_its_moment"
            ),
            models.CheckConstraint(condition=Q(called_at__lte=F("ingested_at")), name="called_before_ingested"),
        ]
        indexes = [
            models.Index(fields=["-ingested_at", "-id"], name="ticket_newest"),
            models.Index(
                fields=["due_at", "id"], condition=Q(due_at__isnull=False), name="ticket_due_first"
            ),
            models.Index(fields=["state", "-ingested_at", "-id"], name="ticket_by_state"),
            models.Index(fields=["community", "building", "-ingested_at"], name="ticket_of_building"),
            models.Index(fields=["street", "-ingested_at", "-id"], name="ticket_of_street"),
            # What few tickets have must not be looked for among all of them; of the usual kind the next one is never far.
            models.Index(fields=["category", "-ingested_at", "-id"], condition=~Q(category=""), name="ticket_of_category"),
            models.Index(fields=["source", "-ingested_at", "-id"], name="ticket_of_source"),
            models.Index(fields=["kind", "-ingested_at", "-id"], condition=~Q(kind="complaint"), name="ticket_of_rare_kind"),
            models.Index(fields=["phone_index"], condition=~Q(phone_index=""), name="ticket_by_phone"),
            models.Index(fields=["district_no"], condition=~Q(district_no=""), name="ticket_by_district_no"),
            models.Index(fields=["ingested_at"], condition=Q(anonymised_at=None, state__in=["closed", "void"]), name="ticket_to_forget"),
            GinIndex(Grams("title", "content"), name="ticket_by_words"),
            models.Index(OpClass(ReversedText("number"), name="text_pattern_ops"), name="ticket_by_number_end"),
            models.Index(fields=["closed_at"], condition=Q(state="closed"), name="ticket_by_closing"),
            models.Index(fields=["delivered_at"], name="ticket_by_delivery"),
        ]

    journal_kind = "ticket"

    @property
    def journal_key(self):
        return self.number

    def get_absolute_url(self):
        return f"/tickets/{self.number}/"

    @property
    def deadline_label(self):
        return self.number

    def __str__(self):
        return self.number

    @property
    def is_open(self) -> bool:
        """Whether somebody still owes something on it."""
        return self.state in OPEN_STATES

    @property
    def open_title(self) -> str:
        """The title as it may stand in messages, whose readers are not known beforehand."""
        return "（保密）" if self.hides_complainant else self.title

    @property
    def hides_complainant(self) -> bool:
        """Whether the accused side may not know who complained (16.4, Q12)."""
        return self.is_confidential or (self.category or self.suggested_category) == Category.HEAT_THEFT


class Part(models.TextChoices):
    """A unit's part in a ticket."""

    LEAD = "lead", "主办"
    ASSIST = "assist", "协办"
    DOER = "doer", "承办"
    WATCH = "watch", "督促"


class Assignment(models.Model):
    """A unit has a part in a ticket from a moment to a moment. A doer's assignments are the segments of its way."""

    ticket = models.ForeignKey(Ticket, models.PROTECT, related_name="assignments")
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="assignments", db_index=False)
    part = models.CharField("分工", max_length=8, choices=Part.choices)
    segment = models.PositiveSmallIntegerField(default=1)
    since = models.DateTimeField("起")
    until = models.DateTimeField("止", null=True, blank=True)
    ended_by = models.CharField(max_length=12, blank=True, default="")
    # An assist's own task, done or waived by the lead with a reason; null where nothing but watching is asked.
    task = models.CharField("协办任务", max_length=200, blank=True, default="")
    done_at = models.DateTimeField("完成", null=True, blank=True)
    waived_at = models.DateTimeField("免除", null=True, blank=True)
    waived_reason = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        verbose_name = verbose_name_plural = "分工"
        constraints = [
            models.UniqueConstraint(fields=["ticket"], condition=Q(part="lead", until=None), name="one_open_lead"),
            models.UniqueConstraint(fields=["ticket"], condition=Q(part="doer", until=None), name="one_open_doer"),
            models.UniqueConstraint(
                fields=["ticket", "unit", "part"], condition=Q(until=None), name="one_open_part_a_unit"
            ),
            models.CheckConstraint(condition=Q(until=None) | Q(until__gte=F("since")), name="part_ends_after_start"),
        ]
        indexes = [
            models.Index(fields=["unit", "ticket"], condition=Q(until=None), name="assignment_open_of_unit"),
            models.Index(fields=["unit", "since"], condition=Q(part="assist", until=None, done_at=None, waived_at=None), name="assist_open_of_unit"),
        ]

    def __str__(self):
        return f"{self.ticket} {self.get_part_display()} {self.unit}"


class Return(models.Model):
    """A doer gives a ticket back 退单, with a reason and the unit it holds answerable; and how it was ruled 裁定."""

    ticket = models.ForeignKey(Ticket, models.PROTECT, related_name="return_requests")
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="+")
    segment = models.PositiveSmallIntegerField()
    reason = models.TextField("理由")
    proposed_unit = models.ForeignKey(Unit, models.PROTECT, related_name="+", verbose_name="建议承办")
    requested_at = models.DateTimeField("申请时间")
    requested_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    # Asked for after the plan's window; it is ruled on all the same.
    is_past_window = models.BooleanField("逾退单时限", default=False)
    ruled_at = models.DateTimeField("裁定时间", null=True, blank=True)
    ruled_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    accepted = models.BooleanField("同意", null=True)
    ruling = models.TextField("裁定理由", blank=True, default="")
    to_unit = models.ForeignKey(Unit, models.PROTECT, null=True, related_name="+")

    class Meta:
        verbose_name = verbose_name_plural = "退单"
        constraints = [
            models.UniqueConstraint(fields=["ticket"], condition=Q(ruled_at=None), name="one_open_return"),
            models.CheckConstraint(
                condition=Q(ruled_at=None, accepted=None) | Q(ruled_at__isnull=False, accepted__isnull=False),
                name="ruled_one_way_or_other",
            ),
        ]

    def __str__(self):
        return f"{self.ticket} 退单"


class Evidence(models.Model):
    """That somebody was at the door 到场 (behaviour 10): what proves it, and whether the proof has to be looked at."""

    class Kind(models.TextChoices):
        PHOTO = "photo", "现场照片"
        DOOR_CODE = "door_code", "住户验证码"
        QR = "qr", "门牌扫码"
        GPS = "gps", "定位"
        WITNESS = "witness", "见证人"

    ticket = models.ForeignKey(Ticket, models.PROTECT, related_name="evidence")
    round = models.PositiveSmallIntegerField()
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="+")
    kind = models.CharField("佐证", max_length=10, choices=Kind.choices)
    note = models.CharField("说明", max_length=500, blank=True, default="")
    attachment = models.ForeignKey(Attachment, models.PROTECT, null=True, blank=True, related_name="+")
    nobody_home = models.BooleanField("到场未遇", default=False)
    arrived_at = models.DateTimeField("到场时间")
    recorded_at = models.DateTimeField("登记时间")
    device_time = models.DateTimeField("设备时间", null=True, blank=True)
    to_verify = models.BooleanField("待核", default=False)

    class Meta:
        verbose_name = verbose_name_plural = "到场佐证"

    def __str__(self):
        return f"{self.ticket} {self.get_kind_display()}"


class Appointment(models.Model):
    """A visit agreed for later 预约上门. Confirmed by the resident before the breach, it moves the visit's clock."""

    ticket = models.ForeignKey(Ticket, models.PROTECT, related_name="appointments")
    round = models.PositiveSmallIntegerField()
    visit_at = models.DateTimeField("约定时间")
    is_confirmed = models.BooleanField("住户确认")
    moved_clock = models.BooleanField("顺延时限")
    agreed_at = models.DateTimeField("登记时间")

    class Meta:
        verbose_name = verbose_name_plural = "预约"

    def __str__(self):
        return f"{self.ticket} {self.visit_at}"


class Callback(models.Model):
    """A call back 回访 to the caller: progress or result, reached or not, helped or not, content or not."""

    class Kind(models.TextChoices):
        PROGRESS = "progress", "进度回访"
        RESULT = "result", "结果回访"

    class Satisfaction(models.TextChoices):
        SATISFIED = "satisfied", "满意"
        ACCEPTABLE = "acceptable", "基本满意"
        DISSATISFIED = "dissatisfied", "不满意"

    ticket = models.ForeignKey(Ticket, models.PROTECT, related_name="callbacks")
    round = models.PositiveSmallIntegerField()
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="+")
    kind = models.CharField("类型", max_length=10, choices=Kind.choices)
    reached = models.BooleanField("接通")
    solved = models.BooleanField("解决", null=True)
    satisfaction = models.CharField("满意度", max_length=12, choices=Satisfaction.choices, blank=True, default="")
    note = models.TextField("情况", blank=True, default="")
    called_at = models.DateTimeField("回访时间")

    class Meta:
        verbose_name = verbose_name_plural = "回访"
        constraints = [
            models.CheckConstraint(condition=Q(reached=True) | Q(solved=None), name="unreached_says_nothing"),
        ]

    def __str__(self):
        return f"{self.ticket} {self.get_kind_display()}"


class Finish(models.Model):
    """What was found and done in a round 办结: cause and measure."""

    ticket = models.ForeignKey(Ticket, models.PROTECT, related_name="finishes")
    round = models.PositiveSmallIntegerField()
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="+")
    cause = models.CharField("原因", max_length=500)
    measure = models.CharField("措施", max_length=1000)
    finished_at = models.DateTimeField("办结时间")

    class Meta:
        verbose_name = verbose_name_plural = "办结"

    def __str__(self):
        return f"{self.ticket} 第 {self.round} 轮"


class Link(models.Model):
    """A repeat call 重复来电 hangs on the ticket that was there before. Can be undone; never a circle."""

    child = models.ForeignKey(Ticket, models.PROTECT, related_name="links_up")
    parent = models.ForeignKey(Ticket, models.PROTECT, related_name="links_down")
    reason = models.CharField("理由", max_length=300)
    linked_at = models.DateTimeField("并入时间")
    # It had not been dispatched: it runs no clocks of its own and ends with its parent.
    follows = models.BooleanField(default=True)
    undone_at = models.DateTimeField("撤销时间", null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "关联"
        constraints = [
            models.UniqueConstraint(fields=["child"], condition=Q(undone_at=None), name="one_parent_a_child"),
            models.CheckConstraint(condition=~Q(child=F("parent")), name="not_its_own_parent"),
        ]

    def __str__(self):
        return f"{self.child} → {self.parent}"


class ImportJob(models.Model):
    """A 12345 file on its way in 导入: uploaded, mapped, checked, imported. Resumes where it stopped."""

    class State(models.TextChoices):
        UPLOADED = "uploaded", "待对列"
        CHECKING = "checking", "校验中"
        CHECKED = "checked", "待导入"
        IMPORTING = "importing", "导入中"
        DONE = "done", "已完成"
        FAILED = "failed", "失败"

    name = models.CharField("文件名", max_length=160)
    path = models.CharField(max_length=120)
    size = models.PositiveIntegerField(default=0)
    sha256 = models.CharField(max_length=64)
    source = models.CharField("来源", max_length=12, choices=Source.choices, default=Source.HOTLINE)
    state = models.CharField("状态", max_length=10, choices=State.choices, default=State.UPLOADED)
    # Whether everything after the upload runs by itself (API), or a person looks at columns and preview first.
    is_automatic = models.BooleanField(default=False)
    is_dry_run = models.BooleanField("仅校验", default=False)
    is_history = models.BooleanField("历史数据", default=False)
    mapping = models.JSONField(default=dict, blank=True)
    columns = models.JSONField(default=list, blank=True)
    rows = models.PositiveIntegerField("行数", default=0)
    rows_done = models.PositiveIntegerField(default=0)
    next_row = models.PositiveIntegerField(default=0)
    created = models.PositiveIntegerField("新增", default=0)
    updated = models.PositiveIntegerField("补充", default=0)
    unchanged = models.PositiveIntegerField("未变", default=0)
    wrong = models.PositiveIntegerField("错误", default=0)
    warned = models.PositiveIntegerField("提醒", default=0)
    # What the check found would become of the rows: created, updated, unchanged. The counts above are what did become of them.
    forecast = models.JSONField(default=dict, blank=True)
    # How often a worker took it up without getting a chunk further: a file that kills its worker must not kill it for ever.
    tries = models.PositiveSmallIntegerField(default=0)
    error = models.CharField(max_length=300, blank=True, default="")
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="+", verbose_name="导入单位")
    uploaded_by = models.ForeignKey(User, models.PROTECT, related_name="imports")
    uploaded_at = models.DateTimeField("上传时间")
    beat_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField("完成时间", null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "导入"
        ordering = ["-id"]

    journal_kind = "import"

    @property
    def journal_key(self):
        return str(self.pk)

    def __str__(self):
        return self.name


class ImportFault(models.Model):
    """What was found in a row of a file: a fault, for which the row was not imported, or a remark, with which it was."""

    job = models.ForeignKey(ImportJob, models.CASCADE, related_name="faults")
    row = models.PositiveIntegerField("行")
    field = models.CharField("字段", max_length=40, blank=True, default="")
    message = models.CharField("原因", max_length=300)
    is_warning = models.BooleanField("仅提醒", default=False)
    # The cells as read, for the file of wrong rows; sealed, since they hold phones and names.
    cells = SealedTextField(blank=True, default="")

    class Meta:
        verbose_name = verbose_name_plural = "错误行"
        ordering = ["row", "id"]
        indexes = [models.Index(fields=["job", "row"], name="fault_of_job")]

    def __str__(self):
        return f"{self.row}: {self.message}"
