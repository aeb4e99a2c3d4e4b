"""Forms of visits, room temperatures and instruments. Nothing typed is lost when a field is wrong."""

from django import forms

from core.fields import Moment
from deadlines.obligation_forms import Files
from plants.models import Excuse, Method, Resident, Severity
from plants.temperatures import Reading

DAY = {"widget": forms.DateInput(attrs={"type": "date"})}
LINES = forms.Textarea(attrs={"rows": 2})
PLACES = ("如 客厅", "如 主卧", "如 次卧")
ROOMS = len(PLACES)  # how many rooms a visit's form offers


def degrees(label: str, **more) -> forms.DecimalField:
    """℃, with up to three decimals, as read off."""
    return forms.DecimalField(label=label, max_digits=6, decimal_places=3, widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}), **more)


class CommunityChoice(forms.ModelChoiceField):
    """A community by its code."""

    def __init__(self, **kwargs):
        super().__init__(None, to_field_name="code", label="小区", empty_label="请选择", **kwargs)


class TemperatureForm(forms.Form):
    """One measurement in one room."""

    community = CommunityChoice()
    building = forms.CharField(label="楼栋", max_length=60, required=False, help_text="写到楼栋、单元，不写门牌")
    room = forms.CharField(label="房间", max_length=30, initial="客厅")
    celsius = degrees("室温（℃）", help_text="按仪器读数填写，不要四舍五入")
    point = forms.CharField(label="测点", max_length=60, required=False, initial="房间中央，距地 1.4 米")
    outdoor_celsius = degrees("室外（℃）", required=False)
    measured_at = Moment(label="测温时间")
    device = forms.ModelChoiceField(None, label="仪器", required=False, empty_label="未登记的仪器")
    method = forms.ChoiceField(label="方式", choices=Method.choices)
    resident = forms.ChoiceField(label="住户", choices=[("", "未记录"), *Resident.choices], required=False)
    excuse = forms.ChoiceField(label="免责情形", choices=[("", "无"), *Excuse.choices], required=False)
    excuse_note = forms.CharField(label="免责依据", max_length=200, required=False)
    photos = Files(label="照片（仪器读数、签字单）")

    def __init__(self, *args, communities, devices, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["community"].queryset = communities
        self.fields["device"].queryset = devices

    def reading(self) -> Reading:
        """What was measured."""
        said = self.cleaned_data
        names = ("room", "celsius", "point", "outdoor_celsius", "building", "device", "method", "resident", "excuse", "excuse_note")
        return Reading(**{name: said[name] for name in names})


class InstrumentForm(forms.Form):
    """A thermometer and its calibration."""

    number = forms.CharField(label="编号", max_length=40)
    name = forms.CharField(label="名称", max_length=60, initial="数字温度计")
    calibrated_on = forms.DateField(label="检定日期", required=False, **DAY)
    calibrated_until = forms.DateField(label="检定有效期至", required=False, **DAY)


class VisitForm(forms.Form):
    """A home visited, with up to three rooms measured."""

    client_id = forms.UUIDField(required=False, widget=forms.HiddenInput)
    community = CommunityChoice()
    building = forms.CharField(label="楼栋单元", max_length=60, required=False)
    door = forms.CharField(label="门牌", max_length=60, required=False, help_text="加密保存，页面和导出都不显示")
    contact = forms.CharField(label="住户电话（可不留）", max_length=40, required=False, widget=forms.TextInput(attrs={"inputmode": "tel"}))
    visitor = forms.CharField(label="走访人", max_length=60)
    visited_at = Moment(label="走访时间")
    is_explained = forms.BooleanField(label="已宣传供热知识、告知报修渠道", required=False, initial=True)
    opinion = forms.CharField(label="意见建议", max_length=2000, required=False, widget=LINES)
    solved = forms.CharField(label="现场解决了什么", max_length=2000, required=False, widget=LINES)
    problem = forms.CharField(label="遗留问题", max_length=2000, required=False, widget=LINES, help_text="登记后可一键转为工单或列入问题台账")
    outdoor_celsius = degrees("室外（℃）", required=False)
    device = forms.ModelChoiceField(None, label="仪器", required=False, empty_label="未登记的仪器")
    resident = forms.ChoiceField(label="住户对测温", choices=[("", "未记录"), *Resident.choices], required=False)
    photos = Files(label="照片")

    def __init__(self, *args, communities, devices, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["community"].queryset = communities
        self.fields["device"].queryset = devices
        for number in range(1, ROOMS + 1):
            self.fields[f"room_{number}"] = forms.CharField(label=f"房间 {number}", max_length=30, required=False, widget=forms.TextInput(attrs={"placeholder": PLACES[number - 1]}))
            self.fields[f"celsius_{number}"] = degrees(f"室温 {number}（℃）", required=False)

    def clean(self):
        said = super().clean()
        for number in range(1, ROOMS + 1):
            room, value = said.get(f"room_{number}"), said.get(f"celsius_{number}")
            if value is not None and not room:
                self.add_error(f"room_{number}", "请写明房间")
            if room and value is None and f"celsius_{number}" not in self.errors:
                self.add_error(f"celsius_{number}", "请填写室温")
        return said

    def plain(self):
        """The fields but the rooms'."""
        return [self[name] for name in self.fields if not name.startswith(("room_", "celsius_")) and name != "client_id"]

    def rooms(self):
        """The rooms, each with its two fields."""
        return [(self[f"room_{number}"], self[f"celsius_{number}"]) for number in range(1, ROOMS + 1)]

    def readings(self) -> tuple[Reading, ...]:
        """What was measured in the rooms."""
        said = self.cleaned_data
        return tuple(
            Reading(
                said[f"room_{number}"], said[f"celsius_{number}"], outdoor_celsius=said["outdoor_celsius"], building=said["building"], device=said["device"],
                resident=said["resident"],
            )
            for number in range(1, ROOMS + 1) if said[f"celsius_{number}"] is not None
        )  # fmt: skip


class TargetForm(forms.Form):
    """Another target for a company."""

    households = forms.IntegerField(label="目标户数", min_value=1, max_value=1_000_000)
    reason = forms.CharField(label="调整原因", max_length=200)


class IntoLedgerForm(forms.Form):
    """What is left to do, as a row of the ledger."""

    severity = forms.ChoiceField(label="等级", choices=Severity.choices)
    due_on = forms.DateField(label="整改期限", **DAY)
