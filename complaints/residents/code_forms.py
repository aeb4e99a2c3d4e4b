"""Forms for codes."""

from django import forms

from complaints.models import CodeScope


class IssueForm(forms.Form):
    """For which place codes are wanted; several buildings at once, one a line."""

    scope = forms.ChoiceField(label="范围", choices=CodeScope.choices, initial=CodeScope.COMMUNITY)
    company = forms.ModelChoiceField(None, label="供热企业", required=False, to_field_name="code", empty_label="按小区")
    community = forms.ModelChoiceField(None, label="小区", required=False, to_field_name="code", empty_label="请选择")
    buildings = forms.CharField(label="楼栋", required=False, max_length=4000, widget=forms.Textarea(attrs={"rows": 4}), help_text="每行一个，如：1号楼；一次最多 200 个")

    def __init__(self, *args, places, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["company"].queryset, self.fields["community"].queryset = places


class ReasonForm(forms.Form):
    """Why a code is replaced."""

    reason = forms.CharField(label="原因", max_length=120, initial="海报破损或被遮盖")
