"""Forms on obligations: what a report holds depends on what is owed. Nothing typed is lost when a field is wrong."""

import re

from django import forms

from core import civil
from core.errors import Invalid
from deadlines import obligations, particulars
from deadlines.models import Obligation, ObligationKind
from deadlines.obligations import Report

MOST_FILES = 10
ROOM = 3  # empty lines after those that are there


class ManyFiles(forms.ClearableFileInput):
    """A picker for several files."""

    allow_multiple_selected = True


class Files(forms.FileField):
    """Several photographs or papers."""

    def __init__(self, **kwargs):
        widget = ManyFiles(attrs={"accept": "image/jpeg,image/png,image/webp,application/pdf"})
        super().__init__(required=False, widget=widget, **kwargs)

    def clean(self, data, initial=None):
        files = [super(Files, self).clean(one, initial) for one in data or [] if one]
        if len(files) > MOST_FILES:
            raise forms.ValidationError(f"一次最多 {MOST_FILES} 个文件")
        return files


class ReportForm(forms.Form):
    """What the unit has done. The fields that a kind does not need are left out."""

    achieved_at = forms.DateTimeField(
        label="完成时间", widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d"], error_messages={"invalid": "时间应如 2025-11-07 15:30"},
    )  # fmt: skip
    is_zero = forms.BooleanField(label="本期无此情况（零报告）", required=False)
    approved_by = forms.CharField(label="批准人或签订人", max_length=60, required=False)
    reviewed_on = forms.DateField(label="评审或签订日期", required=False, widget=forms.DateInput(attrs={"type": "date"}), error_messages={"invalid": "日期应如 2025-11-01"})
    expires_on = forms.DateField(label="有效至", required=False, widget=forms.DateInput(attrs={"type": "date"}), error_messages={"invalid": "日期应如 2026-10-31"},
                                 help_text="到期后平台会要求换新；长期有效的不填")  # fmt: skip
    topic = forms.CharField(label="内容", max_length=100, required=False)
    people = forms.IntegerField(label="参加人数", min_value=1, max_value=100_000, required=False)
    rows = forms.CharField(label="名单", required=False, max_length=40_000, widget=forms.Textarea(attrs={"rows": 8}))
    items = forms.MultipleChoiceField(label="六到位", required=False, widget=forms.CheckboxSelectMultiple)
    note = forms.CharField(label="说明", max_length=2000, required=False, widget=forms.Textarea(attrs={"rows": 4}))
    files = Files(label="佐证材料", help_text="PDF、JPEG、PNG、WEBP，可多选")

    def __init__(self, *args, item: Obligation, names: list[str] = (), **kwargs):
        super().__init__(*args, **kwargs)
        self.item = item
        states = obligations.STATES.get(item.kind)
        if states:
            self.fields["rows"].label = "到会名单" if item.kind == ObligationKind.MEETING else "排查名单"
            self.fields["rows"].help_text = f"一行一家：名称，{'或'.join(states)}，备注（备注可不写）"
            self.initial.setdefault("rows", "\n".join(f"{name}，" for name in names))
        if item.kind == ObligationKind.READINESS:
            self.fields["items"].choices = [(name, name) for name in obligations.readiness_items(item)]
        for name in _unneeded(item):
            del self.fields[name]

    def clean_rows(self):
        """Lines as rows: a name, a state, a note."""
        lines = [line.strip() for line in self.cleaned_data["rows"].splitlines() if line.strip()]
        rows = []
        for line in lines:
            parts = [part.strip() for part in re.split(r"[，,\t]", line, maxsplit=2)]
            rows.append({"name": parts[0], "state": parts[1] if len(parts) > 1 else "", "note": parts[2] if len(parts) > 2 else ""})
        return rows

    def report(self) -> Report:
        """What was said, for `obligations.report`."""
        said = self.cleaned_data
        details = {name: said[name] for name in ("approved_by", "topic", "people", "rows") if said.get(name)}
        if said.get("reviewed_on"):
            details["reviewed_on"] = said["reviewed_on"].isoformat()
        if said.get("items"):
            details["items"] = dict.fromkeys(said["items"], True)
        return Report(
            achieved_at=civil.localize(said["achieved_at"]) if said.get("achieved_at") else None, note=said.get("note", ""), files=tuple(said.get("files", ())),
            is_zero=said.get("is_zero", False), expires_on=said.get("expires_on"), details=details,
        )  # fmt: skip


class Lines(forms.BaseFormSet):
    """The lines of a report. One left empty is none, also where something was carried over from the last report."""

    def initial_form_count(self):
        """Of what was sent back every line counts as new: each is read as it stands."""
        return 0 if self.is_bound else super().initial_form_count()

    def lines(self) -> list[dict[str, str]]:
        """What was filled in."""
        return [form.line for form in self if form.has_changed()]


def lines_form(item: Obligation, data=None) -> Lines | None:
    """The lines that this obligation's report holds, with room for some more; None where it holds none."""
    asked = particulars.of(item)
    if asked is None:
        return None
    form = type("LineForm", (LineForm,), {"asked": asked})
    made = forms.formset_factory(form, formset=Lines, extra=ROOM, max_num=particulars.MOST_LINES, absolute_max=particulars.MOST_LINES)
    return made(data, prefix="sheet") if data is not None else made(prefix="sheet", initial=particulars.carried(item, asked))


class LineForm(forms.Form):
    """One line: a field a column of the plan."""

    asked: particulars.Particulars

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.line = {}
        for column in self.asked.columns:
            attrs = {"type": "date" if column.kind == particulars.DAY else "text", "aria-label": column.name, "class": "fld", **({"inputmode": "decimal"} if column.kind == particulars.NUMBER else {})}
            field = self.fields[column.code] = forms.CharField(label=column.name, required=False, max_length=particulars.LONGEST, widget=forms.TextInput(attrs=attrs))
            field.is_needed = column.is_needed  # of a line that is not empty

    def clean(self):
        """By the plan's columns and rules."""
        if not self.errors:
            try:
                self.line = particulars.checked_line(self.asked, self.cleaned_data)
            except Invalid as fault:
                for code, said in fault.fields.items():
                    self.add_error(code, said)
        return self.cleaned_data


def _unneeded(item: Obligation) -> set[str]:
    papers = {"approved_by", "reviewed_on", "expires_on"}
    events = {"topic", "people"}
    lists, six = {"rows"}, {"items"}
    if item.kind == ObligationKind.RECEIPT:
        return {"achieved_at", "is_zero", "files", *papers, *events, *lists, *six}
    unneeded = set() if obligations.may_be_nothing(item) else {"is_zero"}
    if item.kind not in obligations.WITH_PAPER:
        unneeded |= papers
    if item.kind not in (ObligationKind.COURSE, ObligationKind.DRILL):
        unneeded |= events
    if item.kind not in obligations.STATES:
        unneeded |= lists
    return unneeded if item.kind == ObligationKind.READINESS else unneeded | six


class VerdictForm(forms.Form):
    """What the verifier found, or why something is sent back, opened again or no longer asked for."""

    note = forms.CharField(label="意见", max_length=1000, required=False, widget=forms.Textarea(attrs={"rows": 3}))
