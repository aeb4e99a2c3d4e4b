"""Forms on tickets: each act is a plain form first. Nothing typed is lost when a field is wrong."""

from decimal import Decimal

from django import forms

from complaints.models import Callback, Category, Evidence, Source, TicketKind
from core.fields import Moment
from plants.models import Severity
from plants.temperatures import Reading

BLANK = [("", "请选择")]


class UnitChoice(forms.ModelChoiceField):
    """A unit by its code."""

    def __init__(self, queryset, **kwargs):
        super().__init__(queryset, to_field_name="code", empty_label=kwargs.pop("empty_label", "请选择"), **kwargs)


class IntakeForm(forms.Form):
    """Intake by hand: the phone desk, a visit, a petition."""

    source = forms.ChoiceField(label="来源", choices=Source.choices, initial=Source.PHONE)
    kind = forms.ChoiceField(label="诉求类型", choices=TicketKind.choices)
    content = forms.CharField(label="诉求内容", max_length=10_000, widget=forms.Textarea(attrs={"rows": 5}))
    called_at = Moment(label="来电时间")
    external_no = forms.CharField(label="来源编号", max_length=64, required=False, help_text="12345 转办必填")
    name = forms.CharField(label="诉求人", max_length=60, required=False)
    phone = forms.CharField(label="联系电话", max_length=40, required=False, widget=forms.TextInput(attrs={"inputmode": "tel"}))
    community = forms.CharField(label="小区", max_length=64, required=False, widget=forms.TextInput(attrs={"list": "communities"}))
    building = forms.CharField(label="楼栋", max_length=60, required=False)
    address = forms.CharField(label="详细地址", max_length=300, required=False)
    category = forms.ChoiceField(label="分类", choices=[("", "由系统建议"), *Category.choices], required=False)
    city_due_at = Moment(label="市交办时限", required=False)
    confidential = forms.BooleanField(label="诉求人要求保密", required=False)
    urgent = forms.BooleanField(label="紧急", required=False)


class DispatchForm(forms.Form):
    """The dispatcher's decision, filled in with what routing suggests."""

    category = forms.ChoiceField(label="分类", choices=Category.choices)
    community = forms.CharField(label="小区", max_length=64, required=False, widget=forms.TextInput(attrs={"list": "communities"}))
    lead = UnitChoice(None, label="主办", required=False, empty_label="按方案")
    doer = UnitChoice(None, label="承办", required=False, empty_label="按方案")
    assists = forms.ModelMultipleChoiceField(None, label="协办（须办结）", to_field_name="code", required=False)
    street = UnitChoice(None, label="属地街道", required=False, empty_label="按台账")
    note = forms.CharField(label="交办意见", max_length=1000, required=False, widget=forms.Textarea(attrs={"rows": 2}))

    def __init__(self, *args, units, **kwargs):
        super().__init__(*args, **kwargs)
        for name in ("lead", "doer", "assists"):
            self.fields[name].queryset = units
        self.fields["street"].queryset = units.filter(kind="street")


class RespondForm(forms.Form):
    """Human contact with the caller."""

    channel = forms.ChoiceField(label="联系方式", choices=[("phone", "电话"), ("message", "短信或站内信"), ("in_person", "当面")], widget=forms.RadioSelect, initial="phone")
    note = forms.CharField(label="联系情况", max_length=1000, required=False, widget=forms.Textarea(attrs={"rows": 2}))


class ArriveForm(forms.Form):
    """Being at the door, with proof."""

    kind = forms.ChoiceField(label="到场佐证", choices=Evidence.Kind.choices, widget=forms.RadioSelect, initial="photo")
    photo = forms.FileField(label="照片", required=False, widget=forms.ClearableFileInput(attrs={"accept": "image/jpeg,image/png,image/webp", "capture": "environment"}))
    note = forms.CharField(label="说明（验证码、见证人、位置等）", max_length=500, required=False)
    nobody_home = forms.BooleanField(label="到场未遇（无人在家）", required=False, help_text="须有门前照片，并注明两次致电情况")

    def clean(self):
        said = super().clean()
        if said.get("kind") == Evidence.Kind.PHOTO and not said.get("photo"):
            self.add_error("photo", "请拍摄或选择现场照片")
        if said.get("kind") not in (None, Evidence.Kind.PHOTO) and not said.get("note"):
            self.add_error("note", "请填写验证码、见证人姓名或位置")
        if said.get("nobody_home") and not said.get("note"):
            self.add_error("note", "到场未遇须注明两次致电的时间")
        return said


class FinishForm(forms.Form):
    """What was found and done, and up to three rooms measured."""

    cause = forms.CharField(label="原因", max_length=500)
    measure = forms.CharField(label="处置措施", max_length=1000, widget=forms.Textarea(attrs={"rows": 3}))
    room_1 = forms.CharField(label="测温房间", max_length=30, required=False, initial="客厅")
    celsius_1 = forms.DecimalField(label="室温 ℃", max_digits=6, decimal_places=3, required=False)
    room_2 = forms.CharField(label="测温房间", max_length=30, required=False, initial="主卧")
    celsius_2 = forms.DecimalField(label="室温 ℃", max_digits=6, decimal_places=3, required=False)
    room_3 = forms.CharField(label="测温房间", max_length=30, required=False)
    celsius_3 = forms.DecimalField(label="室温 ℃", max_digits=6, decimal_places=3, required=False)
    instrument = forms.CharField(label="仪器编号", max_length=60, required=False)
    outdoor_celsius = forms.DecimalField(label="室外 ℃", max_digits=6, decimal_places=3, required=False)

    def readings(self) -> list[Reading]:
        """The rooms for which a temperature was given."""
        said = self.cleaned_data
        return [
            Reading(
                room=said.get(f"room_{number}") or "未注明", celsius=Decimal(said[f"celsius_{number}"]), instrument=said.get("instrument") or "",
                outdoor_celsius=said.get("outdoor_celsius"),
            )
            for number in (1, 2, 3)
            if said.get(f"celsius_{number}") is not None
        ]  # fmt: skip


class CallbackForm(forms.Form):
    """A call back to the caller."""

    kind = forms.ChoiceField(label="回访类型", choices=Callback.Kind.choices, widget=forms.RadioSelect, initial="result")
    reached = forms.TypedChoiceField(
        label="是否接通", choices=[("yes", "已接通"), ("no", "未接通")], widget=forms.RadioSelect, initial="yes", coerce=lambda value: value == "yes"
    )
    solved = forms.TypedChoiceField(
        label="是否解决", choices=[("", "不适用"), ("yes", "已解决"), ("no", "未解决（进入下一轮）")], required=False, widget=forms.RadioSelect,
        coerce=lambda value: {"yes": True, "no": False}.get(value), empty_value=None,
    )  # fmt: skip
    satisfaction = forms.ChoiceField(label="满意度", choices=[("", "未评价"), *Callback.Satisfaction.choices], required=False, widget=forms.RadioSelect)
    note = forms.CharField(label="回访情况", max_length=1000, required=False, widget=forms.Textarea(attrs={"rows": 2}))


class AppointmentForm(forms.Form):
    """A visit agreed for later."""

    visit_at = Moment(label="约定上门时间")
    confirmed_by_resident = forms.BooleanField(label="住户已确认（确认且未超时，上门时限方可顺延）", required=False)


class ReturnForm(forms.Form):
    """The doer holds another unit answerable."""

    proposed_unit = UnitChoice(None, label="建议承办单位")
    reason = forms.CharField(label="退单理由", max_length=1000, widget=forms.Textarea(attrs={"rows": 3}), help_text="退单不停止计时")

    def __init__(self, *args, units, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["proposed_unit"].queryset = units


class RuleForm(forms.Form):
    """The ruling on a return."""

    accepted = forms.TypedChoiceField(label="裁定", choices=[("yes", "同意退单"), ("no", "不予退单")], widget=forms.RadioSelect, coerce=lambda value: value == "yes")
    unit = UnitChoice(None, label="新承办单位", required=False, empty_label="按退单建议")
    reason = forms.CharField(label="裁定理由", max_length=1000, widget=forms.Textarea(attrs={"rows": 2}))

    def __init__(self, *args, units, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["unit"].queryset = units


class TransferForm(forms.Form):
    """A hand-over by whoever dispatches."""

    unit = UnitChoice(None, label="新承办单位")
    reason = forms.CharField(label="转派理由", max_length=1000, widget=forms.Textarea(attrs={"rows": 2}))

    def __init__(self, *args, units, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["unit"].queryset = units


class LinkForm(forms.Form):
    """A repeat call hangs on the ticket that was there before."""

    to = forms.CharField(label="并入工单编号", max_length=40)
    reason = forms.CharField(label="理由", max_length=300, initial="同一住户同一问题")


class ReasonForm(forms.Form):
    """A reason, and nothing else."""

    reason = forms.CharField(label="理由", max_length=1000, widget=forms.Textarea(attrs={"rows": 2}))


class ProblemForm(forms.Form):
    """A problem behind a ticket, for the ledger."""

    title = forms.CharField(label="问题", max_length=200, help_text="责任单位会看到，不要写诉求人的姓名、电话和门牌号")
    unit = UnitChoice(None, label="责任单位")
    severity = forms.ChoiceField(label="等级", choices=Severity.choices)
    due_on = forms.DateField(label="整改期限", widget=forms.DateInput(attrs={"type": "date"}), help_text="当日 24 时前")
    measure = forms.CharField(label="整改要求", required=False, max_length=1000, widget=forms.Textarea(attrs={"rows": 2}))

    def __init__(self, *args, units, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["unit"].queryset = units


class NoteForm(forms.Form):
    """A note, which may be empty."""

    note = forms.CharField(label="说明", max_length=1000, required=False, widget=forms.Textarea(attrs={"rows": 2}))


class RequiredNoteForm(forms.Form):
    """A note that must say something."""

    note = forms.CharField(label="协办情况", max_length=1000, widget=forms.Textarea(attrs={"rows": 2}))
