"""Forms of the register, made of its table of fields. Nothing typed is lost when a field is wrong."""

from django import forms

from core.errors import Invalid
from plants import register_kinds as kinds
from plants import register_selectors as selectors
from plants.models import ManagementMode
from units.models import Kind as UnitKind


class Day(forms.DateField):
    """A day, by the browser's own picker."""

    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")

    def clean(self, value):
        day = super().clean(value)
        if day is not None and not 1950 <= day.year <= 2100:
            raise forms.ValidationError("日期超出合理范围")
        return day


class RowForm(forms.Form):
    """A row of one kind, or the fields of it that a company keeps."""

    def __init__(self, *args, kind, row=None, only=(), **kwargs):
        super().__init__(*args, **kwargs)
        self.kind = kind
        for field in kind.fields:
            if (only and field.name not in only) or (row is not None and field.name == "code"):
                continue
            self.fields[field.name] = _form_field(field)
            if row is not None:
                value = getattr(row, field.name)
                self.initial.setdefault(field.name, "、".join(value) if field.type == "names" else value)
        if row is not None and not only:
            self.fields["reason"] = forms.CharField(label="更正原因", max_length=120, required=False)

    def clean(self):
        """What one cell of a file would have to satisfy, a field has to satisfy as well."""
        said = super().clean()
        for field in self.kind.fields:
            if said.get(field.name) in (None, "") or field.name not in self.fields or field.type in ("unit", "plant", "community", "bool", "day", "choice"):
                continue
            try:
                said[field.name] = kinds.read(field, said[field.name], None)
            except Invalid as fault:
                self.add_error(field.name, fault.message)
        return said

    def values(self) -> dict:
        """The values for `register.save`."""
        said = {field.name: self.cleaned_data[field.name] for field in self.kind.fields if field.name in self.fields}
        for field in self.kind.fields:
            if field.name in said and field.type == "names" and not said[field.name]:
                said[field.name] = []
        return said


def _form_field(field):
    more = {"label": field.label, "required": field.required}
    if field.type == "unit":
        return forms.ModelChoiceField(selectors.unit_choices(field.units), to_field_name="code", empty_label="（未定）", **more)
    if field.type in ("plant", "community"):
        return forms.ModelChoiceField(selectors.other_choices(field.type), to_field_name="code", empty_label="（未定）", **more)
    if field.type == "choice":
        return forms.ChoiceField(choices=field.choices if field.required else [("", "（默认）"), *field.choices], **more)
    if field.type == "bool":
        return forms.BooleanField(label=field.label, required=False)
    if field.type == "day":
        return Day(**more)
    if field.type == "number":
        return forms.DecimalField(min_value=0, max_value=field.most, max_digits=18, decimal_places=field.places, **more)
    if field.type == "whole":
        return forms.IntegerField(min_value=0, max_value=field.most, **more)
    hint = {"code": "留空则按名称生成；以后不再改变", "names": "用顿号分开"}.get(field.type, "")
    return forms.CharField(max_length=400 if field.type == "names" else field.longest, help_text=hint, **more)


class ReasonForm(forms.Form):
    """Why."""

    reason = forms.CharField(label="原因", max_length=120)


class ChargeForm(forms.Form):
    """Which street checks a facility, and from when."""

    street = forms.ModelChoiceField(selectors.unit_choices((UnitKind.STREET,)), label="检查街道", to_field_name="code")
    since = Day(label="起")
    reason = forms.CharField(label="调整原因", max_length=120)


class EndForm(forms.Form):
    """The last day of a charge."""

    until = Day(label="最后一天")
    reason = forms.CharField(label="调整原因", max_length=120)


class ModeForm(forms.Form):
    """How a community is managed from a day on."""

    mode = forms.ChoiceField(label="管理方式", choices=ManagementMode.choices)
    since = Day(label="起", help_text="此日起的诉求按新的方式划分责任，此前的不变")
    reason = forms.CharField(label="调整原因", max_length=120)


class UploadForm(forms.Form):
    """A table and what it holds."""

    kind = forms.ChoiceField(label="类别", choices=[(kind.code, kind.label) for kind in kinds.KINDS.values()])
    file = forms.FileField(label="文件（xlsx、xls、csv）")
