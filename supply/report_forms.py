"""Forms of reports, weather and major problems. Nothing typed is lost when a field is wrong."""

from django import forms

from core.fields import Moment
from supply.gas_forms import DAY, LONG, M3
from supply.models import Sending, Weather
from supply.reports import FIGURES, NAMES


class ReportForm(forms.Form):
    """A company's report on a day: five items, units beside them; the day before stands as a grey hint, never as a value."""

    zero_report = forms.BooleanField(label="零报告：当日没有异常情况、没有缺口；空着的数按 0 报", required=False)
    boilers_running = forms.IntegerField(label="锅炉运行（台）", required=False, min_value=0, max_value=10_000)
    capacity_mw = forms.DecimalField(label="供热能力（MW）", required=False, min_value=0, max_digits=9, decimal_places=2)
    gas_used_m3 = M3(label="天然气消耗（m³/日）", required=False)
    gas_demand_m3 = M3(label="天然气需求（m³/日）", required=False)
    gas_supply_m3 = M3(label="天然气供应（m³/日）", required=False)
    gas_gap_m3 = M3(label="天然气缺口（m³/日）", required=False)
    measures = forms.CharField(label="采取的应急措施", max_length=2000, required=False, widget=forms.Textarea(attrs={"rows": 2}))
    confirmed = forms.CharField(label="核对说明", max_length=300, required=False)
    reason = forms.CharField(label="更正原因", max_length=300, required=False)

    def __init__(self, *args, boilers=(), last=None, **kwargs):
        super().__init__(*args, **kwargs)
        self.boilers = list(boilers)
        for boiler in self.boilers:
            self.fields[f"run_{boiler.pk}"] = forms.BooleanField(label=f"{boiler} 运行", required=False)
            self.fields[f"gas_{boiler.pk}"] = M3(label=f"{boiler} 用气", required=False)
        for name in FIGURES:
            field = self.fields[name]
            field.widget.attrs["inputmode"] = "numeric" if name != "capacity_mw" else "decimal"
            value = getattr(last, name, None)
            if value is not None:
                field.widget.attrs["placeholder"] = f"{value:,.0f}" if name != "capacity_mw" else f"{value.normalize():f}"

    def figures(self):
        """The six figures: what each is, its unit, and its field."""
        return [(*NAMES[name], self[name]) for name in FIGURES]

    def rows(self):
        """The boilers, each with its two fields."""
        return [(boiler, self[f"run_{boiler.pk}"], self[f"gas_{boiler.pk}"]) for boiler in self.boilers]

    @property
    def tells_boilers(self) -> bool:
        """Whether anything was said boiler by boiler."""
        return any(self.data.get(name) for boiler in self.boilers for name in (f"run_{boiler.pk}", f"gas_{boiler.pk}"))

    def boilers_told(self) -> list[dict]:
        """What was said boiler by boiler; nothing, where nothing was."""
        if not self.tells_boilers:
            return []
        said = self.cleaned_data
        return [{"code": one.code, "running": said[f"run_{one.pk}"], "gas_m3": said[f"gas_{one.pk}"]} for one in self.boilers]


class CompileForm(forms.Form):
    """A remark to stand in the report."""

    note = forms.CharField(label="补充说明", max_length=2000, required=False, widget=LONG)


class ApproveForm(forms.Form):
    """The director's word."""

    note = forms.CharField(label="审批意见", max_length=500, required=False)


class RefuseForm(forms.Form):
    """Why it goes back."""

    reason = forms.CharField(label="退回原因", max_length=500, widget=LONG)


class SendForm(forms.Form):
    """To whom and how it went."""

    recipient = forms.CharField(label="送往", max_length=80)
    way = forms.ChoiceField(label="方式", choices=Sending.Way.choices)
    receipt = forms.CharField(label="回执", max_length=200, required=False, help_text="如：对方签收人、邮件编号")


class WeatherForm(forms.Form):
    """A day's temperatures."""

    kind = forms.ChoiceField(label="类别", choices=Weather.Kind.choices)
    day = forms.DateField(label="日期", widget=DAY)
    lowest = forms.DecimalField(label="最低气温（℃）", max_digits=4, decimal_places=1)
    highest = forms.DecimalField(label="最高气温（℃）", max_digits=4, decimal_places=1)
    mean = forms.DecimalField(label="日平均（℃）", max_digits=4, decimal_places=2, required=False, help_text="不填则取最低与最高的平均")


class WeatherFileForm(forms.Form):
    """Several days' temperatures in a spreadsheet."""

    file = forms.FileField(label="气温表（xlsx）", help_text="列：日期、类别（实况或预报）、最低、最高、日平均（可空）；至多 200 行")


class MajorForm(forms.Form):
    """A major problem reported upward."""

    kind = forms.ChoiceField(label="类型")
    title = forms.CharField(label="标题", max_length=80)
    discovered_at = Moment(label="发现时间")
    reported_at = Moment(label="报告时间")
    recipients = forms.CharField(label="报送", max_length=80, initial="区委、区政府")
    facts = forms.CharField(label="基本情况", max_length=4000, widget=LONG)
    measures = forms.CharField(label="已采取措施", max_length=2000, required=False, widget=LONG)
    next_steps = forms.CharField(label="下一步安排", max_length=2000, required=False, widget=LONG)

    def __init__(self, *args, kinds, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["kind"].choices = [(row["code"], f"{row['name']}：{row['meaning']}") for row in kinds]
