"""Forms on spot-check calls."""

from django import forms

from plants import spot_calls
from plants.models import CallResult
from units.models import Phone


class Told(forms.Form):
    """What became of a call."""

    result = forms.ChoiceField(label="结果", choices=[("", "请选择"), *CallResult.choices])
    rings = forms.IntegerField(label="响铃声数", min_value=0, max_value=spot_calls.MOST_RINGS, required=False, help_text="接通的必填")
    note = forms.CharField(label="说明", max_length=200, required=False)


class Unplanned(forms.Form):
    """Which number is called out of turn."""

    phone = forms.ModelChoiceField(Phone.objects.none(), label="服务电话", empty_label="请选择")

    def __init__(self, *args, phones, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["phone"].queryset = phones
        self.fields["phone"].label_from_instance = lambda phone: f"{phone.unit} {phone.number}"
