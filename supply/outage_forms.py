"""Forms of outages, passage and pipe damage: short enough for a phone beside an open trench."""

import re

from django import forms

from core.fields import Moment
from supply.models import Outage

LONG = forms.Textarea(attrs={"rows": 3})
_BUILDING = re.compile(r"[\s,，、;；]+")


class OutageForm(forms.Form):
    """An outage: where, why, since when, and when the heat is back."""

    company = forms.ModelChoiceField(None, label="企业", to_field_name="code", empty_label="请选择")
    nature = forms.ChoiceField(label="性质", choices=Outage.Nature.choices, widget=forms.RadioSelect, initial=Outage.Nature.EMERGENCY)
    effect = forms.ChoiceField(label="影响", choices=Outage.Effect.choices, widget=forms.RadioSelect, initial=Outage.Effect.STOPPED)
    communities = forms.ModelMultipleChoiceField(None, label="受影响小区", to_field_name="code", help_text="可多选")
    buildings = forms.CharField(label="楼栋", max_length=300, required=False, help_text="只影响部分楼栋时填写，用顿号隔开；不填为整个小区。只适用于选一个小区时。")
    households = forms.IntegerField(label="影响户数", min_value=0, max_value=1_000_000, required=False, help_text="整个小区可不填，按台账户数")
    place = forms.CharField(label="抢修地点", max_length=120)
    cause = forms.CharField(label="原因", max_length=300, help_text="会告知街道；不明时写“查明中”")
    started_at = Moment(label="开始时间")
    expected_at = Moment(label="预计恢复")

    def __init__(self, *args, companies, communities, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["company"].queryset = companies
        self.fields["communities"].queryset = communities
        if len(companies) == 1:
            self.fields["company"].initial = companies[0].code

    def clean(self):
        said = super().clean()
        names = tuple(name for name in _BUILDING.split(said.get("buildings") or "") if name)
        if names and len(said.get("communities") or ()) > 1:
            self.add_error("buildings", "按楼栋停热时只选一个小区")
        if len(names) > 60 or any(len(name) > 20 for name in names):
            self.add_error("buildings", "楼栋过多或名称过长")
        said["buildings"] = names
        return said


class PromiseForm(forms.Form):
    """When the heat is expected back now, and why that changed."""

    expected_at = Moment(label="新的预计恢复")
    reason = forms.CharField(label="变更原因", max_length=300, widget=LONG)


class RestoreForm(forms.Form):
    """The heat is back."""

    restored_at = Moment(label="恢复时间", required=False, help_text="不填为现在")
    result = forms.CharField(label="抢修结果", max_length=500, widget=LONG)


class PassageForm(forms.Form):
    """A repair vehicle's way and time."""

    plate = forms.CharField(label="车牌", max_length=20, widget=forms.TextInput(attrs={"autocapitalize": "characters"}))
    route = forms.CharField(label="路线", max_length=200, help_text="从哪里经哪里到哪里")
    window_from = Moment(label="通行起")
    window_until = Moment(label="通行止")
    note = forms.CharField(label="说明", max_length=300, required=False)


class PassageAnswerForm(forms.Form):
    """The traffic police's acknowledgement."""

    is_granted = forms.TypedChoiceField(
        label="回执", choices=[("1", "已安排保障"), ("0", "不能保障")], coerce=lambda value: value == "1", widget=forms.RadioSelect, initial="1"
    )
    answer = forms.CharField(label="说明", max_length=300, required=False, help_text="不能保障的须写明原因", widget=LONG)


class ReasonForm(forms.Form):
    """An act that needs a reason."""

    reason = forms.CharField(label="原因", max_length=300, widget=LONG)


class DamageForm(forms.Form):
    """Damage to pipes, as a street finds it."""

    found_at = Moment(label="发现时间")
    place = forms.CharField(label="地点", max_length=120)
    community = forms.ModelChoiceField(None, label="小区", to_field_name="code", required=False, empty_label="不在小区内")
    company = forms.ModelChoiceField(None, label="管网企业", to_field_name="code", required=False, empty_label="按小区台账")
    what = forms.CharField(label="损毁情况", max_length=2000, widget=LONG)
    is_stopped = forms.BooleanField(label="已现场制止", required=False)
    stopped_note = forms.CharField(label="制止情况", max_length=300, required=False)
    repair_by = Moment(label="要求修复期限", required=False, help_text="填写后列入问题台账，由管网企业整改、本街道核验")
    photo = forms.FileField(label="现场照片", required=False, widget=forms.FileInput(attrs={"accept": "image/*", "capture": "environment"}))

    def __init__(self, *args, communities, companies, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["community"].queryset = communities
        self.fields["company"].queryset = companies


class ConfirmForm(forms.Form):
    """A receipt, and what will be done."""

    note = forms.CharField(label="处理意见", max_length=300, required=False, widget=LONG)
