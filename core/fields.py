"""Fields of forms that every room needs, and how a form shows a refusal."""

from django import forms

from core import civil
from core.errors import PortalError


class Moment(forms.DateTimeField):
    """A civil time in Shanghai, as the browser's own picker gives it."""

    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    input_formats = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y/%m/%d %H:%M"]
    default_error_messages = {"invalid": "时间格式不正确，应如 2025-11-14 12:00"}

    def clean(self, value):
        moment = super().clean(value)
        if moment is not None and not 2000 <= moment.year <= 2100:
            raise forms.ValidationError("时间超出合理范围")
        return civil.localize(moment) if moment is not None else None


def blame(form, fault: PortalError) -> None:
    """Show a refusal where it belongs: at its field, or above the form."""
    for name, said in fault.fields.items():
        plain = name.split(".")[-1]
        form.add_error(plain if plain in form.fields else None, said)
    if not fault.fields:
        form.add_error(None, fault.message)


def status_of(fault: PortalError) -> int:
    """The status with which a form is shown again: 422 for what was typed, else the refusal's own."""
    return 422 if fault.status == 400 else fault.status
