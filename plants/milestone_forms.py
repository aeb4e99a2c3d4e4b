"""Forms on milestones. Nothing typed is lost when a field is wrong."""

from django import forms

from core.fields import Moment
from deadlines.obligation_forms import Files
from plants.milestones import Progress


class Exact(Moment):
    """To the second: at a milestone one decides."""

    widget = forms.DateTimeInput(attrs={"type": "datetime-local", "step": "1"}, format="%Y-%m-%dT%H:%M:%S")


class DeclareForm(forms.Form):
    """That an item is achieved: when, condition by condition where there are several, with what proves it."""

    achieved_at = Exact(label="完成时间", required=False)
    supply_celsius = forms.DecimalField(label="供水温度 ℃", required=False, min_value=0, max_value=150, max_digits=5, decimal_places=2)
    room_celsius = forms.DecimalField(label="抽测室温 ℃", required=False, min_value=-30, max_value=60, max_digits=5, decimal_places=2)
    note = forms.CharField(label="说明", required=False, max_length=1000, widget=forms.Textarea(attrs={"rows": 3}))
    files = Files(label="佐证材料", help_text="到期以后补录此前完成的，必须附佐证，经核验后认定")

    def __init__(self, *args, milestone, **kwargs):
        super().__init__(*args, **kwargs)
        self.milestone = milestone
        if milestone.conditions:
            del self.fields["achieved_at"]
            order = []
            for number, name in enumerate(milestone.conditions):
                self.fields[f"condition_{number}"] = Exact(label=f"{name}（具备时间）")
                order.append(f"condition_{number}")
            self.order_fields(order)
        else:
            self.fields["achieved_at"].required = True
        if milestone.code != "H5":
            del self.fields["supply_celsius"], self.fields["room_celsius"]

    def progress(self) -> Progress:
        """What was filled in, for `milestones.declare`."""
        said = self.cleaned_data
        names = list(self.milestone.conditions)
        return Progress(
            achieved_at=said.get("achieved_at"), conditions={name: said[f"condition_{number}"] for number, name in enumerate(names)}, note=said["note"],
            files=tuple(said["files"] or ()), supply_celsius=said.get("supply_celsius"), room_celsius=said.get("room_celsius"),
        )  # fmt: skip


class VerdictForm(forms.Form):
    """The verifier's word."""

    note = forms.CharField(label="核验意见", required=False, max_length=500, widget=forms.Textarea(attrs={"rows": 2}))


class MoveForm(forms.Form):
    """The city moves a date."""

    due_at = Exact(label="新的时限")
    reason = forms.CharField(label="调整依据", max_length=300, help_text="文号、日期；旧版本及其结论保留")
