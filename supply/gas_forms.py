"""Forms of gas and its shortage. Nothing typed is lost when a field is wrong."""

from django import forms

from core.fields import Moment
from supply.models import Load

DAY = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
LONG = forms.Textarea(attrs={"rows": 3})


class M3(forms.DecimalField):
    """Cubic metres a day, whole."""

    def __init__(self, **kwargs):
        super().__init__(max_digits=12, decimal_places=0, min_value=kwargs.pop("min_value", 0), **kwargs)
        self.widget.attrs.setdefault("inputmode", "numeric")


class ReadingForm(forms.Form):
    """A company's demand and supply of a day."""

    company = forms.ModelChoiceField(None, label="企业", to_field_name="code", empty_label="请选择")
    day = forms.DateField(label="日期", widget=DAY)
    demand_m3 = M3(label="需求（m³/日）")
    supply_m3 = M3(label="供应（m³/日）")
    note = forms.CharField(label="说明", max_length=300, required=False)

    def __init__(self, *args, companies, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["company"].queryset = companies


class StepForm(forms.Form):
    """A measure of a curtailment plan: stage × boiler × area."""

    stage = forms.IntegerField(label="阶段", min_value=1, max_value=9, initial=1)
    kind = forms.ChoiceField(label="负荷", choices=Load.choices)
    name = forms.CharField(label="区域或用户", max_length=60, help_text="如：某浴场、和暖苑片区")
    boiler = forms.ModelChoiceField(None, label="锅炉", to_field_name="code", required=False, empty_label="不按锅炉", help_text="居民供热必选")
    communities = forms.ModelMultipleChoiceField(None, label="小区", to_field_name="code", required=False, help_text="居民供热必选；可多选")
    reduction_m3 = M3(label="减量（m³/日）", min_value=1)
    order = forms.IntegerField(label="同阶段内次序", min_value=1, max_value=999, initial=1)

    def __init__(self, *args, boilers, communities, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["boiler"].queryset = boilers
        self.fields["communities"].queryset = communities


class GapForm(forms.Form):
    """Today's figures, from which the gap follows."""

    demand_m3 = M3(label="需求（m³/日）")
    supply_m3 = M3(label="供应（m³/日）")
    figures_from = forms.CharField(label="数据来源", max_length=60, required=False)


class ApproveForm(forms.Form):
    """The approval of a curtailment; with a reason of its own for boilers without coal backup."""

    note = forms.CharField(label="批准意见", max_length=500, required=False, widget=LONG)

    def __init__(self, *args, needs_override: bool, **kwargs):
        super().__init__(*args, **kwargs)
        if needs_override:
            self.fields["override_reason"] = forms.CharField(
                label="限供无备用燃煤锅炉的理由", max_length=500, required=False, widget=LONG,
                help_text="保供一级（F4）只有具名决定才可限；不填则只启用其他措施，缺口如实留存。填写后以您的姓名记录。",
            )  # fmt: skip


class ReasonForm(forms.Form):
    """An act that needs a reason."""

    reason = forms.CharField(label="原因", max_length=500, widget=LONG)


class EndForm(forms.Form):
    """How it was recovered."""

    note = forms.CharField(label="恢复情况", max_length=500, widget=LONG)


class CoordinationForm(forms.Form):
    """Gas asked for upstream."""

    day = forms.DateField(label="日期", widget=DAY)
    counterpart = forms.CharField(label="对方", max_length=80, help_text="如：省天然气公司、市发改委")
    asked_m3 = M3(label="争取（m³/日）", min_value=1)
    granted_m3 = M3(label="落实（m³/日）", required=False, help_text="尚无答复可不填")
    note = forms.CharField(label="情况", max_length=500, required=False, widget=LONG)


class AnswerForm(forms.Form):
    """What was granted."""

    granted_m3 = M3(label="落实（m³/日）")
    note = forms.CharField(label="情况", max_length=300, required=False, widget=LONG)


class IncidentForm(forms.Form):
    """A sudden trouble with the supply."""

    happened_at = Moment(label="发生时间")
    company = forms.ModelChoiceField(None, label="涉及企业", to_field_name="code", required=False, empty_label="不限")
    what = forms.CharField(label="情况", max_length=2000, widget=LONG)

    def __init__(self, *args, companies, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["company"].queryset = companies


class MeasureForm(forms.Form):
    """How it was dealt with."""

    measure = forms.CharField(label="处置情况", max_length=2000, widget=LONG)
